"""The report's tables of positions: how long costs took to be earned, months, symbols, best and worst, liquidations."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import numpy as np

from tradewinds.core import files
from tradewinds.core.text import counted
from tradewinds.families.funding_carry.carry_charts import PART_NAMES, parts_at, rate_plot_name, series_of
from tradewinds.families.funding_carry.metrics import PARTS
from tradewinds.families.funding_carry.report_words import reason_text
from tradewinds.results.report.parts import (
    Cell,
    Cells,
    Panel,
    Plot,
    ReportPart,
    ReportTable,
    Section,
    Text,
    coded,
    shown,
)
from tradewinds.results.report.run import ReportRun

LISTED = 10  # best and worst positions, and symbols
# payments to break even, as (first, last) of each bar
_BUCKETS = ((1, 5), (6, 10), (11, 15), (16, 20), (21, 30), (31, 50), (51, 100), (101, None))
_Row = dict[str, Any]


def position_rows(run: ReportRun) -> list[_Row]:
    """Return the rows of positions.parquet, in order of opening."""
    rows: list[_Row] = files.read_table(run.folder / "positions.parquet").to_pylist()
    return rows


def breakeven(run: ReportRun) -> Section | None:
    """Return the section on how many payments earned the costs of a position; None without a position."""
    rows = position_rows(run)
    if not rows:
        return None
    counts = [sum(_within(row["breakeven_periods"], bucket) for row in rows) for bucket in _BUCKETS]
    never = sum(row["breakeven_periods"] is None for row in rows)
    labels = [f"{first}-{last}" if last else f"{first}+" for first, last in _BUCKETS]
    data = {
        "labels": [*labels, "never"],
        "value": [*counts, never],
        "expected": [],
        "remark": [*(f"{label} payments" for label in labels), "never earned their costs"],
        "names": ["positions", ""],
    }
    caption = (
        "Number of the payment by which the funding of a position had earned its fees, slippage and interest; the prices' "
        "part is left out."
    )
    plot = Plot("breakeven", "Payments to break even", "bars", data, ("", "count"), caption)
    # how often they were paid, and what they cost, in the mean
    costs = sum((row["fees"] + row["slippage"] + row["borrow"] for row in rows), Decimal(0))
    funding = sum((row["funding"] for row in rows), Decimal(0))
    payments = sum(row["periods"] for row in rows)
    text = (
        f"A position was paid {shown(Decimal(payments) / len(rows), 1)} times in the mean, cost "
        f"{shown(costs / len(rows), 2)} {run.currency} and received {shown(funding / len(rows), 2)} {run.currency} of funding."
    )
    return Section("breakeven", "Break-even", [Text(text), plot])


def _within(periods: int | None, bucket: tuple[int, int | None]) -> bool:
    """Return whether a number of payments is in a bucket."""
    first, last = bucket
    return periods is not None and first <= periods and (last is None or periods <= last)


def months(run: ReportRun) -> Section | None:
    """Return the section of the profit by month, UTC; None without a settlement."""
    curve = run.curve
    if not len(curve.t):
        return None
    # the last point of each month, and of the account before the first
    names = [dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m") for ts in curve.t.tolist()]
    last = {name: row for row, name in enumerate(names)}
    rows = np.array(list(last.values()))
    found = parts_at(run, curve.t[rows], curve.equity[rows])
    columns = {name: np.diff(found.parts[name], prepend=0.0) for name in PARTS}
    net = np.diff(found.net, prepend=0.0)
    used = [name for name in PARTS if np.abs(columns[name]).max() > 0]
    lines = [
        (month, *(shown(round(float(columns[name][row]), 8), 2) for name in used), shown(round(float(net[row]), 8), 2))
        for row, month in enumerate(last)
    ]
    header = ("month", *(PART_NAMES[name] for name in used), f"net, {run.currency}")
    text = "Costs are below zero. Open positions count at the last prices of a month."
    return Section("months", "By month", [Text(text), ReportTable(header, lines, "l" + "r" * (len(used) + 1))])


def positions(run: ReportRun) -> Section | None:
    """Return the section of positions: by symbol, by reason of the exit, best and worst; None without one."""
    rows = position_rows(run)
    if not rows:
        return None
    places = {symbol: f"#plot-{rate_plot_name(number)}" for number, symbol in enumerate(series_of(run))}
    parts: list[ReportPart] = [
        Panel("By symbol", [_groups(run, run.metrics["by_symbol"], places)]),
        Panel("By reason of the exit", [_groups(run, run.metrics["by_exit_reason"])]),
    ]
    ordered = sorted(rows, key=lambda row: (-row["net_pnl"], row["position_id"]))
    if len(ordered) > 2 * LISTED:
        parts.append(Panel(f"The {LISTED} best", [_table(run, ordered[:LISTED], places)]))
        parts.append(Panel(f"The {LISTED} worst", [_table(run, ordered[-LISTED:], places)]))
    else:
        parts.append(Panel("All, the best first", [_table(run, ordered, places)]))
    return Section("positions", "Positions", [*parts, Text("positions.csv has all of them, funding.csv each payment.")])


def _groups(
    run: ReportRun, groups: Mapping[str, Mapping[str, Any]], places: Mapping[str, str] = MappingProxyType({})
) -> ReportTable:
    """Return the table of groups of positions; of many the best and the worst.

    Args:
        run: the run.
        groups: figures of each, by name.
        places: links to charts, by name.
    """
    ordered = sorted(groups.items(), key=lambda item: (-item[1]["net_pnl"], item[0]))
    if len(ordered) > 2 * LISTED:
        ordered = ordered[:LISTED] + ordered[-LISTED:]
    rows = [
        (
            Cell(name, href=places[name]) if name in places else coded(name, reason_text(name)),
            f"{group['positions']:,}",
            f"{group['wins']:,}",
            shown(group["funding"], 2),
            shown(group["price_pnl"], 2),
            shown(group["fees"] + group["slippage"] + group["borrow"] + group["liquidation_cost"], 2),
            shown(group["net_pnl"], 2),
        )
        for name, group in ordered
    ]
    header = ("", "positions", "gains", "funding", "price P&L", "costs", f"net, {run.currency}")
    return ReportTable(header, rows, "lrrrrrr")


def _table(run: ReportRun, rows: Sequence[_Row], places: Mapping[str, str]) -> ReportTable:
    """Return the table of some positions; `places` has links to the charts of their symbols."""
    header = (
        *("position", "symbol", "opened, UTC", "days", "payments", "funding", "price P&L", "costs"),
        *(f"net, {run.currency}", "to break even", "exit"),
    )
    return ReportTable(header, [_cells(row, places.get(row["symbol"], "")) for row in rows], "llrrrrrrrrl")


def _cells(row: _Row, href: str) -> Cells:
    """Return a position as a row of the table; its name leads to the chart of its symbol, if there is one."""
    days = Decimal((row["close_time"] - row["open_time"]).total_seconds()) / 86_400
    costs = row["fees"] + row["slippage"] + row["borrow"] + row["liquidation_cost"]
    return (
        Cell(row["position_id"], href=href),
        row["symbol"] if row["direction"] == "long_spot" else f"{row['symbol']} (short spot)",
        f"{row['open_time']:%Y-%m-%d %H:%M}",
        shown(days, 1),
        f"{row['periods']:,}",
        shown(row["funding"], 2),
        shown(row["price_pnl"], 2),
        shown(costs, 2),
        shown(row["net_pnl"], 2),
        "never" if row["breakeven_periods"] is None else f"{row['breakeven_periods']:,}",
        coded(row["exit_reason"], reason_text(row["exit_reason"])),
    )


def liquidations(run: ReportRun) -> Section | None:
    """Return the section of positions that were liquidated; None without one."""
    rows = [row for row in position_rows(run) if row["exit_reason"] == "liquidation"]
    if not rows:
        return None
    header = (
        "position",
        "symbol",
        "opened, UTC",
        "liquidated, UTC",
        "entry",
        "exit",
        f"margin lost, {run.currency}",
        f"net, {run.currency}",
    )
    lines = [
        (
            row["position_id"],
            row["symbol"],
            f"{row['open_time']:%Y-%m-%d %H:%M}",
            f"{row['close_time']:%Y-%m-%d %H:%M}",
            shown(row["perp_entry"], 4),
            shown(row["perp_exit"], 4),
            shown(row["liquidation_cost"], 2),
            shown(row["net_pnl"], 2),
        )
        for row in rows[: 2 * LISTED]  # positions.csv has all
    ]
    rest = f" The first {len(lines):,} are listed, positions.csv has all." if len(rows) > len(lines) else ""
    text = (
        f"{counted(len(rows), 'position', 'was', 'were')} liquidated: the price used up the margin of a leg. What was left "
        f"of that margin is lost, and the other leg is closed at its last price.{rest}"
    )
    return Section("liquidations", "Liquidations", [Text(text, "strong"), ReportTable(header, lines, "llrrrrrr")])
