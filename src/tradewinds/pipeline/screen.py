"""The output of a run: a console, and log files of what it shows."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

from rich.console import Console

from tradewinds.core.errors import ConfigError
from tradewinds.core.url_secrets import masked
from tradewinds.pipeline.terminal import SafeConsole

_LOG_WIDTH = 160


class Screen:
    """A console with a log file beside it.

    Args:
        console: where to print; by default the standard output.
        verbose: show the workflow's own output, too.
        quiet: show nothing but errors.
        log_file: a file to which all that a verbose screen shows is appended, as plain lines that begin with their UTC time.

    Raises:
        ConfigError: quiet and verbose are both set, or the log file cannot be written.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        verbose: bool = False,
        quiet: bool = False,
        log_file: Path | None = None,
    ) -> None:
        if quiet and verbose:
            raise ConfigError("--quiet and --verbose contradict each other.", remedy="Give one of them.")
        self.console = console or SafeConsole(quiet=quiet)
        self._errors = SafeConsole(quiet=quiet, stderr=True)
        self.verbose, self.quiet = verbose, quiet
        self._log = _open(log_file) if log_file else None
        self._run_log: Console | None = None

    def keep_in(self, run_log: Path) -> None:
        """From now on append what the log file gets to the run's own log, too, with the secrets of URLs masked.

        Args:
            run_log: in the run's folder; its jobs append to it as well.

        Raises:
            ConfigError: it cannot be written.
        """
        self._run_log = _open(run_log)

    @property
    def has_bars(self) -> bool:
        """Whether progress is shown as moving bars: on a terminal that can move its cursor, unless the screen is quiet."""
        return self.console.is_terminal and not self.console.is_dumb_terminal and not self.quiet

    def print(self, *objects: Any, **options: Any) -> None:
        """Print on the console and in the log; objects and options as for rich's Console.print."""
        self.console.print(*objects, **options)
        self.record(*objects, **options)

    def warn(self, *objects: Any, **options: Any) -> None:
        """Print on the standard error output and in the log; objects and options as for rich's Console.print."""
        self._errors.print(*objects, **options)
        self.record(*objects, **options)

    def record(self, *objects: Any, **options: Any) -> None:
        """Print in the logs only; objects and options as for rich's Console.print."""
        for log in (self._log, self._run_log):
            if log:
                log.print(*objects, **options)

    def detail(self, line: str) -> None:
        """Print a line of the workflow's own output: in the log, and on a verbose console."""
        (self.print if self.verbose else self.record)(line, markup=False, highlight=False, soft_wrap=True)

    def job_detail(self, line: str) -> None:
        """Print a line of a job's log, which the job has written into the run's log itself: elsewhere, as `detail` does."""
        for shown in (self.console if self.verbose else None, self._log):
            if shown:
                shown.print(line, markup=False, highlight=False, soft_wrap=True)


def _open(path: Path) -> Console:
    """Open a log file to append to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _Stamped(path)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror}).", where=str(path), remedy="Name another file."
        ) from None
    return SafeConsole(file=file, width=_LOG_WIDTH, color_system=None, highlight=False)


class _Stamped(io.StringIO):
    """A text file to append to, each of whose lines begins with the time at which it was written."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.at_start = path, True
        path.open("a").close()

    def write(self, text: str) -> int:
        """Append text, with the time in front of each line that begins in it."""
        with self.path.open("a", encoding="utf-8") as file:
            for line in text.splitlines(keepends=True):
                hidden = masked(line)
                file.write(f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ} {hidden}" if self.at_start else hidden)
                self.at_start = line.endswith("\n")
        return len(text)
