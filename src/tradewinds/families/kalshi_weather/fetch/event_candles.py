"""Fetch one event's candles with the requests of `exchange_requests`.

An incomplete answer is refused; on 404 the other tier of the exchange is asked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tradewinds.core.errors import FetchError, RefusedAnswer
from tradewinds.families.kalshi_weather.climate_days import Station, event_ticker_of
from tradewinds.families.kalshi_weather.fetch import exchange_requests
from tradewinds.families.kalshi_weather.fetch.candle_parsing import (
    HISTORICAL,
    LIVE,
    CellsByRow,
    ShapeError,
    candle_table,
    parse_candles,
)
from tradewinds.families.kalshi_weather.fetch.exchange_requests import Ask, CatalogMarket, Span
from tradewinds.sources.http import HttpClient, NotFound


class EventOpen(FetchError):
    """A market of the event is open: its window is not complete."""


def refuse_open(station: Station, climate_date: dt.date, markets: Sequence[CatalogMarket], now: dt.datetime) -> None:
    """An event whose window is not complete yet is not fetched.

    Raises:
        EventOpen: a market is still open.
    """
    for market in markets:
        if market.close_ts > now.timestamp():
            closes = dt.datetime.fromtimestamp(market.close_ts, dt.UTC)
            raise EventOpen(
                f"{market.ticker} is still open (it closes {closes:%Y-%m-%d %H:%M}Z; it is {now:%Y-%m-%d %H:%M}Z).",
                where=f"{station.series_ticker} {climate_date}",
                remedy="Its window is not complete yet: lower date_end_local or run again after the close.",
            )


def fetch_candles(
    client: HttpClient,
    series_ticker: str,
    markets: Sequence[CatalogMarket],
    windows: Mapping[str, Span],
    period_minutes: int,
    now: dt.datetime,
) -> tuple[pa.Table, str | None]:
    """The candles of an event's markets inside `windows` (columns: schemas.CANDLES), and the tiers that had them.

    Raises:
        RefusedAnswer: a market is unknown to both tiers, or an answer is malformed.
    """
    fetch = _EventFetch(client, series_ticker, period_minutes, windows)
    tiers = fetch.all([m for m in markets if m.ticker in windows])
    rows = {key: cells for key, cells in fetch.rows.items() if windows[key[0]][0] <= key[1] <= windows[key[0]][1]}
    try:
        return candle_table(rows, now), "+".join(sorted(tiers)) or None
    except ShapeError as error:
        client.refuse(str(error), f" (event {markets[0].event_ticker})", [list(item) for item in rows.items()])


class _EventFetch:
    """The requests of one event; `rows` fills up."""

    def __init__(self, client: HttpClient, series: str, period_minutes: int, windows: Mapping[str, Span]) -> None:
        self.client, self.series, self.period, self.windows = client, series, period_minutes, windows
        self.rows: CellsByRow = {}

    def all(self, wanted: Sequence[CatalogMarket]) -> set[str]:
        """Fetch every market, from the tier that the catalog names first; says which tiers answered."""
        live = [m for m in wanted if m.tier == LIVE]
        answered = self.live(live)
        tiers = {LIVE} if answered else set()
        for market in wanted:
            if market.ticker not in answered:
                tiers.add(self.archived_or_live(market))
        return tiers

    def live(self, markets: Sequence[CatalogMarket]) -> set[str]:
        """Fetch markets from the live tier; the tickers it knows all along (others have moved to the archive)."""
        asks = exchange_requests.live_asks(markets, self.windows, self.period)
        left = {m.ticker for m in markets}
        for ask in asks:
            known = self.event(markets[0].event_ticker, ask) if ask.route == "event" else self.batch(ask)
            left -= set(ask.tickers) - known
        return left

    def event(self, event_ticker: str, ask: Ask) -> set[str]:
        """The event route, in as many cuts as it makes."""
        path = f"/series/{self.series}/events/{event_ticker}/candlesticks"
        answered = set(ask.tickers)  # less those that a later cut no longer has: they have moved
        start, end = ask.span
        while True:
            try:
                payload = self.client.get_json(path, self._params((start, end)))
            except NotFound:
                return set()
            tickers, adjusted = self._read_event(path, payload, (start, end))
            answered &= tickers
            if adjusted >= end or not answered:
                return answered
            if adjusted <= start:
                self.client.refuse(f"adjusted_end_ts stands still at {adjusted}", path, payload)
            start = adjusted

    def _read_event(self, path: str, payload: Any, span: Span) -> tuple[set[str], int]:
        try:
            tickers, lists, adjusted = (
                payload[k] for k in ("market_tickers", "market_candlesticks", "adjusted_end_ts")
            )
            if len(tickers) != len(lists) or type(adjusted) is not int:
                raise ShapeError("market_tickers and market_candlesticks do not match")
            for ticker, candles in zip(tickers, lists, strict=True):
                if ticker in self.windows:
                    self._parse(ticker, candles, LIVE, span)
        except (KeyError, TypeError, ShapeError) as error:
            self.client.refuse(f"{error}", path, payload)
        return set(tickers), adjusted

    def batch(self, ask: Ask) -> set[str]:
        """The batch route; markets that it leaves out are not in the live tier."""
        path = "/markets/candlesticks"
        payload = self.client.get_json(path, {"market_tickers": ",".join(ask.tickers), **self._params(ask.span)})
        try:
            answers = {item["market_ticker"]: item["candlesticks"] for item in payload["markets"]}
            if not answers.keys() <= set(ask.tickers):
                raise ShapeError(f"markets that were not asked for: {sorted(answers.keys() - set(ask.tickers))}")
            for ticker, candles in answers.items():
                self._parse(ticker, candles, LIVE, ask.span)
        except (KeyError, TypeError, ShapeError) as error:
            self.client.refuse(f"{error}", path, payload)
        return set(answers)

    def archived_or_live(self, market: CatalogMarket) -> str:
        """One market from the historical tier, or on 404 from the live tier's market route."""
        routes = (
            (HISTORICAL, f"/historical/markets/{market.ticker}/candlesticks"),
            (LIVE, f"/series/{self.series}/markets/{market.ticker}/candlesticks"),
        )
        for tier, path in routes:
            try:
                for ask in exchange_requests.historical_asks(market, self.windows, self.period):
                    payload = self.client.get_json(path, self._params(ask.span))
                    self._read_market(path, payload, market, tier, ask.span)
            except NotFound:
                continue
            return tier
        remedy = "The catalog lists it: sync it again (tradewinds run does so when a range reaches past it)."
        raise RefusedAnswer("neither tier of the exchange knows this market.", where=market.ticker, remedy=remedy)

    def _read_market(self, path: str, payload: Any, market: CatalogMarket, tier: str, span: Span) -> None:
        try:
            if payload["ticker"] != market.ticker:
                raise ShapeError(f"asked for {market.ticker}, got {payload['ticker']}")
            self._parse(market.ticker, payload["candlesticks"], tier, span)
        except (KeyError, TypeError, ShapeError) as error:
            self.client.refuse(f"{error}", path, payload)

    def _parse(self, ticker: str, candles: Any, tier: str, span: Span) -> None:
        parse_candles(ticker, candles, tier, self.period, *span, self.rows)

    def _params(self, span: Span) -> dict[str, int]:
        return {"start_ts": span[0], "end_ts": span[1], "period_interval": self.period}


def event_meta(
    station: Station,
    climate_date: dt.date,
    markets: Sequence[CatalogMarket],
    windows: Mapping[str, Span],
    candles: pa.Table,
    period_minutes: int,
) -> dict[str, Any]:
    """What a candle file says of itself; `reason` is NO_EVENT or NO_CANDLES for a file without rows."""
    counts = dict.fromkeys((m.ticker for m in markets), 0)
    for ticker in candles["market_ticker"].to_pylist():
        counts[ticker] += 1
    grid = period_minutes * 60
    periods = {ticker: (end - start) // grid for ticker, (start, end) in windows.items()}
    return {
        "series_ticker": station.series_ticker,
        "event_ticker": markets[0].event_ticker if markets else event_ticker_of(station.series_ticker, climate_date),
        "climate_date": climate_date.isoformat(),
        "period_interval_minutes": period_minutes,
        "windows": {ticker: list(windows[ticker]) for ticker in sorted(windows)},
        "window_start_ts": min((start for start, _ in windows.values()), default=None),
        "window_end_ts": max((end for _, end in windows.values()), default=None),
        "markets": sorted(counts),
        "rows_per_market": counts,
        "missing_minutes": {t: max(0, periods[t] - counts[t]) * period_minutes for t in sorted(windows)},
        "reason": "NO_EVENT" if not markets else None if candles.num_rows else "NO_CANDLES",
    }
