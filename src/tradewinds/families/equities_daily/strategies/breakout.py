"""Breakout: buy a close well above the highest high of the last month, on heavy trade; let it run, with a trailing stop."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import MICRO, exact
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.rules import Exits
from tradewinds.families.equities_daily.strategies.toolkit import Parameters, at_least, by_symbol, previous, share, sums

NAME = "Breakout"
REASON = "BREAKOUT"
DEFAULTS = {
    "high_bars": "20",
    "above_pct": "1",
    "volume_bars": "20",
    "volume_factor": "1.5",
    "min_close": "0.50",
    "stop_loss_pct": "3",
    "trailing_stop_pct": "5",
    "max_days": "20",
}


def history(parameters: Parameters) -> int:
    """Bars that a signal needs, its own included."""
    return max(int(parameters["high_bars"]), int(parameters["volume_bars"])) + 1


def scores(bars: Bars, parameters: Parameters) -> Floats:
    """Per row: the close as a multiple of the highest high before it; NaN without a signal."""
    window, traded_window = int(parameters["high_bars"]), int(parameters["volume_bars"])
    over, factor = 1 + share(parameters["above_pct"]), Fraction(parameters["volume_factor"])
    least = exact(parameters["min_close"], MICRO)

    def of_one(open_: Ints, high: Ints, low: Ints, close: Ints, traded: Ints) -> Floats:
        found = np.full(len(close), np.nan)
        if len(close) < history(parameters):
            return found
        highest = np.zeros(len(close), np.int64)
        highest[window:] = np.lib.stride_tricks.sliding_window_view(high[:-1], window).max(axis=1)
        usual = previous(sums(traded, traded_window), 1)  # over the bars before
        signal = at_least(close, highest, over) & at_least(traded * traded_window, usual, factor) & (close >= least)
        signal[: history(parameters) - 1] = False
        found[signal] = close[signal] / highest[signal]
        return found

    return by_symbol(bars, of_one)


def exits(parameters: Parameters) -> Exits:
    """Stop loss, trailing stop and time stop."""
    return Exits(
        stop_loss=1 - share(parameters["stop_loss_pct"]),
        trailing_stop=1 - share(parameters["trailing_stop_pct"]),
        max_days=int(parameters["max_days"]),
    )
