"""Breakout: buy at a close above the highest high of the last month on high volume; sell at a stop or after some days."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import MICRO, exact
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.share_rules import Exits
from tradewinds.families.equities_daily.strategies.toolkit import (
    Parameters,
    at_least,
    fraction_of,
    lagged,
    rolling_sum,
    scores_by_symbol,
)

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
    """Return the number of bars that a signal needs, its own included."""
    return max(int(parameters["high_bars"]), int(parameters["volume_bars"])) + 1


def scores(bars: Bars, parameters: Parameters) -> Floats:
    """Return per bar the close as a multiple of the highest high before it; NaN without a signal."""
    high_bars, volume_bars = int(parameters["high_bars"]), int(parameters["volume_bars"])
    above, volume_factor = 1 + fraction_of(parameters["above_pct"]), Fraction(parameters["volume_factor"])
    min_close = exact(parameters["min_close"], MICRO)

    def score_symbol(open_: Ints, high: Ints, low: Ints, close: Ints, volume: Ints) -> Floats:
        found = np.full(len(close), np.nan)
        if len(close) < history(parameters):
            return found
        highest = np.zeros(len(close), np.int64)  # of the bars before each bar
        highest[high_bars:] = np.lib.stride_tricks.sliding_window_view(high[:-1], high_bars).max(axis=1)
        volume_before = lagged(rolling_sum(volume, volume_bars), 1)
        is_high = at_least(close, highest, above) & (close >= min_close)
        signal = is_high & at_least(volume * volume_bars, volume_before, volume_factor)
        signal[: history(parameters) - 1] = False
        found[signal] = close[signal] / highest[signal]
        return found

    return scores_by_symbol(bars, score_symbol)


def exits(parameters: Parameters) -> Exits:
    """Return the exit rules: stop loss, trailing stop and time stop."""
    return Exits(
        stop_loss=1 - fraction_of(parameters["stop_loss_pct"]),
        trailing_stop=1 - fraction_of(parameters["trailing_stop_pct"]),
        max_days=int(parameters["max_days"]),
    )
