"""Metrics of a run of events beyond those of every run: how good its probabilities were. Undefined is None, never 0 or NaN.

docs/metrics.md has the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tradewinds.core.units import PICO
from tradewinds.results.metrics import BINS

CLIP = 1e-6  # the log loss clips probabilities to [CLIP, 1 − CLIP]


@dataclass(frozen=True, slots=True)
class Scored:
    """A market of an attempted event with a probability at its as-of time and a yes/no result.

    Attributes:
        event_ticker: its event.
        market_ticker: the market.
        p_yes_pico: its probability of YES in pico-units.
        yes: whether it settled YES.
    """

    event_ticker: str
    market_ticker: str
    p_yes_pico: int
    yes: bool


def score_metrics(scored: Sequence[Scored]) -> dict[str, Any]:
    """The keys of metrics.json that tell how good the probabilities were."""
    return {"brier": brier(scored), "log_loss": log_loss(scored), "calibration": calibration(scored)}


def brier(scored: Sequence[Scored]) -> float | None:
    """Mean squared difference of probability and outcome; None without a market.

    Brier, Monthly Weather Review 78(1), 1950, half of his sum over two classes.
    """
    if not scored:
        return None
    return math.fsum((s.p_yes_pico / PICO - s.yes) ** 2 for s in scored) / len(scored)


def log_loss(scored: Sequence[Scored]) -> float | None:
    """Mean negative natural log of the probability given to the outcome, clipped; None without a market.

    Good, Rational decisions, JRSS B 14(1), 1952.
    """
    if not scored:
        return None

    def loss(s: Scored) -> float:
        p = min(max(s.p_yes_pico / PICO, CLIP), 1 - CLIP)
        return -math.log(p if s.yes else 1 - p)

    return math.fsum(map(loss, scored)) / len(scored)


def calibration(scored: Sequence[Scored]) -> list[dict[str, Any]]:
    """Ten bins of equal width: bounds, n, mean probability, observed frequency (None in an empty bin).

    The points of a reliability diagram: Murphy and Winkler, JRSS C 26(1), 1977. A bin has its lower bound, the last one both.
    """
    bins: list[list[Scored]] = [[] for _ in range(BINS)]
    for s in scored:
        bins[min(s.p_yes_pico * BINS // PICO, BINS - 1)].append(s)
    return [
        {
            "from": i / BINS,
            "to": (i + 1) / BINS,
            "n": len(found),
            "mean_p": math.fsum(s.p_yes_pico / PICO for s in found) / len(found) if found else None,
            "frequency": sum(s.yes for s in found) / len(found) if found else None,
        }
        for i, found in enumerate(bins)
    ]
