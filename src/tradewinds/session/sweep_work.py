"""The work of a sweep, for the command and for Python: fetch what the points need, replay them, rank them, write the ranking.

Modules of numbers are imported inside the functions, because the command line imports this module to show a help text.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted

if TYPE_CHECKING:
    from tradewinds.config.resolve import Config as ResolvedConfig
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen
    from tradewinds.sweeps.grid import SweepPoint
    from tradewinds.sweeps.outcomes import FailedPoint, PointOutcome
    from tradewinds.sweeps.perturbation import Perturbation
    from tradewinds.sweeps.ranking import JudgedPoint, Ranking

Count = Callable[[int], None]  # called with how many points more are replayed


@dataclass(frozen=True)
class SweepOptions:
    """What to try and how to judge it.

    Attributes:
        grid: texts KEY=VALUES, of which every combination is tried.
        ranges: texts KEY=VALUES, from which points are drawn.
        random: how many points to draw; None for a grid.
        seed: of the draws.
        rank_by: the metric before the split that ranks.
        split: first date that is out of sample; None for the last 30 % of the dates.
        top: how many points to show.
        perturb: whether each number of the best point is varied, too.
    """

    grid: Sequence[str] = ()
    ranges: Sequence[str] = ()
    random: int | None = None
    seed: int = 0
    rank_by: str = "sharpe"
    split: dt.date | None = None
    top: int = 20
    perturb: bool = False


@dataclass(frozen=True)
class Shown:
    """Where the progress of a sweep or a walk-forward is shown.

    Attributes:
        screen: for lines, and for what is fetched.
        replays: makes a counter of so many replays, which is shown while the block runs.
    """

    screen: Screen
    replays: Callable[[int], AbstractContextManager[Count]]


@dataclass(frozen=True)
class MadeSweep:
    """A sweep that was made.

    Attributes:
        folder: where its files lie.
        points: its points.
        ranking: of the points.
        verdict: sentences on the result.
        perturbation: of the best point; None if it was not asked for.
        has_picture: whether there is a heat map.
        currency: of the account.
    """

    folder: Path
    points: Sequence[SweepPoint]
    ranking: Ranking
    verdict: str
    perturbation: Perturbation | None
    has_picture: bool
    currency: str


def make_sweep(conf: ResolvedConfig, options: SweepOptions, run: RunOptions, source: str, shown: Shown) -> MadeSweep:
    """Fetch what the points need, replay them all, rank them and write the ranking.

    Args:
        conf: the resolved config that is swept.
        options: the points, and how they are judged.
        run: how files are fetched; with a profile, points are replayed in its jobs.
        source: name of the config, for messages.
        shown: where progress is shown.

    Raises:
        ConfigError, DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    # Imported here: a sweep needs numpy, pyarrow and PyYAML, which `--help` does not.
    from tradewinds.config import markets
    from tradewinds.sweeps import ranking_files, replays
    from tradewinds.sweeps.best_curve import BestOutcome, write_best_curve
    from tradewinds.sweeps.outcomes import PointOutcome, split_date
    from tradewinds.sweeps.ranking import check_metric, rank, rank_judged
    from tradewinds.sweeps.sweep_picture import write_sweep_picture
    from tradewinds.sweeps.verdict import verdict

    # The points; those that read the same files are replayed together.
    check_metric(options.rank_by)
    split = split_date(conf["date_start_local"], conf["date_end_local"], options.split)
    points, left_out = _points(conf, options, source)
    groups = replays.groups(points)
    shown.screen.print(f"{counted(len(points), 'point')} over {counted(len(groups), 'set')} of files.")
    name = ranking_files.sweep_id(points, options.rank_by, split, perturbed=options.perturb)
    folder = Path(conf["output_dir"], "sweeps", name)

    # Replay them in jobs of a profile, or in this process. The run of the best one is kept.
    best = BestOutcome(options.rank_by)
    if run.profile:
        judged = (one for group in groups for one in _replay_in_jobs(group, split, folder / "chunks", run, shown))
        ranking = rank_judged(itertools.chain(judged, left_out), split, options.rank_by)
        curve: PointOutcome | FailedPoint | None = _replay_best(points, ranking, shown)
    else:
        _make_inputs(groups, run, shown, source)
        with shown.replays(len(points)) as count:
            outcomes = (outcome for group in groups for outcome in _replay_here(group, count))
            ranking = rank(itertools.chain(outcomes, left_out), split, options.rank_by, best.offer)
        curve = best.outcome

    currency = markets.family_of(conf["market"]).currency(conf)
    sentences = verdict(ranking, currency)
    found = _perturbed(points, ranking, folder, run, shown, source) if options.perturb else None
    ranking_files.write_ranking(folder, ranking, points, sentences, found)
    has_picture = write_sweep_picture(folder, ranking)
    assert isinstance(curve, PointOutcome), "a point that is ranked did not fail"
    write_best_curve(folder, curve, split, currency)
    return MadeSweep(folder, points, ranking, sentences, found, has_picture, currency)


def _points(conf: ResolvedConfig, options: SweepOptions, source: str) -> tuple[list[SweepPoint], list[FailedPoint]]:
    """Make the points that are asked for; with --perturb and nothing to vary, the config itself.

    Returns:
        The points, and those of a default grid that the config may not have.
    """
    from tradewinds.config import resolve as configs
    from tradewinds.sweeps.grid import DEFAULT, SweepPoint, default_points, sweep_points

    if options.perturb and not (options.grid or options.ranges or options.random):
        return [SweepPoint({}, conf, configs.run_id(conf))], []
    if DEFAULT in options.grid:
        if len(options.grid) > 1 or options.ranges or options.random is not None:
            what = "the default grid is a whole one."
            raise ConfigError(what, where=f"--grid {DEFAULT}", remedy="Give it alone, or name all keys and values.")
        return default_points(conf, source=source)
    found = sweep_points(
        conf,
        grid=options.grid,
        ranges=options.ranges,
        random=options.random,
        seed=options.seed,
        source=source,
    )
    return found, []


def _perturbed(
    points: Sequence[SweepPoint], ranking: Ranking, folder: Path, run: RunOptions, shown: Shown, source: str
) -> Perturbation:
    """Vary each number of the best point alone, and replay what that makes."""
    from tradewinds.sweeps import replays
    from tradewinds.sweeps.perturbation import job_groups, perturbation, perturbed_points, without_missing
    from tradewinds.sweeps.ranking import judge

    first = ranking.rows[0]
    best = next(point for point in points if point.run_id == first.run_id)
    tried, left_out = perturbed_points(best.config)
    # Where nothing may be fetched, a value whose files are not there is left out like one that the config may not have.
    if "never" in (run.fetch, best.config["fetch"]):
        tried, missing = without_missing(tried)
        left_out += missing
    groups = replays.groups([one.point for one in tried])
    shown.screen.print(f"{counted(len(tried), 'perturbed point')} over {counted(len(groups), 'set')} of files.")
    if run.profile:
        where = folder / "chunks"
        judged = [
            one
            for config, part in job_groups(best, [one.point for one in tried])
            for one in _replay_in_jobs(part, ranking.split, where, run, shown, config)
        ]
    else:
        _make_inputs(groups, run, shown, source)
        with shown.replays(len(tried)) as count:
            judged = [judge(one, ranking.split) for group in groups for one in _replay_here(group, count)]
    return perturbation(first, best.config, tried, judged, left_out, ranking.by)


def _make_inputs(groups: Sequence[Sequence[SweepPoint]], options: RunOptions, shown: Shown, source: str) -> None:
    """Fetch and make everything that the replays of some groups read."""
    from tradewinds.config.places import place_by_file
    from tradewinds.pipeline.make import make_inputs

    for group in groups:
        make_inputs(group[0].config, options, shown.screen, place_by_file(source))


def _replay_in_jobs(
    points: Sequence[SweepPoint],
    split: dt.date,
    folder: Path,
    run: RunOptions,
    shown: Shown,
    base: ResolvedConfig | None = None,
) -> Iterator[JudgedPoint | FailedPoint]:
    """Replay a group of points in jobs of a Snakemake profile; a job whose figures are there is not run again.

    Args:
        points: points that read the same files.
        split: first date that is out of sample.
        folder: where points and figures of the jobs lie.
        run: how files are fetched, and the profile.
        shown: where progress is shown.
        base: the config in which the jobs set the keys of each point; None for that of the first one.
    """
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline.make import make
    from tradewinds.sweeps import chunks

    # The points of each job in a file, beside the config that all of them read; other machines see the folder.
    conf = base or points[0].config
    plan = run_plan(conf)
    pieces = chunks.chunks(points, plan.units, split, folder)
    shown.screen.print(f"{counted(len(points), 'point')} in {counted(len(pieces), 'job')}.")
    for piece in pieces:
        chunks.write_points(piece, split)

    # Run the jobs, then read their figures.
    made = ("replay", [str(piece.figures) for piece in pieces])
    with chunks.shared_config(conf, folder) as path:
        make(path, conf, plan, run, shown.screen, target="inputs", extra_group=made)
    settings = {point.run_id: point.settings for point in points}
    for piece in pieces:
        yield from chunks.read_figures(piece.figures, settings)


def _replay_here(points: Sequence[SweepPoint], count: Count) -> Iterator[PointOutcome | FailedPoint]:
    """Replay a group of points in this process."""
    from tradewinds.core.damage import naming_damage
    from tradewinds.families.plan import run_plan
    from tradewinds.sweeps import replays

    with naming_damage(run_plan(points[0].config).replayed_files):
        yield from replays.outcomes(points, count)


def _replay_best(points: Sequence[SweepPoint], ranking: Ranking, shown: Shown) -> PointOutcome | FailedPoint:
    """Replay the best point of a ranking in this process; the jobs on other machines left its figures alone."""
    first = next(point for point in points if point.run_id == ranking.rows[0].run_id)
    with shown.replays(1) as count:
        return next(_replay_here([first], count))
