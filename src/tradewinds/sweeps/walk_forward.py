"""Walk-forward: in each fold the best point of the training days is taken, and traded on the test days after them.

What a pick may know: equity up to the instant at which the fold's test begins. A trade of the last training day that is still
open then counts at its value then, and a result that comes later does not count (docs/walk-forward.md).

Source: R. Pardo, The Evaluation and Optimization of Trading Strategies, 2nd edition, 2008, chapter 11.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tradewinds.config import markets, resolve
from tradewinds.core.damage import naming_damage
from tradewinds.core.errors import SimulationError
from tradewinds.families.plan import run_plan
from tradewinds.sweeps import luck, replays
from tradewinds.sweeps.chained_equity import Chain, chained
from tradewinds.sweeps.folds import FoldDates
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.keys import label
from tradewinds.sweeps.outcomes import (
    FailedPoint,
    PeriodFigures,
    PointOutcome,
    figures_known,
    midnight,
    whole_figures,
)
from tradewinds.sweeps.ranking import RANK_BY, metric_value, rank_key
from tradewinds.sweeps.stability import Stability, stability

Outcome = PointOutcome | FailedPoint


@dataclass(frozen=True)
class Fold:
    """What one fold came to.

    Attributes:
        dates: its training and test dates.
        pick: index of the point that was taken.
        train: its figures on the training dates, as known when the test began.
        test: its figures on the test dates.
        run_id: of the run that `tradewinds run` makes of the pick on the test dates.
        traded: how many points made a trade on the training dates.
        place: the pick's rank by the metric on the test dates, and how many points have one; None if it has none.
        correlation: Spearman's, over the points, of the metric on training and on test dates; None where undefined.
        failed: how many points failed on the training dates; they could not be taken.
    """

    dates: FoldDates
    pick: int
    train: PeriodFigures
    test: PeriodFigures
    run_id: str
    traded: int
    place: tuple[int, int] | None
    correlation: float | None
    failed: int


@dataclass(frozen=True)
class WalkForward:
    """A walk-forward.

    Attributes:
        by: the metric, a name of ranking.RANK_BY.
        settings: of each point, in the order of the grid.
        folds: in order of time.
        chain: the picks' test periods, chained.
        best: index of the best point of the whole range, chosen in hindsight.
        best_whole: its figures on the whole range.
        best_chain: its test periods, chained in the same way; None if it failed in one of them.
        stability: how much the picks change.
        correlation: Spearman's, over the folds, of the metric of the picks on training and on test dates.
        unused_days: days at the end that are in no fold.
    """

    by: str
    settings: Sequence[dict[str, Any]]
    folds: Sequence[Fold]
    chain: Chain
    best: int
    best_whole: PeriodFigures
    best_chain: Chain | None
    stability: Stability
    correlation: float | None
    unused_days: int = 0

    @property
    def positive(self) -> int:
        """How many folds made money on their test dates."""
        return sum(fold.test.pnl_usd > 0 for fold in self.folds)

    @property
    def mean_metrics(self) -> tuple[float, float] | None:
        """Means of the picks' metric in training and in the test, over the folds that have both; None without one."""
        name = RANK_BY[self.by][0]
        pairs = [(getattr(fold.train, name), getattr(fold.test, name)) for fold in self.folds]
        known = [(before, after) for before, after in pairs if before is not None and after is not None]
        if not known:
            return None
        return sum(before for before, _ in known) / len(known), sum(after for _, after in known) / len(known)


@dataclass
class WindowReplays:
    """Replays all points on a part of their dates. The files are those of the whole range, and nothing else is fetched.

    Attributes:
        points: in the order of the grid, each of the whole range.
        tell: called with the number of replays since the last call.
        workers: threads to use; None for one per core.
    """

    points: Sequence[SweepPoint]
    tell: Callable[[int], Any] = lambda replayed: None
    workers: int | None = None
    groups: list[list[SweepPoint]] = field(init=False)

    def __post_init__(self) -> None:
        """Group the points by the files that they read, and plan each group."""
        self.groups = replays.groups(self.points)
        self._plans = [run_plan(group[0].config) for group in self.groups]

    def inputs(self) -> list[str]:
        """Return the paths of all files that the replays read, the user's own included."""
        read = [path for plan in self._plans for paths in plan.inputs.values() for path in paths]
        family = markets.family_of(self.points[0].config["market"])
        return [*read, *(path for group in self.groups for path in family.user_files(group[0].config))]

    def on(self, first: dt.date, last: dt.date) -> list[Outcome]:
        """Return the run of each point from one date to another, both included, in the order of the points.

        Raises:
            DataMissing: there is nothing to replay on these dates.
            SimulationError: as `replays.outcomes`.
        """
        dates = {"date_start_local": first, "date_end_local": last}
        found: dict[str, Outcome] = {}
        for group, plan in zip(self.groups, self._plans, strict=True):
            part = [SweepPoint(point.settings, {**point.config, **dates}, point.run_id) for point in group]
            with naming_damage(plan.replayed_files):
                found |= {one.run_id: one for one in replays.outcomes(part, self.tell, self.workers, plan)}
        return [found[point.run_id] for point in self.points]


def walk_forward(windows: WindowReplays, folds: Sequence[FoldDates], by: str, days: Sequence[dt.date]) -> WalkForward:
    """Replay the whole range and all folds, and take the best point of each training.

    Args:
        windows: replays the points.
        folds: the dates of the folds, at least one.
        by: a name of ranking.RANK_BY.
        days: all days that there is data for.

    Raises:
        SimulationError: all points fail on the dates of a training, a pick fails on its test dates, or no point ever trades.
        DataMissing: as `WindowReplays.on`.
    """
    points = windows.points
    # The whole range, for the choice in hindsight.
    first, last = points[0].config["date_start_local"], points[0].config["date_end_local"]
    whole = [_whole(one) for one in windows.on(first, last)]
    best = _best(whole, by, windows, f"from {first} to {last}")
    # The folds; of the tests only the curves of the pick and of the best in hindsight are kept.
    made, chosen, fixed = list[Fold](), list[PointOutcome](), list[Outcome]()
    for dates in folds:
        fold, tests = _fold(windows, dates, by)
        made.append(fold)
        chosen.append(_done(tests[fold.pick], dates))
        fixed.append(tests[best])
    if not any(fold.traded or fold.test.num_trades for fold in made):
        what = f"no point made a trade in any of the {len(made):,} folds: there is nothing to choose by."
        raise SimulationError(what, where="walk-forward", remedy="Look at one run's refusals first: tradewinds run.")
    pairs = [(metric_value(fold.train, by), metric_value(fold.test, by)) for fold in made]
    known = [(before, after) for before, after in pairs if before is not None and after is not None]
    held = [one for one in fixed if isinstance(one, PointOutcome)]
    return WalkForward(
        by=by,
        settings=[point.settings for point in points],
        folds=made,
        chain=chained(chosen),
        best=best,
        best_whole=_known(whole[best]),
        best_chain=chained(held) if len(held) == len(fixed) else None,
        stability=stability([fold.pick for fold in made], [point.settings for point in points]),
        correlation=luck.spearman([before for before, _ in known], [after for _, after in known]),
        unused_days=sum(day > folds[-1].test_last for day in days),
    )


def _fold(windows: WindowReplays, dates: FoldDates, by: str) -> tuple[Fold, list[Outcome]]:
    """Replay one fold.

    Returns:
        What it came to, and the run of every point on its test dates.
    """
    # The test is replayed first, because its beginning ends what the training may know. No result of it is used for the pick.
    tests = windows.on(dates.test_first, dates.test_last)
    starts = [int(one.equity_ts[0]) for one in tests if isinstance(one, PointOutcome) and len(one.equity_ts)]
    begins = min(starts, default=midnight(dates.test_first))
    trains = [
        None if isinstance(one, FailedPoint) else figures_known(one, begins)
        for one in windows.on(dates.train_first, dates.train_last)
    ]
    pick = _best(trains, by, windows, f"on the training days of fold {dates.number}")
    # How the pick, and the order of all points, did on the test dates.
    after = [_whole(one) for one in tests]
    values = [None if figures is None else metric_value(figures, by) for figures in after]
    own = values[pick]
    ranked = [value for value in values if value is not None]
    both = [
        (metric_value(train, by), value)
        for train, value in zip(trains, values, strict=True)
        if train is not None and metric_value(train, by) is not None and value is not None
    ]
    whole = windows.points[pick].config
    config = markets.family_of(whole["market"]).on_dates(whole, dates.test_first, dates.test_last)
    _done(tests[pick], dates)
    fold = Fold(
        dates=dates,
        pick=pick,
        train=_known(trains[pick]),
        test=_known(after[pick]),
        run_id=resolve.run_id(config),
        traded=sum(train is not None and train.num_trades > 0 for train in trains),
        place=None if own is None else (1 + sum(value > own for value in ranked), len(ranked)),
        correlation=luck.spearman([before or 0.0 for before, _ in both], [value for _, value in both]),
        failed=sum(train is None for train in trains),
    )
    return fold, tests


def _whole(one: Outcome) -> PeriodFigures | None:
    """The figures of a whole run; None for a point that failed."""
    return None if isinstance(one, FailedPoint) else whole_figures(one)


def _known(figures: PeriodFigures | None) -> PeriodFigures:
    """Figures of a point that did not fail."""
    if figures is None:
        raise AssertionError("a point that failed was taken")
    return figures


def _best(figures: Sequence[PeriodFigures | None], by: str, windows: WindowReplays, where: str) -> int:
    """Return the index of the best point by a metric; of equal ones, the first.

    Points without the metric come after those with it, ruined accounts last, as in the ranking of a sweep.

    Raises:
        SimulationError: every point failed.
    """
    known = [(rank_key(one, by), index) for index, one in enumerate(figures) if one is not None]
    if not known:
        first = windows.points[0]
        what = f"all {len(figures):,} points fail {where}, the first being {label(first.settings)}."
        raise SimulationError(what, where="walk-forward", remedy="tradewinds sweep lists the reasons.")
    return min(known)[1]


def _done(one: Outcome, dates: FoldDates) -> PointOutcome:
    """Return the run of a pick on its test dates; raise SimulationError with its reason if it failed."""
    if isinstance(one, FailedPoint):
        where = f"fold {dates.number}, {dates.test_first} to {dates.test_last}"
        raise SimulationError(
            f"the point {label(one.settings)}, which its training picked, fails: {one.reason}", where=where
        )
    return one
