"""How far a run is: bars on a terminal, plain lines elsewhere; with rate and time left, read off what is there."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from tradewinds.families.plan import Plan
from tradewinds.pipeline import jobs
from tradewinds.pipeline.screen import Screen

PLAIN_LINE_SECONDS = 5.0
SOME_SECONDS = 1.0  # before that a rate says nothing
_BAR_WIDTH = 24

Group = tuple[str, list[str]]


def groups(plan: Plan[Any], loaded: str) -> list[Group]:
    """The files of a run in the order in which they come to be."""
    return [
        *plan.groups,
        ("simulate", [f"{plan.run_dir}/metrics.json"]),
        *((Path(path).stem, [path]) for path in plan.results),
        ("report", [f"{plan.run_dir}/report.md"]),
        ("load", [loaded]),
    ]


class _Stage:
    """Files to come, or what the one job that makes them says it has done of how much."""

    def __init__(self, name: str, missing: set[str]) -> None:
        self.name, self.missing = name, missing
        self.done, self.total = 0, len(missing)
        self.began: float | None = None  # when everything before it was there, or it was ahead of that
        self.shown_at = time.monotonic()

    def look(self, told: Callable[[str], tuple[int, int] | None]) -> bool:
        """Whether there is more than at the last look."""
        before = self.done, self.total
        self.missing -= {path for path in self.missing if Path(path).exists()}
        said = told(self.name)
        if said:
            self.done, self.total = said if self.missing else (said[1], said[1])
        else:
            self.done = self.total - len(self.missing)
        return (self.done, self.total) != before

    def line(self) -> str:
        """`candles: 15 of 22, 3.1/s, 0:00:02 left`."""
        text = f"{self.name}: {self.done:,} of {self.total:,}"
        elapsed = 0.0 if self.began is None else time.monotonic() - self.began
        if elapsed < SOME_SECONDS or not self.missing or not self.done:
            return text
        rate = self.done / elapsed
        return f"{text}, {_rate(rate)}, {dt.timedelta(seconds=round((self.total - self.done) / rate))} left"


class Watch:
    """Progress of a run, looked up at every call: files that were missing at the start, and what jobs say of themselves."""

    def __init__(self, file_groups: list[Group], screen: Screen, told_in: str | Path, log: Path | None = None) -> None:
        """`told_in`: where jobs leave their words (jobs.telling); `log`: of the workflow, whose new lines are details."""
        self.screen, self.told_in, self.log, self.read = screen, told_in, log, 0
        missing = {name: {path for path in files if not Path(path).exists()} for name, files in file_groups}
        self.stages = [_Stage(name, paths) for name, paths in missing.items() if paths]
        self.progress: Progress | None = None
        self.bars: dict[str, TaskID] = {}

    def __enter__(self) -> Watch:
        """Start the bars on a terminal."""
        if self.screen.has_bars:
            columns = (BarColumn(_BAR_WIDTH), MofNCompleteColumn(), _Rate(), TimeElapsedColumn(), TimeRemainingColumn())
            self.progress = Progress(TextColumn("{task.description:<13}"), *columns, console=self.screen.console)
            self.bars = {s.name: self.progress.add_task(s.name, total=s.total, start=False) for s in self.stages}
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the bars as they stand."""
        if self.progress:
            self.progress.stop()

    def __call__(self) -> None:
        """Look and show what changed."""
        self._details()
        all_before = True
        for stage in self.stages:
            changed = stage.look(lambda name: jobs.told(self.told_in, name))
            if stage.began is None and (changed or all_before):
                self._begin(stage)
            if changed:
                self._show(stage)
            all_before = all_before and not stage.missing

    def _begin(self, stage: _Stage) -> None:
        stage.began = time.monotonic()
        if self.progress:
            self.progress.start_task(self.bars[stage.name])

    def _show(self, stage: _Stage) -> None:
        if self.progress:
            self.progress.update(self.bars[stage.name], completed=stage.done, total=stage.total)
        now = time.monotonic()
        if not stage.missing or now - stage.shown_at > PLAIN_LINE_SECONDS:
            stage.shown_at = now
            (self.screen.record if self.progress else self.screen.print)(stage.line())

    def _details(self) -> None:
        """Whole new lines of the workflow's log."""
        if self.log and self.log.exists():
            with self.log.open("rb") as file:
                file.seek(self.read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self.read += len(whole)
            for line in whole.decode("utf-8", "replace").splitlines():
                self.screen.detail(line)


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        """`3.1/s`, and nothing before anything is done."""
        speed = task.completed / task.elapsed if task.completed and task.elapsed else None
        return Text("" if speed is None else _rate(speed), "progress.data.speed", justify="right")


def _rate(speed: float) -> str:
    return f"{speed:,.0f}/s" if speed >= 100 else f"{speed:.1f}/s"
