"""The pages of single symbols of a run: symbols/{SYMBOL}_report.html."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tradewinds.core import files
from tradewinds.families.equities_intraday.group_sections import distribution, factors, groups
from tradewinds.families.equities_intraday.range_section import ranges
from tradewinds.families.equities_intraday.report import limits, metrics_table, running_r, subtitle, tiles, title
from tradewinds.families.equities_intraday.session_charts import session_charts
from tradewinds.results.report import sections
from tradewinds.results.report.html import html
from tradewinds.results.report.parts import Page, Section, Text
from tradewinds.results.report.run import ReportRun, read_run


def _symbol_summary(run: ReportRun) -> Section:
    """Return the main figures of one symbol, and its running sum of R."""
    name = run.config["symbols"][0]
    note = (
        "The figures are those of this symbol's trades in the run. Its equity, drawdown and Sharpe ratio are of its profits "
        "alone, on the start balance of the account."
    )
    return Section("summary", "Summary", [tiles(run), Text(note), *running_r(run, f"symbols/{name}_equity.parquet")])


_SYMBOL_SECTIONS: tuple[Callable[[ReportRun], Section | None], ...] = (
    _symbol_summary,
    metrics_table,
    distribution,
    groups,
    factors,
    ranges,
    session_charts,
    limits,
    sections.reproduce,
)


def write_symbol_reports(folder: str | Path) -> list[Path]:
    """Write symbols/{SYMBOL}_report.html for every symbol of a finished run, and return their paths; each is whole or absent.

    Args:
        folder: the run's folder.
    """
    from tradewinds.results.report.pictures import pictures  # imported here, because matplotlib is slow to import

    run, written = read_run(folder), []
    for figures in sorted(run.folder.glob("symbols/*_metrics.json")):
        name = figures.name.removesuffix("_metrics.json")
        part = replace(
            run,
            metrics=json.loads(figures.read_text(encoding="utf-8")),
            config={**run.config, "symbols": [name]},
        )
        found = [section(part) for section in _SYMBOL_SECTIONS]
        page = Page(title(part), subtitle(part), [section for section in found if section])
        drawn = {plot.name: pictures(plot, ["svg"])["svg"] for plot in page.plots()}
        path = figures.with_name(f"{name}_report.html")
        files.write_text(path, html(page, drawn))
        written.append(path)
    return written
