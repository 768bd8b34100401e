"""Daily equities in backtesting.py: Mean Reversion and Breakout by the rules of docs/equities_daily.md, one run per symbol.

The engine has one symbol and one account, so each symbol is bought with all cash. Without costs the trades of a symbol alone
have the same days and prices as in Tradewinds; quantities differ, because the engine sizes orders by its growing equity.
Signals are computed for the whole frame at once, as its users do for speed; `next` only looks them up and checks exits.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
import warnings

STARTED = time.perf_counter()

import backtesting  # noqa: E402
import pandas as pd  # noqa: E402
from backtesting import Backtest, Strategy  # noqa: E402


def mean_reversion(frame: pd.DataFrame) -> pd.Series:
    """Return per bar whether Mean Reversion has an entry signal."""
    close = frame["Close"]
    falls = (close < close.shift(1)) & (close.shift(1) < close.shift(2)) & (close.shift(2) < close.shift(3))
    deep = close * 100 <= close.shift(3) * 97
    return falls & deep & (close >= 100_000) & (frame["Volume"].rolling(20).sum() >= 2_000_000)


def breakout(frame: pd.DataFrame) -> pd.Series:
    """Return per bar whether Breakout has an entry signal."""
    close, volume = frame["Close"], frame["Volume"]
    above = close * 100 >= frame["High"].shift(1).rolling(20).max() * 101
    return above & (volume * 40 >= volume.shift(1).rolling(20).sum() * 3) & (close >= 500_000)


class Rule(Strategy):
    """Entries by signals and exits by a rule; prices are micro-units, so that comparisons are exact."""

    def init(self) -> None:
        """Take the columns as arrays."""
        self.entries = self.data.df["Signal"].to_numpy()
        self.closes = self.data.df["Close"].to_numpy()

    def next(self) -> None:
        """Buy at a signal, sell where an exit rule holds; both fill at the next open."""
        at = len(self.data) - 1
        if not self.position:
            if self.entries[at]:
                self.buy(size=0.999)
            return
        trade, close = self.trades[-1], self.closes[at]
        days = (self.data.index[-1].normalize() - trade.entry_time.normalize()).days
        if self.leaves(trade, close, self.closes[trade.entry_bar : at + 1].max(), days):
            self.position.close()


class MeanReversion(Rule):
    """Exits of Mean Reversion: +2 %, −5 %, 10 days."""

    def leaves(self, trade, close: float, peak: float, days: int) -> bool:
        """Whether an exit rule holds at a close."""
        entry = trade.entry_price
        return close * 100 >= entry * 102 or close * 100 <= entry * 95 or days >= 10


class Breakout(Rule):
    """Exits of Breakout: −3 %, 5 % below the peak, 20 days."""

    def leaves(self, trade, close: float, peak: float, days: int) -> bool:
        """Whether an exit rule holds at a close."""
        return close * 100 <= trade.entry_price * 97 or close * 100 <= peak * 95 or days >= 20


RULES = {"Mean Reversion": (mean_reversion, MeanReversion), "Breakout": (breakout, Breakout)}


def frames(path: str, symbols: list[str]) -> dict[str, pd.DataFrame]:
    """Return the good bars of some symbols, prices in micro-units."""
    table = pd.read_parquet(path, filters=[("symbol", "in", symbols)])
    prices = table[["open", "high", "low", "close"]]
    good = (prices > 0).all(axis=1)
    for name in ("open", "close"):
        good &= (table["low"] <= table[name]) & (table[name] <= table["high"])
    found = {}
    for symbol, part in table[good].groupby("symbol"):
        micro = (
            (part[["open", "high", "low", "close"]] * 1e6).round().set_axis(["Open", "High", "Low", "Close"], axis=1)
        )
        found[symbol] = micro.assign(Volume=part["volume"]).set_index(pd.DatetimeIndex(part["date"])).sort_index()
    return found


def main() -> None:
    """Replay each symbol with each strategy and print the trades as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bars")
    parser.add_argument("symbols")
    given = parser.parse_args()
    begun = time.perf_counter()
    loaded = frames(given.bars, given.symbols.split(","))
    ready = time.perf_counter()
    trades: dict[str, list] = {}
    for name, (signal, rule) in RULES.items():
        for symbol, frame in loaded.items():
            run = Backtest(frame.assign(Signal=signal(frame)), rule, cash=1e15, finalize_trades=True)
            for row in run.run()["_trades"].itertuples():
                days = (str(row.EntryTime.date()), str(row.ExitTime.date()))
                trades.setdefault(f"{name} {symbol}", []).append((*days, row.EntryPrice, row.ExitPrice))
    done = time.perf_counter()
    seconds = {"import_s": begun - STARTED, "load_s": ready - begun, "simulate_s": done - ready}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rows = sum(map(len, loaded.values()))
    print(json.dumps({"version": backtesting.__version__, "rows": rows, **seconds, "peak_mb": peak, "trades": trades}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
