"""Quotes at the as-of time, or at other instants: of the last candles that ended by then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station

_LAST_QUOTES = """
SELECT path, instant, market_ticker, bid, ask, end_ts FROM (
    SELECT path, instant, market_ticker,
        unnest(arg_max({'bid': yes_bid_close, 'ask': yes_ask_close, 'end_ts': end_period_ts}, end_period_ts))
    FROM read_parquet($files, filename = 'path')
    JOIN (SELECT unnest($paths) AS path, unnest($instants::BIGINT[]) AS instant) USING (path)
    WHERE end_period_ts <= instant GROUP BY path, instant, market_ticker)
WHERE bid IS NOT NULL AND ask IS NOT NULL AND bid <= ask AND NOT (bid = 0 AND ask = 1)
"""
Asked = tuple[str, int]  # path of candles, and an instant in Unix seconds


class AsofQuote(NamedTuple):
    """Quote of a YES contract.

    Attributes:
        bid: in dollars; 0 without one.
        ask: in dollars; 1 without one.
        end_ts: end of the candle that it is the close of; Unix seconds.
    """

    bid: float
    ask: float
    end_ts: int

    @property
    def mid(self) -> float:
        """Middle of bid and ask in dollars."""
        return (self.bid + self.ask) / 2


def asof_of(config: Mapping[str, Any], station: Station, day: Any) -> int:
    """As-of time of a climate date in Unix seconds."""
    policy = config["asof_policy"]
    return climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])


def quotes_at(asked: Collection[Asked]) -> dict[Asked, dict[str, AsofQuote]]:
    """Quotes by market ticker, of the last candle that ended by an instant; all files are read at once.

    A market is left out where one side of its quote is null, both sides are empty, or they cross.

    Args:
        asked: each once; a path without a file has no quotes.
    """
    found: dict[Asked, dict[str, AsofQuote]] = {one: {} for one in asked}
    existing = {path for path in {path for path, _ in asked} if Path(path).exists()}
    if existing:
        paths, instants = zip(*(one for one in asked if one[0] in existing), strict=True)
        given = {"files": sorted(existing), "paths": list(paths), "instants": list(instants)}
        for path, instant, ticker, bid, ask, end_ts in duckdb.execute(_LAST_QUOTES, given).fetchall():
            found[path, instant][ticker] = AsofQuote(float(bid), float(ask), end_ts)
    return found
