"""Print on a terminal what comes from outside: control characters become visible escapes, square brackets are no markup."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from tradewinds.core.safe_text import printable


class SafeConsole(Console):
    """A rich console that prints text as `printable` and reads no markup in it.

    The sequences that rich itself makes for colours and bars are kept.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of a renderable; texts as `printable`, control segments as they are."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
