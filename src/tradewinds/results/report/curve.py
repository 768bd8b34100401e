"""The equity curve for eyes: its drawdowns, and no more points than a screen can show."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np

BUCKETS = 600  # of time: a wide screen's pixels, about
Array = np.ndarray[Any, Any]


class Curve(NamedTuple):
    """Equity (USD) at instants (Unix s), and how far it lies below its running peak (≤ 0)."""

    t: Array
    equity: Array
    drawdown: Array


class Fall(NamedTuple):
    """The deepest drawdown: Unix seconds of the peak before it, its bottom, and the first instant back at the peak, if any."""

    peak_ts: int
    bottom_ts: int
    recovered_ts: int | None


def read_curve(equity_csv: str | Path) -> Curve:
    """The curve of equity.csv, point by point."""
    columns = {"ts_utc": "TIMESTAMP", "kind": "VARCHAR", "cash_usd": "DOUBLE", "open_value_usd": "DOUBLE"}
    columns |= {"equity_usd": "DOUBLE"}
    with duckdb.connect(config={"threads": 1}) as connection:
        read = connection.read_csv(glob.escape(str(equity_csv)), header=True, dtype=columns)
        found = read.project("epoch(ts_utc)::BIGINT AS t, equity_usd AS equity").fetchnumpy()
    t, equity = np.asarray(found["t"], np.int64), np.asarray(found["equity"], np.float64)
    return Curve(t, equity, equity - np.maximum.accumulate(equity) if len(t) else equity)


def deepest(curve: Curve) -> Fall | None:
    """When the largest fall in USD began, ended and was made good; None without one."""
    if not len(curve.t) or curve.drawdown.min() == 0:
        return None
    bottom = int(np.argmin(curve.drawdown))
    peak = int(np.argmax(curve.equity[: bottom + 1]))
    back = np.flatnonzero(curve.equity[bottom:] >= curve.equity[peak])
    return Fall(int(curve.t[peak]), int(curve.t[bottom]), int(curve.t[bottom + back[0]]) if len(back) else None)


def thinned(curve: Curve, buckets: int = BUCKETS) -> Curve:
    """Of each bucket of time the first and last point, the highest and lowest equity and the deepest drawdown.

    What is drawn from them looks like all of it at that width (M4: Jugel et al., VLDB 2014); no point is invented or moved.
    """
    t, equity, drawdown = curve
    if len(t) <= 5 * buckets:
        return curve
    bucket = (t - t[0]) * buckets // (t[-1] - t[0] + 1)
    kept = [np.flatnonzero(np.diff(bucket, prepend=-1)), np.flatnonzero(np.diff(bucket, append=buckets))]
    for values in (equity, -equity, drawdown):
        order = np.lexsort((values, bucket))
        kept.append(order[np.flatnonzero(np.diff(bucket[order], prepend=-1))])
    wanted = np.unique(np.concatenate(kept))
    return Curve(t[wanted], equity[wanted], drawdown[wanted])
