"""An archive's markets as the exchange keeps them: in two tiers, by ticker and event, with candles of any period."""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import json
import threading
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive

EXCHANGE_ZONE = ZoneInfo("America/New_York")  # daily candles end at midnight there
Row = dict[str, Any]
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
        objects: market objects as the exchange's API shows them, by ticker.
        by_event: the tickers of each event's markets, in order.
    """

    def __init__(self, archive: EventArchive, cutoff: dt.datetime | None = None, overlap_days: int = 7) -> None:
        self.archive = archive
        self.markets: dict[str, Row] = {row["market_ticker"]: row for row in archive.markets}
        self.objects: dict[str, Row] = {ticker: json.loads(row["raw"]) for ticker, row in self.markets.items()}
        self.cutoff = cutoff or self._after_everything()
        self.overlap = dt.timedelta(days=overlap_days)
        self.by_event: dict[str, list[str]] = {}
        for ticker in sorted(self.markets):
            self.by_event.setdefault(self.markets[ticker]["event_ticker"], []).append(ticker)
        self._lock = threading.Lock()
        # a file holds all markets of an event, and the jobs under way ask for a few events at a time
        self._event_candles = functools.lru_cache(maxsize=32)(self._read_event)

    def _after_everything(self) -> dt.datetime:
        """Midnight UTC after the last settlement."""
        last = max(
            (row["settlement_ts"] for row in self.markets.values()), default=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        )
        return last.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)

    def move_cutoff(self, instant: dt.datetime) -> None:
        """Move the cutoff to an instant, if it is later than the cutoff."""
        with self._lock:
            self.cutoff = max(self.cutoff, instant)

    def is_live(self, ticker: str) -> bool:
        """Whether the live tier still has a market's candles."""
        return bool(self.markets[ticker]["settlement_ts"] >= self.cutoff)

    def live_tickers(self) -> list[str]:
        """Tickers that the live tier lists."""
        return [t for t, row in self.markets.items() if row["settlement_ts"] >= self.cutoff - self.overlap]

    def historical_tickers(self) -> list[str]:
        """Tickers that the historical tier lists."""
        return [t for t, row in self.markets.items() if row["settlement_ts"] < self.cutoff]

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
            Rows of the archive's candles, in order; only minutes, hours or days in which something changed.
        """
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
