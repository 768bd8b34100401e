"""A report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tradewinds.core.safe_text import printable
from tradewinds.results.report.parts import (
    Cell,
    Code,
    Drawing,
    Items,
    Page,
    Panel,
    Plot,
    ReportPart,
    ReportTable,
    ShadedTable,
    SmallPlots,
    Text,
    Tiles,
)

_MEANING = re.compile(r"[\\`*|\[\]$~]|(?<!\w)_|_(?!\w)")  # between letters an underscore is itself
_ENTITY = re.compile(r"&(?=#?\w+;)")


def markdown(page: Page) -> str:
    """The text of report.md."""
    lines = [f"# {escape(page.title)}\n", f"{escape(page.subtitle)}\n"]
    if page.name.name:
        lines.append(f"**{escape(page.name.name)}**\n")
    if page.name.note:
        lines.append(f"{escape(page.name.note)}\n")
    for section in page.sections:
        lines += [f"## {escape(section.title)}\n", *(text for part in section.parts for text in _part(part))]
    return "\n".join(lines)


def escape(text: str) -> str:
    """Text without a meaning of its own in Markdown, in its tables, and in the HTML made from it."""
    harmless = _MEANING.sub(lambda sign: "\\" + sign[0], " ".join(printable(text).split()))
    return _ENTITY.sub("&amp;", harmless).replace("<", "&lt;").replace(">", "&gt;")


def table(part: ReportTable) -> str:
    """A Markdown table."""
    marks = ("---:" if side == "r" else "---" for side in part.sides)
    lines = [map(escape, part.header), marks, *(map(_cell, row) for row in part.rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(text: str) -> str:
    """A cell of a table; a code that its words stand for follows them."""
    code = text.code if isinstance(text, Cell) else ""
    return escape(f"{text} ({code})" if code else text)


def _part(part: ReportPart) -> Iterable[str]:
    # words, then tables, then pictures, then parts with parts of their own
    if isinstance(part, Text):
        yield (f"**{escape(part.text)}**" if part.tone == "strong" else escape(part.text)) + "\n"
    elif isinstance(part, Code):
        yield "    " + part.text.replace("\n", "\n    ") + "\n"
    elif isinstance(part, Items):
        yield "\n".join(f"- {escape(item)}" for item in part.items) + "\n"
    elif isinstance(part, Tiles):
        rows = tuple((label, value, remark) for label, value, remark in part.tiles)
        yield table(ReportTable(("", "", ""), rows, "lrl")) + "\n"
    elif isinstance(part, ReportTable):
        yield table(part) + "\n"
    elif isinstance(part, Plot):
        yield f"![{escape(part.title)}](plots/{part.name}.png)\n"
        if part.caption:
            yield f"{escape(part.caption)}\n"
    elif isinstance(part, ShadedTable):
        lines = [(name, *(text for text, _ in cells)) for name, cells in part.cells()]
        yield table(ReportTable(part.header, lines, "l" + "r" * (len(part.header) - 1))) + "\n"
    elif isinstance(part, Drawing):
        yield f"{escape(part.title)}: a picture in report.html. {escape(part.caption)}".strip() + "\n"
    elif isinstance(part, SmallPlots):
        yield f"{len(part.plots):,} small pictures are in report.html.\n"
    elif isinstance(part, Panel):
        yield f"### {escape(part.title)}\n"
        for inner in part.parts:
            yield from _part(inner)
