"""backtesting.py: one asset a run, so a run a market; its five contracts a market are all that binds (mode per_market).

It has one price a bar: the YES ask. A YES is a purchase at it, and the engine's own trade. A NO is a short sale, which the
engine books at the ask as well, so its price is taken from the bid of the bar it was decided in. Fees and settlement are
added to the engine's list of trades. A bar goes before the first one, where `next` is not called, and one after the last,
because an order is filled when the next bar comes.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import backtesting
import pandas as pd
import pyarrow.compute as pc
from backtesting import Backtest, Strategy

from benchmarks.peers.process import Stopwatch, arguments, tell
from benchmarks.peers.workload import FEES, MIN_EDGE, PER_MARKET, Market, Workload


class Rule(Strategy):
    """The common workload's rule for one market; `last` is the number of bars up to the last real one."""

    p_cents = 50
    last = 0

    def init(self) -> None:
        """Nothing is held."""
        self.held = 0

    def next(self) -> None:
        """Buy by the rule."""
        if self.held == PER_MARKET or len(self.data) > self.last:
            return
        ask = int(self.data.Close[-1])
        if self.p_cents - ask - FEES[ask] > MIN_EDGE:
            self.held += 1
            self.buy(size=1)
            return
        price = 100 - int(self.data.Bid[-1])
        if 100 - self.p_cents - price - FEES[price] > MIN_EDGE:
            self.held += 1
            self.sell(size=1)


def bars(ts: pd.Series, bid: pd.Series, ask: pd.Series) -> pd.DataFrame:
    """The minutes with a quote, with a bar more at both ends."""
    index = pd.to_datetime([ts.iloc[0] - 60, *ts, ts.iloc[-1] + 60], unit="s")
    padded = [series.iloc[[0, *range(len(series)), -1]].to_numpy(float) for series in (ask, bid)]
    return pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), padded[0]) | {"Bid": padded[1]}, index=index)


def trade(market: Market, frame: pd.DataFrame) -> list[tuple[int, int]]:
    """The trades of a market: (P&L before the fee, fee) in cents."""
    run = Backtest(frame, Rule, cash=1_000_000, trade_on_close=True, hedging=True, finalize_trades=True)
    trades = run.run(p_cents=market.p_cents, last=len(frame) - 1)["_trades"]
    found = []
    for size, bar, entry in zip(trades["Size"], trades["EntryBar"], trades["EntryPrice"], strict=True):
        price = round(entry) if size > 0 else 100 - round(frame["Bid"].iloc[bar])
        found.append((100 * (market.won == (size > 0)) - price, FEES[price]))
    return found


def simulate(folder: Path, events: int | None) -> None:
    watch = Stopwatch()
    work = Workload(folder, events)
    markets = {market.ticker: market for market in work.markets}
    trades = []
    for event in range(len(work.files)):
        quotes = work.quotes(event)
        table = quotes.filter(pc.and_(quotes["bid"].is_valid(), quotes["ask"].is_valid())).to_pandas()
        frames = [(markets[t], bars(g["ts"], g["bid"], g["ask"])) for t, g in table.groupby("ticker")]
        watch.lap("load")
        for market, frame in frames:
            trades += trade(market, frame)
        watch.lap("simulate")
    fees = sum(fee for _, fee in trades)
    tell(backtesting.__version__, work.rows, len(trades), sum(gain for gain, _ in trades) - fees, fees, watch)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    given = arguments(__doc__)
    if given.mode != "per_market":
        raise SystemExit("this engine knows neither common cash nor a limit over several assets: --mode per_market")
    simulate(given.folder, given.events)
