"""The equity curve of a sweep's best point, as a file and as a picture. Of all other points only figures are kept."""

from __future__ import annotations

import csv
import datetime as dt
import io
from html import escape
from pathlib import Path

import numpy as np

from tradewinds.core import files
from tradewinds.core.text import amount_text, figure, instant, number
from tradewinds.results.report.curve import Curve, thinned
from tradewinds.sweeps.keys import label
from tradewinds.sweeps.outcomes import PointOutcome, midnight
from tradewinds.sweeps.ranking import RankedPoint, place_of

CURVE, PICTURE = "best_equity.csv", "best_equity.svg"
_WIDTH, _HEIGHT = 900, 320  # units of the picture
_LEFT, _RIGHT, _TOP, _BOTTOM = 100, 16, 34, 34  # margins
_LETTERS = 110  # of a title that fits the picture


class BestOutcome:
    """Keeps the run of the point that ranks first of those that were offered.

    Args:
        by: the metric of the ranking, a name of RANK_BY.

    Attributes:
        outcome: the run; None as long as none was offered.
    """

    def __init__(self, by: str) -> None:
        self.by = by
        self.outcome: PointOutcome | None = None
        self._place: tuple[tuple[bool, bool, float], str] | None = None

    def offer(self, row: RankedPoint, outcome: PointOutcome) -> None:
        """Keep a run if its point ranks before the one that is kept.

        Args:
            row: the point's figures.
            outcome: its run.
        """
        place = place_of(row, self.by)
        if self._place is None or place < self._place:
            self._place, self.outcome = place, outcome


def write_best_curve(folder: Path, best: PointOutcome, split: dt.date, currency: str) -> None:
    """Write the equity curve of the best point.

    Args:
        folder: of the sweep.
        best: its run.
        split: first date that is out of sample.
        currency: of the account.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["ts_utc", "equity_usd"])
    rows = zip(best.equity_ts.tolist(), best.equity_micro.tolist(), strict=True)
    writer.writerows([instant(ts), amount_text(amount, best.places)] for ts, amount in rows)
    files.write_text(folder / CURVE, out.getvalue())
    files.write_text(folder / PICTURE, _svg(best, split, currency))


def _svg(best: PointOutcome, split: dt.date, currency: str) -> str:
    """Return the curve as a picture, made here because importing matplotlib takes longer than many a sweep."""
    title = f"The best point, {label(best.settings)}" if best.settings else "The best point"
    title = title if len(title) <= _LETTERS else f"{title[: _LETTERS - 1]}…"
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_WIDTH / 2, 20, title, "middle"),
    ]
    if not len(best.equity_ts):
        return "\n".join([*head, _text(_WIDTH / 2, _HEIGHT / 2, "There was nothing to trade.", "middle"), "</svg>\n"])

    # where instants and amounts stand
    equity = np.array([number(amount, best.places) for amount in best.equity_micro.tolist()], np.float64)
    drawn = thinned(Curve(best.equity_ts, equity, equity - np.maximum.accumulate(equity)))
    first, last = int(drawn.t[0]), int(drawn.t[-1])
    low, high = float(drawn.equity.min()), float(drawn.equity.max())

    def x(ts: float) -> float:
        return round(_LEFT + (ts - first) / ((last - first) or 1) * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(amount: float) -> float:
        return round(_TOP + (high - amount) / ((high - low) or 1) * (_HEIGHT - _TOP - _BOTTOM), 1)

    # a step at each point: equity holds until the next one
    points = list(zip(drawn.t.tolist(), drawn.equity.tolist(), strict=True))
    steps = "".join(f"H{x(ts)}V{y(amount)}" for ts, amount in points[1:])
    parts = [f'<path d="M{x(first)} {y(points[0][1])}{steps}" fill="none" stroke="#0072b2" stroke-width="1.5"/>']
    # the least and the greatest equity, the ends, and the split
    parts += [_text(_LEFT - 8, y(amount) + 4, figure(amount), "end") for amount in sorted({low, high})]
    parts.append(_text(14, _HEIGHT / 2, f"Equity, {currency}", "middle", f' transform="rotate(-90 14 {_HEIGHT / 2})"'))
    parts += [
        _text(x(first), _HEIGHT - 12, instant(first)[:10]),
        _text(x(last), _HEIGHT - 12, instant(last)[:10], "end"),
    ]
    at = midnight(split)
    if first < at < last:
        line = f'<path d="M{x(at)} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#555555" stroke-dasharray="5 4"/>'
        side = "start" if x(at) < _WIDTH / 2 else "end"
        parts += [
            line,
            _text(x(at) + (5 if side == "start" else -5), _TOP + 10, f"from {split} on: out of sample", side),
        ]
    return "\n".join([*head, *parts, "</svg>\n"])


def _text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    """Return words at a place of the picture."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#333333"{more}>{escape(words)}</text>'
