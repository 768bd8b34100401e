"""`tradewinds sweep`: replay many settings of one config, rank them before a date and show them after it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, NoFetchOption, config_file, date_of
from tradewinds.session.sweep_work import Shown, SweepOptions, make_sweep

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.sweeps.outcomes import PeriodFigures
    from tradewinds.sweeps.ranking import Ranking


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


def carry_out_sweep(config_path: Path, options: SweepOptions, run: RunOptions, console: Console) -> None:
    """Make a sweep and show it.

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
    from tradewinds.config import resolve as configs
    from tradewinds.pipeline.screen import Screen
    from tradewinds.sweeps.best_curve import PICTURE
    from tradewinds.sweeps.sweep_picture import NAME

    shown = Shown(Screen(console), functools.partial(ReplayProgress, console))
    made = make_sweep(configs.load(config_path), options, run, str(config_path), shown)
    _show(console, made.ranking, options.top, made.currency)
    _show_failed(console, made.ranking, options.top, made.folder)
    if made.perturbation:
        show_perturbation(console, made.perturbation)
    console.print(made.verdict, soft_wrap=True, highlight=False)
    console.print(f"ranking   {made.folder}/ranking.csv", soft_wrap=True)
    if made.has_picture:
        console.print(f"picture   {made.folder}/{NAME}", soft_wrap=True)
    console.print(f"its curve {made.folder}/{PICTURE}", soft_wrap=True)
    console.print(f"the best  tradewinds run --config {made.folder}/best.yaml", soft_wrap=True)


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
