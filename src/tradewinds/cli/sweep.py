"""`tradewinds sweep`: replay many settings of one config, rank them before a date and show them after it."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, NoFetchOption, config_file, date_of
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.cli.replay_progress import ReplayProgress
    from tradewinds.config.resolve import Config
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.sweeps.grid import SweepPoint
    from tradewinds.sweeps.outcomes import FailedPoint, PeriodFigures, PointOutcome
    from tradewinds.sweeps.perturbation import Perturbation
    from tradewinds.sweeps.ranking import JudgedPoint, Ranking


def sweep(
    file: FileArgument = None,
    config: ConfigOption = None,
    grid: Annotated[
        list[str],
        typer.Option(
            help="Values of a key: 0.02:0.10:0.01 or a,b,c. Every combination. Or: default.", metavar="KEY=VALUES"
        ),
    ] = [],  # noqa: B006
    random: Annotated[
        int | None, typer.Option(min=1, help="Draw so many points instead, out of --range.", metavar="N")
    ] = None,
    range_: Annotated[
        list[str], typer.Option("--range", help="What to draw from: 0.02:0.10, 1:50 or a,b,c.", metavar="KEY=VALUES")
    ] = [],  # noqa: B006
    seed: Annotated[int, typer.Option(help="The same seed, the same draws.", metavar="S")] = 0,
    rank_by: Annotated[
        str, typer.Option(help="sharpe, sortino, pnl or drawdown, before the split.", metavar="METRIC")
    ] = "sharpe",
    split: Annotated[
        str | None, typer.Option(help="First date out of sample; default: the last 30 %.", metavar="YYYY-MM-DD")
    ] = None,
    perturb: Annotated[
        bool,
        typer.Option("--perturb", help="Vary each number of the best point, or of the config, by 10 and 20 %, alone."),
    ] = False,
    top: Annotated[int, typer.Option(min=1, help="Points to show.", metavar="N")] = 20,
    profile: Annotated[
        str | None,
        typer.Option(help="Replay in jobs of about a minute over a Snakemake profile: slurm, default …", metavar="P"),
    ] = None,
    no_fetch: NoFetchOption = False,
) -> None:
    """Replay a config with many settings, rank them by what they did before a date, and show what they did after it.

    Fetches what is missing, as a run does, and reads candles once for many points. Writes output_dir/sweeps/ID/: ranking.csv,
    failed.csv, best.yaml, best_equity.csv and .svg, sweep.json. Every point is the run that `tradewinds run` makes of it,
    under the same id (tradewinds docs sweeps). A point that fails is listed with its reason and the others are ranked; if all
    fail, that is exit 5.
    With --perturb also perturbation.csv and perturbation.md; without a grid then, the config itself is the only point.
    """
    config = config_file(file, config)
    # Imported here: they bring rich, psutil and PyYAML, which `--help` does not need.
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.terminal import SafeConsole

    first_after = date_of(split, "--split") if split else None
    options = SweepOptions(grid, range_, random, seed, rank_by, first_after, top, perturb)
    run_options = RunOptions(fetch="never" if no_fetch else None, profile=profile)
    carry_out_sweep(config, options, run_options, SafeConsole())


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


def carry_out_sweep(config_path: Path, options: SweepOptions, run: RunOptions, console: Console) -> None:
    """Fetch what the points need, replay them all, rank them, write the ranking and show it.

    Args:
        config_path: the config that is swept.
        options: the points, and how they are judged.
        run: how files are fetched; with a profile, points are replayed in its jobs.
        console: where progress and result are shown.

    Raises:
        ConfigError, DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    # Imported here: a sweep needs numpy, pyarrow and PyYAML, which `--help` does not.
    from tradewinds.cli.perturbation_table import show_perturbation
    from tradewinds.cli.replay_progress import ReplayProgress
    from tradewinds.config import markets
    from tradewinds.config import resolve as configs
    from tradewinds.sweeps import ranking_files, replays
    from tradewinds.sweeps.best_curve import PICTURE, BestOutcome, write_best_curve
    from tradewinds.sweeps.outcomes import PointOutcome, split_date
    from tradewinds.sweeps.ranking import check_metric, rank, rank_judged
    from tradewinds.sweeps.sweep_picture import NAME, write_sweep_picture
    from tradewinds.sweeps.verdict import verdict

    # The points; those that read the same files are replayed together.
    conf = configs.load(config_path)
    check_metric(options.rank_by)
    split = split_date(conf["date_start_local"], conf["date_end_local"], options.split)
    points, left_out = _points(conf, options, str(config_path))
    groups = replays.groups(points)
    console.print(f"{counted(len(points), 'point')} over {counted(len(groups), 'set')} of files.")
    name = ranking_files.sweep_id(points, options.rank_by, split, perturbed=options.perturb)
    folder = Path(conf["output_dir"], "sweeps", name)

    # Replay them in jobs of a profile, or in this process. The run of the best one is kept.
    best = BestOutcome(options.rank_by)
    if run.profile:
        judged = (one for group in groups for one in _replay_in_jobs(group, split, folder / "chunks", run, console))
        ranking = rank_judged(itertools.chain(judged, left_out), split, options.rank_by)
        curve: PointOutcome | FailedPoint | None = _replay_best(points, ranking, console)
    else:
        _make_inputs(groups, run, console)
        with ReplayProgress(console, len(points)) as progress:
            outcomes = (outcome for group in groups for outcome in _replay_here(group, progress))
            ranking = rank(itertools.chain(outcomes, left_out), split, options.rank_by, best.offer)
        curve = best.outcome

    currency = markets.family_of(conf["market"]).currency(conf)
    sentences = verdict(ranking, currency)
    found = _perturbed(points, ranking, folder, run, console) if options.perturb else None
    ranking_files.write_ranking(folder, ranking, points, sentences, found)
    has_picture = write_sweep_picture(folder, ranking)
    assert isinstance(curve, PointOutcome), "a point that is ranked did not fail"
    write_best_curve(folder, curve, split, currency)
    _show(console, ranking, options.top, currency)
    _show_failed(console, ranking, options.top, folder)
    if found:
        show_perturbation(console, found)
    console.print(sentences, soft_wrap=True, highlight=False)
    console.print(f"ranking   {folder}/ranking.csv", soft_wrap=True)
    if has_picture:
        console.print(f"picture   {folder}/{NAME}", soft_wrap=True)
    console.print(f"its curve {folder}/{PICTURE}", soft_wrap=True)
    console.print(f"the best  tradewinds run --config {folder}/best.yaml", soft_wrap=True)


def _points(conf: Config, options: SweepOptions, source: str) -> tuple[list[SweepPoint], list[FailedPoint]]:
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
    points: Sequence[SweepPoint], ranking: Ranking, folder: Path, run: RunOptions, console: Console
) -> Perturbation:
    """Vary each number of the best point alone, and replay what that makes."""
    from tradewinds.cli.replay_progress import ReplayProgress
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
    console.print(f"{counted(len(tried), 'perturbed point')} over {counted(len(groups), 'set')} of files.")
    if run.profile:
        where = folder / "chunks"
        judged = [
            one
            for config, part in job_groups(best, [one.point for one in tried])
            for one in _replay_in_jobs(part, ranking.split, where, run, console, config)
        ]
    else:
        _make_inputs(groups, run, console)
        with ReplayProgress(console, len(tried)) as progress:
            judged = [judge(one, ranking.split) for group in groups for one in _replay_here(group, progress)]
    return perturbation(first, best.config, tried, judged, left_out, ranking.by)


def _make_inputs(groups: Sequence[Sequence[SweepPoint]], options: RunOptions, console: Console) -> None:
    """Fetch and make everything that the replays of some groups read."""
    from tradewinds.pipeline.make import make_inputs
    from tradewinds.pipeline.screen import Screen

    for group in groups:
        make_inputs(group[0].config, options, Screen(console))


def _replay_in_jobs(
    points: Sequence[SweepPoint],
    split: dt.date,
    folder: Path,
    run: RunOptions,
    console: Console,
    base: Config | None = None,
) -> Iterator[JudgedPoint | FailedPoint]:
    """Replay a group of points in jobs of a Snakemake profile; a job whose figures are there is not run again.

    Args:
        points: points that read the same files.
        split: first date that is out of sample.
        folder: where points and figures of the jobs lie.
        run: how files are fetched, and the profile.
        console: where progress is shown.
        base: the config in which the jobs set the keys of each point; None for that of the first one.
    """
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline.make import make
    from tradewinds.pipeline.screen import Screen
    from tradewinds.sweeps import chunks

    # The points of each job in a file, beside the config that all of them read; other machines see the folder.
    conf = base or points[0].config
    plan = run_plan(conf)
    pieces = chunks.chunks(points, plan.units, split, folder)
    console.print(f"{counted(len(points), 'point')} in {counted(len(pieces), 'job')}.")
    for piece in pieces:
        chunks.write_points(piece, split)

    # Run the jobs, then read their figures.
    made = ("replay", [str(piece.figures) for piece in pieces])
    with chunks.shared_config(conf, folder) as path:
        make(path, conf, plan, run, Screen(console), target="inputs", extra_group=made)
    settings = {point.run_id: point.settings for point in points}
    for piece in pieces:
        yield from chunks.read_figures(piece.figures, settings)


def _replay_here(points: Sequence[SweepPoint], progress: ReplayProgress) -> Iterator[PointOutcome | FailedPoint]:
    """Replay a group of points in this process."""
    from tradewinds.core.damage import naming_damage
    from tradewinds.families.plan import run_plan
    from tradewinds.sweeps import replays

    with naming_damage(run_plan(points[0].config).replayed_files):
        yield from replays.outcomes(points, progress)


def _replay_best(points: Sequence[SweepPoint], ranking: Ranking, console: Console) -> PointOutcome | FailedPoint:
    """Replay the best point of a ranking in this process; the jobs on other machines left its figures alone."""
    from tradewinds.cli.replay_progress import ReplayProgress

    first = next(point for point in points if point.run_id == ranking.rows[0].run_id)
    with ReplayProgress(console, 1) as progress:
        return next(_replay_here([first], progress))


def _show(console: Console, ranking: Ranking, top: int, currency: str) -> None:
    """Print the first points, with their figures before and after the split.

    Args:
        console: where to print.
        ranking: the ranked points.
        top: how many of them to print.
        currency: of the account.
    """
    from rich.table import Table

    from tradewinds.sweeps.keys import setting_text

    table = Table(title=f"By {ranking.by} before {ranking.split}", title_justify="left")
    for key in ranking.rows[0].settings:
        table.add_column(key.rpartition(".")[2], overflow="fold")
    for name in (f"P&L, {currency}", "trades", "Sharpe", f"P&L after,\n{currency}", "trades", "Sharpe"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in ranking.rows[:top]:
        table.add_row(*map(setting_text, row.settings.values()), *_figures(row.in_sample), *_figures(row.out_of_sample))
    console.print(table)
    if len(ranking.rows) > top:
        console.print(f"… and {len(ranking.rows) - top:,} more in ranking.csv")


def _show_failed(console: Console, ranking: Ranking, top: int, folder: Path) -> None:
    """Print the first points that failed, each with its reason.

    Args:
        console: where to print.
        ranking: the ranked points, and those that failed.
        top: how many of them to print.
        folder: where failed.csv lies.
    """
    from tradewinds.sweeps.keys import label

    for point in ranking.failed[:top]:
        said = f"{'failed' if point.run_id else 'left out':<10}{label(point.settings)}: {point.reason}"
        console.print(said, soft_wrap=True, highlight=False, markup=False)
    if len(ranking.failed) > top:
        console.print(f"… and {len(ranking.failed) - top:,} more in {folder}/failed.csv", soft_wrap=True)


def _figures(part: PeriodFigures) -> list[str]:
    """P&L, number of trades and Sharpe ratio of one part as text."""
    return [f"{part.pnl_usd:,.2f}", f"{part.num_trades:,}", "—" if part.sharpe is None else f"{part.sharpe:,.2f}"]
