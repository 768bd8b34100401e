"""What the candle files of a run look like, found in one pass over few columns and in the files' own footers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from tradewinds.store import META_KEY, PRICE_COLUMNS

# `jumps` counts the candles that do not follow an earlier candle of their market: 1 where candles are unique and in order.
_MARKETS = """
SELECT market_ticker, count(*), sum(volume),
       count_if(before_ticker IS DISTINCT FROM market_ticker OR before_end >= end_period_ts) AS jumps
FROM (SELECT market_ticker, end_period_ts, volume,
             lag(market_ticker) OVER () AS before_ticker, lag(end_period_ts) OVER () AS before_end
      FROM read_parquet($files))
GROUP BY market_ticker
"""

# Smallest and largest price of all price columns, from the statistics that were written with the rows.
_FILES = """
SELECT file_name, sum(row_group_num_rows) FILTER (path_in_schema = 'market_ticker')::BIGINT,
       min(TRY_CAST(stats_min_value AS DECIMAL(18, 6))) FILTER (list_contains($prices, path_in_schema)),
       max(TRY_CAST(stats_max_value AS DECIMAL(18, 6))) FILTER (list_contains($prices, path_in_schema))
FROM parquet_metadata($files) GROUP BY file_name
"""

_SAID = "SELECT file_name, value FROM parquet_kv_metadata($files) WHERE key = $key"


@dataclass(frozen=True, slots=True)
class MarketCandles:
    """A market's candles: how many, their volume in contracts, and how many do not follow an earlier one of it."""

    rows: int
    volume: Decimal
    jumps: int


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A file: its rows, its smallest and largest price in dollars (None without any), what its metadata says."""

    rows: int
    lowest: Decimal | None
    highest: Decimal | None
    said: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CandleFacts:
    """Facts by market ticker and by path."""

    markets: dict[str, MarketCandles]
    files: dict[str, CandleFile]


def candle_facts(paths: Sequence[str], threads: int | None = None) -> CandleFacts:
    """Facts of some candle files (schema store.CANDLES)."""
    if not paths:
        return CandleFacts({}, {})
    connection = duckdb.connect(config={"threads": threads} if threads else {})
    files = sorted(set(paths))
    markets = connection.execute(_MARKETS, {"files": files}).fetchall()
    footers = connection.execute(_FILES, {"files": files, "prices": list(PRICE_COLUMNS)}).fetchall()
    said = dict(connection.execute(_SAID, {"files": files, "key": META_KEY.decode()}).fetchall())
    return CandleFacts(
        {ticker: MarketCandles(rows, volume, jumps) for ticker, rows, volume, jumps in markets},
        {path: CandleFile(rows, low, high, json.loads(said.get(path, b"{}"))) for path, rows, low, high in footers},
    )
