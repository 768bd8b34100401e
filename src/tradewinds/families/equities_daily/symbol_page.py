"""The page of one share of a run: its bars with every entry and exit, its positions and refused orders."""

from __future__ import annotations

import csv
import datetime as dt
from typing import Any

import pyarrow.compute as pc

from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import counted
from tradewinds.families.equities_daily.run_files import DRAWN
from tradewinds.families.equities_daily.share_reasons import reason_text
from tradewinds.results.report.parts import Cells, Panel, Plot, ReportTable, Text, coded, listed, shown
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import outcome
from tradewinds.results.report.unit_page import MOST_ROWS, UnitPage, refusals_of, refusals_panel

_SIGNS = (("entry", True), ("exit", False))


def symbol_page(run: ReportRun, symbol: str) -> UnitPage:
    """Return the page of a symbol.

    Raises:
        ConfigError: the run has no prices of this symbol.
    """
    closed = _closed(run, symbol)
    plot = price_plot(run, "prices", symbol)
    if not plot.data["t"]:
        traded = [name for (name,) in run.query("SELECT DISTINCT market_ticker FROM trades ORDER BY 1")]
        remedy = f"Traded: {listed(traded, 20) or 'nothing'}."
        raise ConfigError("the run has no prices of this symbol.", where=symbol, remedy=remedy)
    made = sum(float(row["pnl"]) for row in closed)
    remark = f"{counted(len(closed), 'position')}, P&L {shown(made, 2)} {run.currency}."
    refused = refusals_panel(refusals_of(run, [symbol]), reason_text, {}, run.currency)
    return UnitPage(symbol, remark, [plot], [_positions(run, closed), refused])


def price_plot(run: ReportRun, name: str, symbol: str) -> Plot:
    """Return the plot of a symbol's bars and closes with every entry and exit.

    A run that was made before its file had whole bars has closes alone.

    Args:
        run: the run.
        name: of the plot.
        symbol: the symbol.
    """
    marks = [_mark(run, row, kind, up) for row in _closed(run, symbol) for kind, up in _SIGNS]
    days = _prices(run, symbol)
    data: dict[str, Any] = {"t": [noon(str(date)) for date in days["date"]], "marks": marks}
    data["lines"] = [{"name": "close" if "open" in days else symbol, "y": days["close"]}]
    if "open" in days:
        data["bars"] = {column: days[column] for column in DRAWN}
    return Plot(name, symbol, "history", data, ("", run.currency))


def noon(date: str) -> int:
    """Return noon UTC of a date in Unix seconds: the x value of a day in a plot."""
    return int(dt.datetime.combine(dt.date.fromisoformat(date), dt.time(12), dt.UTC).timestamp())


def _closed(run: ReportRun, symbol: str) -> list[dict[str, str]]:
    """Return the rows of positions_closed.csv of a symbol."""
    with open(run.folder / "positions_closed.csv", encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["symbol"] == symbol]


def _mark(run: ReportRun, row: dict[str, str], kind: str, up: bool) -> dict[str, Any]:
    """Return the mark of an entry (up) or exit of a row of positions_closed.csv, for a plot of closes."""
    words = f"{kind} {row['qty']} at {row[f'{kind}_price']} {run.currency}"
    if not up:
        words += f", {reason_text(row['exit_reason'])}, P&L {row['pnl']} {run.currency}"
    return {"t": noon(row[f"{kind}_date"]), "y": float(row[f"{kind}_price"]), "up": up, "remark": words}


def _prices(run: ReportRun, symbol: str) -> dict[str, list[Any]]:
    """Return the columns of a symbol from prices.parquet, in order of its dates."""
    table = files.read_table(run.folder / "prices.parquet")
    own = table.filter(pc.equal(table["symbol"], symbol)).sort_by("date")
    return {name: own[name].to_pylist() for name in own.column_names}


def _positions(run: ReportRun, closed: list[dict[str, str]]) -> Panel:
    """Return the table of a symbol's positions."""
    # from the order that was filled to why it was sold
    money = run.currency
    header = (
        "bought",
        "sold",
        "shares",
        f"at, {money}",
        f"sold at, {money}",
        "days",
        "sold because",
        "",
        f"P&L, {money}",
    )
    rows: list[Cells] = [
        (
            row["entry_date"],
            row["exit_date"],
            f"{int(row['qty']):,}",
            shown(row["entry_price"], 4),
            shown(row["exit_price"], 4),
            row["holding_days"],
            coded(row["exit_reason"], reason_text(row["exit_reason"])),
            outcome(float(row["pnl"])),
            shown(row["pnl"], 2),
        )
        for row in closed[:MOST_ROWS]
    ]
    rest = [Text(f"The first {MOST_ROWS:,} of {len(closed):,}.")] if len(closed) > MOST_ROWS else []
    return Panel("Positions", [ReportTable(header, rows, "llrrrrllr"), *rest] if rows else [Text("None.")])
