"""A picture of a table of figures: a cell per pair of values, its colour by the figure in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from tradewinds.results.report.pictures import DPI, GAIN, LOSS, STYLE, Drawn, drawn

_STYLE = {**STYLE, "font.size": 9}
_COLOURS = LinearSegmentedColormap.from_list("loss_to_gain", [LOSS, "#ffffff", GAIN])
DARK = 0.6  # share of the strongest colour from which letters are white


@dataclass(frozen=True)
class Heatmap:
    """Figures by two settings.

    Attributes:
        title: above it.
        names: of the settings across and down.
        across: values of the first setting, as text.
        down: values of the second.
        less_is_better: the colours are turned round.
        panels: by title, the figures as rows of `down` with columns of `across`; None where there is none.
    """

    title: str
    names: tuple[str, str]
    across: Sequence[str]
    down: Sequence[str]
    less_is_better: bool
    panels: Mapping[str, Sequence[Sequence[float | None]]]


def heatmap_svg(made: Heatmap) -> str:
    """Draw a heat map as SVG."""
    with rc_context(_STYLE):
        return drawn(heatmap_figure(made), ["svg"])["svg"].decode()


def heatmap_figure(made: Heatmap, kind: type[Drawn] = Figure) -> Drawn:  # type: ignore[assignment]
    """Draw a heat map on a figure of its own; all panels have one scale, white is 0.

    Args:
        made: the heat map.
        kind: class of the figure.
    """
    known = [value for rows in made.panels.values() for row in rows for value in row if value is not None]
    most = max(map(abs, known), default=0.0) or 1.0
    with rc_context(_STYLE):
        width = 1.6 + 0.7 * len(made.across)
        size = (max(4.0, width) * len(made.panels), max(2.4, 1.3 + 0.42 * len(made.down)))
        figure = kind(figsize=size, dpi=DPI, layout="constrained")
        figure.suptitle(made.title, fontsize=11)
        places = figure.subplots(1, len(made.panels), squeeze=False)[0]
        for axes, (title, rows) in zip(places, made.panels.items(), strict=True):
            _panel(axes, made, title, rows, most)
    return figure


def _panel(axes: Axes, made: Heatmap, title: str, rows: Sequence[Sequence[float | None]], most: float) -> None:
    """Draw one panel, with the figure in each cell.

    Args:
        axes: where.
        made: the heat map.
        title: of the panel.
        rows: its figures.
        most: the figure of the strongest colour.
    """
    values = np.array([[np.nan if value is None else value for value in row] for row in rows], np.float64)
    axes.imshow(
        values, cmap=_COLOURS.reversed() if made.less_is_better else _COLOURS, vmin=-most, vmax=most, aspect="auto"
    )
    axes.set_title(title, fontsize=9)
    axes.set_xticks(range(len(made.across)), made.across, rotation=90 if max(map(len, made.across)) > 6 else 0)
    axes.set_yticks(range(len(made.down)), made.down)
    axes.set_xlabel(made.names[0])
    axes.set_ylabel(made.names[1])
    for row, figures in enumerate(rows):
        for column, value in enumerate(figures):
            text = "—" if value is None else f"{value:,.2f}"
            ink = "white" if value is not None and abs(value) > DARK * most else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=8, color=ink)
