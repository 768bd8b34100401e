"""The pool's weights as they could be known: fitted, at each event's as-of time, to the events that had settled by then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewinds.results.edge.ladders import Ladders
from tradewinds.results.edge.pool import PRICE_ITSELF, fit_pool

SHRINKAGE = 50.0


class KnownWeights(NamedTuple):
    """The pool's weights at an as-of time.

    Attributes:
        b: exponent of the price.
        c: exponent of the forecast.
        training_events: number of events they were fitted to; with none the weights are (1, 0), the price itself.
    """

    b: float
    c: float
    training_events: int


def known_weights(
    ladders: Ladders,
    settled_ts: Sequence[int | None],
    asof_ts: Sequence[int],
    shrinkage: float = SHRINKAGE,
    *,
    with_forecast: bool = True,
) -> list[KnownWeights | None]:
    """The weights of the pool at some instants, fitted to the events whose last contract had settled.

    Args:
        ladders: the events that may be fitted to.
        settled_ts: by event of `ladders`; when it had settled, None where that is unknown: it is not fitted to.
        asof_ts: the instants, in any order; Unix seconds.
        shrinkage: as of `fit_pool`; above 0.
        with_forecast: as of `fit_pool`.

    Returns:
        By instant; None where the fit has no answer.
    """
    times = np.array([np.iinfo(np.int64).max if ts is None else ts for ts in settled_ts], np.int64)
    order = np.argsort(times, kind="stable")
    # Events that have settled by an instant are the first ones in that order: instants with equal numbers share a fit.
    counts = np.searchsorted(times[order], np.array(asof_ts, np.int64), side="right").tolist()
    ordered = ladders.take(order)
    fits: dict[int, KnownWeights | None] = {0: KnownWeights(*PRICE_ITSELF, 0)}
    for count in sorted(set(counts) - {0}):
        fit = fit_pool(ordered.take(slice(count)), shrinkage, with_forecast=with_forecast)
        fits[count] = fit and KnownWeights(fit.b, fit.c, count)
    return [fits[count] for count in counts]
