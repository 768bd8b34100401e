"""The work of a walk-forward, for the command and for Python: fetch, replay the folds, write the folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tradewinds.core.text import counted

if TYPE_CHECKING:
    from tradewinds.config.resolve import Config as ResolvedConfig
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.session.sweep_work import Shown
    from tradewinds.sweeps.walk_forward import WalkForward, WindowReplays
    from tradewinds.sweeps.walk_forward_files import WalkForwardOptions


class MadeWalkForward(NamedTuple):
    """A walk-forward in its folder.

    Attributes:
        folder: where its files lie.
        content: of walk_forward.json.
        made: what was made; None if all of it was there.
    """

    folder: Path
    content: dict[str, Any]
    made: WalkForward | None


def make_walk_forward(
    conf: ResolvedConfig, options: WalkForwardOptions, run: RunOptions, source: str, shown: Shown
) -> MadeWalkForward:
    """Fetch what the points need, replay all folds and write the folder; if the same is there, do nothing.

    Args:
        conf: the resolved config that is walked forward.
        options: the points and the folds.
        run: how files are fetched.
        source: name of the config, for messages and the report.
        shown: where progress is shown.

    Raises:
        ConfigError: the grid or the metric is wrong, or there are too few days for one fold.
        DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    from tradewinds.sweeps import walk_forward_files as files
    from tradewinds.sweeps.folds import refuse_short_range
    from tradewinds.sweeps.grid import grid_points
    from tradewinds.sweeps.ranking import check_metric
    from tradewinds.sweeps.walk_forward import WindowReplays
    from tradewinds.sweeps.walk_forward_report import page, sentences

    # What can be refused before anything is fetched.
    check_metric(options.metric, "--metric")
    refuse_short_range(conf, options.train, options.test)
    points = grid_points(conf, options.grid, source=source)
    name = files.walk_forward_id(points, options)
    folder, windows = Path(conf["output_dir"], "walk-forward", name), WindowReplays(points)
    code = _code(conf)
    if found := files.finished(folder, code, windows.inputs()):
        return MadeWalkForward(folder, found, None)

    # Make it and write it.
    made = _walk(conf, windows, options, run, shown, source)
    currency = _currency(conf)
    verdict = sentences(made, (options.train, options.test), options.anchored, currency)
    content = files.summary(made, options, name=name, currency=currency, verdict=verdict, code=code)
    files.write(folder, made, content, page(made, verdict, currency, Path(source).name))
    return MadeWalkForward(folder, content, made)


def _walk(
    conf: ResolvedConfig,
    windows: WindowReplays,
    options: WalkForwardOptions,
    run: RunOptions,
    shown: Shown,
    source: str,
) -> WalkForward:
    """Fetch and make the files of all points, divide the days that they have, and replay all folds."""
    from tradewinds.config import markets
    from tradewinds.config.places import place_by_file
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline.make import make_inputs
    from tradewinds.sweeps.folds import fold_dates
    from tradewinds.sweeps.walk_forward import walk_forward

    shown.screen.print(f"{counted(len(windows.points), 'point')} over {counted(len(windows.groups), 'set')} of files.")
    for group in windows.groups:
        make_inputs(group[0].config, run, shown.screen, place_by_file(source))
    # The days of the first point; a walk-forward changes no key that decides which days there are.
    first = windows.points[0].config
    days = markets.family_of(conf["market"]).days(first, run_plan(first, place_by_file(source)))
    folds = fold_dates(days, options.train, options.test, anchored=options.anchored)
    shown.screen.print(f"{counted(len(days), 'day')}, {counted(len(folds), 'fold')}.")
    with shown.replays(len(windows.points) * (2 * len(folds) + 1)) as count:
        windows.tell = count
        return walk_forward(windows, folds, options.metric, days)


def _code(conf: ResolvedConfig) -> str:
    """Digest the code that a walk-forward of a config follows from: that of its files, of the replay and of the folds."""
    from tradewinds.config import markets
    from tradewinds.pipeline.jobs import code_digest

    family = markets.family_of(conf["market"])
    return code_digest(*family.code, *(part for rule in family.workflow_rules for part in rule.code), "sweeps")


def _currency(conf: ResolvedConfig) -> str:
    """The currency of a config's account."""
    from tradewinds.config import markets

    return markets.family_of(conf["market"]).currency(conf)
