"""The exchange: which requests get an event's candles whole, with as few of them as can be.

Markets live in one of two tiers; the split moves and overlaps. The catalog says which tier listed a market last, that
one is asked first, and the other only on 404 (or when the live tier leaves a market out).
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tradewinds.calendars import Station, event_ticker_of
from tradewinds.errors import FetchError
from tradewinds.sources.http import HttpClient, NotFound
from tradewinds.sources.kalshi_candles import HISTORICAL, LIVE, Rows, ShapeError, candle_table, parse_candles

MAX_PERIODS = 5000  # most periods one request may span
EVENT_CANDLES = 5000  # most candles one answer of the event route holds
MARKET_COLUMNS = ("market_ticker", "event_ticker", "open_time", "close_time", "tier")
ASSUMED_MARKETS = 6  # of an event whose catalog is not there yet


@dataclass(frozen=True)
class Market:
    """What a fetch needs of a catalog row; times in Unix seconds."""

    ticker: str
    event_ticker: str
    open_ts: int
    close_ts: int
    tier: str


def markets_in_order(catalog: pa.Table) -> list[Market]:
    """The markets of some catalog rows (with MARKET_COLUMNS), in the rows' order."""
    rows = zip(*(catalog[name].to_pylist() for name in MARKET_COLUMNS), strict=True)
    return [Market(t, e, int(o.timestamp()), int(c.timestamp()), tier) for t, e, o, c, tier in rows]


def markets_of(catalog: pa.Table) -> list[Market]:
    """The markets of some catalog rows, by ticker."""
    return sorted(markets_in_order(catalog), key=lambda market: market.ticker)


def window_of(market: Market, window_policy: str, period_minutes: int, asof_ts: int) -> tuple[int, int]:
    """First and last candle end of a market's window, both included.

    The last candle can end one period after the close; TRADE_WINDOW_ONLY begins at the as-of time if that is later
    than the open. Both ends lie on the grid of periods, so that spans cut from the window lose nothing between them.
    """
    grid = period_minutes * 60
    start = max(market.open_ts, asof_ts) if window_policy == "TRADE_WINDOW_ONLY" else market.open_ts
    return -(-start // grid) * grid, market.close_ts // grid * grid + grid


def chunks(start_ts: int, end_ts: int, period_minutes: int) -> list[tuple[int, int]]:
    """Spans of at most MAX_PERIODS periods that cover [start_ts, end_ts] without overlap."""
    step = MAX_PERIODS * period_minutes * 60
    grid = period_minutes * 60
    spans, begin = [], start_ts
    while begin <= end_ts:
        spans.append((begin, min(begin + step, end_ts)))
        begin = begin + step + grid
    return spans


def plan_requests(markets: list[Market], window_policy: str, period_minutes: int, asof_ts: int) -> int:
    """Requests an event needs: exact in the historical tier, a floor in the live tier."""
    spans = [(m, window_of(m, window_policy, period_minutes, asof_ts)) for m in markets]
    archived = [
        len(chunks(*span, period_minutes)) for market, span in spans if market.tier == HISTORICAL and span[0] <= span[1]
    ]
    live = 1 if any(market.tier == LIVE for market in markets) else 0
    return sum(archived) + live


def fetch_event(
    client: HttpClient,
    station: Station,
    climate_date: dt.date,
    markets: list[Market],
    *,
    window_policy: str,
    period_minutes: int,
    asof_ts: int,
    now: dt.datetime,
) -> tuple[pa.Table, dict[str, Any]]:
    """All candles of an event's markets in their windows.

    Returns:
        A table of schema store.CANDLES and its metadata; no rows with `reason` NO_EVENT if `markets` is empty, with
        NO_CANDLES if the exchange has none.

    Raises:
        FetchError: a market is still open, unknown to both tiers, or an answer is malformed.
    """
    open_still = [m.ticker for m in markets if m.close_ts > now.timestamp()]
    if open_still:
        remedy = "Its window is not complete yet: lower date_end_local or run again after the close."
        raise FetchError(
            f"{open_still[0]} is still open.", where=f"{station.series_ticker} {climate_date}", remedy=remedy
        )
    windows = {m.ticker: window_of(m, window_policy, period_minutes, asof_ts) for m in markets}
    windows = {ticker: span for ticker, span in windows.items() if span[0] <= span[1]}
    rows: Rows = {}
    before, retries = client.requests, client.retries
    fetch = _EventFetch(client, station.series_ticker, period_minutes, windows, rows)
    tier = fetch.all(markets)
    try:
        table = candle_table(rows, now)
    except ShapeError as error:
        client.refuse(str(error), f" (event {markets[0].event_ticker})", [list(item) for item in rows.items()])
    meta = _meta(station, climate_date, markets, windows, rows, period_minutes) | {
        "window_policy": window_policy,
        "tier": tier,
        "requests": client.requests - before,
        "retries": client.retries - retries,
    }
    return table, meta


class _EventFetch:
    """The requests of one event."""

    def __init__(
        self, client: HttpClient, series: str, period_minutes: int, windows: dict[str, tuple[int, int]], rows: Rows
    ) -> None:
        self.client, self.series, self.period, self.windows, self.rows = client, series, period_minutes, windows, rows

    def all(self, markets: list[Market]) -> str | None:
        """Fetch every market, from the tier that the catalog names first; says which tiers answered."""
        wanted = [m for m in markets if m.ticker in self.windows]
        if not wanted:
            return None
        tiers = set()
        left = wanted
        if any(m.tier == LIVE for m in wanted):
            answered = self.live_event(wanted)
            left = [m for m in wanted if m.ticker not in answered]
            tiers |= {LIVE} if answered else set()
        for market in left:
            tiers.add(self.archived_or_live(market))
        return "+".join(sorted(tiers))

    def live_event(self, wanted: list[Market]) -> set[str]:
        """The event route of the live tier, in as many cuts as it makes; returns the tickers it knows."""
        path = f"/series/{self.series}/events/{wanted[0].event_ticker}/candlesticks"
        start = min(self.windows[m.ticker][0] for m in wanted)
        end = max(self.windows[m.ticker][1] for m in wanted)
        answered: set[str] = set()
        while True:
            try:
                payload = self.client.get_json(path, self._params(start, end))
            except NotFound:
                return answered
            tickers, adjusted = self._read_event(path, payload, start, end)
            answered |= tickers
            if adjusted >= end or not tickers:
                return answered & {m.ticker for m in wanted}
            if adjusted <= start:
                self.client.refuse(f"adjusted_end_ts stands still at {adjusted}", path, payload)
            start = adjusted

    def _read_event(self, path: str, payload: Any, start: int, end: int) -> tuple[set[str], int]:
        try:
            tickers, lists, adjusted = (
                payload[k] for k in ("market_tickers", "market_candlesticks", "adjusted_end_ts")
            )
            if len(tickers) != len(lists) or type(adjusted) is not int:
                raise ShapeError("market_tickers and market_candlesticks do not match")
            for ticker, candles in zip(tickers, lists, strict=True):
                if ticker in self.windows:
                    self._parse(ticker, candles, LIVE, start, end)
        except (KeyError, TypeError, ShapeError) as error:
            self.client.refuse(f"{error}", path, payload)
        return set(tickers), adjusted

    def archived_or_live(self, market: Market) -> str:
        """One market from the historical tier, or on 404 from the live tier's market route."""
        routes = (
            (HISTORICAL, f"/historical/markets/{market.ticker}/candlesticks"),
            (LIVE, f"/series/{self.series}/markets/{market.ticker}/candlesticks"),
        )
        for tier, path in routes:
            try:
                for start, end in chunks(*self.windows[market.ticker], self.period):
                    self._read_market(
                        path, self.client.get_json(path, self._params(start, end)), market, tier, start, end
                    )
            except NotFound:
                continue
            return tier
        remedy = "The catalog lists it: sync it again (tradewinds run does so when a range reaches past it)."
        raise FetchError("neither tier of the exchange knows this market.", where=market.ticker, remedy=remedy)

    def _read_market(self, path: str, payload: Any, market: Market, tier: str, start: int, end: int) -> None:
        try:
            if payload["ticker"] != market.ticker:
                raise ShapeError(f"asked for {market.ticker}, got {payload['ticker']}")
            self._parse(market.ticker, payload["candlesticks"], tier, start, end)
        except (KeyError, TypeError, ShapeError) as error:
            self.client.refuse(f"{error}", path, payload)

    def _parse(self, ticker: str, candles: Any, tier: str, start: int, end: int) -> None:
        parse_candles(ticker, candles, tier, self.period, start, end, self.rows)

    def _params(self, start: int, end: int) -> dict[str, int]:
        return {"start_ts": start, "end_ts": end, "period_interval": self.period}


def _meta(
    station: Station,
    climate_date: dt.date,
    markets: list[Market],
    windows: dict[str, tuple[int, int]],
    rows: Rows,
    period_minutes: int,
) -> dict[str, Any]:
    counts = dict.fromkeys((m.ticker for m in markets), 0)
    for ticker, _ in rows:
        counts[ticker] += 1
    periods = {t: math.floor((end - start) / (period_minutes * 60)) for t, (start, end) in windows.items()}
    reason = "NO_EVENT" if not markets else None if rows else "NO_CANDLES"
    spans = list(windows.values())
    return {
        "series_ticker": station.series_ticker,
        "event_ticker": markets[0].event_ticker if markets else event_ticker_of(station.series_ticker, climate_date),
        "climate_date": climate_date.isoformat(),
        "period_interval_minutes": period_minutes,
        "window_start_ts": min((s for s, _ in spans), default=None),
        "window_end_ts": max((e for _, e in spans), default=None),
        "markets": sorted(counts),
        "rows_per_market": counts,
        "missing_minutes": {t: max(0, periods[t] - counts[t]) * period_minutes for t in sorted(windows)},
        "reason": reason,
    }
