"""The exchange's candles: which requests get an event whole, with as few of them as can be. Nothing here is sent.

Markets live in one of two tiers; the split moves and overlaps. The catalog says which tier listed a market last.

- Historical tier: one request per market and MAX_PERIODS.
- Live tier: the event route when no answer can be cut (markets × periods ≤ EVENT_CANDLES), which is one request; else the
  batch route, whose limit is on what is asked and not on what comes, so that the number of requests is known beforehand.
  (The event route would need one to three for a full minute window, by how busy the market was.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pyarrow as pa

from tradewinds.core.files import seconds_of
from tradewinds.families.kalshi_weather.fetch.candle_parsing import LIVE

MAX_PERIODS = 5000  # most periods one request of a market may span
EVENT_CANDLES = 5000  # most candles one answer of the event route holds
BATCH_PERIODS = 10_000  # most markets × periods of one batch request
BATCH_MARKETS = 100
MARKET_COLUMNS = ("market_ticker", "event_ticker", "open_time", "close_time", "tier")
ASSUMED_MARKETS = 6  # of an event whose catalog is not there yet

Span = tuple[int, int]
"""First and last candle end in Unix seconds, both included."""


class CatalogMarket(NamedTuple):
    """What a fetch needs of a catalog row; times in Unix seconds."""

    ticker: str
    event_ticker: str
    open_ts: int
    close_ts: int
    tier: str


class Ask(NamedTuple):
    """One request: `route` is event, batch or market (of the historical tier)."""

    route: str
    tickers: tuple[str, ...]
    span: Span


def markets_in_order(catalog: pa.Table) -> list[CatalogMarket]:
    """The markets of some catalog rows (with MARKET_COLUMNS), in the rows' order."""
    tickers, events, tiers = (catalog[name].to_pylist() for name in ("market_ticker", "event_ticker", "tier"))
    opened, closed = seconds_of(catalog["open_time"], up=True), seconds_of(catalog["close_time"], up=False)
    return [CatalogMarket(*row) for row in zip(tickers, events, opened, closed, tiers, strict=True)]


def markets_of(catalog: pa.Table) -> list[CatalogMarket]:
    """The markets of some catalog rows, by ticker."""
    return sorted(markets_in_order(catalog), key=lambda market: market.ticker)


def window_of(market: CatalogMarket, window_policy: str, period_minutes: int, asof_ts: int) -> Span:
    """The span of a market's window; empty (start > end) if it closed before the as-of time.

    The last candle can end one period after the close; TRADE_WINDOW_ONLY begins at the as-of time if that is later
    than the open. Both ends lie on the grid of periods, so that spans cut from the window lose nothing between them.
    """
    grid = period_minutes * 60
    start = max(market.open_ts, asof_ts) if window_policy == "TRADE_WINDOW_ONLY" else market.open_ts
    return -(-start // grid) * grid, market.close_ts // grid * grid + grid


def windows_of(
    markets: Sequence[CatalogMarket], window_policy: str, period_minutes: int, asof_ts: int
) -> dict[str, Span]:
    """The windows that are not empty, by ticker."""
    windows = {m.ticker: window_of(m, window_policy, period_minutes, asof_ts) for m in markets}
    return {ticker: span for ticker, span in windows.items() if span[0] <= span[1]}


def chunks(span: Span, period_minutes: int, most: int = MAX_PERIODS) -> list[Span]:
    """Spans of at most `most` periods that cover a span without overlap."""
    grid = period_minutes * 60
    return [(start, min(start + most * grid, span[1])) for start in range(span[0], span[1] + 1, (most + 1) * grid)]


def live_asks(markets: Sequence[CatalogMarket], windows: Mapping[str, Span], period_minutes: int) -> list[Ask]:
    """The requests that get these markets from the live tier, in order."""
    tickers = tuple(m.ticker for m in markets if m.ticker in windows)
    if not tickers:
        return []
    span = min(windows[t][0] for t in tickers), max(windows[t][1] for t in tickers)
    periods = (span[1] - span[0]) // (period_minutes * 60) + 1
    if len({m.event_ticker for m in markets}) == 1 and len(tickers) * periods <= EVENT_CANDLES:
        return [Ask("event", tickers, span)]
    groups = [tickers[n : n + BATCH_MARKETS] for n in range(0, len(tickers), BATCH_MARKETS)]
    return [Ask("batch", g, part) for g in groups for part in chunks(span, period_minutes, BATCH_PERIODS // len(g))]


def historical_asks(market: CatalogMarket, windows: Mapping[str, Span], period_minutes: int) -> list[Ask]:
    """The requests that get one market from the historical tier."""
    return [Ask("market", (market.ticker,), part) for part in chunks(windows[market.ticker], period_minutes)]


def plan_requests(markets: Sequence[CatalogMarket], windows: Mapping[str, Span], period_minutes: int) -> int:
    """Requests that an event needs if the catalog names the right tiers."""
    wanted = [m for m in markets if m.ticker in windows]
    archived = [m for m in wanted if m.tier != LIVE]
    live = live_asks([m for m in wanted if m.tier == LIVE], windows, period_minutes)
    return len(live) + sum(len(historical_asks(m, windows, period_minutes)) for m in archived)
