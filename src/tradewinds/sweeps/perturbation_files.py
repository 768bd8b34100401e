"""The files of a perturbation: perturbation.csv, perturbation.md, and a section of sweep.json."""

from __future__ import annotations

import csv
import dataclasses
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

from tradewinds.core import files
from tradewinds.core.text import plain
from tradewinds.results.report.markdown import markdown
from tradewinds.results.report.parts import Items, Page, ReportTable, Section, Text, shown
from tradewinds.sweeps.keys import label
from tradewinds.sweeps.outcomes import PeriodFigures
from tradewinds.sweeps.perturbation import PERCENTS, LeftOut, Number, Perturbation, PerturbedKey, metric_of

HEADER = ("key", "value", *(f"{percent:+d} %" for percent in PERCENTS), "worst change")


def write_perturbation(folder: Path, found: Perturbation) -> None:
    """Write perturbation.csv (a row per value) and perturbation.md (a row per key) into a sweep's folder."""
    files.write_text(folder / "perturbation.csv", _csv(found))
    files.write_text(folder / "perturbation.md", markdown(_page(found)))


def cells(one: PerturbedKey, by: str) -> tuple[str, ...]:
    """Return the cells of a key's row under HEADER: each value with the metric at it."""

    def at(percent: int) -> str:
        result = one.results.get(percent)
        if result is None:
            return "left out"
        said = "fails" if result.row is None else shown(result.metric(by), 2)
        return f"{_plain(result.tried.value)}: {said}"

    return (one.key, _plain(one.value), *(at(percent) for percent in PERCENTS), shown(one.worst, 2))


def _plain(value: Number) -> str:
    """A number without exponent and trailing zeros: 3, 0.08."""
    return plain(Decimal(str(value)))


def left_out_text(one: LeftOut) -> str:
    """Return a sentence on a value that was left out."""
    return f"{one.key}{'' if one.percent is None else f' {one.percent:+d} %'}: {one.reason}."


def _page(found: Perturbation) -> Page:
    """The report page of a perturbation."""
    base = metric_of(found.base.in_sample, found.by)
    said = (
        f"Each number of {label(found.base.settings)} is varied alone; all others stay. At the numbers as they are, {found.by} "
        f"before the split is {shown(base, 2)}. A cell is the value and {found.by} at it."
    )
    table = ReportTable(HEADER, [cells(one, found.by) for one in found.keys], "lr" + "r" * len(PERCENTS) + "r")
    sections = [Section("table", "What a number's change does", [Text(said), table])]
    if found.left_out:
        sections.append(Section("left-out", "Left out", [Items([left_out_text(one) for one in found.left_out])]))
    return Page("Perturbation", f"run {found.base.run_id}", sections)


def summary(found: Perturbation) -> dict[str, Any]:
    """Return the section `perturbation` of sweep.json."""
    return {
        "metric": found.by,
        "base": {"run_id": found.base.run_id, "value": metric_of(found.base.in_sample, found.by)},
        "keys": [
            {
                "key": one.key,
                "value": one.value,
                "worst_change": one.worst,
                "points": [
                    {"percent": percent, "value": result.tried.value, "metric": result.metric(found.by)}
                    for percent, result in one.results.items()
                ],
            }
            for one in found.keys
        ],
        "left_out": [dataclasses.asdict(one) for one in found.left_out],
    }


def _csv(found: Perturbation) -> str:
    """The text of perturbation.csv: the base, then a row per perturbed value."""
    figures = [field.name for field in dataclasses.fields(PeriodFigures)]
    parts = ("in_sample", "out_of_sample")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = [f"{part}_{name}" for part in parts for name in figures]
    writer.writerow(["key", "percent", "value", "run_id", "failed", *heads])
    base = [getattr(getattr(found.base, part), name) for part in parts for name in figures]
    writer.writerow(["", 0, "", found.base.run_id, "", *("" if value is None else value for value in base)])
    for one in found.keys:
        for percent, result in one.results.items():
            row = result.row
            values = [getattr(getattr(row, part), name) if row else None for part in parts for name in figures]
            head = [one.key, percent, result.tried.value, result.tried.point.run_id, result.reason]
            writer.writerow([*head, *("" if value is None else value for value in values)])
    return out.getvalue()
