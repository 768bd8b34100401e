"""What the candle files of a run look like, from their rows (read once, with the replay's) and from their own footers."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from tradewinds.engine.candles import Candles
from tradewinds.store import META_KEY, PRICE_COLUMNS

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


def candle_facts(candles: Candles, paths: Iterable[str], connection: duckdb.DuckDBPyConnection) -> CandleFacts:
    """Facts of some candles, and of the files that they were read from."""
    counts = (candles.end - candles.low).tolist()
    columns = zip(candles.tickers, counts, candles.traded.tolist(), candles.jumps.tolist(), strict=True)
    markets = {
        ticker: MarketCandles(rows, Decimal(volume).scaleb(-2), jumps)
        for ticker, rows, volume, jumps in columns
        if rows
    }
    return CandleFacts(markets, _files(sorted(set(paths)), connection))


def _files(paths: list[str], connection: duckdb.DuckDBPyConnection) -> dict[str, CandleFile]:
    """What footers say: their own words, and the statistics that were written with the rows."""
    if not paths:
        return {}
    footers = connection.execute(_FILES, {"files": paths, "prices": list(PRICE_COLUMNS)}).fetchall()
    said = dict(connection.execute(_SAID, {"files": paths, "key": META_KEY.decode()}).fetchall())
    return {path: CandleFile(rows, low, high, json.loads(said.get(path, b"{}"))) for path, rows, low, high in footers}


NO_CANDLES = CandleFacts({}, {})
