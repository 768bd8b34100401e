"""Limits of a run, and the reasons for which orders are refused, in the order in which they are judged."""

from __future__ import annotations

from enum import IntEnum
from fractions import Fraction
from typing import NamedTuple

OPPOSING_POSITION = "OPPOSING_POSITION"
LIQUIDITY = "LIQUIDITY"
ORDER_BOOK = "ORDER_BOOK"
MARKET = "MAX_CONTRACTS_PER_MARKET"
EVENT = "MAX_CONTRACTS_PER_EVENT"
TOTAL = "MAX_TOTAL_OPEN_CONTRACTS"
NOTIONAL = "MAX_NOTIONAL_PER_EVENT_USD"
ORDERS = "MAX_TRADES_PER_EVENT_PER_DAY"
CASH = "INSUFFICIENT_CASH"
EV_THRESHOLD = "EV_THRESHOLD"

REFUSAL_REASONS = (
    *(OPPOSING_POSITION, LIQUIDITY, ORDER_BOOK),
    *(MARKET, EVENT, TOTAL, NOTIONAL, ORDERS, CASH, EV_THRESHOLD),
)


class Opposing(IntEnum):
    """What becomes of an order while the other side of its contract is held.

    Attributes:
        REFUSED: it is refused.
        HELD: it is filled; both sides are held to settlement.
        NETTED: it is filled; pairs of both sides are closed at once and pay one unit of money.
    """

    REFUSED = 0
    HELD = 1
    NETTED = 2


class RiskLimits(NamedTuple):
    """Limits of a run; None: no such limit.

    Attributes:
        opposing: what becomes of an order while the other side of its contract is held.
        max_volume_share: fraction of a candle's volume that may be bought on it.
        per_market: contracts held of a market.
        per_event: contracts held of an event.
        total_open: contracts held in all.
        notional_per_event_micro: cost of what is held of an event; micro-units.
        orders_per_event_day: orders filled on one civil day of an event.
    """

    opposing: Opposing = Opposing.REFUSED
    max_volume_share: Fraction | None = None
    per_market: int | None = None
    per_event: int | None = None
    total_open: int | None = None
    notional_per_event_micro: int | None = None
    orders_per_event_day: int | None = None
