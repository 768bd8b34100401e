"""Small vector pictures of trading sessions, a few kilobytes each: a page can hold one for every trade.

They need no script, no network and no picture file, take their colours from the page's style sheet (on paper and in the dark,
too), and are sharp at any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from markupsafe import Markup

HEIGHT, MARGIN = 120, 8  # units of the picture; a minute is one unit wide
_HALF = 4  # of a mark's width


def small_session(data: Mapping[str, Any]) -> Markup:
    """Return a session of bars as an SVG element, whose texts are escaped.

    Args:
        data: of a plot of kind `session` (parts.Plot).
    """
    scale = _Scale(data)
    lines = "".join(
        f"M{x} {scale.y(high)}v{max(1, scale.y(low) - scale.y(high))}"
        for x, high, low in zip(data["x"], data["high"], data["low"], strict=True)
    )
    width = max(data["x"][-1] + 1, *(level["to"] for level in data["levels"])) + _HALF
    inner = [_box(data["box"], scale), f'<path class="bar" d="{lines}"/>']
    inner += [_level(level, scale) for level in data["levels"]]
    inner += [_mark(mark, scale) for mark in data["marks"]]
    head = f'<svg viewBox="{-_HALF} 0 {width + _HALF} {HEIGHT}" preserveAspectRatio="none">'
    return Markup(f"{head}{''.join(inner)}</svg>")


class _Scale:
    """Prices as heights.

    Args:
        data: of the plot: all that is drawn lies within the picture.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        drawn: Sequence[float] = [
            *data["low"],
            *data["high"],
            *(level["y"] for level in data["levels"] if level["name"] in ("entry", "stop")),
            *(mark["y"] for mark in data["marks"]),
        ]
        self.top, self.range = max(drawn), (max(drawn) - min(drawn)) or 1.0

    def y(self, price: float) -> int:
        """Return the height of a price, from the top."""
        return round(MARGIN + (self.top - price) / self.range * (HEIGHT - 2 * MARGIN))


def _box(box: Mapping[str, float] | None, scale: _Scale) -> str:
    """Return the opening range as a rectangle."""
    if box is None:
        return ""
    top, bottom = scale.y(box["high"]), scale.y(box["low"])
    return f'<rect class="box" x="{box["from"]}" y="{top}" width="{box["to"] - box["from"]}" height="{max(1, bottom - top)}"/>'


def _level(level: Mapping[str, Any], scale: _Scale) -> str:
    """Return a price as a line, with its name where a pointer rests on it; one beyond the picture's edges is left out."""
    y = scale.y(level["y"])
    if not 0 <= y <= HEIGHT:
        return ""
    kind = escape(level["name"].split()[0])
    title = f"<title>{escape(level['name'])} {level['y']}</title>"
    return f'<path class="level {kind}" d="M{level["from"]} {y}H{level["to"]}">{title}</path>'


def _mark(mark: Mapping[str, Any], scale: _Scale) -> str:
    """Return a fill as a triangle, up for a purchase, with its words where a pointer rests on it."""
    x, y = mark["x"], scale.y(mark["y"])
    tip, foot = (-_HALF, _HALF) if mark["up"] else (_HALF, -_HALF)
    shape = f"M{x} {y + tip}L{x + _HALF} {y + foot}H{x - _HALF}Z"
    kind = "buy" if mark["up"] else "sell"
    return f'<path class="{kind}" d="{shape}"><title>{escape(mark["remark"])}</title></path>'
