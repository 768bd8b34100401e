"""The exchange's REST routes over an archive: today's field names of both tiers, and the exchange's own refusals."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Any

from tradewinds.archive.routes import Answer, Query, Route, json_answer
from tradewinds.families.kalshi_weather.archive import known_markets
from tradewinds.families.kalshi_weather.archive.candle_shapes import Row, historical_shape, live_shape
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.archive.exchange_queries import (
    MAX_PERIODS,
    ExchangeRefusal,
    bad_request,
    historical_not_found,
    not_found,
    page_of,
    span_of,
    whole_number,
)
from tradewinds.families.kalshi_weather.archive.market_objects import zulu
from tradewinds.families.kalshi_weather.archive.served_data import ServedData
from tradewinds.families.kalshi_weather.archive.spoilt_answers import ExchangeFaults

SERVICE, PREFIX = "kalshi", "/trade-api/v2"
MAX_BATCH_PERIODS = 10_000  # tickers × periods
MAX_BATCH_TICKERS = 100


def routes_of(archive: EventArchive, cutoff: dt.date | None) -> dict[str, Route]:
    """The exchange's route, with its faults.

    Args:
        archive: what is served.
        cutoff: markets settled before midnight UTC of this date are in the historical tier; without one, all are, or with a
            clock those of long before it.
    """
    midnight = None if cutoff is None else dt.datetime.combine(cutoff, dt.time(), dt.UTC)
    data = ServedData(archive, midnight)
    faults = ExchangeFaults(data)
    answer = faults.with_stuck_cursor(ExchangeRoutes(data).answer)
    return {f"{PREFIX}/": Route(SERVICE, answer, base_path=PREFIX, faults=faults.of_path, keeps_clock=True)}


class ExchangeRoutes:
    """Answer the exchange's GET requests.

    A method that is named after a route returns the body of its answer. It gets the query and what the route's path names,
    and raises ExchangeRefusal where the exchange answers with another status than 200.

    Args:
        data: the markets, in their tiers.
    """

    def __init__(self, data: ServedData) -> None:
        self.data = data
        ticker = r"([A-Za-z0-9.\-]+)"
        self.routes: list[tuple[re.Pattern[str], Callable[..., Any]]] = [
            (re.compile(pattern + r"\Z"), handler)
            for pattern, handler in (
                ("/exchange/status", self.status),
                ("/series", self.series_list),
                ("/series/fee_changes", self.fee_changes),
                (f"/series/{ticker}", self.series),
                (f"/series/{ticker}/markets/{ticker}/candlesticks", self.live_candles),
                (f"/series/{ticker}/events/{ticker}/candlesticks", self.event_candles),
                ("/events", self.events),
                (f"/events/{ticker}", self.event),
                ("/markets", self.markets),
                ("/markets/candlesticks", self.batch_candles),
                (f"/markets/{ticker}", self.market),
                ("/historical/cutoff", self.cutoff),
                ("/historical/markets", self.historical_markets),
                (f"/historical/markets/{ticker}", self.historical_market),
                (f"/historical/markets/{ticker}/candlesticks", self.historical_candles),
            )
        ]

    def answer(self, path: str, query: Query) -> Answer:
        """The answer to a GET request; its path begins with PREFIX."""
        try:
            for pattern, handler in self.routes:
                if found := pattern.match(path.removeprefix(PREFIX)):
                    return json_answer(200, handler(query, *found.groups()))
            raise not_found()
        except ExchangeRefusal as refusal:
            return json_answer(refusal.status, refusal.body)

    def status(self, query: Query) -> Any:
        """GET /exchange/status."""
        return {
            "exchange_active": True,
            "trading_active": True,
            "exchange_estimated_resume_time": None,
            "intra_exchange_transfers_active": True,
        }

    def series_list(self, query: Query) -> Any:
        """GET /series: no limit, no cursor."""
        wanted = query.get("category")
        found = [s for s in self.data.archive.series.values() if wanted is None or wanted in s["categories"]]
        return {"series": found or None}

    def series(self, query: Query, ticker: str) -> Any:
        """GET /series/{ticker}."""
        if ticker not in self.data.archive.series:
            raise not_found()
        return {"series": self.data.archive.series[ticker]}

    def fee_changes(self, query: Query) -> Any:
        """GET /series/fee_changes: none, as for the daily temperature series of the exchange."""
        return {"series_fee_change_arr": []}

    def cutoff(self, query: Query) -> Any:
        """GET /historical/cutoff."""
        text = zulu(self.data.cutoff)
        keys = ("market_settled_ts", "trades_created_ts", "orders_updated_ts", "market_positions_last_updated_ts")
        return dict.fromkeys(keys, text)

    def events(self, query: Query) -> Any:
        """GET /events: all events, with nested markets (if asked for) only of the live tier."""
        status = query.get("status", "settled")
        if status not in ("unopened", "open", "closed", "settled"):
            raise ExchangeRefusal(400, "bad_request", "bad request")
        wanted = set(filter(None, query.get("tickers", "").split(",")))
        found = [
            event
            for event in sorted(self.data.archive.events.values(), key=lambda e: e["event_ticker"], reverse=True)
            if self._has_status(self.data.listed(event["event_ticker"]), status)
            and query.get("series_ticker") in (None, "", event["series_ticker"])
            and (not wanted or event["event_ticker"] in wanted)
        ]
        page, cursor = page_of(found, [e["event_ticker"] for e in found], query, 200, 200)
        nested = query.get("with_nested_markets") == "true"
        return {"events": [self._event_object(event, nested) for event in page], "cursor": cursor, "milestones": []}

    def _has_status(self, tickers: Iterable[str], word: str) -> bool:
        """Whether any of some markets has a status that the word of a filter stands for."""
        return any(self.data.status(ticker) in known_markets.FILTERS[word] for ticker in tickers)

    def event(self, query: Query, ticker: str) -> Any:
        """GET /events/{ticker}."""
        if ticker not in self.data.archive.events or not self.data.listed(ticker):
            raise not_found()
        nested = query.get("with_nested_markets") == "true"
        markets = [] if nested else self._live_objects(ticker)
        return {"event": self._event_object(self.data.archive.events[ticker], nested), "markets": markets}

    def _event_object(self, event: Row, nested: bool) -> Row:
        """An event as the API shows it, `nested` with its markets."""
        shown = {
            **event,
            "collateral_return_type": "MECNET",
            "category": "Climate and Weather",
            "strike_period": "",
            "last_updated_ts": "0001-01-01T00:00:00Z",
            "exchange_index": 0,
        }
        live = self._live_objects(event["event_ticker"]) if nested else []
        return shown | ({"markets": live} if live else {})

    def _live_objects(self, event_ticker: str) -> list[Row]:
        """The market objects of an event that are in the live tier."""
        return [self.data.object(t) for t in self.data.listed(event_ticker) if self.data.is_live(t)]

    def markets(self, query: Query) -> Any:
        """GET /markets: the live tier."""
        status = query.get("status", "")
        if "," in status:
            raise bad_request("only one status filter may be supplied")
        if status not in ("", "unopened", "open", "paused", "closed", "settled"):
            raise bad_request("invalid status filter")
        found = self._filtered(self.data.live_tickers(), query)
        if status:
            found = [ticker for ticker in found if self._has_status([ticker], status)]
        for name, column in (("close", "close_time"), ("settled", "settlement_ts")):
            low, high = whole_number(query, f"min_{name}_ts", None), whole_number(query, f"max_{name}_ts", None)
            stamps = {t: self.data.markets[t][column].timestamp() for t in found}
            found = [t for t in found if (low is None or stamps[t] >= low) and (high is None or stamps[t] <= high)]
        return self._listing(found, query)

    def historical_markets(self, query: Query) -> Any:
        """GET /historical/markets: no date filters; a KX series also lists its legacy tickers."""
        return self._listing(self._filtered(self.data.historical_tickers(), query), query)

    def _filtered(self, tickers: Iterable[str], query: Query) -> list[str]:
        """Those of some tickers that the query's tickers, event and series leave."""
        wanted = set(filter(None, query.get("tickers", "").split(",")))
        event, series = query.get("event_ticker"), query.get("series_ticker")
        rows = self.data.markets
        return [
            t
            for t in tickers
            if (not wanted or t in wanted)
            and (not event or rows[t]["event_ticker"] == event)
            and (not series or rows[t]["series_ticker"] == series)
        ]

    def _listing(self, tickers: list[str], query: Query) -> Any:
        """The page of a listing of markets that the query asks for."""
        ordered = self.data.newest_first(tickers)
        page, cursor = page_of(ordered, ordered, query, 100, 1000)
        return {"markets": [self.data.object(t) for t in page], "cursor": cursor}

    def market(self, query: Query, ticker: str) -> Any:
        """GET /markets/{ticker}: 404 for archived markets too."""
        if not self.data.is_listed(ticker) or not self.data.is_live(ticker):
            raise not_found()
        return {"market": self.data.object(ticker)}

    def historical_market(self, query: Query, ticker: str) -> Any:
        """GET /historical/markets/{ticker}."""
        if not self.data.is_listed(ticker) or self.data.is_live(ticker):
            raise historical_not_found()
        return {"market": self.data.object(ticker)}

    def live_candles(self, query: Query, series: str, ticker: str) -> Any:
        """GET /series/{series}/markets/{ticker}/candlesticks."""
        start, end, period = span_of(query)
        if not self.data.is_listed(ticker) or not self.data.is_live(ticker):
            raise not_found()
        return {
            "ticker": ticker,
            "candlesticks": [live_shape(c) for c in self.data.candles(ticker, start, end, period)],
        }

    def historical_candles(self, query: Query, ticker: str) -> Any:
        """GET /historical/markets/{ticker}/candlesticks: other field names, explicit nulls."""
        start, end, period = span_of(query)
        if not self.data.is_listed(ticker) or self.data.is_live(ticker):
            raise historical_not_found()
        found = self.data.candles(ticker, start, end, period)
        return {"ticker": ticker, "candlesticks": [historical_shape(c) for c in found]}

    def batch_candles(self, query: Query) -> Any:
        """GET /markets/candlesticks: without the tickers that are unknown or archived."""
        start, end, period = span_of(query, limited=False)
        tickers = list(filter(None, query.get("market_tickers", "").split(",")))
        if len(tickers) > MAX_BATCH_TICKERS:
            raise bad_request(f"max markets: {MAX_BATCH_TICKERS}")
        asked = len(tickers) * (end - start) // (60 * period)
        if asked > MAX_BATCH_PERIODS:
            raise bad_request(
                f"requested candlesticks across all markets: {asked}, max candlesticks: {MAX_BATCH_PERIODS}"
            )
        known = [t for t in tickers if self.data.is_listed(t) and self.data.is_live(t)]
        shown = [
            {"market_ticker": t, "candlesticks": [live_shape(c) for c in self.data.candles(t, start, end, period)]}
            for t in known
        ]
        return {"markets": shown}

    def event_candles(self, query: Query, series: str, event_ticker: str) -> Any:
        """GET /series/{series}/events/{ticker}/candlesticks: cut at 5,000 candles in all, `adjusted_end_ts` says where."""
        start, end, period = span_of(query, limited=False)
        listed = self.data.listed(event_ticker)
        if not listed:
            raise not_found()
        tickers = [t for t in listed if self.data.is_live(t)]
        rows = {t: self.data.candles(t, start, end, period) for t in tickers}
        ends = sorted(c["end_period_ts"] for found in rows.values() for c in found)
        adjusted = end
        if len(ends) > MAX_PERIODS:
            # whole instants only: the last one that fits under the cap for all markets together
            adjusted = next(e for e in reversed(ends[:MAX_PERIODS]) if e < ends[MAX_PERIODS])
        shown = [[live_shape(c) for c in rows[t] if c["end_period_ts"] <= adjusted] for t in tickers]
        return {"market_tickers": tickers, "market_candlesticks": shown, "adjusted_end_ts": adjusted}
