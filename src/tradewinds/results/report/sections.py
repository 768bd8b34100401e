"""Sections that every market family's report has. Amounts are titled by the account's currency."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from tradewinds.core.text import counted, metric_text
from tradewinds.results.edge.beside_pnl import beside_pnl
from tradewinds.results.report.curve import Curve, deepest, thinned
from tradewinds.results.report.parts import Code, Items, Plot, ReportPart, ReportTable, Section, Text, shown
from tradewinds.results.report.run import ReportRun

MetricRow = tuple[str, str]  # label, key of metrics.json
UNDEFINED = "— is undefined: its denominator is zero or there is too little of it."


def compared(run: ReportRun) -> list[ReportPart]:
    """The sentence beside the P&L: how the run compares with its benchmark; nothing for a run without one."""
    said = beside_pnl(run.metrics)
    return [Text(said, "strong")] if said else []


def titled(run: ReportRun, label: str, key: str) -> str:
    """The label of a figure; that of an amount names the account's currency.

    Keys of amounts end in _usd in metrics.json, whatever the currency is.
    """
    return f"{label}, {run.currency}" if key.endswith("_usd") else label


def instant_text(ts: int) -> str:
    """Unix seconds as a minute in UTC: 2025-05-02 03:04Z."""
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%d %H:%MZ")


def result(run: ReportRun, rows: Sequence[MetricRow]) -> Section:
    """A table of metrics."""
    lines = [(titled(run, label, key), metric_text(key, run.metrics[key])) for label, key in rows]
    return Section("result", "Result", [ReportTable(("", ""), lines, "lr"), Text(UNDEFINED)])


def equity_plot(run: ReportRun, curve: Curve) -> Plot:
    """The plot of the account over time and of its drawdown.

    Args:
        run: the run.
        curve: every point of its equity, at least one.
    """
    drawn = thinned(curve)
    data = {
        "t": drawn.t.tolist(),
        "equity": [round(value, 2) for value in drawn.equity.tolist()],
        "drawdown": [round(value, 2) for value in drawn.drawdown.tolist()],
        "start": run.metrics["start_balance_usd"],
        "currency": run.currency,
    }
    caption = (
        "Cash and what is held would fetch at the visible prices; below, how far that is under its highest so far."
    )
    if len(drawn.t) < len(curve.t):
        caption += (
            f" {len(drawn.t):,} of {counted(len(curve.t), 'point')}: the ends and extremes of each stretch of time."
        )
    return Plot("equity", "Equity and drawdown", "equity", data, ("", run.currency), caption)


def equity(run: ReportRun, if_empty: str) -> Section:
    """The account over time and how far it lay below its peak.

    Args:
        run: the run.
        if_empty: what is said of a run without a point of equity.
    """
    curve = run.curve
    if not len(curve.t):
        return Section("equity", "Equity and drawdown", [Text(if_empty)])
    plot = equity_plot(run, curve)
    when = "The equity never fell below an earlier point."
    if fall := deepest(curve):
        again = f"made good by {instant_text(fall.recovered_ts)}" if fall.recovered_ts else "not made good by the end"
        when = (
            f"Deepest drawdown: from {instant_text(fall.peak_ts)} to {instant_text(fall.bottom_ts)}, "
            f"{shown(run.metrics['max_drawdown_usd'], 2)} {run.currency}, {again}."
        )
    parts: list[ReportPart] = [plot, Text(when)]
    if run.metrics["num_trades"]:
        where = f"a click on a trade in `tradewinds serve`, or `tradewinds plot {run.manifest['run_id'][:8]} NAME`."
        parts.append(Text(f"The chart of one thing that was traded: {where}"))
    return Section("equity", "Equity and drawdown", parts)


def limits(items: Sequence[str]) -> Section:
    """What the backtest does not know."""
    return Section("limits", "What this does not know", [Items(items)])


def reproduce(run: ReportRun) -> Section:
    """The command that makes the run again, and what it was made from."""
    m = run.manifest
    rows = [
        ("Run", m["run_id"]),
        ("Tradewinds", f"{m['tradewinds_version']} ({m['git_sha'] or 'no checkout'})"),
        ("Data up to", m["data_watermark_utc"] or "none"),
        ("Inputs", f"{counted(len(m['inputs']), 'file')}, whose SHA-256 are in run_manifest.json"),
        ("Packages", ", ".join(f"{name} {version}" for name, version in m["packages"].items())),
    ]
    note = Text("The same config, data and version give the same trades, metrics and report, to the byte.")
    return Section("reproduce", "How to reproduce", [Code(m["reproduce"]), ReportTable(("", ""), rows, "ll"), note])
