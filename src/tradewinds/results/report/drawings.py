"""Charts as hand-made SVG: a few kilobytes each, drawn in about a millisecond, without a script.

The frame of a chart has no view box: it is as wide as its place, its height is fixed, and its letters stay as large as the
page's on a phone, too. What is drawn lies in an inner picture that is stretched. Colours are those of the page's style sheet,
on paper and in the dark as well.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

HEIGHT = 200  # pixels of a chart with its dates
TOP, BOTTOM = 14, 22  # pixels above and below what is drawn
WIDE, HIGH = 10_000, 1_000  # units of the inner picture
MOST_POINTS = 400  # of a line: a screen's pixels, about
_TICKS = 4  # lines across, about
_DATES = 5
_DAY = 86_400


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        y: a value for each x of the chart; a line is broken where one is not finite.
        kind: class of its style.
        name: in the legend; "" for none.
        stepped: each value holds until the next one.
    """

    y: Sequence[float]
    kind: str
    name: str = ""
    stepped: bool = False


@dataclass(frozen=True)
class Band:
    """An area between two values for each x of the chart, with the class of its style and its name in the legend."""

    low: Sequence[float]
    high: Sequence[float]
    kind: str
    name: str = ""
    stepped: bool = False


@dataclass(frozen=True)
class Mark:
    """A sign at a point, with words where a pointer rests on it; its kind is up, down, refused or settled."""

    x: float
    y: float
    kind: str
    remark: str


@dataclass(frozen=True)
class Chart:
    """What a chart shows.

    Attributes:
        x: ascending; Unix seconds if `dates`.
        lines: as above.
        bands: below the lines.
        marks: above them.
        levels: values with a line across and its name.
        dates: x are instants; else numbers.
        x_name: words after the last number of the x axis.
        span: lowest and highest value; None for what is drawn.
        height: pixels.
    """

    x: Sequence[float]
    lines: Sequence[Line]
    bands: Sequence[Band] = ()
    marks: Sequence[Mark] = ()
    levels: Sequence[tuple[float, str]] = field(default_factory=tuple)
    dates: bool = True
    x_name: str = ""
    span: tuple[float, float] | None = None
    height: int = HEIGHT


class _Axes:
    """Values as places: x in units of the inner picture, y as well, and both of the frame.

    Args:
        chart: what is drawn.
    """

    def __init__(self, chart: Chart) -> None:
        self.first, self.last = chart.x[0], max(chart.x[-1], chart.x[0] + 1e-9)
        drawn = [value for line in chart.lines for value in line.y if math.isfinite(value)]
        drawn += [value for band in chart.bands for values in (band.low, band.high) for value in values]
        drawn += [mark.y for mark in chart.marks] + [value for value, _ in chart.levels]
        low, high = chart.span or (min(drawn), max(drawn))
        room = (high - low or abs(high) or 1.0) * (0.0 if chart.span else 0.04)
        self.low, self.high = low - room, high + room
        self.height = chart.height - TOP - BOTTOM

    def x(self, value: float) -> int:
        return round((value - self.first) / (self.last - self.first) * WIDE)

    def y(self, value: float) -> int:
        return round((self.high - value) / (self.high - self.low) * HIGH)

    def percent(self, value: float) -> str:
        return f"{self.x(value) / WIDE * 100:.2f}%"

    def pixel(self, value: float) -> str:
        return f"{TOP + self.y(value) / HIGH * self.height:.1f}"


def chart_svg(chart: Chart) -> str:
    """Return a chart as an SVG element, whose texts are escaped.

    Args:
        chart: at least one x, and a value.
    """
    scale = _Axes(chart)
    # what is stretched to the width of the place
    inner = [_across(scale, value, "grid") for value, _ in _ticks(scale.low, scale.high)]
    inner += [_band(scale, chart.x, band) for band in chart.bands]
    inner += [_across(scale, value, "level") for value, _ in chart.levels]
    inner += [f'<path class="{line.kind}" d="{_path(scale, chart.x, line.y, line.stepped)}"/>' for line in chart.lines]
    # what is not: letters and signs
    outer = [_letters(scale, value, words) for value, words in _ticks(scale.low, scale.high)]
    outer += [_letters(scale, value, words, right=True) for value, words in chart.levels]
    outer += _x_axis(chart, scale)
    outer += [_sign(scale, mark) for mark in chart.marks]
    head = (
        f'<svg y="{TOP}" width="100%" height="{scale.height}" viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none">'
    )
    return f'<svg width="100%" height="{chart.height}">{head}{"".join(inner)}</svg>{"".join(outer)}</svg>'


def legend_of(chart: Chart) -> list[tuple[str, str]]:
    """Return the (class, name) of what a chart's legend names, in order."""
    named = [(line.kind, line.name) for line in chart.lines] + [(band.kind, band.name) for band in chart.bands]
    return [(kind, name) for kind, name in named if name]


def _path(scale: _Axes, x: Sequence[float], y: Sequence[float], stepped: bool) -> str:
    """Return a line as the commands of a path; of a stepped one only the points at which it changes."""
    made, pen, before = [], False, None
    for place, value in zip(x, y, strict=True):
        if not math.isfinite(value):
            pen, before = False, None
            continue
        point = (scale.x(place), scale.y(value))
        if not pen:
            made.append(f"M{point[0]} {point[1]}")
        elif not stepped:
            made.append(f"L{point[0]} {point[1]}")
        elif point[1] != before:
            made.append(f"H{point[0]}V{point[1]}")
        pen, before = True, point[1]
    if stepped and pen:
        made.append(f"H{scale.x(x[-1])}")
    return "".join(made)


def _band(scale: _Axes, x: Sequence[float], band: Band) -> str:
    """Return an area between two lines."""
    upper = _path(scale, x, band.high, band.stepped)
    back = list(zip(reversed(x), reversed(band.low), strict=True))
    # a stepped edge that is walked backwards changes its value before its place
    steps = [
        f"V{scale.y(value)}H{scale.x(place)}" if band.stepped else f"L{scale.x(place)} {scale.y(value)}"
        for place, value in back
    ]
    return f'<path class="{band.kind}" d="{upper}{"".join(steps)}Z"/>'


def _across(scale: _Axes, value: float, kind: str) -> str:
    return f'<path class="{kind}" d="M0 {scale.y(value)}H{WIDE}"/>'


def _letters(scale: _Axes, value: float, words: str, right: bool = False) -> str:
    """Return the words of a line across, above its left or its right end."""
    place = 'x="100%" text-anchor="end"' if right else 'x="0"'
    return f'<text {place} y="{scale.pixel(value)}" dy="-3">{escape(words)}</text>'


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Return round values between two, with their words."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    digits = max(0, -math.floor(math.log10(step)) + (1 if step / power == 2.5 else 0))
    first, last = math.ceil(low / step), math.floor(high / step + 1e-9)
    return [(place * step, f"{place * step:,.{digits}f}") for place in range(first, last + 1)]


def _x_axis(chart: Chart, scale: _Axes) -> list[str]:
    """Return the words below a chart: days, or minutes of one day, or numbers."""
    first, last = chart.x[0], chart.x[-1]
    if not chart.dates:
        places = [first + (last - first) * n / (_DATES - 1) for n in range(_DATES)]
        words = [f"{place:,.0f}" for place in places]
        if chart.x_name:  # it takes the room of the number before it
            words[-2:] = ["", f"{words[-1]} {chart.x_name}"]
    else:
        days = (last - first) / _DAY
        step = _DAY * max(1, math.ceil(days / _DATES)) if days > 2 else 6 * 3600 if days > 1 else 3 * 3600
        start = math.ceil(first / step) * step
        places = [float(start + n * step) for n in range(int((last - start) // step) + 1)] or [first]
        words = [_date_words(place, days) for place in places]
    return [
        f'<text x="{scale.percent(place)}" y="{chart.height - 6}"{_anchor(scale.x(place))}>{escape(text)}</text>'
        for place, text in zip(places, words, strict=True)
    ]


def _date_words(ts: float, days: float) -> str:
    """Return an instant in the fewest words: its day, or the time of a day that has begun."""
    at = dt.datetime.fromtimestamp(ts, dt.UTC)
    if days <= 2 and ts % _DAY:
        return f"{at:%H:%M}"
    return f"{at.day} {at:%b %Y}" if days > 200 else f"{at.day} {at:%b}"


def _anchor(x: int) -> str:
    """Return how words at a place are set, so that they stay inside the frame."""
    if x < WIDE // 12:
        return ""
    return ' text-anchor="end"' if x > WIDE * 11 // 12 else ' text-anchor="middle"'


_SIGNS = {
    "up": "M0-5L5 4H-5Z",
    "down": "M0 5L5-4H-5Z",
    "refused": "M-3-3L3 3M-3 3L3-3",
    "settled": "M0-5L5 0L0 5L-5 0Z",
}


def _sign(scale: _Axes, mark: Mark) -> str:
    """Return a mark as a sign that is not stretched, with its words where a pointer rests on it."""
    place = f'x="{scale.percent(mark.x)}" y="{scale.pixel(mark.y)}"'
    shape = f'<path class="{mark.kind}" d="{_SIGNS[mark.kind]}"><title>{escape(mark.remark)}</title></path>'
    return f'<svg {place} class="sign">{shape}</svg>'
