"""Plots as pictures: SVG to print, PNG for chats. The same data gives the same bytes."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from tradewinds.results.report.curve import Curve, thinned
from tradewinds.results.report.parts import Plot

# Okabe and Ito's blue, vermillion and sky blue: told apart under every common colour blindness, and by their place as well.
GAIN, LOSS, BAND, INK = "#0072B2", "#D55E00", "#56B4E9", "#333333"
SIZES = {
    "equity": (9.0, 5.0),
    "bars": (7.5, 3.8),
    "points": (6.5, 5.0),
    "history": (9.0, 3.6),
    "stack": (9.0, 4.2),
    "scatter": (7.5, 4.6),
    "session": (9.0, 4.2),
    "quotes": (9.0, 9.0),
}
# Of layers on top of each other; report.css has the same.
LAYERS = ("#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#CC79A7", "#555555")
DPI = 110
LEGEND_BELOW = ("stack", "quotes")  # kinds with a legend outside of the axes
MARGIN = 8  # pixels around what is drawn
LEVEL_STYLES: Sequence[Any] = ("-", "--", ":")
PRINTED = 200  # stretches of time in the equity curve's picture
CROWDED = 60  # letters of labels side by side; more are turned
# A dollar sign from outside is no formula; ids in the SVG come from a fixed salt, not from chance.
STYLE: Any = {
    "svg.hashsalt": "tradewinds",
    "text.parse_math": False,
    "svg.fonttype": "path",
    "axes.unicode_minus": False,
}
_STYLE: Any = {**STYLE, "font.size": 10}


Drawn = TypeVar("Drawn", bound=Figure)

FORMS: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}  # with metadata left out


def pictures(plot: Plot, forms: Sequence[str] = tuple(FORMS)) -> dict[str, bytes]:
    """A plot's picture by format.

    Args:
        plot: the plot.
        forms: of FORMS.
    """
    with rc_context(_STYLE):
        figure: Figure = figure_of(plot)
        if plot.kind not in LEGEND_BELOW:
            _lay_out(figure)
        return drawn(figure, forms)


def figure_of(plot: Plot, kind: type[Drawn] = Figure) -> Drawn:  # type: ignore[assignment]
    """Draw a plot on a figure of its own.

    Args:
        plot: the plot.
        kind: class of the figure.
    """
    with rc_context(_STYLE):
        figure = kind(figsize=SIZES[plot.kind], dpi=DPI, layout="constrained")
        figure.suptitle(plot.title, fontsize=11)
        _DRAW[plot.kind](figure, plot)
        for axes in figure.axes:
            axes.grid(alpha=0.25)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
    return figure


def drawn(figure: Figure, forms: Sequence[str]) -> dict[str, bytes]:
    """Draw a figure in some formats.

    `Figure.savefig` would lay the figure out and draw it twice for each format. This lays it out once, and draws it once for
    each: half the time.

    Args:
        figure: with a layout engine, or laid out.
        forms: of FORMS.

    Returns:
        A file's content by format.
    """
    if layout := figure.get_layout_engine():
        layout.execute(figure)
        figure.set_layout_engine("none")
    found = {}
    for form in forms:
        out = io.BytesIO()
        if form == "svg":
            FigureCanvasSVG(figure).print_svg(out, metadata=FORMS[form])  # type: ignore[no-untyped-call]
            figure.set_dpi(DPI)  # print_svg leaves it at 72
        else:
            FigureCanvasAgg(figure).print_png(out, metadata=FORMS[form])  # type: ignore[no-untyped-call]
        found[form] = out.getvalue()
    return found


def _lay_out(figure: Figure) -> None:
    """Make room for the title and for what stands beside the axes, which lie in one column, once and for all.

    matplotlib's own layout measures every label twice, which takes a sixth of a picture's time; here one measurement is enough.
    """
    figure.set_layout_engine(None)
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    inner = [axes.bbox for axes in figure.axes]
    outer = [axes.get_tightbbox(renderer) or axes.bbox for axes in figure.axes]
    title: Any = figure._suptitle  # type: ignore[attr-defined]
    wide, high = figure.bbox.width, figure.bbox.height
    left = max(i.x0 - o.x0 for i, o in zip(inner, outer, strict=True)) + MARGIN
    right = max(o.x1 - i.x1 for i, o in zip(inner, outer, strict=True)) + MARGIN
    above = outer[0].y1 - inner[0].y1 + title.get_window_extent(renderer).height + 2 * MARGIN
    below = inner[-1].y0 - outer[-1].y0 + MARGIN
    figure.subplots_adjust(left / wide, below / high, 1 - right / wide, 1 - above / high, hspace=0.06)
    title.set_y(1 - MARGIN / high)


def _equity(figure: Figure, plot: Plot) -> None:
    whole = Curve(*(np.array(plot.data[name]) for name in Curve._fields))
    drawn = thinned(whole, PRINTED)
    times = [dt.datetime.fromtimestamp(ts, dt.UTC) for ts in drawn.t.tolist()]
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.step(times, drawn.equity, where="post", color=GAIN, linewidth=1.4)
    upper.axhline(plot.data["start"], color="#767676", linewidth=0.8, linestyle="--")
    upper.set_ylabel(f"Equity, {plot.axes[1]}")
    lower.fill_between(times, drawn.drawdown, step="post", color=LOSS, alpha=0.75)
    lower.set_ylabel(f"Drawdown, {plot.axes[1]}")
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    lower.xaxis.set_major_locator(locator)
    lower.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _bars(figure: Figure, plot: Plot) -> None:
    data = plot.data
    axes, places = figure.subplots(), range(len(data["labels"]))
    colours = [GAIN if value >= 0 else LOSS for value in data["value"]]
    axes.bar(places, data["value"], color=colours, width=0.7)
    if data["expected"]:
        axes.plot(
            places, data["expected"], "D", color=INK, markerfacecolor="white", markersize=6, label=data["names"][1]
        )
        axes.legend(frameon=False, fontsize=9)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(places, data["labels"], rotation=90 if sum(map(len, data["labels"])) > CROWDED else 0)
    axes.set_ylabel(f"{data['names'][0]}, {plot.axes[1]}")


def _points(figure: Figure, plot: Plot) -> None:
    data, axes = plot.data, figure.subplots()
    known = [i for i, low in enumerate(data["low"]) if low is not None]
    axes.axline((0, 0), slope=1, color="#767676", linestyle="--", linewidth=1, label="as promised")
    low, high = ([data[edge][i] for i in known] for edge in ("low", "high"))
    axes.vlines([data["x"][i] for i in known], low, high, colors=BAND, linewidth=3, zorder=1)
    axes.plot(data["x"], data["y"], "o", color=GAIN, markersize=6, zorder=2)
    beside = offset_copy(axes.transData, figure, 7, 3, units="points")
    for x, y, words in zip(data["x"], data["y"], data["n"], strict=True):
        axes.text(x, y, words, fontsize=8, color="#555555", transform=beside)
    axes.set_xlabel(plot.axes[0])
    axes.set_ylabel(plot.axes[1])
    axes.legend(frameon=False, fontsize=9)


def _history(figure: Figure, plot: Plot) -> None:
    data, axes = plot.data, figure.subplots()
    times = [dt.datetime.fromtimestamp(ts, dt.UTC) for ts in data["t"]]
    for found, colour in zip(data["lines"], (GAIN, LOSS), strict=False):
        axes.plot(np.array(times), found["y"], color=colour, linewidth=1.2, label=found["name"])
    if whole := data.get("bars"):
        axes.vlines(np.array(times), whole["low"], whole["high"], colors=BAND, linewidth=0.8, zorder=1)
    for up, sign, colour in ((True, "^", INK), (False, "v", LOSS)):
        marks = [(dt.datetime.fromtimestamp(m["t"], dt.UTC), m["y"]) for m in data["marks"] if m["up"] is up]
        if marks:
            axes.plot(*zip(*marks, strict=True), sign, color=colour, markersize=4)
    for held in data.get("spans", ()):
        ends = [dt.datetime.fromtimestamp(held[end], dt.UTC) for end in ("from", "to")]
        axes.axvspan(*ends, color=BAND, alpha=0.25, linewidth=0)  # type: ignore[arg-type]
    axes.set_ylabel(plot.axes[1])
    _date_axis(axes)
    if len(data["lines"]) > 1:
        axes.legend(frameon=False, fontsize=9)


def _date_axis(axes: Any) -> None:
    """Show dates below the axes."""
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _stack(figure: Figure, plot: Plot) -> None:
    data, axes = plot.data, figure.subplots()
    times: Any = [dt.datetime.fromtimestamp(ts, dt.UTC) for ts in data["t"]]
    above, below = np.zeros(len(times)), np.zeros(len(times))
    for layer, colour in zip(data["layers"], LAYERS, strict=False):
        y = np.array(layer["y"])
        low = np.where(y >= 0, above, below)
        axes.fill_between(times, low, low + y, step="post", color=colour, alpha=0.8, linewidth=0, label=layer["name"])
        above, below = above + np.maximum(y, 0), below + np.minimum(y, 0)
    axes.step(times, above + below, where="post", color=INK, linewidth=1.3, label=data["total"])
    axes.axhline(0, color=INK, linewidth=0.8)
    for level, style in zip(data["levels"], LEVEL_STYLES[1:], strict=False):
        axes.axhline(level["y"], color=INK, linewidth=0.9, linestyle=style, label=level["name"])
    axes.set_ylabel(plot.axes[1])
    _date_axis(axes)
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)


def _scatter(figure: Figure, plot: Plot) -> None:
    data, axes = plot.data, figure.subplots()
    for up, sign, colour in ((True, "^", GAIN), (False, "v", LOSS)):
        points = [(x, y) for x, y, is_up in zip(data["x"], data["y"], data["up"], strict=True) if is_up is up]
        if points:
            axes.plot(*zip(*points, strict=True), sign, color=colour, markersize=4, alpha=0.7)
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel(plot.axes[0])
    axes.set_ylabel(plot.axes[1])


def _session(figure: Figure, plot: Plot) -> None:
    data, axes = plot.data, figure.subplots()
    colours = [GAIN if close >= opened else LOSS for opened, close in zip(data["open"], data["close"], strict=True)]
    if box := data["box"]:
        axes.fill_between([box["from"], box["to"]], box["low"], box["high"], color=BAND, alpha=0.3, linewidth=0)
    axes.vlines(data["x"], data["low"], data["high"], colors=colours, linewidth=0.9)
    for i, level in enumerate(data["levels"]):
        style = LEVEL_STYLES[min(i, len(LEVEL_STYLES) - 1)]
        axes.hlines(level["y"], level["from"], level["to"], colors=INK, linewidth=0.9, linestyles=style)
        axes.annotate(level["name"], (level["from"], level["y"]), (2, 2), textcoords="offset points", fontsize=7)
    for up, sign in ((True, "^"), (False, "v")):
        marks = [(m["x"], m["y"]) for m in data["marks"] if m["up"] is up]
        if marks:
            axes.plot(*zip(*marks, strict=True), sign, color=INK, markersize=6, markeredgecolor="white")
    # the exchange's clock
    last = data["x"][-1] + 1
    ticks = [minute for minute in range(last + 1) if (data["clock"] + minute) % (60 if last > 180 else 30) == 0]
    axes.set_xticks(ticks, [_clock(data["clock"] + minute) for minute in ticks])
    axes.set_ylabel(plot.axes[1])


def _quotes(figure: Figure, plot: Plot) -> None:
    """A row per market: bid and ask as a band, the model's probability as a line, fills as triangles."""
    markets = plot.data["markets"]
    rows = figure.subplots(len(markets), 1, sharex=True, squeeze=False)[:, 0]
    for axes, market in zip(rows, markets, strict=True):
        times: Any = [dt.datetime.fromtimestamp(ts, dt.UTC) for ts in market["t"]]
        sides = {side: np.array(market[side], np.float64) for side in ("bid", "ask")}  # None is not a number
        axes.fill_between(times, sides["bid"], sides["ask"], step="post", color=BAND, alpha=0.35, linewidth=0)
        for side, colour in (("bid", GAIN), ("ask", LOSS)):
            axes.step(times, sides[side], where="post", color=colour, linewidth=0.9, label=side)
        if known := market["probability"]:
            steps = [(known["from"], known["p"]), *known.get("later", ())]
            ends: Any = [dt.datetime.fromtimestamp(ts, dt.UTC) for ts in (*(ts for ts, _ in steps), known["to"])]
            values = [*(p for _, p in steps), steps[-1][1]]
            axes.step(ends, values, "--", where="post", color=INK, linewidth=1.2, label="model")
        for up, sign in ((True, "^"), (False, "v")):
            marks = [(dt.datetime.fromtimestamp(m["t"], dt.UTC), m["y"]) for m in market["marks"] if m["up"] is up]
            if marks:
                axes.plot(*zip(*marks, strict=True), sign, color=INK, markersize=6, markeredgecolor="white")
        crosses = [(dt.datetime.fromtimestamp(m["t"], dt.UTC), m["y"]) for m in market["crosses"]]
        if crosses:
            axes.plot(*zip(*crosses, strict=True), "x", color=INK, markersize=4)
        if settled := market["settled"]:
            at = dt.datetime.fromtimestamp(settled["t"], dt.UTC)
            axes.plot([at], [settled["y"]], "D", color=INK, markersize=5, markerfacecolor="white")
        axes.set_ylim(-0.05, 1.05)
        axes.set_title(market["name"], fontsize=9, loc="left")
    _date_axis(rows[-1])
    rows[len(rows) // 2].set_ylabel(plot.axes[1])
    if markets:
        figure.legend(
            *rows[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8
        )


def _clock(minute: int) -> str:
    """A minute of the day as 09:30."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


_DRAW: dict[str, Callable[[Figure, Plot], None]] = {
    "equity": _equity,
    "bars": _bars,
    "points": _points,
    "history": _history,
    "stack": _stack,
    "scatter": _scatter,
    "session": _session,
    "quotes": _quotes,
}
