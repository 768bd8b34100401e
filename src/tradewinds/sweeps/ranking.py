"""Rank the points of a sweep by a metric before the split, and judge the best one: after the split, and against luck."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.near_names import meant
from tradewinds.sweeps import luck
from tradewinds.sweeps.keys import label
from tradewinds.sweeps.outcomes import (
    FailedPoint,
    PeriodFigures,
    PointOutcome,
    in_sample_returns,
    midnight,
    period_figures,
)

RANK_BY = {
    "sharpe": ("sharpe", 1),
    "sortino": ("sortino", 1),
    "pnl": ("pnl_usd", 1),
    "drawdown": ("max_drawdown_pct", -1),
}
"""Metrics to rank by: the field of `PeriodFigures`, and whether more (1) or less (−1) of it is better."""


@dataclass(frozen=True)
class RankedPoint:
    """A point with its figures.

    Attributes:
        settings: the values that the sweep set, by dotted key.
        run_id: the point's run.
        in_sample: figures before the split.
        out_of_sample: figures after it.
    """

    settings: dict[str, Any]
    run_id: str
    in_sample: PeriodFigures
    out_of_sample: PeriodFigures


@dataclass(frozen=True)
class Trial:
    """The daily returns before the split, as the computation of luck needs them.

    Attributes:
        returns_digest: digest of the returns; points with the same one are one trial.
        observations: how many they are.
        sharpe: their Sharpe ratio, not annualised.
        skewness: their skewness.
        kurtosis: their kurtosis.
        days_per_year: how many of them make a year.
    """

    returns_digest: str
    observations: int
    sharpe: float
    skewness: float
    kurtosis: float
    days_per_year: int


@dataclass(frozen=True)
class JudgedPoint:
    """A point with all that a ranking needs; `trial` is None for a ruined account, and where there is no Sharpe ratio."""

    row: RankedPoint
    trial: Trial | None


@dataclass(frozen=True)
class Luck:
    """The best point's in-sample Sharpe ratio beside the one that luck alone is expected to show; None where undefined.

    Attributes:
        trials: how many different in-sample results have a Sharpe ratio; settings that made the same returns are one trial.
        observations: how many daily returns the best point has.
        sharpe: its annualised Sharpe ratio.
        expected_best: the annualised Sharpe ratio expected of the best of so many worthless strategies.
        probability: that the best point is not luck: the deflated Sharpe ratio.
    """

    trials: int
    observations: int | None
    sharpe: float | None
    expected_best: float | None
    probability: float | None


@dataclass(frozen=True)
class Ranking:
    """A ranked sweep.

    Attributes:
        by: the metric that ranks, a name of RANK_BY.
        split: first date that is out of sample.
        rows: the points, the best first.
        luck: the first row's Sharpe ratio against luck.
        correlation: Spearman's, of the metric before and after the split; None where undefined.
        failed: the points whose runs fail, in the order of run ids; they have no figures and no rank.
    """

    by: str
    split: dt.date
    rows: list[RankedPoint]
    luck: Luck
    correlation: float | None
    failed: Sequence[FailedPoint] = ()

    def out_of_sample_rank(self, row: RankedPoint) -> tuple[int, int] | None:
        """Return a row's rank by the same metric after the split, and how many rows have one; None if this row has none."""
        values = [value for other in self.rows if (value := metric_value(other.out_of_sample, self.by)) is not None]
        own = metric_value(row.out_of_sample, self.by)
        return None if own is None else (1 + sum(value > own for value in values), len(values))


def check_metric(by: str, flag: str = "--rank-by") -> None:
    """Refuse a metric that points cannot be ranked by.

    Args:
        by: what the user wrote.
        flag: where, for the message.

    Raises:
        ConfigError: there is no such metric.
    """
    if by not in RANK_BY:
        remedy = f"Known: {', '.join(RANK_BY)}. {meant(by, RANK_BY)}".strip()
        raise ConfigError(f"unknown metric {by!r}.", where=flag, remedy=remedy)


def rank(
    outcomes: Iterable[PointOutcome | FailedPoint],
    split: dt.date,
    by: str = "sharpe",
    tell: Callable[[RankedPoint, PointOutcome], None] = lambda row, outcome: None,
) -> Ranking:
    """Rank the points of a sweep by an in-sample metric.

    The best is first. Points without the metric come last, and after them those that lost everything. Ties are in the order of
    run ids.

    Args:
        outcomes: the run of each point, at least one.
        split: first date that is out of sample (`outcomes.split_date`).
        by: a name of RANK_BY.
        tell: called with the figures and the run of each point that did not fail; runs are not kept after that.

    Raises:
        ConfigError: there is no such metric.
        SimulationError: every point failed.
    """

    def judged() -> Iterator[JudgedPoint | FailedPoint]:
        for outcome in outcomes:
            one = judge(outcome, split)
            if isinstance(one, JudgedPoint) and isinstance(outcome, PointOutcome):
                tell(one.row, outcome)
            yield one

    return rank_judged(judged(), split, by)


def judge(outcome: PointOutcome | FailedPoint, split: dt.date) -> JudgedPoint | FailedPoint:
    """Reduce a point to what a ranking needs: a few numbers, since there may be a hundred thousand points.

    Args:
        outcome: the run of the point; one that failed is returned as it is.
        split: first date that is out of sample.
    """
    if isinstance(outcome, FailedPoint):
        return outcome
    split_ts = midnight(split)
    row = RankedPoint(outcome.settings, outcome.run_id, *period_figures(outcome, split_ts))
    if row.in_sample.sharpe is None or row.in_sample.ruined:
        return JudgedPoint(row, None)
    returns = in_sample_returns(outcome, split_ts)
    digest = hashlib.blake2b(returns.tobytes(), digest_size=16).hexdigest()
    skewness, kurtosis = luck.skewness_kurtosis(returns)
    daily = row.in_sample.sharpe / math.sqrt(outcome.days_per_year)
    return JudgedPoint(row, Trial(digest, len(returns), daily, skewness, kurtosis, outcome.days_per_year))


def rank_judged(judged: Iterable[JudgedPoint | FailedPoint], split: dt.date, by: str = "sharpe") -> Ranking:
    """Rank points that were judged before, in this process or on other machines, in any order; arguments as for `rank`."""
    check_metric(by)
    rows, trials, by_run = list[RankedPoint](), dict[str, float](), dict[str, Trial]()
    failed = list[FailedPoint]()
    # Settings that made the same returns are one trial.
    for one in judged:
        if isinstance(one, FailedPoint):
            failed.append(one)
            continue
        rows.append(one.row)
        if one.trial:
            trials[one.trial.returns_digest] = one.trial.sharpe
            by_run[one.row.run_id] = one.trial
    failed.sort(key=lambda point: point.run_id)
    if not rows:
        first = failed[0]
        raise SimulationError(f"all {len(failed):,} points fail. The first, {label(first.settings)}: {first.reason}")
    rows.sort(key=lambda row: place_of(row, by))
    pairs = [(metric_value(row.in_sample, by), metric_value(row.out_of_sample, by)) for row in rows]
    known = [(before, after) for before, after in pairs if before is not None and after is not None]
    return Ranking(
        by,
        split,
        rows,
        luck=_luck(rows[0].in_sample.sharpe, by_run.get(rows[0].run_id), sorted(trials.values())),
        correlation=luck.spearman([before for before, _ in known], [after for _, after in known]),
        failed=failed,
    )


def metric_value(part: PeriodFigures, by: str) -> float | None:
    """The metric, with its sign turned where less is better; None where undefined."""
    name, sign = RANK_BY[by]
    value: float | None = getattr(part, name)
    return None if value is None else sign * value


def rank_key(part: PeriodFigures, by: str) -> tuple[bool, bool, float]:
    """Sort key: not ruined first, then with the metric first, then the best first."""
    value = metric_value(part, by)
    return part.ruined, value is None, 0.0 if value is None else -value


def place_of(row: RankedPoint, by: str) -> tuple[tuple[bool, bool, float], str]:
    """Return the sort key of a point: by the metric before the split, ties by run id."""
    return rank_key(row.in_sample, by), row.run_id


def _luck(best: float | None, trial: Trial | None, trials: list[float]) -> Luck:
    """The best row's Sharpe ratio (annualised) against the daily ones of all different trials."""
    if best is None or trial is None:
        return Luck(len(trials), None, None, None, None)
    variance = float(np.var(trials, ddof=1)) if len(trials) > 1 else 0.0
    year, shape = math.sqrt(trial.days_per_year), (trial.observations, trial.skewness, trial.kurtosis)
    return Luck(
        trials=len(trials),
        observations=trial.observations,
        sharpe=best,
        expected_best=luck.expected_maximum(variance, len(trials)) * year,
        probability=luck.deflated_sharpe(best / year, *shape, variance, len(trials)),
    )
