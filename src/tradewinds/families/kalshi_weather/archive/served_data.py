"""An archive's markets as the exchange keeps them: in two tiers, by ticker and event, with candles of any period."""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import json
import threading
import time
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tradewinds.families.kalshi_weather.archive import known_markets
from tradewinds.families.kalshi_weather.archive.candle_shapes import Row
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive

EXCHANGE_ZONE = ZoneInfo("America/New_York")  # daily candles end at midnight there
TIERS_APART_DAYS = 60  # how long the exchange's live tier has kept settled markets
_SIDES = ("yes_bid", "yes_ask")


class ServedData:
    """The markets of an archive, split into a live and a historical tier at a cutoff.

    Args:
        archive: where the markets and candles are.
        cutoff: a market that settled before it is in the historical tier; without one all markets are.
        overlap_days: how many days before the cutoff the live tier's listings still reach; its candles end at the cutoff.
            The default is what was observed on the exchange.

    Attributes:
        markets: rows of the archive's markets, by ticker.
        by_event: the tickers of each event's markets, in order.

    At the clock of an archive that has one, only what was known then is served (`archive.clock`).
    """

    def __init__(self, archive: EventArchive, cutoff: dt.datetime | None = None, overlap_days: int = 7) -> None:
        self.archive = archive
        self.markets: dict[str, Row] = {row["market_ticker"]: row for row in archive.markets}
        self._raw: dict[str, Row] = {ticker: json.loads(row["raw"]) for ticker, row in self.markets.items()}
        self._cutoff = cutoff or (None if archive.clock else self._after_everything())
        self.overlap = dt.timedelta(days=overlap_days)
        self.by_event: dict[str, list[str]] = {}
        for ticker in sorted(self.markets):
            self.by_event.setdefault(self.markets[ticker]["event_ticker"], []).append(ticker)
        self._lock = threading.Lock()
        # a file holds all markets of an event, and the jobs under way ask for a few events at a time
        self._event_candles = functools.lru_cache(maxsize=32)(self._read_event)
        self._listed_ts = functools.cache(
            lambda ticker: known_markets.listed_ts(self.markets[ticker], self._raw[ticker])
        )

    def _after_everything(self) -> dt.datetime:
        """Midnight UTC after the last settlement."""
        last = max(
            (row["settlement_ts"] for row in self.markets.values()), default=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        )
        return last.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)

    def move_cutoff(self, instant: dt.datetime) -> None:
        """Move the cutoff to an instant, if it is later than the cutoff."""
        with self._lock:
            self._cutoff = max(self.cutoff, instant)

    @property
    def cutoff(self) -> dt.datetime:
        """The border of the tiers: with a clock by default TIERS_APART_DAYS before it, and never later than its day."""
        clock = self.archive.clock
        if clock is None:
            assert self._cutoff is not None
            return self._cutoff
        usual = known_markets.midnight_before(clock.moment, TIERS_APART_DAYS)
        return min(self._cutoff or usual, known_markets.midnight_before(clock.moment, 0))

    def is_listed(self, ticker: str) -> bool:
        """Whether the exchange has a market of that name by now."""
        if ticker not in self.markets or self.archive.clock is None:
            return ticker in self.markets
        return self._listed_ts(ticker) <= self.archive.clock.now()

    def listed(self, event_ticker: str) -> list[str]:
        """The tickers of an event's markets that are listed by now, in order."""
        return [ticker for ticker in self.by_event.get(event_ticker, []) if self.is_listed(ticker)]

    def status(self, ticker: str) -> str:
        """The status of a market now, in the exchange's words."""
        now = self._seen_at(ticker)
        row, raw = self.markets[ticker], self._raw[ticker]
        return str(raw["status"]) if now is None else known_markets.status_at(row, raw, now)

    def object(self, ticker: str) -> Row:
        """A market as the exchange's API shows it now."""
        now = self._seen_at(ticker)
        if now is None:
            return self._raw[ticker]
        row = self.markets[ticker]
        minutes = self.candles(ticker, 0, now, 1)
        return known_markets.as_known(row, self._raw[ticker], now, minutes)

    def _seen_at(self, ticker: str) -> int | None:
        """The instant at which a market is looked at, in Unix seconds; None to show it as it was recorded.

        Without a clock that is a market which has no result and is open at this very time.
        """
        if self.archive.clock:
            return self.archive.clock.now()
        now = int(time.time())
        is_open = not self._raw[ticker].get("result") and now < self.markets[ticker]["close_time"].timestamp()
        return now if is_open else None

    def is_live(self, ticker: str) -> bool:
        """Whether the live tier still has a market's candles."""
        return bool(self.markets[ticker]["settlement_ts"] >= self.cutoff)

    def live_tickers(self) -> list[str]:
        """Tickers that the live tier lists."""
        since = self.cutoff - self.overlap
        return [t for t, row in self.markets.items() if row["settlement_ts"] >= since and self.is_listed(t)]

    def historical_tickers(self) -> list[str]:
        """Tickers that the historical tier lists."""
        cutoff = self.cutoff
        return [t for t, row in self.markets.items() if row["settlement_ts"] < cutoff and self.is_listed(t)]

    def newest_first(self, tickers: Iterable[str]) -> list[str]:
        """The exchange's listing order: created last first, then by ticker."""
        return sorted(tickers, key=lambda t: (-self.markets[t]["open_time"].timestamp(), t))

    def candles(self, ticker: str, start_ts: int, end_ts: int, period: int) -> list[Row]:
        """The candles of a market that end in a span of time.

        Args:
            ticker: the market.
            start_ts: first end of a candle, in Unix seconds.
            end_ts: last end of a candle, in Unix seconds; both are included.
            period: length of a candle in minutes: 1, 60 or 1440.

        Returns:
            Rows of the archive's candles, in order; only minutes, hours or days in which something changed, and with a clock
            only those that have ended.
        """
        if self.archive.clock:
            end_ts = min(end_ts, self.archive.clock.now())
        row = self.markets[ticker]
        minutes = self._event_candles(row["series_ticker"], row["event_ticker"]).get(ticker, [])
        rows = minutes if period == 1 else aggregate(minutes, period)
        ends = [candle["end_period_ts"] for candle in rows]
        return rows[bisect.bisect_left(ends, start_ts) : bisect.bisect_right(ends, end_ts)]

    def _read_event(self, series_ticker: str, event_ticker: str) -> dict[str, list[Row]]:
        """The minutes of an event, by market."""
        grouped: dict[str, list[Row]] = {}
        table = self.archive.candles(series_ticker, event_ticker)
        names = table.column_names
        for cells in zip(*(_values(column) for column in table.columns), strict=True):
            row = dict(zip(names, cells, strict=True))
            grouped.setdefault(row["market_ticker"], []).append(row)
        return grouped


def _values(column: pa.ChunkedArray) -> list[Any]:
    """A column's values, as `to_pylist` gives them; of equal ones one object: a decimal takes long to make."""
    coded = column.combine_chunks().dictionary_encode()
    known = [*coded.dictionary.to_pylist(), None]
    return [known[index] for index in coded.indices.fill_null(len(known) - 1).to_pylist()]


def aggregate(minutes: list[Row], period: int) -> list[Row]:
    """Candles of a longer period (in minutes) from the 1-minute ones of a market."""
    grouped: dict[int, list[Row]] = {}
    for row in minutes:
        grouped.setdefault(period_end(row["end_period_ts"], period), []).append(row)
    return [_merge(end, rows) for end, rows in sorted(grouped.items())]


def period_end(end_ts: int, period: int) -> int:
    """The end, in Unix seconds, of the period that has the minute ending at `end_ts`; days end at midnight in New York."""
    if period < 1440:
        length = period * 60
        return -(-end_ts // length) * length
    local = dt.datetime.fromtimestamp(end_ts - 1, EXCHANGE_ZONE)
    midnight = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(), EXCHANGE_ZONE)
    return int(midnight.timestamp())


def _merge(end: int, rows: list[Row]) -> Row:
    """One candle of several consecutive ones; prices are of those with a trade, the mean is weighted by volume."""
    merged: Row = {"market_ticker": rows[0]["market_ticker"], "end_period_ts": end}
    for side in _SIDES:
        merged |= _ohlc(side, rows)
    traded = [row for row in rows if row["price_close"] is not None]
    merged |= _ohlc("price", traded) if traded else {f"price_{k}": None for k in ("open", "high", "low", "close")}
    volume = sum((row["volume"] for row in rows), Decimal(0))
    paid = sum((row["price_mean"] * row["volume"] for row in traded if row["price_mean"] is not None), Decimal(0))
    merged["price_mean"] = round(paid / volume, 4) if traded and volume else None
    merged["price_previous"] = rows[0]["price_previous"]
    return merged | {"volume": volume, "open_interest": rows[-1]["open_interest"]}


def _ohlc(name: str, rows: list[Row]) -> Row:
    """Open, high, low and close of one quote or price over several consecutive candles."""
    highs = [row[f"{name}_high"] for row in rows if row[f"{name}_high"] is not None]
    lows = [row[f"{name}_low"] for row in rows if row[f"{name}_low"] is not None]
    return {
        f"{name}_open": rows[0][f"{name}_open"],
        f"{name}_high": max(highs, default=None),
        f"{name}_low": min(lows, default=None),
        f"{name}_close": rows[-1][f"{name}_close"],
    }
