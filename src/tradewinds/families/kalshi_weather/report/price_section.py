"""Whether the forecast adds anything to the price of the same instant: the key `edge` of calibration.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather.plan import CALIBRATION
from tradewinds.results.edge.edge_words import age_words, figure_tables, sentences
from tradewinds.results.report.parts import Panel, ReportPart, ReportTable, Section, Text
from tradewinds.results.report.run import ReportRun

_NOTE = (
    "Price and forecast are distributions over the brackets of a day; the price is the middle of the quote at the as-of time. "
    "The pool weighs them as price^b · forecast^c: c = 0 says that the price knows all that the forecast knows. The weights of "
    "the first table are fitted after the fact; gains, the shrunk edge and its size use weights that were known at each as-of "
    "time. Both tables of edges buy one contract of every side at its ask. Intervals count dates, not markets."
)


def beside_price(run: ReportRun) -> Section | None:
    """Figures of forecast and price; None for a run without calibration.json."""
    scores = _scores(run)
    if scores is None:
        return None
    edge = scores["edge"]
    scored = f"{counted(edge['events'], 'event')} on {counted(edge['days'], 'day')}"
    left_out = ", ".join(f"{reason} {count:,}" for reason, count in edge["left_out"].items())
    counts = f"{scored}{f'; left out: {left_out}' if left_out else ''}."
    parts: list[ReportPart] = [Text(one, "strong") for one in sentences(edge)]
    parts += [Text(counts), Text(age_words(scores["ages"]))]
    if edge["events"]:
        parts += [
            Panel(made.title, [ReportTable(made.heads, made.rows, "l" + "r" * (len(made.heads) - 1))])
            for made in figure_tables(edge)
        ]
        parts.append(Text(_NOTE))
    return Section("price", "Does the forecast add anything to the price?", parts)


def price_sentences(run: ReportRun) -> list[str]:
    """What is said of the forecast beside the price; nothing without calibration.json."""
    scores = _scores(run)
    return sentences(scores["edge"]) if scores else []


def _scores(run: ReportRun) -> Mapping[str, Any] | None:
    """The content of calibration.json, None without one, or with one that an earlier version made."""
    path = run.folder / CALIBRATION
    found: Mapping[str, Any] | None = json.loads(path.read_bytes()) if path.exists() else None
    return found if found and "edge" in found else None
