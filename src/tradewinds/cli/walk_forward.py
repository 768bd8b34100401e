"""`tradewinds walk-forward`: pick the best settings of some days, trade them on the days after, again and again."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, NoFetchOption, config_file

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.sweeps.walk_forward import WalkForward
    from tradewinds.sweeps.walk_forward_files import WalkForwardOptions


def walk_forward(
    train: Annotated[int, typer.Option(min=1, help="Days of training in a fold.", metavar="DAYS")],
    test: Annotated[int, typer.Option(min=1, help="Days of the test after it.", metavar="DAYS")],
    grid: Annotated[
        list[str],
        typer.Option(help="Values of a key: 0.02:0.10:0.01 or a,b,c. Every combination.", metavar="KEY=VALUES"),
    ],
    metric: Annotated[
        str, typer.Option(help="What picks: sharpe, sortino, pnl or drawdown of the training days.", metavar="METRIC")
    ] = "sharpe",
    anchored: Annotated[
        bool, typer.Option("--anchored", help="Every training begins with the first day, and grows.")
    ] = False,
    no_fetch: NoFetchOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print walk_forward.json, for programs.")] = False,
    file: FileArgument = None,
    config: ConfigOption = None,
) -> None:
    """Pick the best settings of some days, trade them on the days after, move on, and chain the results out of sample.

    Days are trading days or sessions of shares, climate days of events, dates with settlements of funding: dates that have
    data. Fetches what is missing, as a run does, and reads data once per period for many settings. Writes
    output_dir/walk-forward/ID/: folds.csv, equity.csv, walk_forward.json, walk_forward.md, plots/. The same command again finds
    it there and does nothing (tradewinds docs walk-forward).
    """
    config = config_file(file, config)
    # Imported here: they bring rich, psutil, numpy and PyYAML, which `--help` does not need.
    from tradewinds.cli.listing import print_json
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.terminal import SafeConsole
    from tradewinds.sweeps.walk_forward_files import WalkForwardOptions

    console = SafeConsole(stderr=as_json)
    options = WalkForwardOptions(grid, train, test, metric, anchored)
    content = carry_out(config, options, RunOptions(fetch="never" if no_fetch else None), console)
    if as_json:
        print_json(content)


def carry_out(config_path: Path, options: WalkForwardOptions, run: RunOptions, console: Console) -> dict[str, Any]:
    """Make a walk-forward and show it.

    Args:
        config_path: the config that is walked forward.
        options: the points and the folds.
        run: how files are fetched.
        console: where progress and result are shown.

    Returns:
        The content of walk_forward.json.

    Raises:
        ConfigError: the config, the grid or the metric is wrong, or there are too few days for one fold.
        DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    from tradewinds.cli.replay_progress import ReplayProgress
    from tradewinds.config import resolve as configs
    from tradewinds.pipeline.screen import Screen
    from tradewinds.session.sweep_work import Shown
    from tradewinds.session.walk_forward_work import make_walk_forward

    shown = Shown(Screen(console), functools.partial(ReplayProgress, console))
    result = make_walk_forward(configs.load(config_path), options, run, str(config_path), shown)
    if result.made is None:
        console.print(
            "There is nothing to do: the same walk-forward is there, and nothing that it is made from changed."
        )
    else:
        _show_folds(console, result.made, str(result.content["currency"]))
    _show_end(console, str(result.content["verdict"]), result.folder)
    return result.content


def _show_folds(console: Console, made: WalkForward, currency: str) -> None:
    """Print a row per fold: when its test begins, the pick, and its figures in training and in the test."""
    from rich.table import Table

    from tradewinds.core.text import figure
    from tradewinds.sweeps.keys import setting_text
    from tradewinds.sweeps.walk_forward_report import metric_text

    table = Table(title=f"The best by {made.by} of each training, and its test", title_justify="left", box=None)
    table.add_column("fold", justify="right", no_wrap=True)
    table.add_column("test from", no_wrap=True)
    for key in made.settings[0]:
        table.add_column(key.rpartition(".")[2], overflow="fold")
    for name in (f"{made.by},\ntraining", f"{made.by},\ntest", f"P&L,\n{currency}", "trades"):
        table.add_column(name, justify="right", no_wrap=True)
    for fold in made.folds:
        settings = map(setting_text, made.settings[fold.pick].values())
        figures = (metric_text(fold.train, made.by), metric_text(fold.test, made.by), figure(fold.test.pnl_usd))
        row = (str(fold.dates.number), str(fold.dates.test_first), *settings, *figures, f"{fold.test.num_trades:,}")
        table.add_row(*row)
    console.print(table)


def _show_end(console: Console, verdict: str, folder: Path) -> None:
    """Print the sentences on a walk-forward, and where it lies."""
    console.print(verdict, soft_wrap=True, highlight=False)
    console.print(f"folds     {folder}/folds.csv", soft_wrap=True)
    console.print(f"report    {folder}/walk_forward.md", soft_wrap=True)
