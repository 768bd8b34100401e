"""Which point of a sweep is best, judged before the split, and how far to believe it: after the split, and against luck."""

from __future__ import annotations

import datetime as dt
import difflib
import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradewinds.core.errors import ConfigError
from tradewinds.sweeps import luck
from tradewinds.sweeps.outcomes import Outcome, Part, in_sample_returns, midnight, parts

RANK_BY = {
    "sharpe": ("sharpe", 1),
    "sortino": ("sortino", 1),
    "pnl": ("pnl_usd", 1),
    "drawdown": ("max_drawdown_pct", -1),
}
"""What can be ranked by: the field of `Part`, and whether more (1) or less (−1) of it is better."""


@dataclass(frozen=True)
class Row:
    """A point with its figures."""

    settings: dict[str, Any]
    run_id: str
    in_sample: Part
    out_of_sample: Part


@dataclass(frozen=True)
class Trial:
    """What luck is reckoned from: the daily returns before the split.

    Attributes:
        returns: their digest.
        observations: how many they are.
        sharpe: their Sharpe ratio, not annualised.
        skewness: their skewness.
        kurtosis: their kurtosis.
        days_per_year: how many of them make a year.
    """

    returns: str
    observations: int
    sharpe: float
    skewness: float
    kurtosis: float
    days_per_year: int


@dataclass(frozen=True)
class Judged:
    """All that a ranking knows of a point; `trial` is None without a Sharpe ratio or of a ruined account."""

    row: Row
    trial: Trial | None


@dataclass(frozen=True)
class Luck:
    """The first row's in-sample Sharpe ratio against what luck shows. Sharpe ratios annualised; undefined is None.

    `trials` counts different in-sample results that have a Sharpe ratio: two settings that made the same returns are one trial.
    `probability` is the deflated Sharpe ratio.
    """

    trials: int
    observations: int | None
    sharpe: float | None
    expected_best: float | None
    probability: float | None


@dataclass(frozen=True)
class Ranking:
    """A ranked sweep; `correlation` (Spearman) is that of the metric before and after the split."""

    by: str
    split: dt.date
    rows: list[Row]
    luck: Luck
    correlation: float | None

    def out_of_sample_rank(self, row: Row) -> tuple[int, int] | None:
        """A row's place by the same metric after the split, and of how many; None if it has none there."""
        values = [value for other in self.rows if (value := _value(other.out_of_sample, self.by)) is not None]
        own = _value(row.out_of_sample, self.by)
        return None if own is None else (1 + sum(value > own for value in values), len(values))


def check_metric(by: str) -> None:
    """Whether points can be ranked by a metric.

    Raises:
        ConfigError: they cannot.
    """
    if by not in RANK_BY:
        near = difflib.get_close_matches(by, RANK_BY, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigError(f"unknown metric {by!r}.", where="--rank-by", remedy=f"Known: {', '.join(RANK_BY)}.{hint}")


def rank(outcomes: Iterable[Outcome], split: dt.date, by: str = "sharpe") -> Ranking:
    """Rank the points of a sweep by an in-sample metric, best first; undefined last, after them
    those that lost everything, ties by run id.

    Args:
        outcomes: what came out at each point, at least one.
        split: first date that is out of sample (`outcomes.split_date`).
        by: a name of RANK_BY.

    Raises:
        ConfigError: an unknown metric.
    """
    return rank_judged((judge(outcome, split) for outcome in outcomes), split, by)


def judge(outcome: Outcome, split: dt.date) -> Judged:
    """What a ranking keeps of a point: a few numbers, for there may be a hundred thousand."""
    split_ts = midnight(split)
    row = Row(outcome.settings, outcome.run_id, *parts(outcome, split_ts))
    if row.in_sample.sharpe is None or row.in_sample.ruined:
        return Judged(row, None)
    returns = in_sample_returns(outcome, split_ts)
    digest = hashlib.blake2b(returns.tobytes(), digest_size=16).hexdigest()
    skewness, kurtosis = luck.skewness_kurtosis(returns)
    daily = row.in_sample.sharpe / math.sqrt(outcome.days_per_year)
    return Judged(row, Trial(digest, len(returns), daily, skewness, kurtosis, outcome.days_per_year))


def rank_judged(judged: Iterable[Judged], split: dt.date, by: str = "sharpe") -> Ranking:
    """`rank` of points that were judged, here or elsewhere, in any order."""
    check_metric(by)
    rows, trials, by_run = list[Row](), dict[str, float](), dict[str, Trial]()
    for one in judged:
        rows.append(one.row)
        if one.trial:
            trials[one.trial.returns] = one.trial.sharpe
            by_run[one.row.run_id] = one.trial
    rows.sort(key=lambda row: (_order(row.in_sample, by), row.run_id))
    pairs = [(_value(row.in_sample, by), _value(row.out_of_sample, by)) for row in rows]
    known = [(before, after) for before, after in pairs if before is not None and after is not None]
    return Ranking(
        by,
        split,
        rows,
        luck=_luck(rows[0].in_sample.sharpe, by_run.get(rows[0].run_id), sorted(trials.values())),
        correlation=luck.spearman([before for before, _ in known], [after for _, after in known]),
    )


def _value(part: Part, by: str) -> float | None:
    """The metric, turned so that more is better."""
    name, sign = RANK_BY[by]
    value: float | None = getattr(part, name)
    return None if value is None else sign * value


def _order(part: Part, by: str) -> tuple[bool, bool, float]:
    value = _value(part, by)
    return part.ruined, value is None, 0.0 if value is None else -value


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
