"""The report's section on what could not be traded: symbols whose bars end, bars without volume, orders above the volume."""

from __future__ import annotations

from tradewinds.core.text import counted
from tradewinds.results.report.parts import ReportPart, Section, Text, shown
from tradewinds.results.report.run import ReportRun


def untradable(run: ReportRun) -> Section:
    """Return the section on missing bars and volumes."""
    unknown: list[ReportPart] = [Text(text, "strong") for text in _unknown_volume(run)]
    return Section(
        "untradable", "Missing bars and volume", [Text(_ended(run)), Text(_no_volume(run)), *unknown, Text(_size(run))]
    )


def _ended(run: ReportRun) -> str:
    """Say how many positions were sold for want of bars, or why there are none."""
    m, days, ended = (
        run.metrics,
        run.config["risk"]["exit_after_missing_days"],
        run.diagnostics["symbols_that_end_early"],
    )
    symbols = f"{counted(ended, 'symbol', 'ends', 'end')} before the run does"
    if days is None:
        return f"A position whose symbol has no more bars is held to the end (risk.exit_after_missing_days: null); {symbols}."
    span = counted(days, "trading day")
    if m["no_bars_exits"]:
        return (
            f"{counted(m['no_bars_exits'], 'position', 'was', 'were')} sold because the symbol had no bar for {span} in a row "
            f"(no_bars), for {shown(m['no_bars_value_usd'], 2)} {run.currency} at their last closes. If each had been worth "
            f"nothing, the P&L would be {shown(m['pnl_if_no_bars_worthless_usd'], 2)} {run.currency}."
        )
    if ended:
        return f"No position was sold for want of bars for {span} in a row: {symbols}, and none was held then."
    return (
        f"No position was sold for want of bars for {span} in a row, because no symbol ends before the run does: "
        "a list of survivors has no delisting, and its results are better than those of all symbols of the time."
    )


def _no_volume(run: ReportRun) -> str:
    """Say how many bars had no volume, and what follows from it."""
    d = run.diagnostics
    return (
        f"{d['bars_without_volume']:,} of {counted(d['bars'], 'bar')} have no volume. Nothing fills at such a bar: an entry is "
        "refused (NO_VOLUME), a sale waits for the next bar with volume."
    )


def _unknown_volume(run: ReportRun) -> list[str]:
    """Say of how many bars the source does not know the volume; nothing if it knows all."""
    d = run.diagnostics
    if not d["bars_of_unknown_volume"]:
        return []
    return [
        f"The source has no volume for {d['bars_of_unknown_volume']:,} of {counted(d['bars'], 'bar')}. There the rule of bars "
        "without volume is off, orders fill whatever was traded, and a strategy counts the volume as 0."
    ]


def _size(run: ReportRun) -> str:
    """Say how large entries were beside the volume of the bars at which they filled, or what limits them."""
    m, share = run.metrics, run.config["risk"]["max_volume_share"]
    unknown = (
        f" {m['entries_of_unknown_volume']:,} filled at bars of unknown volume."
        if m["entries_of_unknown_volume"]
        else ""
    )
    if share is not None:
        return f"An entry buys at most {share} of its bar's volume (risk.max_volume_share).{unknown}"
    return (
        f"{m['entries_above_10pct_of_volume']:,} of {m['num_trades']:,} entries bought more than 10 % of the volume of the bar "
        f"at which they filled, {m['entries_above_volume']:,} more than 100 % of it; risk.max_volume_share sets a "
        f"limit.{unknown}"
    )
