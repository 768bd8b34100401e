"""What the data files of a run know of an event: its markets with their probabilities, and their quotes."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.files import read_rows, read_table, seconds_of
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import EventsPlan, PlannedEvent, events_plan
from tradewinds.families.kalshi_weather.schemas import climate_range
from tradewinds.results.report.parts import listed
from tradewinds.results.report.run import ReportRun

SHOWN = 5  # events that a message names
_CATALOG = ("market_ticker", "climate_date", "yes_sub_title", "floor_strike", "cap_strike", "result", "settlement_ts")
_KNOWN = ("market_ticker", "climate_date", "p_yes", "asof_ts")
_QUOTES = ("market_ticker", "end_period_ts", "yes_bid_close", "yes_ask_close")


class EventQuotes(NamedTuple):
    """Bid and ask of a market where they change, and at the end.

    Attributes:
        t: ends of minutes, in Unix seconds.
        bid: price of YES; None where there is none.
        ask: in the same way.
    """

    t: Sequence[int]
    bid: Sequence[float | None]
    ask: Sequence[float | None]


def plan_of(run: ReportRun) -> EventsPlan:
    """Return the plan of a run."""
    return events_plan(resolve.resolve(dict(run.config)))


def event_of(plan: EventsPlan, name: str, day: dt.date | None) -> PlannedEvent:
    """Return the event that is asked for.

    Args:
        plan: of the run.
        name: event ticker, that of one of its markets, or the ticker of its series with a day.
        day: climate date of the event; None with the ticker of an event or market.

    Raises:
        ConfigError: the run has no such event.
        DataMissing: a file of the event is not in the working folder.
    """
    event = _named(plan, name, day)
    for path in (event.path, plan.files.catalogs[event.series_ticker], plan.files.probabilities):
        if not Path(path).exists():
            remedy = "Work in the folder in which the run was made, or run its config again."
            raise DataMissing("this file of the run is not here.", where=path, remedy=remedy)
    return event


def events_by_ticker(plan: EventsPlan) -> dict[str, PlannedEvent]:
    """Return the events of a plan by their tickers."""
    events = plan.files.events
    return {climate_days.event_ticker_of(event.series_ticker, event.climate_date): event for event in events}


def _named(plan: EventsPlan, name: str, day: dt.date | None) -> PlannedEvent:
    tickers = events_by_ticker(plan)
    if day is None and name in tickers:
        return tickers[name]
    of_market = [event for ticker, event in tickers.items() if name.startswith(f"{ticker}-")]
    if day is None and of_market:
        return of_market[0]
    events = plan.files.events
    found = [event for event in events if event.series_ticker == name and day in (None, event.climate_date)]
    if len(found) == 1:
        return found[0]
    what = "the series has many events; name the day, too." if found else "the run has no such event."
    where = name if day is None else f"{name}, {day}"
    raise ConfigError(what, where=where, remedy=f"Events: {listed(list(tickers), SHOWN)}.")


def markets_of(plan: EventsPlan, event: PlannedEvent) -> list[dict[str, Any]]:
    """Return the markets of an event in the order of their temperatures: the columns of the catalog that its page shows.

    `settlement_ts` is in Unix seconds; `known` is the market's row of probabilities, None without one.
    """
    whole = climate_range(event.climate_date, event.climate_date)
    table = read_table(plan.files.catalogs[event.series_ticker], _CATALOG, whole)
    settled = seconds_of(table["settlement_ts"], up=True)
    known = {row["market_ticker"]: row for row in read_rows(plan.files.probabilities, _KNOWN, whole)}
    rows = table.drop_columns(["settlement_ts"]).to_pylist()
    found = [
        row | {"settlement_ts": at, "known": known.get(row["market_ticker"])}
        for row, at in zip(rows, settled, strict=True)
    ]
    return sorted(found, key=_bottom)


def _bottom(row: Mapping[str, Any]) -> tuple[float, float]:
    """Where a market's bracket begins and ends, for sorting."""
    low, high = row["floor_strike"], row["cap_strike"]
    return (low if low is not None else float("-inf"), high if high is not None else float("inf"))


def quotes_of(event: PlannedEvent, tickers: Collection[str]) -> dict[str, EventQuotes]:
    """Return the quotes of some markets of an event, by ticker; a market without candles has none.

    Args:
        event: whose file of candles is there.
        tickers: of the markets.
    """
    table = read_table(event.path, _QUOTES)
    found: dict[str, EventQuotes] = {}
    first = 0
    # candles are in order of market and time
    for ticker, rows in itertools.groupby(table["market_ticker"].to_pylist()):
        count = sum(1 for _ in rows)
        if ticker in tickers:
            t, bid, ask = (table[name].slice(first, count).to_pylist() for name in _QUOTES[1:])
            pairs = list(zip(bid, ask, strict=True))
            kept = [n for n, pair in enumerate(pairs) if not n or pair != pairs[n - 1] or n == count - 1]
            found[ticker] = EventQuotes(
                [t[n] for n in kept], [_figure(bid[n]) for n in kept], [_figure(ask[n]) for n in kept]
            )
        first += count
    return found


def _figure(price: Any) -> float | None:
    return None if price is None else float(price)


def bracket_words(row: Mapping[str, Any]) -> str:
    """Return what a market of a catalog pays on, as the exchange puts it: "72° to 73°"; its ticker if it puts nothing."""
    return str(row["yes_sub_title"] or row["market_ticker"])
