"""Show how far a run is: as bars on a terminal, as plain lines elsewhere, with rate and time left.

A file counts as made when it exists. A stage that is one job is as far as the job's own progress says (jobs.progress_writer).
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import time
from collections.abc import Callable, Sequence
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

from tradewinds.core.errors import INTERRUPTED
from tradewinds.families.plan import Plan
from tradewinds.pipeline import jobs
from tradewinds.pipeline.screen import Screen

PLAIN_LINE_SECONDS = 5.0
SOME_SECONDS = 1.0  # after which a rate means something
FAILED_SECONDS = 5.0  # a run that goes on so long after its first failure says so: the error itself comes at its end
_BAR_WIDTH = 24

Group = tuple[str, list[str]]  # a stage and its files


def groups(plan: Plan[Any], loaded: str) -> list[Group]:
    """List the files of a run by stage, in the order in which they are made.

    Args:
        plan: the run's files.
        loaded: the receipt of the load into the database.
    """
    return [
        *plan.groups,
        ("simulate", [f"{plan.run_dir}/metrics.json"]),
        *((Path(path).stem, [path]) for path in plan.results),
        ("report", [f"{plan.run_dir}/report.md"]),
        ("load", [loaded]),
    ]


class _Stage:
    """Progress of one stage: files made of those that were missing, or units done as its one job writes them."""

    def __init__(self, name: str, missing: set[str]) -> None:
        self.name, self.missing = name, missing
        self.waited: dict[str, set[str]] = {}  # names of the missing files by folder
        for path in missing:
            folder, file = os.path.split(path)
            self.waited.setdefault(folder, set()).add(file)
        self.done, self.total = 0, len(missing)
        self.began: float | None = None  # when its first file appeared, or when the stages before it were done
        self.shown_at = time.monotonic()

    def update(self, read_progress: Callable[[str], tuple[int, int] | None]) -> bool:
        """Look up how far the stage is.

        Args:
            read_progress: returns (units done, units in all) of a stage's job; None if it has written nothing.

        Returns:
            Whether anything changed since the last call.
        """
        before = self.done, self.total, len(self.missing)  # a job may tell that it is done before its file is there
        self.missing -= self._appeared()
        written = read_progress(self.name)
        if written:  # once its file is there the job is done, whatever it wrote last
            self.done, self.total = written if self.missing else (written[1], written[1])
        else:
            self.done = self.total - len(self.missing)
        return (self.done, self.total, len(self.missing)) != before

    def _appeared(self) -> set[str]:
        """Return the missing files that are there now.

        A folder is listed once, whatever is missing in it: thousands of files are looked for several times a second.
        """
        found = set()
        for folder, names in list(self.waited.items()):
            with contextlib.suppress(FileNotFoundError):  # no file of it is made yet
                made = names.intersection(os.listdir(folder or "."))  # noqa: PTH208 (names alone, which is quick)
                found |= {os.path.join(folder, name) for name in made}  # noqa: PTH118 (as they were split)
                names.difference_update(made)
            if not names:
                del self.waited[folder]
        return found

    def line(self) -> str:
        """Return a line such as `candles: 15 of 22, 3.1/s, 0:00:02 left`."""
        text = f"{self.name}: {self.done:,} of {self.total:,}"
        elapsed = 0.0 if self.began is None else time.monotonic() - self.began
        if elapsed < SOME_SECONDS or not self.missing or not self.done:
            return text
        rate = self.done / elapsed
        return f"{text}, {_rate(rate)}, {dt.timedelta(seconds=round((self.total - self.done) / rate))} left"


def _changed(path: Path) -> int | None:
    """Return when a file was written last, in nanoseconds; None without the file."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


class _Tail:
    """The new lines of a log; a line that is not complete yet waits for the next call.

    Args:
        path: the log, which need not exist yet.
        tell: called with each line.
        since: when the log of an earlier run was written last (`_changed`): as long as it is as old as that, nothing is new.
    """

    def __init__(self, path: Path, tell: Callable[[str], None], since: int | None) -> None:
        self.path, self.tell, self.since = path, tell, since
        self.read = 0  # bytes that were shown

    def show(self) -> None:
        """Tell the lines that were written since the last call."""
        changed = _changed(self.path)
        if changed is None or changed == self.since:
            return
        try:
            with self.path.open("rb") as file:
                file.seek(self.read)
                new = file.read()
        except FileNotFoundError:  # Snakemake deletes a job's log before the job begins
            return
        whole = new[: new.rfind(b"\n") + 1]
        self.read += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            self.tell(line)


class Watch:
    """Progress of a run; each call looks it up and shows what changed.

    Args:
        file_groups: the run's files by stage; those that exist when the object is made are not counted.
        screen: where to show progress.
        messages: the folder in which jobs write their progress (runner.messages_folder).
        log: the workflow's log, whose new lines are shown as details; None for none.
        job_logs: logs of jobs, whose lines are shown as details of a job once the job has begun them anew.
    """

    def __init__(
        self,
        file_groups: list[Group],
        screen: Screen,
        messages: str | Path,
        log: Path | None = None,
        job_logs: Sequence[Path] = (),
    ) -> None:
        self.screen, self.messages = screen, messages
        # the workflow's log first, so that a job's lines follow the line that says that the job begins
        self.tails = [_Tail(log, screen.detail, since=None)] if log else []
        self.tails += [_Tail(path, screen.job_detail, since=_changed(path)) for path in job_logs]
        missing = {name: {path for path in files if not Path(path).exists()} for name, files in file_groups}
        self.stages = [_Stage(name, paths) for name, paths in missing.items() if paths]
        self.failed_at: float | None = None  # when a job's failure was first seen
        self.failure_told = False
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
        """Stop the bars where they are."""
        if self.progress:
            self.progress.stop()

    def __call__(self) -> None:
        """Show what changed since the last call."""
        self._details()
        self._failure()
        all_before = True
        for stage in self.stages:
            changed = stage.update(lambda name: jobs.read_progress(self.messages, name))
            if stage.began is None and (changed or all_before):
                self._begin(stage)
            if changed:
                self._show(stage)
            all_before = all_before and not stage.missing

    def _begin(self, stage: _Stage) -> None:
        """Start a stage's clock."""
        stage.began = time.monotonic()
        if self.progress:
            self.progress.start_task(self.bars[stage.name])

    def _show(self, stage: _Stage) -> None:
        """Move a stage's bar; print a line of it at most once in PLAIN_LINE_SECONDS, and when it is done."""
        if self.progress:
            self.progress.update(self.bars[stage.name], completed=stage.done, total=stage.total)
        now = time.monotonic()
        if not stage.missing or now - stage.shown_at > PLAIN_LINE_SECONDS:
            stage.shown_at = now
            (self.screen.record if self.progress else self.screen.print)(stage.line())

    def _failure(self) -> None:
        """Say once that a job has failed, if others go on for FAILED_SECONDS after it."""
        if self.failure_told:
            return
        failed = [record for record in jobs.failures(self.messages) if record["exit_code"] != INTERRUPTED]
        if failed and self.failed_at is None:
            self.failed_at = time.monotonic()
        if failed and self.failed_at is not None and time.monotonic() - self.failed_at >= FAILED_SECONDS:
            self.failure_told = True
            self.screen.warn(f"failed, while other jobs go on: {failed[0]['message']}", markup=False, soft_wrap=True)

    def _details(self) -> None:
        """Show new lines of the logs."""
        for tail in self.tails:
            tail.show()


class _Rate(ProgressColumn):
    """A column with the units done per second."""

    def render(self, task: Task) -> Text:
        """Return `3.1/s`; an empty text before the first unit is done."""
        speed = task.completed / task.elapsed if task.completed and task.elapsed else None
        return Text("" if speed is None else _rate(speed), "progress.data.speed", justify="right")


def _rate(speed: float) -> str:
    return f"{speed:,.0f}/s" if speed >= 100 else f"{speed:.1f}/s"
