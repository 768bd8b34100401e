"""The logarithmic pool of price and forecast, z ∝ q^b · f^c: its weights by maximum likelihood, and their standard errors.

Pool: Genest & Zidek, Statistical Science 1(1), 1986. Whether a forecast adds to another (encompassing): Clements & Harvey,
Journal of Applied Econometrics 25, 2010. Standard errors are the sandwich over clusters, as of Liang & Zeger, Biometrika 73,
1986: all events of a date share its luck, whatever their number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats
from tradewinds.results.edge.ladders import Ladders

PRICE_ITSELF = (1.0, 0.0)
NORMAL_95 = 1.96
_STEP, _MOST_STEPS, _MOST_WEIGHT = 1e-10, 50, 20.0
_SINGULAR = 1e-12  # ratio of curvatures below which price and forecast cannot be told apart
_ROUNDING = 1e-14  # of a sum of logs, relative


class FittedPool(NamedTuple):
    """A pool fitted to events.

    Attributes:
        weights: b alone, or b and c.
        log_likelihood: sum of the logs of the winners' probabilities, without the penalty.
    """

    weights: Floats
    log_likelihood: float

    @property
    def b(self) -> float:
        """Exponent of the price."""
        return float(self.weights[0])

    @property
    def c(self) -> float:
        """Exponent of the forecast; 0 of a fit of b alone."""
        return float(self.weights[1]) if len(self.weights) > 1 else 0.0


def pooled(ladders: Ladders, b: float | Floats, c: float | Floats) -> Floats:
    """The pool's probabilities; (events, contracts), 0 in the padding.

    Args:
        ladders: the events.
        b: exponent of the price, one for all events or one per event.
        c: exponent of the forecast, likewise.
    """
    b, c = (np.broadcast_to(weight, len(ladders.winner))[:, None] for weight in (b, c))
    return _shares(b * ladders.log_q + c * ladders.log_f + ladders.absent)[0]


def fit_pool(ladders: Ladders, shrinkage: float = 0.0, *, with_forecast: bool = True) -> FittedPool | None:
    """The weights under which the events that happened are the most likely, less a penalty for leaving the price alone.

    Newton's method from (1, 0); a step is halved until the likelihood rises.

    Args:
        ladders: the events.
        shrinkage: the penalty is shrinkage / 2 · ((b − 1)² + c²).
        with_forecast: fit b and c; else b alone, with c = 0.

    Returns:
        None without events, where price and forecast cannot be told apart, where 50 steps do not do, and where a weight is
        beyond ±20.
    """
    if not len(ladders.winner):
        return None
    start = np.array(PRICE_ITSELF if with_forecast else PRICE_ITSELF[:1])
    weights, here = start, _slopes(ladders, start)
    for _ in range(_MOST_STEPS):
        curvature = here.curvature + shrinkage * np.eye(len(start))
        if _is_singular(curvature):
            return None
        step = np.linalg.solve(curvature, here.scores.sum(axis=0) - shrinkage * (weights - start))
        weights, here, step = _moved(ladders, weights, here, step, shrinkage)
        if np.abs(step).max() < _STEP:
            return FittedPool(weights, here.log_likelihood) if np.abs(weights).max() <= _MOST_WEIGHT else None
    return None


def standard_errors(ladders: Ladders, fit: FittedPool) -> list[float] | None:
    """Standard errors of a fit's weights, by clusters; None with a single one.

    Args:
        ladders: the events that were fitted to, without a penalty.
        fit: the fit.
    """
    slopes = _slopes(ladders, fit.weights)
    sums = cluster_sums(ladders, slopes.scores)
    clusters = len(sums)
    if clusters < 2:
        return None
    inverse = np.linalg.inv(slopes.curvature)
    variances = np.diag(inverse @ (sums.T @ sums) @ inverse) * clusters / (clusters - 1)
    errors: list[float] = np.sqrt(variances).tolist()
    return errors


def cluster_sums(ladders: Ladders, values: Floats) -> Floats:
    """Sums of the events' values over each date; (dates, …).

    Args:
        ladders: the events.
        values: (events, …).
    """
    sums = np.zeros((ladders.cluster.max(initial=-1) + 1, *values.shape[1:]))
    np.add.at(sums, ladders.cluster, values)
    present: Floats = sums[np.bincount(ladders.cluster, minlength=len(sums)) > 0]
    return present


class _Slopes(NamedTuple):
    """The log likelihood of some weights, and its derivatives.

    Attributes:
        log_likelihood: sum over events.
        scores: first derivative of each event's; (events, weights).
        curvature: minus the second derivative of the sum; (weights, weights).
    """

    log_likelihood: float
    scores: Floats
    curvature: Floats


def _slopes(ladders: Ladders, weights: Floats) -> _Slopes:
    """The log likelihood at some weights.

    The first derivative is the winner's log less its expectation under the pool, the second the logs' covariance under it.
    """
    features = (ladders.log_q, ladders.log_f)[: len(weights)]
    logs = ladders.absent + sum(weight * feature for weight, feature in zip(weights.tolist(), features, strict=True))
    z, log_sums = _shares(logs)
    off = [feature - (z * feature).sum(axis=1, keepdims=True) for feature in features]
    return _Slopes(
        log_likelihood=float((ladders.of_winner(logs) - log_sums).sum()),
        scores=np.stack([ladders.of_winner(one) for one in off], axis=1),
        curvature=np.array([[float((z * one * other).sum()) for other in off] for one in off]),
    )


def _shares(logs: Floats) -> tuple[Floats, Floats]:
    """Numbers given by their logs as shares of their sum, (events, contracts), and the logs of the sums, (events,)."""
    highest = logs.max(axis=1, keepdims=True, initial=-np.inf)
    parts = np.exp(logs - highest)
    sums = parts.sum(axis=1, keepdims=True)
    return parts / sums, (highest + np.log(sums))[:, 0]


def _moved(
    ladders: Ladders, weights: Floats, here: _Slopes, step: Floats, shrinkage: float
) -> tuple[Floats, _Slopes, Floats]:
    """Weights after a step, what is there, and the step: halved until what is maximised does not fall by more than rounding."""
    start = np.array(PRICE_ITSELF[: len(weights)])

    def value(at: Floats, slopes: _Slopes) -> float:
        return slopes.log_likelihood - shrinkage / 2 * float(((at - start) ** 2).sum())

    before = value(weights, here)
    while True:
        at = weights + step
        there = _slopes(ladders, at)
        if value(at, there) >= before - _ROUNDING * abs(before) or np.abs(step).max() < _STEP:
            return at, there, step
        step = step / 2


def _is_singular(curvature: Floats) -> bool:
    """Whether the likelihood has a direction without curvature."""
    eigenvalues = np.linalg.eigvalsh(curvature)
    return bool(eigenvalues[0] <= _SINGULAR * max(eigenvalues[-1], 1.0))
