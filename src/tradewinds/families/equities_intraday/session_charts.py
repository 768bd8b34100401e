"""The report's charts of single trades: the session's bars, the opening range, stop and targets, and every fill."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tradewinds.core.text import counted
from tradewinds.families.equities_intraday.orb_reasons import reason_text
from tradewinds.families.equities_intraday.run_files import (
    EXTREME_CHARTS,
    FIRST_CHARTS,
    MOST_CHARTS,
    all_charted,
    charted,
    compared,
)
from tradewinds.families.equities_intraday.trade_records import TradeRecord, legs_of_trades, query, trade_records
from tradewinds.results.report.parts import (
    Cell,
    Cells,
    Panel,
    Plot,
    ReportPart,
    ReportTable,
    Section,
    SmallPlots,
    Text,
    back_to,
    coded,
    shown,
)
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import outcome

MINUTE = 60  # seconds


def session_charts(run: ReportRun) -> Section | None:
    """Return the section of charts: large ones of the first trades, the best and the worst, and a small one of every trade.

    Returns:
        The section; None without a trade.
    """
    # which trades are drawn large, and which small
    trades = trade_records(run)
    if not trades:
        return None
    # which trades are drawn large, and which small: those whose bars the run has kept
    net = compared([(trade.r, trade.pnl) for trade in trades], range(len(trades)))
    numbers = charted(range(len(trades)), net)
    legs, bars = legs_of_trades(run), bars_of_sessions(run)
    small = [number for number in all_charted(range(len(trades)), net) if session_key(trades[number]) in bars]
    left = len(trades) - len(small)
    rest = (
        f" {counted(left, 'trade')} more without a picture here: a page holds {MOST_CHARTS:,}, the report of a symbol has its "
        "own."
        if left
        else ""
    )
    # a chart of each, then the large ones with their fills, then the small ones
    has_ranges, in_money = any(trade.setup["or_high"] for trade in trades), any(trade.r is None for trade in trades)
    parts: list[ReportPart] = [
        Text(
            f"{len(numbers):,} of {counted(len(trades), 'trade')} are drawn large: the first {FIRST_CHARTS}, the "
            f"{EXTREME_CHARTS} best and the {EXTREME_CHARTS} worst by {'profit' if in_money else 'R'}. Lines are bars from low "
            f"to high, {'the box is the opening range, ' if has_ranges else ''}triangles up "
            "are purchases, triangles down sales. A fill inside a bar is drawn at its end, when it is known. Times are the "
            f"exchange's. Below them are small pictures of {'all' if not left else f'{len(small):,}'} trades.{rest}"
        )
    ]
    parts.append(_list(run, trades, small, numbers))
    # the pictures: those of small size are the same ones with another title
    plots = {
        number: trade_plot(
            run, f"session_{number}", trades[number], legs[trades[number].trade_id], bars[session_key(trades[number])]
        )
        for number in {*numbers, *small}
    }
    for number in numbers:
        trade = trades[number]
        own = legs[trade.trade_id]
        _, _, _, _, _, _, _, clock, start = bars[session_key(trade)][0]
        fills = [fill_cells(leg, clock + minute_of(leg["ts"], start)) for leg in own]
        table = ReportTable(("time", "", "shares", f"price, {run.currency}", "why"), fills, "llrrl")
        parts.append(
            Panel(f"{trade.symbol} on {trade.session}", [plots[number], table, back_to("charts")], _place(number))
        )
    drawn = [(plots[number], trades[number]) for number in small]
    parts.append(SmallPlots([replace(plot, title=f"{of.symbol} on {of.session}") for plot, of in drawn]))
    return Section("charts", "Trades on their sessions", parts)


def _list(run: ReportRun, trades: Sequence[TradeRecord], small: Sequence[int], large: Sequence[int]) -> Panel:
    """Return the table of the drawn trades, each of which leads to its chart: the large one if there is one."""
    rows: list[Cells] = []
    for number in sorted({*small, *large}):
        trade = trades[number]
        href = _place(number) if number in large else f"small-session_{number}"
        rows.append(
            (
                Cell(f"{trade.symbol} on {trade.session}", href=f"#{href}"),
                trade.direction,
                f"{trade.shares:,}",
                outcome(trade.pnl),
                shown(trade.r, 3),
                shown(trade.pnl, 2),
                coded(trade.exit_reason, reason_text(trade.exit_reason)),
            )
        )
    header = ("trade", "", "shares", "", "R", f"P&L, {run.currency}", "ended because")
    return Panel("Drawn trades", [ReportTable(header, rows, "llrlrrl")])


def _place(number: int) -> str:
    """Return the anchor of a large chart."""
    return f"session-{number}"


def session_key(trade: TradeRecord) -> tuple[str, str]:
    """Return the symbol and the date of a trade's session."""
    return trade.symbol, trade.session


def bars_of_sessions(run: ReportRun) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Return the rows of chart_bars.parquet of each symbol and date, in order of time."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in query(run, "chart_bars.parquet", "SELECT * FROM rows ORDER BY symbol, session, minute"):
        found.setdefault((row[0], row[1].isoformat()), []).append(row)
    return found


def trade_plot(
    run: ReportRun, name: str, trade: TradeRecord, legs: Sequence[dict[str, str]], bars: Sequence[tuple[Any, ...]]
) -> Plot:
    """Return a trade's chart.

    Args:
        run: the run.
        name: of the plot.
        trade: the trade.
        legs: its rows of legs.csv.
        bars: the rows of its session.
    """
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
        f"{trade.direction} {counted(trade.shares, 'share')}, {in_r(trade.r, 3)}{shown(trade.pnl, 2)} {run.currency}, "
        f"{reason_text(trade.exit_reason)}"
    )
    words += "." if trade.r is None else f"; worst {shown(trade.mae_r, 2)} R, best {shown(trade.mfe_r, 2)} R."
    title = f"{trade.symbol} on {trade.session}"
    return Plot(name, f"{title}, {trade.direction}", "session", data, ("", run.currency), words)


def in_r(value: Decimal | None, decimals: int) -> str:
    """Return an R with a comma after it, for a sentence; "" for a trade without a stop."""
    return "" if value is None else f"{shown(value, decimals)} R, "


def fill_cells(leg: dict[str, str], minute: int) -> Cells:
    """Return a fill as a row of the table beside the chart; `minute` is that of the day, on the exchange's clock."""
    shares = int(leg["qty"])
    clock = f"{minute // 60 % 24:02d}:{minute % 60:02d}"
    return (
        clock,
        "buy" if shares > 0 else "sell",
        f"{abs(shares):,}",
        leg["fill"],
        coded(leg["reason"], reason_text(leg["reason"])),
    )


def _box(trade: TradeRecord) -> dict[str, float] | None:
    """Return the opening range as a box; None in a run whose strategy needs none."""
    setup = trade.setup
    if not setup["or_high"]:
        return None
    return {"from": 0, "to": int(setup["or_minutes"]), "low": float(setup["or_low"]), "high": float(setup["or_high"])}


def _levels(trade: TradeRecord, legs: Sequence[dict[str, str]], open_ts: int) -> list[dict[str, Any]]:
    """Return the prices of entry, stop and targets as lines from the entry to the last exit."""
    setup, (first, last) = trade.setup, (minute_of(legs[place]["ts"], open_ts) for place in (0, -1))
    named = [("entry", setup["raw"]), *([("stop", setup["stop"])] if setup["stop"] else [])]
    named += [(f"target {place}", price) for place, price in enumerate(setup["targets"].split(), 1)]
    return [{"name": name, "y": float(price), "from": first, "to": max(last, first + 1)} for name, price in named]


def _mark(run: ReportRun, leg: dict[str, str], open_ts: int) -> dict[str, Any]:
    """Return a fill as a mark, up for a purchase."""
    shares = int(leg["qty"])
    words = (
        f"{'buy' if shares > 0 else 'sell'} {abs(shares)} at {leg['fill']} {run.currency}, {reason_text(leg['reason'])}"
    )
    return {"x": minute_of(leg["ts"], open_ts), "y": float(leg["fill"]), "up": shares > 0, "remark": words}


def minute_of(instant: str, open_ts: int) -> int:
    """Return an instant as minutes after the session's open."""
    return int(dt.datetime.fromisoformat(instant).timestamp() - open_ts) // MINUTE
