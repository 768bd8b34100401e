"""Sweeps and walk-forwards from Python, with the folders and ids of the commands."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.core.errors import ConfigError
from tradewinds.pipeline import session_runs
from tradewinds.session.making import config_of, job_errors, run_options
from tradewinds.session.settings import Config, dated
from tradewinds.session.sweep_work import MadeSweep, Shown, SweepOptions, make_sweep

if TYPE_CHECKING:
    import pandas as pd

    from tradewinds.session.shown_figure import ShownFigure

Grid = Mapping[str, Sequence[Any] | str]


def sweep(
    config: Config | str | Path | Mapping[str, Any],
    grid: Grid | None = None,
    *,
    random: int | None = None,
    ranges: Grid | None = None,
    seed: int = 0,
    rank_by: str = "sharpe",
    split: str | dt.date | None = None,
    perturb: bool = False,
    fetch: bool | None = None,
    quiet: bool = True,
) -> SweepResult:
    """Replay a config with many settings, and rank them by what they did before a date.

    Args:
        config: a Config, the path of a config file, or a mapping with its keys.
        grid: values by dotted key, of which every combination is tried: {"risk.fixed_qty": [1, 5, 10]}, or text as the
            command takes it: {"risk.min_ev_per_contract": "0.02:0.10:0.01"}.
        random: how many points to draw from `ranges`, in place of a grid.
        ranges: what to draw from, as `grid`; text may be first:last.
        seed: of the draws.
        rank_by: sharpe, sortino, pnl or drawdown, before the split.
        split: first date out of sample; None for the last 30 % of the dates.
        perturb: vary each number of the best point by 10 and 20 %, alone.
        fetch: False opens no connection, True fetches whatever the config says; None does what the config says.
        quiet: False prints progress.

    Raises:
        ConfigError, DataMissing, FetchError, SimulationError: as the command.
    """
    asked = config_of(config)
    options = SweepOptions(
        grid=_texts(grid),
        ranges=_texts(ranges),
        random=random,
        seed=seed,
        rank_by=rank_by,
        split=None if split is None else dated(split),
        perturb=perturb,
    )
    session_runs.runs_here().wait_for_all()  # the inputs are made under the folder's lock
    with job_errors():
        return SweepResult(make_sweep(asked.resolved, options, run_options(fetch), asked.source, _shown(quiet)))


def walk_forward(
    config: Config | str | Path | Mapping[str, Any],
    grid: Grid,
    *,
    train: int,
    test: int,
    metric: str = "sharpe",
    anchored: bool = False,
    fetch: bool | None = None,
    quiet: bool = True,
) -> WalkForwardResult:
    """Pick the best settings of some days, trade them on the days after, move on, and chain what was made out of sample.

    Args:
        config: a Config, the path of a config file, or a mapping with its keys.
        grid: values by dotted key, as of `sweep`.
        train: days of training in a fold.
        test: days of the test after it.
        metric: what picks: sharpe, sortino, pnl or drawdown of the training days.
        anchored: every training begins with the first day, and grows.
        fetch: False opens no connection, True fetches whatever the config says; None does what the config says.
        quiet: False prints progress.

    Raises:
        ConfigError, DataMissing, FetchError, SimulationError: as the command.
    """
    from tradewinds.session.walk_forward_work import make_walk_forward
    from tradewinds.sweeps.walk_forward_files import WalkForwardOptions

    asked = config_of(config)
    options = WalkForwardOptions(_texts(grid), train, test, metric, anchored)
    session_runs.runs_here().wait_for_all()
    with job_errors():
        made = make_walk_forward(asked.resolved, options, run_options(fetch), asked.source, _shown(quiet))
    return WalkForwardResult(made.folder.resolve(), made.content)


def _texts(grid: Grid | None) -> list[str]:
    """Return a grid as the texts KEY=VALUES of the command."""
    found = []
    for key, values in (grid or {}).items():
        if isinstance(values, str):
            found.append(f"{key}={values}")
        elif isinstance(values, Mapping) or not isinstance(values, Sequence | range) or not len(values):
            remedy = "Give a list of values, or text such as 0.02:0.10:0.01."
            raise ConfigError("these are no values.", where=f"grid {key}", remedy=remedy)
        else:
            found.append(f"{key}={','.join(json.dumps(value, default=str) for value in values)}")
    return found


def _shown(quiet: bool) -> Shown:
    """Return where progress is shown: nowhere, or as lines on the standard output."""
    from tradewinds.pipeline.screen import Screen

    screen = Screen(quiet=quiet)

    @contextlib.contextmanager
    def replays(total: int) -> Iterator[Callable[[int], None]]:
        yield lambda more: None
        screen.print(f"replay: {total:,} of {total:,}")

    return Shown(screen, replays)


class SweepResult:
    """A ranked sweep.

    Args:
        made: the sweep.

    Attributes:
        folder: where its files lie, absolute.
        verdict: sentences on the result: how much of it luck alone would show.
    """

    def __init__(self, made: MadeSweep) -> None:
        self._made = made
        self.folder = made.folder.resolve()
        self.verdict = made.verdict

    @property
    def id(self) -> str:
        """The sweep's id."""
        return self.folder.name

    @property
    def points(self) -> pd.DataFrame:
        """Settings of every point and its figures before and after the split, by rank."""
        from tradewinds.session.frames import read_frame

        return read_frame(self.folder / "ranking.csv", exact=False).set_index("rank")

    @property
    def failed(self) -> pd.DataFrame:
        """The points that failed, with their reasons."""
        from tradewinds.session.frames import read_frame

        return read_frame(self.folder / "failed.csv", exact=False)

    @property
    def best(self) -> Config:
        """The config of the first point, to be run: `tw.run(sweep.best)`."""
        run_id = self._made.ranking.rows[0].run_id
        point = next(point for point in self._made.points if point.run_id == run_id)
        return Config.of(point.config, source=f"sweep {self.id}, best")

    def heatmap(self) -> ShownFigure:
        """Draw the metric of the ranking by the two settings that vary, before and after the split.

        Raises:
            ConfigError: other than two settings vary, or one has very many values.
        """
        from tradewinds.results.report.heatmap import heatmap_figure
        from tradewinds.session.shown_figure import ShownFigure
        from tradewinds.sweeps.sweep_picture import heatmap_of

        made = heatmap_of(self._made.ranking)
        if made is None:
            remedy = "Sweep two keys, of at most 40 values each."
            raise ConfigError("a heat map shows two settings that vary.", where="heatmap", remedy=remedy)
        return heatmap_figure(made, ShownFigure)

    def __repr__(self) -> str:
        """Return how many points there are, and the settings of the best."""
        from tradewinds.sweeps.keys import label

        first = self._made.ranking.rows[0]
        return f"<Sweep {self.id}: {len(self._made.ranking.rows):,} points, the best: {label(first.settings)}>"

    def _repr_html_(self) -> str:
        """Return the first points and the sentences on them, for a notebook."""
        import html

        return f"{self.points.head(10).to_html()}<p>{html.escape(self.verdict)}</p>"


class WalkForwardResult:
    """A walk-forward.

    Args:
        folder: where its files lie, absolute.
        summary: the content of walk_forward.json.
    """

    def __init__(self, folder: Path, summary: Mapping[str, Any]) -> None:
        self.folder, self.summary = folder, summary

    @property
    def id(self) -> str:
        """The walk-forward's id."""
        return self.folder.name

    @property
    def verdict(self) -> str:
        """Sentences on the result."""
        return str(self.summary["verdict"])

    @property
    def folds(self) -> pd.DataFrame:
        """Dates, pick and figures of every fold."""
        from tradewinds.session.frames import read_frame

        return read_frame(self.folder / "folds.csv", exact=False).set_index("fold")

    @property
    def equity(self) -> pd.DataFrame:
        """The chained equity of all test days, out of sample."""
        from tradewinds.session.frames import read_frame

        return read_frame(self.folder / "equity.csv", exact=False)

    @property
    def report(self) -> str:
        """The report in Markdown."""
        return (self.folder / "walk_forward.md").read_text(encoding="utf-8")

    def __repr__(self) -> str:
        """Return how many folds there are."""
        return f"<WalkForward {self.id}: {len(self.summary['folds']):,} folds>"

    def _repr_html_(self) -> str:
        """Return the folds and the sentences on them, for a notebook."""
        import html

        return f"{self.folds.to_html()}<p>{html.escape(self.verdict)}</p>"
