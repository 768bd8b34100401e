"""The peers' rule of opening ranges in numpy alone: what the least code for it costs, beside which benchmarks/orb.py stands.

    python -m benchmarks.orb_numpy BARS RANGE other|middle

A 15- or 5-minute range; from its end a buy stop at its high and a sell stop at its low, the first one touched opens 100 shares
at the level or at the open beyond it; the stop at the other side or in the middle of the range, pessimistic also on the bar of
the entry; flat at the last close; one trade a session, no costs. Prints one line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

OPEN, CLOSE, HALF_CLOSE = 570, 960, 780  # minutes of the day in New York
HALF_DAYS = np.array(["2024-07-03", "2024-11-29", "2024-12-24"], "datetime64[D]")
FIRST, LAST = np.datetime64("2024-03-26"), np.datetime64("2025-04-01")
MICRO, SHARES = 1_000_000, 100


def sessions(path: str) -> Iterator[np.ndarray]:
    """Yield each session of a file of SPY bars as rows (minute after the open, open, high, low, close in micro-units)."""
    table = pq.read_table(path, columns=["ts_utc", "open", "high", "low", "close"])
    stamp = table["ts_utc"].cast(pa.timestamp("s", "UTC")).cast(pa.timestamp("s", "America/New_York"))
    local = pc.local_timestamp(stamp).cast(pa.int64()).to_numpy()
    day, minute = (local // 86_400).astype("datetime64[D]"), local % 86_400 // 60
    ends = np.where(np.isin(day, HALF_DAYS), HALF_CLOSE, CLOSE)
    kept = (minute >= OPEN) & (minute < ends) & (day >= FIRST) & (day <= LAST)
    prices = [
        np.rint(table[name].to_numpy()[kept] * MICRO).astype(np.int64) for name in ("open", "high", "low", "close")
    ]
    rows = np.column_stack([minute[kept] - OPEN, *prices])
    yield from np.split(rows, np.flatnonzero(np.diff(day[kept].astype(np.int64))) + 1)


def points_of(rows: np.ndarray, length: int, middle: bool) -> int | None:
    """Return what a session's trade made per share, in micro-units; None without a trade.

    Args:
        rows: of `sessions`.
        length: minutes of the range.
        middle: the stop lies in the middle of the range, not at its other side.
    """
    early = rows[:, 0] < length
    if not early.any() or early.all():
        return None
    high, low = rows[early, 2].max(), rows[early, 3].min()
    opens, highs, lows, closes = rows[~early, 1:].T
    hits = np.flatnonzero((highs >= high) | (lows <= low))
    if not hits.size:
        return None
    # which side: the only one that is touched, else the one nearer to the open, long if they are equally near
    k = hits[0]
    up, down = highs[k] >= high, lows[k] <= low
    long = bool(up and (not down or max(high - opens[k], 0) <= max(opens[k] - low, 0)))
    sign = 1 if long else -1
    entry = max(high, opens[k]) if long else min(low, opens[k])
    stop = (high + low) // 2 if middle else low if long else high
    # the first bar whose adverse extreme reaches the stop, that of the entry included
    adverse = (lows if long else -highs)[k:]
    reached = np.flatnonzero(adverse <= sign * stop)
    if not reached.size:
        leaves = closes[-1]
    else:
        j = k + reached[0]
        through = j > k and sign * opens[j] <= sign * stop
        leaves = opens[j] if through else stop
    return int(sign * (leaves - entry))


def main() -> None:
    """Trade all sessions and print trades, points and seconds."""
    path, length, side = sys.argv[1:]
    loaded = list(sessions(path))
    begun = time.perf_counter()
    found = [points for rows in loaded if (points := points_of(rows, int(length), side == "middle")) is not None]
    seconds = time.perf_counter() - begun
    told = {"trades": len(found), "points": round(sum(found) / MICRO, 4), "simulate_s": round(seconds, 4)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
