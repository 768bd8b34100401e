"""The page of one event: bid and ask of each bracket, the model's probability, fills, refusals and settlement."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import EventsPlan, PlannedEvent
from tradewinds.families.kalshi_weather.report.event_data import (
    EventQuotes,
    bracket_words,
    event_of,
    markets_of,
    plan_of,
    quotes_of,
)
from tradewinds.families.kalshi_weather.report.reasons import because
from tradewinds.results.report.parts import Cells, Panel, Plot, ReportTable, Text, shown
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import clock, outcome
from tradewinds.results.report.unit_page import MOST_ROWS, RefusedOrder, UnitPage, refusals_of, refusals_panel

MOST_CROSSES = 60  # refusals that are drawn of a market
CAPTION = (
    "Lines are bid and ask at the end of each minute, dashes the model's probability from the as-of time on. Triangles are "
    "purchases: up of YES, down of NO, at the price of YES. Crosses are where orders began to be refused, diamonds settlements."
)


def event_page(run: ReportRun, name: str, day: dt.date | None) -> UnitPage:
    """Return the page of an event, with a chart for each of its markets.

    Args:
        run: the run.
        name: event ticker, or the ticker of its series with a day.
        day: climate date of the event; None with an event ticker.

    Raises:
        ConfigError: the run has no such event.
        DataMissing: the event's candles or catalog are not in the working folder.
    """
    plan = plan_of(run)
    event = event_of(plan, name, day)
    markets = markets_of(plan, event)
    tickers = [row["market_ticker"] for row in markets]
    orders, refused = orders_of(run, tickers), refusals_of(run, tickers)
    rows = plotted_markets(run, plan, event, tickers, orders, refused)
    ticker = climate_days.event_ticker_of(event.series_ticker, event.climate_date)
    title = f"{ticker}: bid, ask and probability of YES"
    plot = Plot("event", title, "quotes", {"markets": rows}, ("", run.currency), CAPTION)
    names = {row["market_ticker"]: bracket_words(row) for row in markets}
    parts = [orders_panel(run, orders, names), refusals_panel(refused, because, names, run.currency)]
    return UnitPage(event_words(event), f"{ticker}. {_settled(markets)}", [plot], parts)


def event_words(event: PlannedEvent) -> str:
    """Return an event in words: city, extreme and day."""
    station = climate_days.station_of(event.series_ticker)
    extreme = {"max": "high", "min": "low"}[station.target]
    return f"{station.city} {extreme}, {event.climate_date:%A} {event.climate_date.day} {event.climate_date:%B %Y}"


def plotted_markets(
    run: ReportRun,
    plan: EventsPlan,
    event: PlannedEvent,
    tickers: Collection[str],
    orders: Mapping[str, Sequence[tuple[Any, ...]]],
    refused: Sequence[RefusedOrder],
) -> list[dict[str, Any]]:
    """Return some markets of an event as the data of a plot of kind `quotes`.

    Args:
        run: the run.
        plan: its plan.
        event: the event, whose files are there.
        tickers: of the markets.
        orders: filled orders by ticker, as `orders_of` has them.
        refused: refused orders.
    """
    quotes = quotes_of(event, tickers)
    return [
        _market(
            run,
            row,
            quotes.get(row["market_ticker"], EventQuotes((), (), ())),
            orders.get(row["market_ticker"], ()),
            refused,
        )
        for row in markets_of(plan, event)
        if row["market_ticker"] in tickers
    ]


def _settled(markets: Sequence[Mapping[str, Any]]) -> str:
    """Return which bracket of an event came true, as a sentence."""
    true = [bracket_words(row) for row in markets if row["result"] == "yes"]
    return f"It settled at {true[0]}." if len(true) == 1 else "It has not settled at one bracket."


_ORDERS = """
SELECT market_ticker, epoch(decision_ts_utc::TIMESTAMP)::BIGINT AS ts, side, qty, entry_price, entry_fee, model_prob_yes,
       ev_net_per_contract, pnl
FROM trades WHERE list_contains(?, market_ticker)
"""


def orders_of(run: ReportRun, tickers: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the filled orders of markets by ticker: ticker, Unix s, side, quantity, price, fee, P(YES), net EV each, P&L."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in run.query(_ORDERS, list(tickers)):
        found.setdefault(row[0], []).append(row)
    return found


def orders_panel(run: ReportRun, orders: Mapping[str, Sequence[tuple[Any, ...]]], names: Mapping[str, str]) -> Panel:
    """Return the table of an event's trades, in order of time."""
    rows = sorted((row for own in orders.values() for row in own), key=lambda row: (row[1], row[0]))
    if not rows:
        return Panel("Trades", [Text("Nothing was traded.")])
    money = run.currency
    # what was decided, at which price, and what became of it
    header = (
        "decided, UTC",
        "bracket",
        "side",
        "contracts",
        f"price, {money}",
        f"fee, {money}",
        "P(YES)",
        f"EV net, {money}",
    )
    lines: list[Cells] = [
        (
            clock(ts),
            names[ticker],
            side.removeprefix("BUY_"),
            f"{quantity:,}",
            shown(price, 2),
            shown(fee, 2),
            shown(p, 3),
            shown(ev, 4),
            outcome(pnl),
            shown(pnl, 2),
        )
        for ticker, ts, side, quantity, price, fee, p, ev, pnl in rows[:MOST_ROWS]
    ]
    rest = [Text(f"The first {MOST_ROWS:,} of {len(rows):,}.")] if len(rows) > MOST_ROWS else []
    table = ReportTable((*header, "", f"P&L, {money}"), lines, "lllrrrrrlr")
    return Panel("Trades", [table, *rest])


def _market(
    run: ReportRun,
    row: Mapping[str, Any],
    quotes: EventQuotes,
    orders: Sequence[tuple[Any, ...]],
    refused: Sequence[RefusedOrder],
) -> dict[str, Any]:
    """A market as the plot shows it.

    Args:
        run: the run.
        row: of the catalog, as `markets_of` has it.
        quotes: of the market.
        orders: its filled orders, as `orders_of` has them.
        refused: refused orders, also of other markets.
    """
    ticker, known, result = row["market_ticker"], row["known"], row["result"] or ""
    settled = None
    if row["settlement_ts"] and result in ("yes", "no"):
        settled = {"t": row["settlement_ts"], "y": 1.0 if result == "yes" else 0.0}
    end = settled["t"] if settled else quotes.t[-1] if quotes.t else 0
    since = max(known[0]["asof_ts"], known[0]["known_at_ts"]) if known else end
    crosses = [cross for one in refused if one.market == ticker and (cross := _cross(one, quotes))]
    return {
        "name": bracket_words(row) + {"yes": ", settled YES", "no": ", settled NO"}.get(result, ""),
        "t": quotes.t,
        "bid": quotes.bid,
        "ask": quotes.ask,
        "probability": _probability(known, since, end) if end > since else None,
        "marks": [_mark(run, order) for order in orders],
        "crosses": crosses[:MOST_CROSSES],
        "settled": settled,
    }


def _probability(known: Sequence[Mapping[str, Any]], since: int, end: int) -> dict[str, Any]:
    """A market's probability as the plot shows it: the first one, and its changes where there are any."""
    later = [(row["known_at_ts"], float(row["p_yes"])) for row in known[1:] if row["known_at_ts"] < end]
    first = {"p": float(known[0]["p_yes"]), "from": since, "to": end}
    return first | ({"later": later} if later else {})


def _mark(run: ReportRun, order: tuple[Any, ...]) -> dict[str, Any]:
    """Return a filled order as a mark at the price of YES."""
    _, ts, side, quantity, price, _, _, _, pnl = order
    is_yes = side == "BUY_YES"
    y = float(price) if is_yes else 1 - float(price)
    words = f"{quantity} {'YES' if is_yes else 'NO'} at {price:.2f} {run.currency}, {outcome(pnl)} {shown(pnl, 2)}"
    return {"t": ts, "y": y, "up": is_yes, "remark": words}


def _cross(one: RefusedOrder, quotes: EventQuotes) -> dict[str, Any] | None:
    """Return a refused order as a cross at the price of YES; None where there was no quote.

    A refused order has no price of its own: YES would have been bought at the ask, NO by selling YES at the bid.
    """
    place = bisect_right(quotes.t, one.first_ts) - 1
    side = quotes.ask if one.side == "YES" else quotes.bid
    if place < 0 or side[place] is None:
        return None
    words = f"{one.side} refused {one.times:,} ×: {because(one.reason)}"
    return {"t": one.first_ts, "y": side[place], "remark": words}
