"""Everything that is said of a forecast beside the price: the content of the key `edge`. docs/edge.md has the formulas."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.results.edge.claim_tables import Offers, claim_table, edge_sizes
from tradewinds.results.edge.gains import claimed_share, interval, mean_gain
from tradewinds.results.edge.ladders import Ladders, PricedEvent, clusters_of, padded
from tradewinds.results.edge.pool import fit_pool, pooled, standard_errors
from tradewinds.results.edge.walk_forward_pool import KnownWeights, known_weights

LEAST_DAYS = 30
ADDS, NOT_SEEN, CONTRADICTS, TOO_FEW_DAYS = "adds", "not_seen", "contradicts", "too_few_days"
_SOUGHT_C, _POWER = 0.25, 2.8  # an effect of 0.25 is seen in 80 % of cases if it is 2.8 standard errors


class UnscoredEvent(NamedTuple):
    """An event that is not scored: the place it is counted under, and the reason."""

    group: str
    reason: str


class _Judged(NamedTuple):
    """Scored events as columns.

    Attributes:
        ladders: prices, forecasts and winners.
        offers: quotes and results.
        p: the forecast's probabilities as they are; (events, contracts).
        z: the pool's, by weights that could be known.
        recalibrated: the pool's of the price alone, by weights that could be known.
        weights: of the pool, by event.
        asof_ts: by event; Unix seconds.
    """

    ladders: Ladders
    offers: Offers
    p: Floats
    z: Floats
    recalibrated: Floats
    weights: Sequence[KnownWeights]
    asof_ts: Ints

    def take(self, rows: Ints) -> _Judged:
        """The events of some rows."""
        return _Judged(
            ladders=self.ladders.take(rows),
            offers=self.offers.take(rows),
            p=self.p[rows],
            z=self.z[rows],
            recalibrated=self.recalibrated[rows],
            weights=[self.weights[row] for row in rows.tolist()],
            asof_ts=self.asof_ts[rows],
        )


def judge_edge(events: Sequence[PricedEvent], left_out: Iterable[UnscoredEvent]) -> dict[str, Any]:
    """The content of the key `edge`: of all events, and `by` station.

    Args:
        events: that are scored, in any order.
        left_out: those that are not.

    Returns:
        Keys of `_edge_of`, and `by`: {"station": {group: the same keys}}.
    """
    judged, missing = _judged(events), list(left_out)
    groups = sorted({event.group for event in events} | {one.group for one in missing})
    by_group = {}
    for group in groups:
        rows = np.array([row for row, event in enumerate(events) if event.group == group], np.int64)
        by_group[group] = _edge_of(judged.take(rows), [one for one in missing if one.group == group])
    return {**_edge_of(judged, missing), "by": {"station": by_group}}


def _judged(events: Sequence[PricedEvent]) -> _Judged:
    """Scored events as columns, with the pool's probabilities by the weights that each as-of time could know."""
    (bid, there), (ask, _), (p, _) = (
        padded([getattr(event, name) for event in events]) for name in ("bid", "ask", "p")
    )
    mids = [[(b + a) / 2 for b, a in zip(event.bid, event.ask, strict=True)] for event in events]
    winners = [event.winner for event in events]
    ladders = Ladders.of(mids, [event.p for event in events], winners, clusters_of([event.day for event in events]))
    yes = np.zeros(there.shape, np.bool_)
    yes[np.arange(len(events)), winners] = True
    # With a penalty the fit always has an answer, unless a weight leaves its bounds: then the price stands for itself.
    asof_ts, settled_ts = [event.asof_ts for event in events], [event.settled_ts for event in events]
    price = KnownWeights(1.0, 0.0, 0)
    both, alone = (
        [found or price for found in known_weights(ladders, settled_ts, asof_ts, with_forecast=with_forecast)]
        for with_forecast in (True, False)
    )
    return _Judged(
        ladders=ladders,
        offers=Offers(bid, ask, yes, there),
        p=p,
        z=pooled(ladders, *_columns(both)),
        recalibrated=pooled(ladders, *_columns(alone)),
        weights=both,
        asof_ts=np.array(asof_ts, np.int64),
    )


def _columns(weights: Sequence[KnownWeights]) -> tuple[Floats, Floats]:
    return np.array([one.b for one in weights], float), np.array([one.c for one in weights], float)


def _edge_of(judged: _Judged, left_out: Sequence[UnscoredEvent]) -> dict[str, Any]:
    """What is said of some events; a figure that cannot be said is None.

    Returns:
        `events`, `days`: how many are scored, and on how many dates.
        `left_out`: number of events by reason.
        `encompassing`: the pool's weights fitted to all of them, and the verdict.
        `claimed_share`: of each cent of claimed edge, how much was there.
        `nats`: mean gains in log likelihood an event.
        `weights`: of the pool, as the last as-of time could know them.
        `sizes`: of edges and costs.
        `table`: claimed and shrunk edges beside what they realised, by bin, and their `total`.
    """
    ladders = judged.ladders
    q, f = (np.where(ladders.there, np.exp(logs), 0.0) for logs in (ladders.log_q, ladders.log_f))
    pairs = {
        "model_over_price": (f, q),
        "recalibrated_over_price": (judged.recalibrated, q),
        "pooled_over_price": (judged.z, q),
        "pooled_over_recalibrated": (judged.z, judged.recalibrated),
    }
    claimed, claimed_total = claim_table(judged.offers, judged.p)
    shrunk, shrunk_total = claim_table(judged.offers, judged.z)
    return {
        "events": len(ladders.winner),
        "days": len(set(ladders.cluster.tolist())),
        "left_out": dict(sorted(Counter(one.reason for one in left_out).items())),
        "encompassing": _encompassing(ladders),
        "claimed_share": claimed_share(ladders),
        "nats": {name: mean_gain(ladders, over, under) for name, (over, under) in pairs.items()},
        "weights": _last_weights(judged),
        "sizes": edge_sizes(judged.offers, q, f, judged.z),
        "table": {
            "claimed": claimed,
            "shrunk": shrunk,
            "total": {"claimed": claimed_total, "shrunk": shrunk_total},
        },
    }


def _last_weights(judged: _Judged) -> dict[str, Any]:
    """The pool's weights at the last as-of time."""
    if not len(judged.asof_ts):
        return {"b": None, "c": None, "training_events": None}
    return judged.weights[int(np.argmax(judged.asof_ts))]._asdict()


def _encompassing(ladders: Ladders) -> dict[str, Any]:
    """The pool fitted to all events after the fact: what price and forecast each add to the other."""
    fit, alone = fit_pool(ladders), fit_pool(ladders, with_forecast=False)
    errors = (standard_errors(ladders, fit) if fit else None) or (None, None)
    b, c = (fit.b, fit.c) if fit else (None, None)
    n, days = len(ladders.winner), len(set(ladders.cluster.tolist()))
    of_c = interval(c, errors[1])
    return {
        "b": b,
        "se_b": errors[0],
        "c": c,
        "se_c": errors[1],
        "interval_b": interval(b, errors[0]),
        "interval_c": of_c,
        "b_alone": alone.b if alone else None,
        "lr_c": 2 * (fit.log_likelihood - alone.log_likelihood) if fit and alone else None,
        "needed_events": None if errors[1] is None else math.ceil(n * (_POWER * errors[1] / _SOUGHT_C) ** 2),
        "verdict": _verdict(days, of_c),
    }


def _verdict(days: int, of_c: Sequence[float] | None) -> str | None:
    """What the interval of c says; None where it has none."""
    if days < LEAST_DAYS:
        return TOO_FEW_DAYS
    if of_c is None:
        return None
    low, high = of_c
    if low > 0:
        return ADDS
    return CONTRADICTS if high < 0 else NOT_SEEN
