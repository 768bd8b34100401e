"""Sections that every market family's report has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from tradewinds.families.kalshi_weather.run_files import market_names
from tradewinds.results.report.curve import deepest, read_curve, thinned
from tradewinds.results.report.parts import (
    Code,
    Items,
    Panel,
    Part,
    Plot,
    Row,
    Section,
    Table,
    Text,
    Tiles,
    shown,
)
from tradewinds.results.report.profit import Group, extremes, grouped
from tradewinds.results.report.run import Run

METRICS = (
    ("Start balance, USD", "start_balance_usd", 2),
    ("End balance, USD", "end_balance_usd", 2),
    ("P&L, USD", "total_pnl_usd", 2),
    ("Fees, USD", "total_fees_usd", 2),
    ("Return, %", "roi_pct", 3),
    ("Trades", "num_trades", 0),
    ("Contracts", "num_contracts", 0),
    ("Win rate, %", "win_rate_pct", 2),
    ("Average profit, USD", "avg_profit_usd", 4),
    ("Average loss, USD", "avg_loss_usd", 4),
    ("Profit factor", "profit_factor", 3),
    ("Max drawdown, USD", "max_drawdown_usd", 2),
    ("Max drawdown, %", "max_drawdown_pct", 3),
    ("Sharpe (√365)", "sharpe", 3),
    ("Sortino (√365)", "sortino", 3),
    ("Decision to settlement, minutes", "exposure_time_avg_minutes", 0),
)
SHOWN_POSITIONS = 10  # best and worst


def instant_text(ts: int) -> str:
    """Unix seconds for people: 2025-05-02 03:04Z."""
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%d %H:%MZ")


def tiles(run: Run) -> Tiles:
    """The figures one looks at first."""
    m = run.metrics
    traded, attempted = run.diagnostics["events_traded"], run.diagnostics["events_attempted"]
    return Tiles(
        [
            ("P&L, USD", shown(m["total_pnl_usd"], 2), f"{shown(m['roi_pct'], 2)} % of the start balance"),
            ("Trades", shown(m["num_trades"], 0), f"in {traded:,} of {attempted:,} events"),
            ("Win rate, %", shown(m["win_rate_pct"], 1), f"profit factor {shown(m['profit_factor'], 2)}"),
            ("Max drawdown, %", shown(m["max_drawdown_pct"], 2), f"{shown(m['max_drawdown_usd'], 2)} USD"),
            ("Sharpe (√365)", shown(m["sharpe"], 2), f"Sortino {shown(m['sortino'], 2)}"),
            ("Fees, USD", shown(m["total_fees_usd"], 2), f"on {shown(m['num_contracts'], 0)} contracts"),
        ]
    )


def result(run: Run, rows: Sequence[tuple[str, str, int]]) -> Section:
    """Metrics by label, key of metrics.json and decimals."""
    lines = [(label, shown(run.metrics[key], digits)) for label, key, digits in rows]
    note = Text("— is undefined: its denominator is zero or there is too little of it.")
    return Section("result", "Result", [Table(("", ""), lines, "lr"), note])


def currency(run: Run) -> str:
    """The currency of a run's money; the names of metrics say USD for every one."""
    return str(run.metrics.get("currency", "USD"))


def equity(run: Run) -> Section:
    """The account over time and how far it lay below its peak."""
    curve = read_curve(run.folder / "equity.csv")
    drawn, fall = thinned(curve), deepest(curve)
    data = {
        "t": drawn.t.tolist(),
        "equity": [round(value, 2) for value in drawn.equity.tolist()],
        "drawdown": [round(value, 2) for value in drawn.drawdown.tolist()],
        "start": run.metrics["start_balance_usd"],
        "currency": currency(run),
    }
    caption = (
        "Cash and what is held would fetch at the visible prices; below, how far that is under its highest so far."
    )
    if len(drawn.t) < len(curve.t):
        caption += f" {len(drawn.t):,} of {len(curve.t):,} points: the ends and extremes of each stretch of time."
    plot = Plot("equity", "Equity and drawdown", "equity", data, ("", currency(run)), caption)
    when = "The equity never fell below an earlier point."
    if fall:
        again = f"made good by {instant_text(fall.recovered_ts)}" if fall.recovered_ts else "not made good by the end"
        when = (
            f"Deepest drawdown: from {instant_text(fall.peak_ts)} to {instant_text(fall.bottom_ts)}, "
            f"{shown(run.metrics['max_drawdown_usd'], 2)} {currency(run)}, {again}."
        )
    return Section(
        "equity", "Equity and drawdown", [plot, Text(when)] if len(curve.t) else [Text("No event was open.")]
    )


def profit_panel(run: Run, name: str, heading: str, key: str, label: Callable[[Any], tuple[str, str]]) -> Panel:
    """P&L by an SQL key, as plot and table; `label` makes a group's words for the table and for the plot's axis."""
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
        "remark": [f"{long}: {g.trades:,} trades" for (long, _), g in zip(words, groups, strict=True)],
    }
    title = f"P&L by {heading[0].lower()}{heading[1:].split(',')[0]}"
    table = Table(header, rows, "l" + "r" * 6)
    if len(groups) < 2:  # nothing to compare
        return Panel(title, [table])
    return Panel(title, [Plot(name, title, "bars", data, ("", "USD")), table])


def _counts(group: Group) -> tuple[str, str]:
    return shown(group.trades, 0), shown(group.contracts, 0)


def best_and_worst(run: Run) -> Section | None:
    """The positions (all orders for one side of one market) that made and lost most."""
    header = ("Market", "YES if", "side", "first order", "orders", "contracts", "mean price", "P(YES)", "P&L, USD")
    panels: list[Part] = []
    for title, best in (("Top winners", True), ("Top losers", False)):
        found = extremes(run, best, SHOWN_POSITIONS)
        names = market_names(run.folder, [market for market, *_ in found])
        rows: list[Row] = [
            (
                market,
                names[market],
                side,
                first,
                shown(n, 0),
                shown(qty, 0),
                shown(price, 4),
                shown(p, 3),
                shown(pnl, 2),
            )
            for market, side, first, n, qty, price, p, pnl in found
        ]
        panels.append(Panel(title, [Table(header, rows, "llllrrrrr") if rows else Text("None.")]))
    return Section("extremes", "Best and worst positions", panels) if run.metrics["num_trades"] else None


def limits(items: Sequence[str]) -> Section:
    """What the backtest does not know."""
    return Section("limits", "What this does not know", [Items(items)])


def reproduce(run: Run) -> Section:
    """The command that makes the run again, and what it was made from."""
    m = run.manifest
    rows = [
        ("Run", m["run_id"]),
        ("Tradewinds", f"{m['tradewinds_version']} ({m['git_sha'] or 'no checkout'})"),
        ("Data up to", m["data_watermark_utc"] or "none"),
        ("Inputs", f"{len(m['inputs']):,} files, whose SHA-256 are in run_manifest.json"),
        ("Packages", ", ".join(f"{name} {version}" for name, version in m["packages"].items())),
    ]
    note = Text("The same config, data and version give the same trades, metrics and report, to the byte.")
    return Section("reproduce", "How to reproduce", [Code(m["reproduce"]), Table(("", ""), rows, "ll"), note])
