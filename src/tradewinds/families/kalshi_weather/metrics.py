"""Metrics of a run of events beyond those of every run: scores of its probabilities.

An undefined metric is None, never 0 or NaN. docs/metrics.md has the formulas.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from tradewinds.core.units import PICO
from tradewinds.engine.run_trades import Trades
from tradewinds.results.edge.claimed_trades import claimed_and_realised
from tradewinds.results.metrics import BINS

CLIP = 1e-6  # the log loss clips probabilities to [CLIP, 1 − CLIP]


class ForecastOutcome(NamedTuple):
    """Probability and yes/no result of a market of an attempted event.

    Attributes:
        event_ticker: of its event.
        market_ticker: of the market.
        p_yes_pico: P(YES) at the as-of time in 1e-12.
        yes: whether the market settled YES.
    """

    event_ticker: str
    market_ticker: str
    p_yes_pico: int
    yes: bool


def score_metrics(outcomes: Sequence[ForecastOutcome]) -> dict[str, Any]:
    """The keys of metrics.json about probabilities: brier, log_loss and calibration."""
    return {"brier": brier(outcomes), "log_loss": log_loss(outcomes), "calibration": calibration_bins(outcomes)}


def claim_metrics(trades: Trades) -> dict[str, Any]:
    """The key `edge` of metrics.json, what the trades claimed at entry and what they made; no key without a trade."""
    if not trades:
        return {}
    of = trades.columns
    return {"edge": claimed_and_realised(of["event_ticker"], trades.qty, of["ev_net_total_pico"], trades.pnl_micro)}


def brier(outcomes: Sequence[ForecastOutcome]) -> float | None:
    """Mean squared difference of probability and outcome (1 for YES, 0 for NO); None without a market.

    Brier, Monthly Weather Review 78(1), 1950, half of his sum over two classes.
    """
    if not outcomes:
        return None
    return math.fsum((one.p_yes_pico / PICO - one.yes) ** 2 for one in outcomes) / len(outcomes)


def log_loss(outcomes: Sequence[ForecastOutcome]) -> float | None:
    """Mean negative natural log of the probability given to the outcome, clipped; None without a market.

    Good, Rational decisions, JRSS B 14(1), 1952.
    """
    if not outcomes:
        return None
    return math.fsum(_log_loss_of(one) for one in outcomes) / len(outcomes)


def _log_loss_of(outcome: ForecastOutcome) -> float:
    p_yes = min(max(outcome.p_yes_pico / PICO, CLIP), 1 - CLIP)
    return -math.log(p_yes if outcome.yes else 1 - p_yes)


def calibration_bins(outcomes: Sequence[ForecastOutcome]) -> list[dict[str, Any]]:
    """Ten bins of probabilities of equal width, the points of a reliability diagram.

    Murphy and Winkler, JRSS C 26(1), 1977. A bin includes its lower bound, and the last one both bounds.

    Returns:
        Per bin: bounds `from` and `to`, number of markets `n`, mean probability `mean_p` and observed `frequency`; the last two
        are None in an empty bin.
    """
    bins: list[list[ForecastOutcome]] = [[] for _ in range(BINS)]
    for outcome in outcomes:
        bins[min(outcome.p_yes_pico * BINS // PICO, BINS - 1)].append(outcome)
    return [
        {
            "from": number / BINS,
            "to": (number + 1) / BINS,
            "n": len(members),
            "mean_p": math.fsum(one.p_yes_pico / PICO for one in members) / len(members) if members else None,
            "frequency": sum(one.yes for one in members) / len(members) if members else None,
        }
        for number, members in enumerate(bins)
    ]
