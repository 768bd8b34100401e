"""The report's charts of single trades: the session's bars, the opening range, stop and targets, and every fill."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from tradewinds.families.equities_intraday.run_files import EXTREME_CHARTS, FIRST_CHARTS, charted
from tradewinds.families.equities_intraday.trade_records import TradeRecord, legs_of_trades, query, trade_records
from tradewinds.results.report.parts import Cells, Panel, Plot, ReportPart, ReportTable, Section, Text, shown
from tradewinds.results.report.run import ReportRun

MINUTE = 60  # seconds


def session_charts(run: ReportRun) -> Section | None:
    """Return the section of charts: of the first trades, the best and the worst; None without a trade."""
    trades = trade_records(run)
    if not trades:
        return None
    numbers = charted(range(len(trades)), [trade.r for trade in trades])
    legs = legs_of_trades(run)
    parts: list[ReportPart] = [
        Text(
            f"{len(numbers):,} of {len(trades):,} trades are drawn: the first {FIRST_CHARTS}, the {EXTREME_CHARTS} best and "
            f"the {EXTREME_CHARTS} worst by R. Lines are bars from low to high, the box is the opening range, triangles up are "
            "purchases, triangles down sales. A fill inside a bar is drawn at its end, when it is known. Times are the "
            "exchange's."
        )
    ]
    for number in numbers:
        trade = trades[number]
        parts.append(_panel(run, f"session_{number}", trade, legs[trade.trade_id]))
    return Section("charts", "Trades on their sessions", parts)


def _panel(run: ReportRun, name: str, trade: TradeRecord, legs: Sequence[dict[str, str]]) -> Panel:
    """Return a trade's chart under its heading.

    Args:
        run: the run.
        name: of the plot.
        trade: the trade.
        legs: its rows of legs.csv.
    """
    sql = "SELECT * FROM rows WHERE symbol = ? AND session = ?::DATE ORDER BY minute"
    bars = query(run, "chart_bars.parquet", sql, trade.symbol, trade.session)
    _, _, minutes, opens, highs, lows, closes, clocks, starts = zip(*bars, strict=True)
    data = {
        "x": list(minutes),
        "open": list(opens),
        "high": list(highs),
        "low": list(lows),
        "close": list(closes),
        "clock": clocks[0],
        "box": _box(trade),
        "levels": _levels(trade, legs, starts[0]),
        "marks": [_mark(run, leg, starts[0]) for leg in legs],
    }
    words = (
        f"{trade.direction} {trade.shares:,} shares, {shown(trade.r, 3)} R, {shown(trade.pnl, 2)} {run.currency}, "
        f"out by {trade.exit_reason}; worst {shown(trade.mae_r, 2)} R, best {shown(trade.mfe_r, 2)} R."
    )
    title = f"{trade.symbol} on {trade.session}"
    plot = Plot(name, f"{title}, {trade.direction}", "session", data, ("", run.currency), words)
    fills = [_fill(leg, clocks[0] + _minute(leg["ts"], starts[0])) for leg in legs]
    return Panel(title, [plot, ReportTable(("time", "", "shares", f"price, {run.currency}", "why"), fills, "llrrl")])


def _fill(leg: dict[str, str], minute: int) -> Cells:
    """Return a fill as a row of the table beside the chart; `minute` is that of the day, on the exchange's clock."""
    shares = int(leg["qty"])
    clock = f"{minute // 60 % 24:02d}:{minute % 60:02d}"
    return (clock, "buy" if shares > 0 else "sell", f"{abs(shares):,}", leg["fill"], leg["reason"])


def _box(trade: TradeRecord) -> dict[str, float]:
    """Return the opening range as a box."""
    setup = trade.setup
    return {"from": 0, "to": int(setup["or_minutes"]), "low": float(setup["or_low"]), "high": float(setup["or_high"])}


def _levels(trade: TradeRecord, legs: Sequence[dict[str, str]], open_ts: int) -> list[dict[str, Any]]:
    """Return the prices of entry, stop and targets as lines from the entry to the last exit."""
    setup, (first, last) = trade.setup, (_minute(legs[place]["ts"], open_ts) for place in (0, -1))
    named = [("entry", setup["raw"]), ("stop", setup["stop"])]
    named += [(f"target {place}", price) for place, price in enumerate(setup["targets"].split(), 1)]
    return [{"name": name, "y": float(price), "from": first, "to": max(last, first + 1)} for name, price in named]


def _mark(run: ReportRun, leg: dict[str, str], open_ts: int) -> dict[str, Any]:
    """Return a fill as a mark, up for a purchase."""
    shares = int(leg["qty"])
    words = f"{'buy' if shares > 0 else 'sell'} {abs(shares)} at {leg['fill']} {run.currency}, {leg['reason']}"
    return {"x": _minute(leg["ts"], open_ts), "y": float(leg["fill"]), "up": shares > 0, "remark": words}


def _minute(instant: str, open_ts: int) -> int:
    """Return an instant as minutes after the session's open."""
    return int(dt.datetime.fromisoformat(instant).timestamp() - open_ts) // MINUTE
