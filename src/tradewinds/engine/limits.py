"""The limits of an order, in the order in which they apply; each can only reduce it, and has a reason code of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from tradewinds.engine.contracts import Contract, Side
from tradewinds.engine.ledger import Ledger

OPPOSING_POSITION = "OPPOSING_POSITION"
LIQUIDITY = "LIQUIDITY"
MARKET = "MAX_CONTRACTS_PER_MARKET"
EVENT = "MAX_CONTRACTS_PER_EVENT"
TOTAL = "MAX_TOTAL_OPEN_CONTRACTS"
NOTIONAL = "MAX_NOTIONAL_PER_EVENT_USD"
ORDERS = "MAX_TRADES_PER_EVENT_PER_DAY"
CASH = "INSUFFICIENT_CASH"
EV_THRESHOLD = "EV_THRESHOLD"

# A market (or event) that is full stays full until something of it settles: these refusals repeat until then.
FULL_UNTIL_SETTLED = frozenset({OPPOSING_POSITION, LIQUIDITY, MARKET, EVENT})


@dataclass(frozen=True)
class RiskLimits:
    """Limits of a run; None does not bind. Money in micro-dollars."""

    allow_opposing: bool = False
    max_volume_share: Fraction | None = None
    per_market: int | None = None
    per_event: int | None = None
    total_open: int | None = None
    notional_per_event_micro: int | None = None
    orders_per_event_day: int | None = None


@dataclass(slots=True)
class Order:
    """A wanted purchase; `volume` is the traded volume (contracts × 100) of the candle its quote came from."""

    contract: Contract
    side: Side
    quantity: int
    price_micro: int
    ts: int
    quote_ts: int
    volume_centi: int


Fee = Callable[[int, int, int], int]  # (quantity, price, time) → micro-dollars, for the contract at hand


def apply_limits(order: Order, ledger: Ledger, limits: RiskLimits, fee: Fee) -> str | None:
    """Reduce an order to what the limits allow; the reason code of the limit that left nothing, else None."""
    ticker, event = order.contract.ticker, order.contract.event
    held = ledger.held.get(ticker, (0, 0))
    if not limits.allow_opposing and held[1 - order.side]:
        return OPPOSING_POSITION
    if limits.max_volume_share is not None:
        allowed = int(limits.max_volume_share * order.volume_centi / 100)
        order.quantity = min(order.quantity, allowed - ledger.candle_contracts.get((ticker, order.quote_ts), 0))
        if order.quantity <= 0:
            return LIQUIDITY
    rooms = (
        (MARKET, limits.per_market, held[0] + held[1]),
        (EVENT, limits.per_event, ledger.event_contracts.get(event.name, 0)),
        (TOTAL, limits.total_open, ledger.open_contracts),
    )
    for reason, most, used in rooms:
        if most is not None:
            order.quantity = min(order.quantity, most - used)
            if order.quantity <= 0:
                return reason
    return _money_limits(order, ledger, limits, fee)


def full(contract: Contract, side: Side, ledger: Ledger, limits: RiskLimits) -> str | None:
    """The reason for which no order of a side can be filled until something of the event settles, if there is one.

    Only without a volume limit, which is asked before the limits of market and event.
    """
    held = ledger.held.get(contract.ticker, (0, 0))
    if not limits.allow_opposing and held[1 - side]:
        return OPPOSING_POSITION
    if limits.per_market is not None and held[0] + held[1] >= limits.per_market:
        return MARKET
    if limits.per_event is not None and ledger.event_contracts.get(contract.event.name, 0) >= limits.per_event:
        return EVENT
    return None


def _money_limits(order: Order, ledger: Ledger, limits: RiskLimits, fee: Fee) -> str | None:
    event = order.contract.event
    if limits.notional_per_event_micro is not None:
        room = limits.notional_per_event_micro - ledger.event_cost.get(event.name, 0)
        order.quantity = min(order.quantity, room // order.price_micro)
        if order.quantity <= 0:
            return NOTIONAL
    most = limits.orders_per_event_day
    if most is not None and ledger.event_orders.get((event.name, event.day(order.ts)), 0) >= most:
        return ORDERS
    order.quantity = affordable(order, ledger.cash_micro, fee)
    return None if order.quantity else CASH


def affordable(order: Order, cash_micro: int, fee: Fee) -> int:
    """Largest quantity up to the order's whose cost with fee is within cash (cost grows with quantity)."""

    def cost(quantity: int) -> int:
        return quantity * order.price_micro + fee(quantity, order.price_micro, order.ts)

    if cost(order.quantity) <= cash_micro:
        return order.quantity
    low, high = 0, order.quantity  # cost(low) is affordable, cost(high) is not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cost(middle) <= cash_micro else (low, middle)
    return low
