"""Print on a terminal what comes from outside: control characters become visible escapes, square brackets are no markup.

Nothing of a table is cut away: one that needs more columns than the terminal has is printed in its own width.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Column, Table

from tradewinds.core.safe_text import printable

_UNBOUNDED = 10_000  # columns of a console that folds nothing
_FOLDED = 12  # least width of a column whose words may be folded
_PANEL_EDGES = 4  # columns that a panel adds to what is in it


class SafeConsole(Console):
    """A rich console that prints text as `printable`, reads no markup in it, and cuts no table.

    The sequences that rich itself makes for colours and bars are kept. In a notebook it writes plain lines: rich would show
    what goes into log files there, too, and a notebook cannot draw over a bar.
    """

    def __init__(self, **options: Any) -> None:
        plain = {"force_terminal": False, "color_system": None} if "ipykernel" in sys.modules else {}
        super().__init__(**{"markup": False, "emoji": False, "force_jupyter": False, **plain, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable; texts as `printable`, control segments as they are."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print some objects; tables in the width that they need, if the console has less. Options as for rich's print."""
        needed = max((self._needed(shown, self.width) for shown in objects), default=0)
        if needed <= self.width:
            super().print(*objects, **options)
            return
        # a line longer than a terminal's goes on in its next one
        before, self._width = self._width, needed
        try:
            super().print(*objects, **options)
        finally:
            self._width = before

    def _needed(self, shown: Any, width: int) -> int:
        """Return the least number of columns in which an object is whole; 0 for what can be folded anywhere.

        A file or a pipe has no width, so there a table gets what it takes without folding a cell. On a terminal that is too
        narrow for that, the widths of the table's columns are set.

        Args:
            shown: the object.
            width: columns that there are for it.
        """
        if isinstance(shown, Panel):
            inner = self._needed(shown.renderable, width - _PANEL_EDGES)
            return inner and inner + _PANEL_EDGES
        if not isinstance(shown, Table):
            return 0
        for column in shown.columns:
            column.width = None
        widths = [_widths(column) for column in shown.columns]
        whole = Measurement.get(self, self.options.update(width=_UNBOUNDED), shown).maximum
        if not self.is_terminal or whole <= width:
            return whole
        # each column in its least width, and what is left of the terminal's to the first ones that can use it
        needed = whole - sum(widest - least for least, widest in widths)
        left = max(0, width - needed)
        for column, (least, widest) in zip(shown.columns, widths, strict=True):
            more = min(left, widest - least)
            column.width, left = least + more, left - more
        return needed


def _widths(column: Column) -> tuple[int, int]:
    """Return the least width of a column, and that of its widest line.

    A cell may be folded between its words, unless its column is not to be wrapped; within them, if its column says so.
    """
    lines = [line for cell in (column.header, *column.cells, column.footer) for line in str(cell).splitlines()]
    widest = max(map(cell_len, lines), default=0)
    longest = max((cell_len(word) for line in lines for word in line.split()), default=0)
    asked = column.min_width or 0
    if column.overflow == "fold":
        longest = min(longest, max(asked, _FOLDED))
    return max(widest if column.no_wrap else longest, asked), max(widest, asked)
