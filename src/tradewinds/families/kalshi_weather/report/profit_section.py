"""Where the money came from: P&L by groups of trades, and the positions that made and lost most."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tradewinds.core.text import counted
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.report.event_drawings import event_drawings
from tradewinds.families.kalshi_weather.report.profit import Group, extremes, grouped
from tradewinds.families.kalshi_weather.run_files import market_names
from tradewinds.results.report.parts import (
    Cell,
    Cells,
    Panel,
    Plot,
    ReportPart,
    ReportTable,
    Section,
    Text,
    shown,
    span,
)
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import outcome

SHOWN_POSITIONS = 10  # best and worst
DRAWN_POSITIONS = 2  # of each, whose events have a chart
_LOCAL = "make_timestamp(epoch_us(decision_ts_utc))"  # UTC as a plain timestamp: no time zone tables are needed

Label = Callable[[Any], tuple[str, str]]  # the words for a group, in the table and on the plot's axis


def profit(run: ReportRun) -> Section | None:
    """P&L by city, month, side, price and hour, beside what was expected at entry; None without a trade."""
    if not run.metrics["num_trades"]:
        return None
    by: tuple[tuple[str, str, str, Label], ...] = (
        ("pnl_by_city", "City", "series_ticker", city),
        ("pnl_by_month", "Month (UTC)", f"strftime({_LOCAL}, '%Y-%m')", _same),
        ("pnl_by_side", "Side", "side", _same),
        ("pnl_by_price", "Entry price, USD", "least(floor(entry_price * 10), 9)::INT", _tenth),
        ("pnl_by_hour", "Hour of the decision (UTC)", f"hour({_LOCAL})", _hour),
    )
    note = Text(
        "Bars are the P&L, diamonds what the net EV at entry promised. Each is per contract; times are the decision's."
    )
    return Section("profit", "Where the money came from", [note, *(_panel(run, *group) for group in by)])


def _panel(run: ReportRun, name: str, heading: str, key: str, label: Label) -> Panel:
    """P&L by an SQL expression over the columns of trades.parquet, as plot and table."""
    groups = sorted(grouped(run, key), key=lambda group: label(group.key))
    words = [label(group.key) for group in groups]
    header = (heading, "trades", "contracts", "P&L, USD", "expected, USD", "P&L each", "expected each")
    rows = [
        (long, *_counts(g), shown(g.pnl, 2), shown(g.expected, 2), shown(g.realised_each, 4), shown(g.expected_each, 4))
        for (long, _), g in zip(words, groups, strict=True)
    ]
    data = {
        "labels": [short for _, short in words],
        "value": [round(float(g.pnl), 2) for g in groups],
        "expected": [round(float(g.expected), 2) for g in groups],
        "names": ("P&L", "expected at entry"),
        "remark": [f"{long}: {counted(g.trades, 'trade')}" for (long, _), g in zip(words, groups, strict=True)],
    }
    title = f"P&L by {heading[0].lower()}{heading[1:].split(',')[0]}"
    table = ReportTable(header, rows, "l" + "r" * 6)
    if len(groups) < 2:  # nothing to compare
        return Panel(title, [table])
    return Panel(title, [Plot(name, title, "bars", data, ("", "USD")), table])


def _counts(group: Group) -> tuple[str, str]:
    return shown(group.trades, 0), shown(group.contracts, 0)


def city(series: str) -> tuple[str, str]:
    """The words for a series: city and extreme, and its station and extreme."""
    station = climate_days.stations().get(series)
    if station is None:  # of a table that has forgotten it since
        return series, series
    extreme = {"max": "high", "min": "low"}[station.target]
    return f"{station.city} {extreme}", f"{station.cli_code.removeprefix('CLI')} {extreme}"


def _same(name: str) -> tuple[str, str]:
    return name, name


def _tenth(low: int) -> tuple[str, str]:
    words = span(f"{low / 10:.1f}", f"{(low + 1) / 10:.1f}")
    return words, words


def _hour(hour: int) -> tuple[str, str]:
    return f"{hour:02d}:00", f"{hour:02d}"


def best_and_worst(run: ReportRun) -> Section | None:
    """The positions (all orders for one side of one market) that made and lost most; None without a trade."""
    if not run.metrics["num_trades"]:
        return None
    lists = [
        (title, extremes(run, best, SHOWN_POSITIONS)) for title, best in (("Top winners", True), ("Top losers", False))
    ]
    drawn = event_drawings(run, [market for _, found in lists for market, *_ in found[:DRAWN_POSITIONS]])
    keys = {drawing.market: drawing.key for drawing in drawn}
    panels: list[ReportPart] = [_positions(run, title, found, keys) for title, found in lists]
    charts = {drawing.key: drawing.panel for drawing in drawn}  # two positions of an event share its chart
    return Section("extremes", "Best and worst positions", [*panels, *charts.values()])


def _positions(run: ReportRun, title: str, found: Sequence[tuple[Any, ...]], keys: Mapping[str, str]) -> Panel:
    """The table of some positions.

    Args:
        run: the run.
        title: above it.
        found: as of `extremes`.
        keys: anchors of charts by market.
    """
    header = ("Market", "YES if", "side", "first order", "orders", "contracts", "mean price", "P(YES)", "", "P&L, USD")
    names = market_names(run.folder, [market for market, *_ in found])
    rows: list[Cells] = [
        (
            Cell(market, href=f"#{keys[market]}") if market in keys else market,
            names[market],
            side.removeprefix("BUY_"),
            first,
            shown(n, 0),
            shown(qty, 0),
            shown(price, 4),
            shown(p, 3),
            outcome(pnl),
            shown(pnl, 2),
        )
        for market, side, first, n, qty, price, p, pnl in found
    ]
    return Panel(title, [ReportTable(header, rows, "llllrrrrlr") if rows else Text("None.")])
