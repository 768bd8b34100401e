"""The page of one event: bid and ask of each bracket, the model's probability, fills, refusals and settlement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.files import read_rows, read_table
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import EventsPlan, PlannedEvent, events_plan
from tradewinds.families.kalshi_weather.report.reasons import because
from tradewinds.families.kalshi_weather.schemas import climate_range
from tradewinds.results.report.parts import Cells, Panel, Plot, ReportTable, Text, listed, shown
from tradewinds.results.report.run import ReportRun
from tradewinds.results.report.trade_words import clock, outcome
from tradewinds.results.report.unit_page import MOST_ROWS, Refusal, UnitPage, refusals_of, refusals_panel

SHOWN = 5  # events that a message names
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
    plan = _plan_of(run)
    event = _event_of(plan, name, day)
    catalog = plan.files.catalogs[event.series_ticker]
    for path in (event.path, catalog, plan.files.probabilities):
        if not Path(path).exists():
            remedy = "Work in the folder in which the run was made, or run its config again."
            raise DataMissing("this file of the run is not here.", where=path, remedy=remedy)
    # The markets of the event in the order of their temperatures, each with what is known of it.
    whole = climate_range(event.climate_date, event.climate_date)
    markets = sorted(read_rows(catalog, dates=whole), key=_bottom)
    known = {row["market_ticker"]: row for row in read_rows(plan.files.probabilities, dates=whole)}
    tickers = [row["market_ticker"] for row in markets]
    orders, refused, candles = _orders(run, tickers), refusals_of(run, tickers), read_table(event.path)
    rows = [
        _market(run, row, candles, known.get(row["market_ticker"]), orders.get(row["market_ticker"], ()), refused)
        for row in markets
    ]
    # what is said of it
    station = climate_days.station_of(event.series_ticker)
    extreme = {"max": "high", "min": "low"}[station.target]
    ticker = climate_days.event_ticker_of(event.series_ticker, event.climate_date)
    title = f"{station.city} {extreme}, {event.climate_date:%A} {event.climate_date.day} {event.climate_date:%B %Y}"
    plot = Plot(
        "event", f"{ticker}: bid, ask and probability of YES", "quotes", {"markets": rows}, ("", run.currency), CAPTION
    )
    names = {row["market_ticker"]: bracket_words(row) for row in markets}
    parts = [_orders_panel(run, orders, names), refusals_panel(refused, because, names, run.currency)]
    return UnitPage(title, f"{ticker}. {_settled(markets)}", [plot], parts)


def _plan_of(run: ReportRun) -> EventsPlan:
    """Return the plan of a run."""
    return events_plan(resolve.resolve(dict(run.config)))


def bracket_words(row: Mapping[str, Any]) -> str:
    """Return what a market of a catalog pays on, as the exchange puts it: "72° to 73°"; its ticker if it puts nothing."""
    return str(row["yes_sub_title"] or row["market_ticker"])


def _settled(markets: Sequence[Mapping[str, Any]]) -> str:
    """Return which bracket of an event came true, as a sentence."""
    true = [bracket_words(row) for row in markets if row["result"] == "yes"]
    return f"It settled at {true[0]}." if len(true) == 1 else "It has not settled at one bracket."


def _event_of(plan: EventsPlan, name: str, day: dt.date | None) -> PlannedEvent:
    """Return the event that is asked for."""
    events = plan.files.events
    tickers = {climate_days.event_ticker_of(event.series_ticker, event.climate_date): event for event in events}
    if day is None and name in tickers:
        return tickers[name]
    found = [event for event in events if event.series_ticker == name and day in (None, event.climate_date)]
    if len(found) == 1:
        return found[0]
    what = "the series has many events; name the day, too." if found else "the run has no such event."
    where = name if day is None else f"{name}, {day}"
    raise ConfigError(what, where=where, remedy=f"Events: {listed(list(tickers), SHOWN)}.")


def _bottom(row: Mapping[str, Any]) -> tuple[float, float]:
    """Where a market's bracket begins and ends, for sorting."""
    low, high = row["floor_strike"], row["cap_strike"]
    return (low if low is not None else float("-inf"), high if high is not None else float("inf"))


_ORDERS = """
SELECT market_ticker, epoch(decision_ts_utc::TIMESTAMP)::BIGINT AS ts, side, qty, entry_price, entry_fee, model_prob_yes,
       ev_net_per_contract, pnl
FROM trades WHERE list_contains(?, market_ticker)
"""


def _orders(run: ReportRun, tickers: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Return the filled orders of markets by ticker: ticker, Unix s, side, quantity, price, fee, P(YES), net EV each, P&L."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for row in run.query(_ORDERS, list(tickers)):
        found.setdefault(row[0], []).append(row)
    return found


def _orders_panel(run: ReportRun, orders: Mapping[str, Sequence[tuple[Any, ...]]], names: Mapping[str, str]) -> Panel:
    """Return the table of an event's trades, in order of time."""
    rows = sorted((row for own in orders.values() for row in own), key=lambda row: (row[1], row[0]))
    if not rows:
        return Panel("Trades", [Text("Nothing was traded.")])
    money = run.currency
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
    candles: pa.Table,
    known: Mapping[str, Any] | None,
    orders: Sequence[tuple[Any, ...]],
    refused: Sequence[Refusal],
) -> dict[str, Any]:
    """A market as the plot shows it.

    Args:
        run: the run.
        row: of the catalog.
        candles: of the event.
        known: its row of probabilities; None without one.
        orders: its filled orders, as of `_orders`.
        refused: the refused orders of the event.
    """
    ticker = row["market_ticker"]
    quotes = candles.filter(pc.equal(candles["market_ticker"], ticker))
    times = quotes["end_period_ts"].to_pylist()
    bid, ask = ([_figure(value) for value in quotes[f"yes_{side}_close"].to_pylist()] for side in ("bid", "ask"))
    kept = _changes(bid, ask)
    settled = None
    if row["settlement_ts"] and row["result"] in ("yes", "no"):
        settled = {"t": int(row["settlement_ts"].timestamp()), "y": 1.0 if row["result"] == "yes" else 0.0}
    end = settled["t"] if settled else times[-1] if times else 0
    has = known is not None and end > known["asof_ts"]
    outcome_words = {"yes": ", settled YES", "no": ", settled NO"}.get(row["result"] or "", "")
    return {
        "name": f"{bracket_words(row)}{outcome_words}",
        "t": [times[place] for place in kept],
        "bid": [bid[place] for place in kept],
        "ask": [ask[place] for place in kept],
        "probability": {"p": float(known["p_yes"]), "from": known["asof_ts"], "to": end} if has and known else None,
        "marks": [_mark(run, order) for order in orders],
        "crosses": [_cross(one) for one in refused if one.market == ticker and one.price is not None][:MOST_CROSSES],
        "settled": settled,
    }


def _changes(bid: Sequence[float | None], ask: Sequence[float | None]) -> list[int]:
    """Return the places at which bid or ask change, and the last one."""
    pairs = list(zip(bid, ask, strict=True))
    return [
        place for place, pair in enumerate(pairs) if not place or pair != pairs[place - 1] or place == len(pairs) - 1
    ]


def _mark(run: ReportRun, order: tuple[Any, ...]) -> dict[str, Any]:
    """Return a filled order as a mark at the price of YES."""
    _, ts, side, quantity, price, _, _, _, pnl = order
    is_yes = side == "BUY_YES"
    y = float(price) if is_yes else 1 - float(price)
    words = f"{quantity} {'YES' if is_yes else 'NO'} at {price:.2f} {run.currency}, {outcome(pnl)} {shown(pnl, 2)}"
    return {"t": ts, "y": y, "up": is_yes, "remark": words}


def _cross(one: Refusal) -> dict[str, Any]:
    """Return a refused order as a cross at the price of YES."""
    is_yes, price = one.side == "YES", float(one.price or 0)
    words = f"{one.quantity} {one.side} refused {one.count:,} ×: {because(one.reason)}"
    return {"t": one.first_ts, "y": price if is_yes else 1 - price, "remark": words}


def _figure(value: Any) -> float | None:
    """A price as a float."""
    return None if value is None else float(value)
