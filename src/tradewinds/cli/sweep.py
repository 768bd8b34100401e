"""`tradewinds sweep`: many settings of one config, ranked before a date and shown after it."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import io
import json
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tradewinds.config import resolve as configs
from tradewinds.core import files
from tradewinds.core.damage import naming_damage
from tradewinds.families.plan import run_plan
from tradewinds.pipeline import make, runner
from tradewinds.pipeline.progress import PLAIN_LINE_SECONDS
from tradewinds.pipeline.screen import Screen
from tradewinds.results.artifacts import resolved_yaml
from tradewinds.sweeps import chunks, replays
from tradewinds.sweeps.grid import SweepPoint, sweep_points
from tradewinds.sweeps.outcomes import Outcome, Part, split_date
from tradewinds.sweeps.ranking import Judged, Ranking, check_metric, rank, rank_judged
from tradewinds.sweeps.verdict import verdict

_SWEEPS = uuid.UUID("0d3c6c5f-5f5f-5e0b-9a53-3d0a4b8f7f21")


@dataclass(frozen=True)
class SweepOptions:
    """What to try and how to judge it: the flags of the command."""

    grid: Sequence[str] = ()
    ranges: Sequence[str] = ()
    random: int | None = None
    seed: int = 0
    rank_by: str = "sharpe"
    split: dt.date | None = None
    top: int = 20


def sweep(config_path: Path, options: SweepOptions, run: runner.RunOptions, console: Console) -> None:
    """Fetch what the points need, replay them all, rank them, and write the ranking.

    Raises:
        ConfigError, DataMissing, SimulationError, runner.WorkflowFailed: see their exit codes.
    """
    conf = configs.load(config_path)
    check_metric(options.rank_by)
    split = split_date(conf["date_start_local"], conf["date_end_local"], options.split)
    points = sweep_points(
        conf,
        grid=options.grid,
        ranges=options.ranges,
        random=options.random,
        seed=options.seed,
        source=str(config_path),
    )
    reading = replays.groups(points)
    console.print(f"{len(points):,} points over {len(reading):,} set(s) of candles and probabilities.")
    folder = Path(conf["output_dir"], "sweeps", _sweep_id(points, options, split))
    if run.profile:
        found = (one for group in reading for one in _fanned_out(group, split, folder / "chunks", run, console))
        ranking = rank_judged(found, split, options.rank_by)
    else:
        for group in reading:
            _make_inputs(group[0], run, console)
        with _Told(console, len(points)) as told:
            outcomes = (outcome for group in reading for outcome in _replayed(group, told))
            ranking = rank(outcomes, split, options.rank_by)
    sentences = verdict(ranking, conf["risk"].get("currency", "USD"))
    _write(folder, ranking, {point.run_id: point for point in points}, sentences)
    _show(console, ranking, options.top)
    console.print(sentences, soft_wrap=True, highlight=False)
    console.print(f"ranking   {folder}/ranking.csv", soft_wrap=True)
    console.print(f"the best  tradewinds run --config {folder}/best.yaml", soft_wrap=True)


def _make_inputs(point: SweepPoint, options: runner.RunOptions, console: Console) -> None:
    """Fetch and make everything that the replays of a group read."""
    plan = run_plan(point.config)
    with tempfile.TemporaryDirectory(prefix="tradewinds-") as folder:
        path = Path(folder, "config.yaml")
        path.write_text(yaml.safe_dump(point.config, sort_keys=False), encoding="utf-8")
        make.make(path, point.config, plan, options, Screen(console), target="inputs")


def _fanned_out(
    points: Sequence[SweepPoint], split: dt.date, folder: Path, run: runner.RunOptions, console: Console
) -> Iterator[Judged]:
    """Replay a group in pieces over a Snakemake profile; pieces that are there are not made again."""
    first, plan = points[0], run_plan(points[0].config)
    pieces = chunks.chunks(points, plan.units, split, folder)
    console.print(f"{len(points):,} points in {len(pieces):,} job(s).")
    for piece in pieces:
        chunks.write_order(piece, split)
    path = folder / f"{first.run_id}.config.yaml"  # jobs read it, so it lies where other machines see it
    files.write_text(path, yaml.safe_dump(first.config, sort_keys=False))
    made = ("replay", [str(piece.figures) for piece in pieces])
    make.make(path, first.config, plan, run, Screen(console), target="inputs", beyond=made)
    settings = {point.run_id: point.settings for point in points}
    for piece in pieces:
        yield from chunks.read_figures(piece.figures, settings)


def _replayed(points: Sequence[SweepPoint], told: _Told) -> Iterator[Outcome]:
    with naming_damage(run_plan(points[0].config).data_files):
        yield from replays.outcomes(points, told)


class _Told:
    """How many points are done: a bar on a terminal, a line every few seconds elsewhere."""

    def __init__(self, console: Console, total: int) -> None:
        self.console, self.total, self.done = console, total, 0
        self.progress = Progress(
            TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
        )
        self.last_line = time.monotonic()

    def __enter__(self) -> _Told:
        """Start the bar."""
        if self.console.is_terminal:
            self.task = self.progress.add_task("", total=self.total)
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bar as it stands."""
        self.progress.stop()

    def __call__(self, more: int) -> None:
        """Some more points are done."""
        self.done += more
        if self.console.is_terminal:
            self.progress.update(self.task, completed=self.done)
        elif self.done == self.total or time.monotonic() - self.last_line > PLAIN_LINE_SECONDS:
            self.last_line = time.monotonic()
            self.console.print(f"replay: {self.done:,} of {self.total:,}")


def _sweep_id(points: Sequence[SweepPoint], options: SweepOptions, split: dt.date) -> str:
    """The same points, ranked in the same way, have the same folder."""
    return str(uuid.uuid5(_SWEEPS, configs.digest([[point.run_id for point in points], options.rank_by, split])))


def _write(folder: Path, ranking: Ranking, points: Mapping[str, SweepPoint], sentences: str) -> None:
    """ranking.csv (a row per point), sweep.json (what was judged, and how), best.yaml (the config of the first point)."""
    keys = list(ranking.rows[0].settings)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    figures = [field.name for field in dataclasses.fields(Part)]
    parts = ("in_sample", "out_of_sample")
    writer.writerow(["rank", "run_id", *keys, *(f"{part}_{name}" for part in parts for name in figures)])
    for place, row in enumerate(ranking.rows, 1):
        settings = map(_text, row.settings.values())
        values = [getattr(getattr(row, part), name) for part in parts for name in figures]
        writer.writerow([place, row.run_id, *settings, *("" if value is None else value for value in values)])
    files.write_text(folder / "ranking.csv", out.getvalue())
    files.write_text(folder / "best.yaml", resolved_yaml(points[ranking.rows[0].run_id].config))
    summary = {
        "ranked_by": ranking.by,
        "split": ranking.split.isoformat(),
        "points": len(ranking.rows),
        "luck": dataclasses.asdict(ranking.luck),
        "rank_correlation": ranking.correlation,
        "verdict": sentences,
    }
    files.write_text(folder / "sweep.json", json.dumps(summary, indent=2, ensure_ascii=False) + "\n")


def _show(console: Console, ranking: Ranking, top: int) -> None:
    """The first points, with their figures before and after the split."""
    table = Table(title=f"By {ranking.by} before {ranking.split}", title_justify="left")
    for key in ranking.rows[0].settings:
        table.add_column(key.rpartition(".")[2], overflow="fold")
    for name in ("P&L", "trades", "Sharpe", "P&L after", "trades", "Sharpe"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in ranking.rows[:top]:
        table.add_row(*map(_text, row.settings.values()), *_figures(row.in_sample), *_figures(row.out_of_sample))
    console.print(table)
    if len(ranking.rows) > top:
        console.print(f"… and {len(ranking.rows) - top:,} more in ranking.csv")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _figures(part: Part) -> list[str]:
    return [f"{part.pnl_usd:,.2f}", f"{part.num_trades:,}", "—" if part.sharpe is None else f"{part.sharpe:,.2f}"]
