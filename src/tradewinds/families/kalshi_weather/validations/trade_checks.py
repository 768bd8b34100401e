"""Validations of a run's own trades. A failure is a bug of the engine, so it always fails the run.

Each check takes fills and the seconds between decisions, and returns by fill whether it passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.column_rows import objects
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import counted
from tradewinds.core.units import CENT, MICRO
from tradewinds.engine.event_contracts.fills import Fills
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE

_FEE_GRID = 100  # micro-dollars (0.0001 USD): the finest step to which the exchange rounds a fee up

TradeCheck = Callable[[Fills, int], Flags]


def quote_known_by_decision(fills: Fills, step_seconds: int) -> Flags:
    """Whether the quote's candle had ended when the order was decided, and is one of the contract's window."""
    quote_ts = fills.columns["quote_ts"]
    passes: Flags = (_instants(fills, "quotes_from_ts") <= quote_ts) & (quote_ts <= fills.columns["decision_ts"])
    return passes


def fee_in_bounds(fills: Fills, step_seconds: int) -> Flags:
    """Whether 0 ≤ fee ≤ 0.0175·q + 0.01 dollars for q contracts.

    The bound is the fee at a price of one half, and a cent for rounding up. A series whose multiplier is above 1 may charge
    that much more.
    """
    fee, number_of = fills.columns["fee_micro"], dict[Fraction, int]()
    rate = np.array([number_of.setdefault(contract.fee_rate, len(number_of)) for contract in fills.contracts], np.int64)
    # each rate with each quantity once: most orders are alike
    quantities, size = np.unique(fills.columns["quantity"], return_inverse=True)
    pairs, kind = np.unique(size * len(number_of) + rate[fills.idx], return_inverse=True)
    rates, sizes = list(number_of), quantities.tolist()
    highest = [_highest_fee(rates[pair % len(rates)], sizes[pair // len(rates)]) for pair in pairs.tolist()]
    passes: Flags = ((fee >= 0) & (fee <= objects(highest)[kind])).astype(np.bool_)
    return passes


def _highest_fee(fee_rate: Fraction, quantity: int) -> int:
    """Upper bound of an order's fee in micro-dollars.

    Args:
        fee_rate: of the contract.
        quantity: contracts.
    """
    rate = max(fee_rate, TAKER_RATE)
    return -(-rate.numerator * MICRO * quantity // (4 * rate.denominator * _FEE_GRID)) * _FEE_GRID + CENT


def decision_in_window(fills: Fills, step_seconds: int) -> Flags:
    """Whether the decision falls on the cadence and inside the market's trade window.

    An order that rested is filled at the end of a candle, which may be the window's end and need not be on the cadence.
    """
    ts, start_ts, end_ts = fills.columns["decision_ts"], _instants(fills, "start_ts"), _instants(fills, "end_ts")
    at_once = (start_ts <= ts) & (ts < end_ts) & (ts % step_seconds == 0)
    passes: Flags = np.where(fills.columns["rested"], (start_ts < ts) & (ts <= end_ts), at_once)
    return passes


def _instants(fills: Fills, name: str) -> Ints:
    """Return an instant of each fill's contract; Unix seconds."""
    instants: Ints = np.array([getattr(contract, name) for contract in fills.contracts], np.int64)[fills.idx]
    return instants


def check_fills(fills: Fills, step_seconds: int, checks: Sequence[tuple[str, str, TradeCheck]]) -> None:
    """Check every fill of a run.

    Args:
        fills: in any order.
        step_seconds: between decisions.
        checks: name of the validation, what holds when it passes, and the check.

    Raises:
        SimulationError: a fill fails a check.
    """
    for name, what, check in checks:
        wrong = np.flatnonzero(~check(fills, step_seconds))
        if wrong.size:
            first = fills[int(wrong[0])]
            raise SimulationError(
                f"{name} fails for {wrong.size} of {counted(len(fills), 'trade')}, first {first.contract.ticker} at "
                f"{first.decision_ts} ({first.quantity} at {first.price_micro} micro-dollars, fee {first.fee_micro}, "
                f"quote of {first.quote_ts}); {what}.",
                where=first.contract.event.name,
                remedy="This is a bug of the engine: please report it with the run's config.",
            )
