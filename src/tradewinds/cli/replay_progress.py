"""How many replays are done, on a terminal and in a log."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


class ReplayProgress:
    """How many points are replayed: a bar on a terminal, a line every few seconds elsewhere.

    Args:
        console: where it is shown.
        total: how many points there are.
    """

    def __init__(self, console: Console, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console, self.total, self.done = console, total, 0
        self.progress = Progress(
            TextColumn("replay"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
        )
        self.last_line = time.monotonic()

    def __enter__(self) -> ReplayProgress:
        """Start the bar."""
        if self.console.is_terminal:
            self.task = self.progress.add_task("", total=self.total)
            self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the bar where it is."""
        self.progress.stop()

    def __call__(self, more: int) -> None:
        """Count `more` points as replayed."""
        from tradewinds.pipeline.progress import PLAIN_LINE_SECONDS

        self.done += more
        if self.console.is_terminal:
            self.progress.update(self.task, completed=self.done)
        elif self.done == self.total or time.monotonic() - self.last_line > PLAIN_LINE_SECONDS:
            self.last_line = time.monotonic()
            self.console.print(f"replay: {self.done:,} of {self.total:,}")
