"""The equity of a run as a line of a few letters' height, for lists of runs."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from io import StringIO

from markupsafe import Markup

from tradewinds.serve.folder import Folder, NotThere

WIDTH, HEIGHT = 96, 24  # units of the picture
MOST_POINTS = 48
MOST_BYTES = 2 << 20  # of an equity.csv that a list reads
MOST_KEPT = 1_000  # pictures of files that were read before

_kept: dict[tuple[str, int, int], Markup] = {}


def sparkline(folder: Folder) -> Markup:
    """Return the equity of a run as an SVG element; nothing for a run without its equity.csv, or with a very long one.

    Args:
        folder: of the run.
    """
    try:
        with folder.open("equity.csv") as file:
            found = os.fstat(file.fileno())
            # a file that is written anew is another file
            key = (folder.run_id, found.st_ino, found.st_mtime_ns)
            if key not in _kept:
                small = found.st_size <= MOST_BYTES
                line = drawn(_equity(file.read().decode())) if small else Markup("")
                if len(_kept) >= MOST_KEPT:
                    _kept.clear()
                _kept[key] = line
            return _kept[key]
    except (
        NotThere,
        ValueError,
        KeyError,
        csv.Error,
    ):  # the list is shown without it; the run's page says what is wrong
        return Markup("")


def _equity(text: str) -> list[float]:
    """Return some of the points of an equity.csv: at equal distances, with the first and the last."""
    rows = list(csv.DictReader(StringIO(text)))
    last = len(rows) - 1
    places = sorted({round(n * last / (MOST_POINTS - 1)) for n in range(MOST_POINTS)}) if rows else []
    return [float(rows[place]["equity_usd"]) for place in places]


def drawn(values: Sequence[float]) -> Markup:
    """Return some values as a line; nothing for fewer than two.

    Args:
        values: at equal distances.
    """
    if len(values) < 2:
        return Markup("")
    low, span = min(values), (max(values) - min(values)) or 1.0
    points = " ".join(
        f"{place * WIDTH / (len(values) - 1):.1f},{HEIGHT - 2 - (value - low) / span * (HEIGHT - 4):.1f}"
        for place, value in enumerate(values)
    )
    kind = "up" if values[-1] > values[0] else "down"
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"'
    return Markup(f'<svg class="spark {kind}" {box} aria-hidden="true"><polyline points="{points}"/></svg>')
