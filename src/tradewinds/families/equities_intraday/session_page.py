"""The page of one trade of a run: the bars of its session with opening range, stop, targets and fills, and what was refused."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from tradewinds.core.errors import ConfigError
from tradewinds.families.equities_intraday.orb_reasons import reason_text
from tradewinds.families.equities_intraday.session_charts import (
    bars_of_sessions,
    fill_cells,
    in_r,
    minute_of,
    session_key,
    trade_plot,
)
from tradewinds.families.equities_intraday.trade_records import TradeRecord, legs_of_trades, trade_records
from tradewinds.results.report.parts import Panel, ReportTable, listed, shown
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import outcome
from tradewinds.results.report.unit_page import UnitPage, refusals_of, refusals_panel

_SESSION_SECONDS = 86_400  # a session is shorter


def session_page(run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
    """Return the page of a trade.

    Args:
        run: the run.
        name: trade_id, or the symbol: of several trades of a session the first is meant.
        day: date of the session; None for a trade_id, and for the first session of the symbol that was traded.

    Raises:
        ConfigError: there was no such trade, or the run has kept no bars of it.
    """
    trade, rows = _found(run, name, day)
    legs = legs_of_trades(run)[trade.trade_id]
    plot = trade_plot(run, "session", trade, legs, rows)
    clock, start = rows[0][7], rows[0][8]
    fills = [fill_cells(leg, clock + minute_of(leg["ts"], start)) for leg in legs]
    header = ("time", "", "shares", f"price, {run.currency}", "why")
    refused = refusals_of(run, [trade.symbol], (start, start + _SESSION_SECONDS))
    parts = [
        Panel("Fills", [ReportTable(header, fills, "llrrl")]),
        refusals_panel(refused, reason_text, {}, run.currency),
    ]
    word = outcome(trade.pnl)
    made = f"{word} {in_r(trade.r, 2)}{shown(trade.pnl, 2)} {run.currency}"
    remark = f"{trade.direction}, {made}: {reason_text(trade.exit_reason)}."
    return UnitPage(f"{trade.symbol} on {trade.session}", remark, [plot], parts)


def _found(run: ReportRun, name: str, day: dt.date | None) -> tuple[TradeRecord, Sequence[tuple[Any, ...]]]:
    """Return the trade that is asked for, and the bars of its session."""
    trades, bars = trade_records(run), bars_of_sessions(run)
    own = [trade for trade in trades if name in (trade.symbol, trade.trade_id)]
    found = [trade for trade in own if day is None or trade.session == day.isoformat()]
    drawn = next((trade for trade in found if session_key(trade) in bars), None)
    if drawn is None:
        what = "the run has kept no bars of this trade." if found else "the run has no such trade."
        known = listed([trade.session for trade in own if session_key(trade) in bars], 10)
        where = name if day is None else f"{name}, {day}"
        raise ConfigError(what, where=where, remedy=f"Sessions of {name} with a chart: {known or 'none'}.")
    return drawn, bars[session_key(drawn)]
