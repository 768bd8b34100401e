"""One thing that a run traded, as a page: an event, a share, a session, a position. Its charts, orders and refusals.

The web page, `tradewinds plot`, `run.event(…).plot()` and the charts of a report are made of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from tradewinds.results.report.parts import Cells, Panel, Plot, ReportPart, ReportTable, Text, coded, shown
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import clock, plain_side, shown_quantity

MOST_ROWS = 200  # of orders and of refusals on a page; the run's files have all


class UnitName(NamedTuple):
    """What one thing is called.

    Attributes:
        name: as trades name it.
        day: its day, where the name stands for many; None for a name that stands for one.
    """

    name: str
    day: dt.date | None = None


@dataclass(frozen=True)
class UnitPage:
    """One thing that a run traded.

    Attributes:
        title: its name in words.
        remark: how it ended.
        plots: its charts, the most important one first; at least one.
        parts: its orders, refusals and what else is known of it.
    """

    title: str
    remark: str
    plots: Sequence[Plot]
    parts: Sequence[ReportPart]


class RefusedOrder(NamedTuple):
    """Orders that were refused, of one kind.

    Attributes:
        market: for which market.
        first_ts: the first of them, in Unix seconds.
        times: decisions.
        side: of the order; None if it had none yet.
        quantity: that was wanted; None if it had none yet.
        price: at which it would have been filled; None if there was none.
        reason: its code.
    """

    market: str
    first_ts: int
    times: int
    side: str | None
    quantity: Decimal | None
    price: Decimal | None
    reason: str


def refusals_of(run: ReportRun, markets: Sequence[str], between: tuple[int, int] | None = None) -> list[RefusedOrder]:
    """Return the refused orders for some markets, in order of time.

    Args:
        run: the run.
        markets: their tickers.
        between: first and last instant in Unix seconds; None for all.
    """
    sql = """
        SELECT market_ticker, epoch(first_decision_ts_utc::TIMESTAMP)::BIGINT AS ts, decisions, side, qty_wanted, price,
               reason_code
        FROM decisions WHERE NOT filled AND list_contains(?, market_ticker)
        ORDER BY ts, market_ticker, side, reason_code
    """
    rows = run.query(sql, list(markets), of="decisions")
    found = [RefusedOrder(*row) for row in rows]
    return [one for one in found if between is None or between[0] <= one.first_ts <= between[1]]


def refusals_panel(
    refused: Sequence[RefusedOrder], because: Callable[[str], str], names: Mapping[str, str], currency: str
) -> Panel:
    """Return the table of refused orders.

    Args:
        refused: the orders.
        because: a reason code in words.
        names: of markets, in words, by ticker.
        currency: of their prices.
    """
    if not refused:
        return Panel("Refused", [Text("No order was refused.")])
    rows: list[Cells] = [
        (
            clock(one.first_ts),
            names.get(one.market, one.market),
            plain_side(one.side) if one.side else "—",
            "—" if one.quantity is None else shown_quantity(one.quantity),
            "—" if one.price is None else shown(one.price, 4),
            f"{one.times:,}",
            coded(one.reason, because(one.reason)),
        )
        for one in refused[:MOST_ROWS]
    ]
    header = ("first, UTC", "what", "side", "wanted", f"price, {currency}", "decisions", "refused because")
    rest = (
        [Text(f"The first {MOST_ROWS:,} of {len(refused):,}; decisions.parquet has all.")]
        if len(refused) > MOST_ROWS
        else []
    )
    return Panel("Refused", [ReportTable(header, rows, "lllrrrl"), *rest])
