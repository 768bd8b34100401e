"""Where a run speaks: the screen, and a log file beside it."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Any

from rich.console import Console

from tradewinds.core.errors import ConfigError

_LOG_WIDTH = 160


class Screen:
    """A console that can be quiet (nothing but errors) or verbose (what the workflow says, too), and a log file of it all.

    Args:
        log_file: everything a verbose screen would show as plain lines is appended to it, each with its time (UTC).

    Raises:
        ConfigError: quiet and verbose at once, or the log file cannot be written.
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
        self.console = console or Console(quiet=quiet)
        self.verbose, self.quiet = verbose, quiet
        self._log = _open(log_file) if log_file else None

    @property
    def has_bars(self) -> bool:
        """Whether progress moves in place: on a terminal that can do that, if anything is to be seen."""
        return self.console.is_terminal and not self.console.is_dumb_terminal and not self.quiet

    def print(self, *objects: Any, **options: Any) -> None:
        """Show something on the screen and in the log."""
        self.console.print(*objects, **options)
        self.record(*objects, **options)

    def record(self, *objects: Any, **options: Any) -> None:
        """Write something to the log alone."""
        if self._log:
            self._log.print(*objects, **options)

    def detail(self, line: str) -> None:
        """A line of the workflow: for the log and for who wants to see everything."""
        (self.print if self.verbose else self.record)(line, markup=False, highlight=False, soft_wrap=True)


def _open(path: Path) -> Console:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _Stamped(path)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror}).", where=str(path), remedy="Name another file."
        ) from None
    return Console(file=file, width=_LOG_WIDTH, color_system=None, highlight=False)


class _Stamped(io.StringIO):
    """A text file to append to, whose lines begin with their time."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.at_start = path, True
        path.open("a").close()

    def write(self, text: str) -> int:
        """Append text, stamping the lines that begin in it."""
        with self.path.open("a", encoding="utf-8") as file:
            for line in text.splitlines(keepends=True):
                file.write(f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%SZ} {line}" if self.at_start else line)
                self.at_start = line.endswith("\n")
        return len(text)
