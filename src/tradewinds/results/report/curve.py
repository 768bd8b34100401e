"""The equity curve of a report: its drawdowns, thinned to the points that a screen can show."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

BUCKETS = 600  # of time: a wide screen's pixels, about
Array = np.ndarray[Any, Any]


class Curve(NamedTuple):
    """Points of equity as columns.

    Attributes:
        t: instants in Unix seconds.
        equity: in the account's currency.
        drawdown: how far equity lies below its running peak (≤ 0).
    """

    t: Array
    equity: Array
    drawdown: Array


class Fall(NamedTuple):
    """The deepest drawdown, in Unix seconds.

    Attributes:
        peak_ts: the highest point before it.
        bottom_ts: its lowest point.
        recovered_ts: the first instant back at the peak; None if there is none.
    """

    peak_ts: int
    bottom_ts: int
    recovered_ts: int | None


def deepest(curve: Curve) -> Fall | None:
    """When the largest fall began, ended and was made good; None without a fall."""
    if not len(curve.t) or curve.drawdown.min() == 0:
        return None
    bottom = int(np.argmin(curve.drawdown))
    peak = int(np.argmax(curve.equity[: bottom + 1]))
    back = np.flatnonzero(curve.equity[bottom:] >= curve.equity[peak])
    return Fall(int(curve.t[peak]), int(curve.t[bottom]), int(curve.t[bottom + back[0]]) if len(back) else None)


def thinned(curve: Curve, buckets: int = BUCKETS) -> Curve:
    """The first and last point of each bucket of time, its highest and lowest equity and its deepest drawdown.

    At that width a drawing of them looks like one of all points (M4: Jugel et al., VLDB 2014). No point is invented or moved.

    Args:
        curve: all points.
        buckets: how many; a curve of at most 5 points a bucket stays whole.
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
