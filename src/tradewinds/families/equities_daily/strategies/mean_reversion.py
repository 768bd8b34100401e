"""Mean Reversion: buy after several lower closes in a row; sell when the price has recovered."""

from __future__ import annotations

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

NAME = "Mean Reversion"
REASON = "MEAN_REVERSION"
DEFAULTS = {
    "down_bars": "3",
    "fall_pct": "3",
    "min_close": "0.10",
    "volume_bars": "20",
    "min_volume": "100000",
    "profit_target_pct": "2",
    "stop_loss_pct": "5",
    "max_days": "10",
}


def history(parameters: Parameters) -> int:
    """Return the number of bars that a signal needs, its own included."""
    return max(int(parameters["down_bars"]) + 1, int(parameters["volume_bars"]))


def scores(bars: Bars, parameters: Parameters) -> Floats:
    """Return per bar the fall over the lower closes as a share of the close before them; NaN without a signal."""
    down_bars, volume_bars = int(parameters["down_bars"]), int(parameters["volume_bars"])
    min_fall, min_close = fraction_of(parameters["fall_pct"]), exact(parameters["min_close"], MICRO)
    min_volume_sum = int(parameters["min_volume"] * volume_bars)

    def score_symbol(open_: Ints, high: Ints, low: Ints, close: Ints, volume: Ints) -> Floats:
        before = lagged(close, down_bars)  # the close before the lower ones
        signal = (before > 0) & at_least(before - close, before, min_fall)
        for bars_back in range(down_bars):
            signal &= lagged(close, bars_back) < lagged(close, bars_back + 1)
        signal &= (close >= min_close) & (rolling_sum(volume, volume_bars) >= min_volume_sum)
        signal[: history(parameters) - 1] = False
        found = np.full(len(close), np.nan)
        found[signal] = (before[signal] - close[signal]) / before[signal]
        return found

    return scores_by_symbol(bars, score_symbol)


def exits(parameters: Parameters) -> Exits:
    """Return the exit rules: profit target, stop loss and time stop."""
    return Exits(
        profit_target=1 + fraction_of(parameters["profit_target_pct"]),
        stop_loss=1 - fraction_of(parameters["stop_loss_pct"]),
        max_days=int(parameters["max_days"]),
    )
