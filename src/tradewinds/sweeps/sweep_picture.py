"""A sweep of two keys as a picture: the metric of the ranking by their values, before and after the split."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewinds.core import files
from tradewinds.sweeps.keys import setting_text
from tradewinds.sweeps.ranking import RANK_BY, Ranking

if TYPE_CHECKING:
    from tradewinds.results.report.heatmap import Heatmap

NAME = "heatmap.svg"
MOST_VALUES = 40  # of a key: more cannot be read


def write_sweep_picture(folder: Path, ranking: Ranking) -> bool:
    """Write the heat map of a sweep that varies two keys; returns whether there is one.

    Args:
        folder: of the sweep.
        ranking: its ranked points.
    """
    made = heatmap_of(ranking)
    if made is None:
        return False
    # Imported here: matplotlib is slow to import, and most sweeps vary more keys or one.
    from tradewinds.results.report.heatmap import heatmap_svg

    files.write_text(folder / NAME, heatmap_svg(made))
    return True


def heatmap_of(ranking: Ranking) -> Heatmap | None:
    """Return the heat map of a sweep; None if other than two keys vary, or one has more than MOST_VALUES values."""
    values = {key: sorted({_sortable(row.settings[key]) for row in ranking.rows}) for key in ranking.rows[0].settings}
    varied = [key for key, found in values.items() if len(found) > 1]
    if len(varied) != 2 or any(len(values[key]) > MOST_VALUES for key in varied):
        return None
    from tradewinds.results.report.heatmap import Heatmap  # here: it imports matplotlib

    one, other = varied
    field, better = RANK_BY[ranking.by]
    panels: dict[str, list[list[float | None]]] = {}
    for title, part in ((f"before {ranking.split}", "in_sample"), (f"from {ranking.split} on", "out_of_sample")):
        found = {
            (_sortable(row.settings[one]), _sortable(row.settings[other])): getattr(getattr(row, part), field)
            for row in ranking.rows
        }
        panels[title] = [[found.get((x, y)) for x in values[one]] for y in values[other]]
    return Heatmap(
        title=f"{ranking.by} by {one.rpartition('.')[2]} and {other.rpartition('.')[2]}",
        names=(one.rpartition(".")[2], other.rpartition(".")[2]),
        across=[text for _, _, text in values[one]],
        down=[text for _, _, text in values[other]],
        less_is_better=better < 0,
        panels=panels,
    )


def _sortable(value: Any) -> tuple[bool, float, str]:
    """Return a value so that numbers are in their order and before texts."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return not is_number, float(value) if is_number else 0.0, setting_text(value)
