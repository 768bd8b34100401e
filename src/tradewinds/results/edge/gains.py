"""How much of a claimed edge is there, and how much one distribution gains over another; standard errors by clusters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tradewinds.core.arrays import Floats
from tradewinds.results.edge.ladders import Ladders
from tradewinds.results.edge.pool import NORMAL_95, cluster_sums


def interval(value: float | None, error: float | None) -> list[float] | None:
    """The 95 % interval of an estimate; None where either is None."""
    if value is None or error is None:
        return None
    return [value - NORMAL_95 * error, value + NORMAL_95 * error]


def claimed_share(ladders: Ladders) -> dict[str, Any]:
    """Slope of (result − price) on (forecast − price) over contracts: 1 if every cent claimed was there, 0 if none was.

    Returns:
        `w`, its standard error `se` and 95 % `interval`; None where the forecast never differs from the price, the last
        two also with a single date.
    """
    q, f = (np.where(ladders.there, np.exp(logs), 0.0) for logs in (ladders.log_q, ladders.log_f))
    yes = np.zeros_like(q)
    yes[np.arange(len(yes)), ladders.winner] = 1.0
    claimed, found = f - q, np.where(ladders.there, yes - q, 0.0)
    squares = float((claimed**2).sum())
    if squares <= 0:
        return {"w": None, "se": None, "interval": None}
    w = float((claimed * found).sum()) / squares
    sums = cluster_sums(ladders, (claimed * (found - w * claimed)).sum(axis=1))
    error = _error(sums, squares)
    return {"w": w, "se": error, "interval": interval(w, error)}


def mean_gain(ladders: Ladders, over: Floats, under: Floats) -> dict[str, Any]:
    """Mean of log(A of the winner / B of the winner) over events, in nats.

    Args:
        ladders: the events.
        over: A, probabilities; (events, contracts).
        under: B, likewise.

    Returns:
        `mean`, its standard error `se` and 95 % `interval`; None without events, the last two also with a single date.
    """
    gains = np.log(ladders.of_winner(over)) - np.log(ladders.of_winner(under))
    n = len(gains)
    if not n:
        return {"mean": None, "se": None, "interval": None}
    mean = float(gains.mean())
    sums = cluster_sums(ladders, np.stack([gains, np.ones(n)], axis=1))
    error = _error(sums[:, 0] - sums[:, 1] * mean, n)
    return {"mean": mean, "se": error, "interval": interval(mean, error)}


def _error(sums: Floats, scale: float) -> float | None:
    """Root of the sum of squares over clusters times G / (G − 1), over a scale; None with a single cluster."""
    clusters = len(sums)
    if clusters < 2:
        return None
    return math.sqrt(float((sums**2).sum()) * clusters / (clusters - 1)) / scale
