"""Mean Reversion: buy what fell for days in a row, sell the bounce."""

from __future__ import annotations

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import MICRO, exact
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.rules import Exits
from tradewinds.families.equities_daily.strategies.toolkit import Parameters, at_least, by_symbol, previous, share, sums

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
    """Bars that a signal needs, its own included."""
    return max(int(parameters["down_bars"]) + 1, int(parameters["volume_bars"]))


def scores(bars: Bars, parameters: Parameters) -> Floats:
    """Per row: the fall from the close before the lower ones as a share of it; NaN without a signal."""
    down, window = int(parameters["down_bars"]), int(parameters["volume_bars"])
    fall, least = share(parameters["fall_pct"]), exact(parameters["min_close"], MICRO)
    volume = int(parameters["min_volume"] * window)

    def of_one(open_: Ints, high: Ints, low: Ints, close: Ints, traded: Ints) -> Floats:
        before = previous(close, down)
        signal = (before > 0) & at_least(before - close, before, fall)
        for back in range(down):
            signal &= previous(close, back) < previous(close, back + 1)
        signal &= (close >= least) & (sums(traded, window) >= volume)
        signal[: history(parameters) - 1] = False
        found = np.full(len(close), np.nan)
        found[signal] = (before[signal] - close[signal]) / before[signal]
        return found

    return by_symbol(bars, of_one)


def exits(parameters: Parameters) -> Exits:
    """Profit target, stop loss and time stop."""
    return Exits(
        profit_target=1 + share(parameters["profit_target_pct"]),
        stop_loss=1 - share(parameters["stop_loss_pct"]),
        max_days=int(parameters["max_days"]),
    )
