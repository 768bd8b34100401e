"""The strategies of step_classes.py in backtesting.py: run with its Python, names on stdin, a line of figures for each.

    python -m benchmarks.peers.backtestingpy_steps BARS

Its statistics of a run are left out, which are no part of `next()`: they are replaced by the list of trades.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import backtesting
import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from benchmarks.peers.step_prices import closes


class Nothing(Strategy):
    """Does nothing."""

    def init(self):
        """Prepare nothing."""

    def next(self):
        """Do nothing."""


class Look(Nothing):
    """Looks at the latest close, and never trades."""

    def next(self):
        """Do nothing, since no price is below 0."""
        if self.data.Close[-1] < 0:
            self.buy(size=10)


class Means(Strategy):
    """Long while the mean of 10 closes is above that of 50; both are computed at every bar."""

    def init(self):
        """Begin without a position."""
        self.is_long = False

    def next(self):
        """Change the position."""
        closes = self.data.Close[-50:]
        if len(closes) == 50 and (sum(closes[-10:]) * 5 > sum(closes)) != self.is_long:
            self.is_long = not self.is_long
            if self.is_long:
                self.buy(size=10)
            else:
                self.position.close()


class MeansOnce(Strategy):
    """The same rule with indicators, which are computed once for all bars before the first call."""

    def init(self):
        """Compute the indicators."""
        self.is_long = False
        self.fast, self.slow = (self.I(_mean, self.data.Close, count) for count in (10, 50))

    def next(self):
        """Change the position."""
        if (self.fast[-1] > self.slow[-1]) != self.is_long:
            self.is_long = not self.is_long
            if self.is_long:
                self.buy(size=10)
            else:
                self.position.close()


class Turns(Means):
    """Long while the close is above that of nine bars before."""

    def next(self):
        """Change the position."""
        closes = self.data.Close[-10:]
        if len(closes) == 10 and (closes[-1] > closes[0]) != self.is_long:
            self.is_long = not self.is_long
            if self.is_long:
                self.buy(size=10)
            else:
                self.position.close()


CLASSES = {"nothing": Nothing, "look": Look, "means": Means, "means_once": MeansOnce, "turns": Turns}


def _mean(values: np.ndarray, count: int) -> pd.Series:
    """Return the mean of so many values up to each."""
    return pd.Series(values).rolling(count).mean()


def main() -> None:
    """Answer each name with seconds of the processor, trades and profit in cents."""
    warnings.simplefilter("ignore")
    backtesting.backtesting.compute_stats = lambda trades, **_: trades
    close = closes(int(sys.argv[1]))
    index = pd.date_range("2025-01-01", periods=len(close), freq="min")
    frame = pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), close), index=index)
    for line in sys.stdin:
        began = time.process_time()
        trades = Backtest(frame, CLASSES[line.strip()], cash=10_000_000, finalize_trades=True).run()
        seconds = time.process_time() - began
        cents = round(100 * sum(trade.pl for trade in trades))
        print(json.dumps({"seconds": seconds, "trades": len(trades), "cents": cents}), flush=True)


if __name__ == "__main__":
    main()
