"""What the replay server serves: an archive's markets by ticker, event and series, and their candles at any period."""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tradewinds.archive.archive import Archive

EXCHANGE_ZONE = ZoneInfo("America/New_York")  # daily candles end at midnight there
Row = dict[str, Any]
_SIDES = ("yes_bid", "yes_ask")


class ServedData:
    """An archive with indexes, and the live/historical split at a cutoff.

    A market settled before `cutoff` is in the historical tier; listings of the live tier reach `overlap` further back
    than its candles do, as observed on the exchange.
    """

    def __init__(self, archive: Archive, cutoff: dt.datetime | None = None, overlap_days: int = 7) -> None:
        self.archive = archive
        self.markets: dict[str, Row] = {row["market_ticker"]: row for row in archive.markets}
        self.objects: dict[str, Row] = {ticker: json.loads(row["raw"]) for ticker, row in self.markets.items()}
        self.cutoff = cutoff or self._after_everything()
        self.overlap = dt.timedelta(days=overlap_days)
        self.by_event: dict[str, list[str]] = {}
        for ticker in sorted(self.markets):
            self.by_event.setdefault(self.markets[ticker]["event_ticker"], []).append(ticker)
        # an event file holds all its markets: a few of them serve the jobs under way
        self._event_candles = functools.lru_cache(maxsize=32)(self._read_event)

    def _after_everything(self) -> dt.datetime:
        last = max(
            (row["settlement_ts"] for row in self.markets.values()), default=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        )
        return last.replace(hour=0, minute=0, second=0, microsecond=0) + dt.timedelta(days=1)

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
        """Candles of a market ending in [start_ts, end_ts], at a period of 1, 60 or 1440 minutes."""
        row = self.markets[ticker]
        minutes = self._event_candles(row["series_ticker"], row["event_ticker"]).get(ticker, [])
        rows = minutes if period == 1 else aggregate(minutes, period)
        ends = [candle["end_period_ts"] for candle in rows]
        return rows[bisect.bisect_left(ends, start_ts) : bisect.bisect_right(ends, end_ts)]

    def _read_event(self, series_ticker: str, event_ticker: str) -> dict[str, list[Row]]:
        grouped: dict[str, list[Row]] = {}
        for row in self.archive.candles(series_ticker, event_ticker).to_pylist():
            grouped.setdefault(row["market_ticker"], []).append(row)
        return grouped


def aggregate(minutes: list[Row], period: int) -> list[Row]:
    """Candles of a longer period from 1-minute ones."""
    grouped: dict[int, list[Row]] = {}
    for row in minutes:
        grouped.setdefault(period_end(row["end_period_ts"], period), []).append(row)
    return [_merge(end, rows) for end, rows in sorted(grouped.items())]


def period_end(end_ts: int, period: int) -> int:
    """The end of the period that holds the minute ending at `end_ts`; days end at midnight in New York."""
    if period < 1440:
        length = period * 60
        return -(-end_ts // length) * length
    local = dt.datetime.fromtimestamp(end_ts - 1, EXCHANGE_ZONE)
    midnight = dt.datetime.combine(local.date() + dt.timedelta(days=1), dt.time(), EXCHANGE_ZONE)
    return int(midnight.timestamp())


def _merge(end: int, rows: list[Row]) -> Row:
    merged: Row = {"market_ticker": rows[0]["market_ticker"], "end_period_ts": end}
    for side in _SIDES:
        merged |= _ohlc(side, rows)
    traded = [row for row in rows if row["price_close"] is not None]
    merged |= _ohlc("price", traded) if traded else {f"price_{k}": None for k in ("open", "high", "low", "close")}
    volume = sum((row["volume"] for row in rows), Decimal(0))
    worth = sum((row["price_mean"] * row["volume"] for row in traded if row["price_mean"] is not None), Decimal(0))
    merged["price_mean"] = round(worth / volume, 4) if traded and volume else None
    merged["price_previous"] = rows[0]["price_previous"]
    return merged | {"volume": volume, "open_interest": rows[-1]["open_interest"]}


def _ohlc(name: str, rows: list[Row]) -> Row:
    highs = [row[f"{name}_high"] for row in rows if row[f"{name}_high"] is not None]
    lows = [row[f"{name}_low"] for row in rows if row[f"{name}_low"] is not None]
    return {
        f"{name}_open": rows[0][f"{name}_open"],
        f"{name}_high": max(highs, default=None),
        f"{name}_low": min(lows, default=None),
        f"{name}_close": rows[-1][f"{name}_close"],
    }
