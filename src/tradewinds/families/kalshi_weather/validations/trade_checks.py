"""The validations of a run's own trades. One that fails is a bug of the engine, so it always fails the run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction

from tradewinds.core.errors import SimulationError
from tradewinds.core.units import CENT, MICRO
from tradewinds.engine.event_contracts.fees import TAKER_RATE
from tradewinds.engine.event_contracts.fills import Fill

_FEE_GRID = 100  # micro-dollars; the coarsest grid finer than the cent to which a fee is rounded up


def quote_known_by_decision(fill: Fill, step_seconds: int) -> bool:
    """The candle of the quote had ended when the order was decided, and counts for the contract."""
    return fill.contract.quotes_from_ts <= fill.quote_ts <= fill.decision_ts


def fee_in_bounds(fill: Fill, step_seconds: int) -> bool:
    """0 ≤ fee ≤ 0.0175·q + 0.01 dollars: the fee at a price of one half, and a cent for rounding up.

    A series whose multiplier is above 1 may charge that much more.
    """
    return 0 <= fill.fee_micro <= _most_fee(fill.contract.fee_rate.as_integer_ratio(), fill.quantity)


@functools.lru_cache(1024)
def _most_fee(ratio: tuple[int, int], quantity: int) -> int:
    """Of so many contracts, at a rate."""
    rate = max(Fraction(*ratio), TAKER_RATE)
    return -(-rate.numerator * MICRO * quantity // (4 * rate.denominator * _FEE_GRID)) * _FEE_GRID + CENT


def decision_in_window(fill: Fill, step_seconds: int) -> bool:
    """The decision falls on the cadence and inside the market's window."""
    contract = fill.contract
    return contract.start_ts <= fill.decision_ts < contract.end_ts and fill.decision_ts % step_seconds == 0


TradeCheck = Callable[[Fill, int], bool]


def refuse_wrong_trades(
    fills: Sequence[Fill], step_seconds: int, checks: Sequence[tuple[str, str, TradeCheck]]
) -> None:
    """Judge every fill by checks of (name, what, function).

    Raises:
        SimulationError: a trade fails one.
    """
    for name, what, check in checks:
        wrong = [fill for fill in fills if not check(fill, step_seconds)]
        if wrong:
            first = wrong[0]
            raise SimulationError(
                f"{name} fails for {len(wrong)} of {len(fills)} trades, first {first.contract.ticker} at "
                f"{first.decision_ts} ({first.quantity} at {first.price_micro} micro-dollars, fee {first.fee_micro}, "
                f"quote of {first.quote_ts}); {what}.",
                where=first.contract.event.name,
                remedy="This is a bug of the engine: please report it with the run's config.",
            )
