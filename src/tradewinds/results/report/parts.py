"""What a report is made of, before it is Markdown or HTML: plain text and numbers. The renderer escapes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tradewinds.core.run_names import NO_NAME, RunName
from tradewinds.core.text import figure


class Cell(str):
    """A text in a table with more to it than its words.

    Attributes:
        hint: what it means, shown where a pointer or the keyboard's focus rests on it.
        code: the code that the words stand for, shown in the same way.
        href: where it leads to: an anchor of the same page; "" for nowhere.
    """

    hint: str
    code: str
    href: str

    def __new__(cls, text: str, hint: str = "", code: str = "", href: str = "") -> Cell:
        """Make a text with its hint, code or link."""
        made = super().__new__(cls, text)
        made.hint, made.code, made.href = hint, code, href
        return made


Cells = tuple[str, ...]


def coded(code: str, words: str) -> str:
    """Words in place of a code, which they keep as their tooltip; the bare code if there are no other words for it."""
    return Cell(words, code=code) if words != code else code


@dataclass(frozen=True)
class Text:
    """A paragraph; `tone` is "" or "strong"."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Code:
    """A command to copy."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of short sentences."""

    items: Sequence[str]


@dataclass(frozen=True)
class Tiles:
    """The main figures: (label, value, remark)."""

    tiles: Sequence[tuple[str, str, str]]


@dataclass(frozen=True)
class ReportTable:
    """A table.

    Attributes:
        header: the heading of each column; all empty for a table of labels and values.
        rows: its cells as text.
        sides: l or r per column: on which side its cells stand.
        is_open: it is never folded, however long it is.
    """

    header: Cells
    rows: Sequence[Cells]
    sides: str
    is_open: bool = False


@dataclass(frozen=True)
class Plot:
    """A plot by its data, which the page's script draws and matplotlib makes a picture of. Figures are floats.

    Attributes:
        name: of its files and its place on the page.
        title: above it.
        kind: how it is drawn; it decides what `data` holds:
            equity: t (Unix seconds), equity, drawdown (≤ 0), start, currency.
            history: t, one or two lines (name, y), and marks (t, y, up, remark) on them; may have spans (from, to) of time,
                and bars (open, high, low, close), which are drawn where they have room.
            stack: t, layers (name, y) that are drawn on top of each other, those above 0 upwards and those below 0 downwards,
                total (the name of their sum, a line), and levels (name, y), lines across.
            bars: labels, value, expected, remark, and the names of value and expected; an empty `expected` is not drawn.
            points: x (ascending), y, low and high (None without an interval), n (words beside the point) and remark, drawn
                with the diagonal on which the points ought to lie.
            scatter: x (ascending), y, up (whether it is a gain) and remark.
            session: a trading session of bars: x (minutes after the open), open, high, low, close, the clock's minute of the
                open, box (from, to, low, high) or None, levels (name, y, from, to) and marks (x, y, up, remark).
            quotes: of markets whose prices go from 0 to 1: for each its name, t, bid and ask (None for none), probability
                (p, from, to, and later: its changes as (t, p), if any) or None, marks (t, y, up, remark), crosses (t, y,
                remark) and settled (t, y) or None.
        data: as above.
        axes: titles of x and y; that of an amount is a currency.
        caption: below it.
    """

    name: str
    title: str
    kind: str
    data: dict[str, Any]
    axes: tuple[str, str]
    caption: str = ""


@dataclass(frozen=True)
class SmallPlots:
    """Many plots of kind `session`, drawn small and without a script, on the page alone; their captions stand below them."""

    plots: Sequence[Plot]


@dataclass(frozen=True)
class Drawing:
    """A picture by hand-made SVG, which takes its colours from the page; it is on the page alone.

    Attributes:
        title: what it shows.
        svg: the picture; its texts are escaped.
        caption: below it; without one the title stands above.
        legend: (class of its style, name) of what the picture names.
    """

    title: str
    svg: str
    caption: str = ""
    legend: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class ShadedTable:
    """A table of figures whose cells are shaded by their values.

    Attributes:
        header: the heading of each column.
        rows: per row its name, and the figures of the other columns; None for an empty cell.
        digits: decimals of the figures.
        span: the figure of the strongest shade, above 0.
    """

    header: Cells
    rows: Sequence[tuple[str, Sequence[float | None]]]
    digits: int
    span: float

    def cells(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """The rows as (name, cells), each cell as (text, class of its shade: "" or up1 … up4, down1 … down4)."""
        return [(name, [(self._text(value), self._shade(value)) for value in values]) for name, values in self.rows]

    def _text(self, value: float | None) -> str:
        return "" if value is None else shown(value, self.digits)

    def _shade(self, value: float | None) -> str:
        if not value:
            return ""
        return f"{'up' if value > 0 else 'down'}{min(4, 1 + int(4 * abs(value) / self.span))}"


@dataclass(frozen=True)
class Panel:
    """Parts under a heading of their own; on a wide page a plot and its table stand side by side.

    Attributes:
        title: the heading.
        parts: what is below it.
        key: its anchor; "" for none.
    """

    title: str
    parts: Sequence[ReportPart]
    key: str = ""


ReportPart = Text | Code | Items | Tiles | ReportTable | ShadedTable | Plot | Drawing | SmallPlots | Panel


@dataclass(frozen=True)
class Section:
    """A chapter of the report; `key` is its anchor."""

    key: str
    title: str
    parts: Sequence[ReportPart] = field(default_factory=tuple)


@dataclass(frozen=True)
class Page:
    """A whole report."""

    title: str
    subtitle: str
    sections: Sequence[Section]
    name: RunName = NO_NAME

    def plots(self) -> list[Plot]:
        """Its plots, in order."""
        return [plot for section in self.sections for plot in _plots(section.parts)]


def _plots(parts: Sequence[ReportPart]) -> list[Plot]:
    found: list[Plot] = []
    for part in parts:
        if isinstance(part, Plot):
            found.append(part)
        elif isinstance(part, Panel):
            found += _plots(part.parts)
    return found


def back_to(key: str) -> ReportTable:
    """A line that leads from a chart back to the list in a section, by the section's anchor."""
    return ReportTable(("", ""), [(Cell("↑ back to the list", href=f"#{key}"), "")], "ll")


def shown(value: float | int | str | Decimal | None, digits: int) -> str:
    """A number with `digits` decimals and commas between thousands, rounded half to even; — for None."""
    return figure(value if value is None else Decimal(str(value)), digits)


def span(low: float | str, high: float | str) -> str:
    """A range of figures that is never broken into two lines."""
    return f"{low}\N{NO-BREAK SPACE}–\N{NO-BREAK SPACE}{high}"


def listed(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")
