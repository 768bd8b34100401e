"""The common workload in backtesting.py: one asset per run, so one run per market (mode per_market).

Only the limit of five contracts per market can hold. The engine has one price per bar: the YES ask. A YES is a purchase at
it. A NO is a short sale, which the engine books at the ask too, so its price is taken from the bid of the bar in which it was
decided. Fees and settlement are added to the engine's list of trades. A bar is added before the first one, in which the
engine does not call `next`, and one after the last, because the engine fills an order at the next bar.
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
        """Start without contracts."""
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
    """Return the minutes with a quote as bars, with one more bar at each end."""
    index = pd.to_datetime([ts.iloc[0] - 60, *ts, ts.iloc[-1] + 60], unit="s")
    padded = [series.iloc[[0, *range(len(series)), -1]].to_numpy(float) for series in (ask, bid)]
    return pd.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close"), padded[0]) | {"Bid": padded[1]}, index=index)


def trade(market: Market, frame: pd.DataFrame) -> list[tuple[int, int]]:
    """Replay a market; returns (P&L before the fee, fee) of each trade in cents."""
    run = Backtest(frame, Rule, cash=1_000_000, trade_on_close=True, hedging=True, finalize_trades=True)
    trades = run.run(p_cents=market.p_cents, last=len(frame) - 1)["_trades"]
    found = []
    for size, bar, entry in zip(trades["Size"], trades["EntryBar"], trades["EntryPrice"], strict=True):
        price = round(entry) if size > 0 else 100 - round(frame["Bid"].iloc[bar])
        found.append((100 * (market.won == (size > 0)) - price, FEES[price]))
    return found


def simulate(folder: Path, events: int | None) -> None:
    """Replay all markets and print the figures; `events` is the number of events, None for all."""
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
