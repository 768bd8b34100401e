"""Opening ranges in backtesting.py: the rule of benchmarks/orb_numpy.py, with its stop at the other side of the range.

    python -m benchmarks.peers.backtestingpy_orb BARS

Two resting stop orders a session; the second one closes what the first one opened. A bar at the close's price goes behind every
session, because a market order is filled at the next bar's open. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import backtesting
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from backtesting import Backtest, Strategy

OPEN, CLOSE, HALF_CLOSE, RANGE, SHARES = (
    570,
    960,
    780,
    15,
    100,
)  # minutes of the day in New York; minutes; shares a trade
HALF_DAYS = np.array(["2024-07-03", "2024-11-29", "2024-12-24"], "datetime64[D]")
FIRST, LAST = np.datetime64("2024-03-26"), np.datetime64("2025-04-01")


class Breakout(Strategy):
    """Two stop orders at the ends of the opening range, flat at the close."""

    def init(self) -> None:
        """Keep each bar's minute of the day, and whether it is the last of its session."""
        self.minute, self.ends = (self.data.df[name].to_numpy() for name in ("Minute", "Last"))

    def next(self) -> None:
        """Place the orders when the range is complete; leave at the session's end."""
        i = len(self.data) - 1
        if self.minute[i] == OPEN + RANGE - 1:
            bars = int((self.minute[max(0, i - RANGE + 1) : i + 1] <= self.minute[i]).sum())
            self.buy(size=SHARES, stop=self.data.High[-bars:].max())
            self.sell(size=SHARES, stop=self.data.Low[-bars:].min())
        if self.ends[i]:
            for order in self.orders:
                order.cancel()
            self.position.close()


def frame_of(path: str) -> pd.DataFrame:
    """Return the session bars of a file, with the bar behind every session."""
    table = pq.read_table(path, columns=["ts_utc", "open", "high", "low", "close"])
    start = table["ts_utc"].cast(pa.timestamp("s", "UTC"))
    local = pc.local_timestamp(start.cast(pa.timestamp("s", "America/New_York"))).cast(pa.int64()).to_numpy()
    day, minute = (local // 86_400).astype("datetime64[D]"), local % 86_400 // 60
    end = np.where(np.isin(day, HALF_DAYS), HALF_CLOSE, CLOSE)
    kept = (minute >= OPEN) & (minute < end) & (day >= FIRST) & (day <= LAST)
    frame = pd.DataFrame({name.title(): table[name].to_numpy()[kept] for name in ("open", "high", "low", "close")})
    frame["Minute"] = minute[kept]
    frame["Last"] = np.append(day[kept][1:] != day[kept][:-1], True)
    frame.index = pd.to_datetime(start.cast(pa.int64()).to_numpy()[kept], unit="s")
    pad = frame[frame["Last"]].assign(Last=False, Minute=-1)
    for name in ("Open", "High", "Low"):
        pad[name] = pad["Close"]
    pad.index = pad.index + pd.Timedelta(minutes=1)
    return pd.concat([frame, pad]).sort_index()


def main() -> None:
    """Trade all sessions and print trades, points and the seconds of the simulation alone."""
    backtesting.backtesting._tqdm = lambda steps, **_: steps  # no progress bar
    frame, begun = frame_of(sys.argv[1]), time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Backtest(frame, Breakout, cash=1_000_000, finalize_trades=True).run()["_trades"]
    seconds = time.perf_counter() - begun
    points = float((np.sign(found["Size"]) * (found["ExitPrice"] - found["EntryPrice"])).sum())
    told = {"version": backtesting.__version__, "trades": len(found), "points": round(points, 4)}
    print(json.dumps({**told, "simulate_s": round(seconds, 4)}))


if __name__ == "__main__":
    main()
