"""Validations of a run's own trades. A failure is a bug of the engine, so it always fails the run.

Each check takes a fill and the seconds between decisions, and returns whether the fill passes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction

from tradewinds.core.errors import SimulationError
from tradewinds.core.text import counted
from tradewinds.core.units import CENT, MICRO
from tradewinds.engine.event_contracts.fills import Fill
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE

_FEE_GRID = 100  # micro-dollars (0.0001 USD): the finest step to which the exchange rounds a fee up

TradeCheck = Callable[[Fill, int], bool]


def quote_known_by_decision(fill: Fill, step_seconds: int) -> bool:
    """Whether the quote's candle had ended when the order was decided, and is one of the contract's window."""
    return fill.contract.quotes_from_ts <= fill.quote_ts <= fill.decision_ts


def fee_in_bounds(fill: Fill, step_seconds: int) -> bool:
    """Whether 0 ≤ fee ≤ 0.0175·q + 0.01 dollars for q contracts.

    The bound is the fee at a price of one half, and a cent for rounding up. A series whose multiplier is above 1 may charge
    that much more.
    """
    return 0 <= fill.fee_micro <= _highest_fee(fill.contract.fee_rate.as_integer_ratio(), fill.quantity)


@functools.lru_cache(1024)
def _highest_fee(rate_ratio: tuple[int, int], quantity: int) -> int:
    """Upper bound of an order's fee in micro-dollars.

    Args:
        rate_ratio: numerator and denominator of the contract's fee rate.
        quantity: contracts.
    """
    rate = max(Fraction(*rate_ratio), TAKER_RATE)
    return -(-rate.numerator * MICRO * quantity // (4 * rate.denominator * _FEE_GRID)) * _FEE_GRID + CENT


def decision_in_window(fill: Fill, step_seconds: int) -> bool:
    """Whether the decision falls on the cadence and inside the market's trade window.

    An order that rested is filled at the end of a candle, which may be the window's end and need not be on the cadence.
    """
    contract = fill.contract
    if fill.rested:
        return contract.start_ts < fill.decision_ts <= contract.end_ts
    return contract.start_ts <= fill.decision_ts < contract.end_ts and fill.decision_ts % step_seconds == 0


def check_fills(fills: Sequence[Fill], step_seconds: int, checks: Sequence[tuple[str, str, TradeCheck]]) -> None:
    """Check every fill of a run.

    Args:
        fills: in any order.
        step_seconds: between decisions.
        checks: name of the validation, what holds when it passes, and the check.

    Raises:
        SimulationError: a fill fails a check.
    """
    for name, what, check in checks:
        wrong = [fill for fill in fills if not check(fill, step_seconds)]
        if wrong:
            first = wrong[0]
            raise SimulationError(
                f"{name} fails for {len(wrong)} of {counted(len(fills), 'trade')}, first {first.contract.ticker} at "
                f"{first.decision_ts} ({first.quantity} at {first.price_micro} micro-dollars, fee {first.fee_micro}, "
                f"quote of {first.quote_ts}); {what}.",
                where=first.contract.event.name,
                remedy="This is a bug of the engine: please report it with the run's config.",
            )
