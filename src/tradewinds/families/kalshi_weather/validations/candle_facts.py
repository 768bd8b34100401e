"""What the candles of a run look like: by market from their rows (read once, with the replay's), by file from its footer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core.files import META_KEY
from tradewinds.engine.event_contracts.candles import Candles
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS

_PRICES = frozenset(PRICE_COLUMNS)


@dataclass(frozen=True, slots=True)
class MarketCandles:
    """A market's candles: how many, their volume in contracts, and how many do not follow an earlier one of it."""

    rows: int
    volume: Decimal
    jumps: int


CandleFacts = Mapping[str, MarketCandles]
"""By market ticker; markets without candles are not in it."""


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A file: its rows, its smallest and largest price in dollars (None without any), what its metadata says."""

    rows: int
    lowest: Decimal | None
    highest: Decimal | None
    said: Mapping[str, Any]


def candle_facts(candles: Candles) -> CandleFacts:
    """Facts of some candles."""
    counts = (candles.end - candles.low).tolist()
    columns = zip(candles.tickers, counts, candles.traded.tolist(), candles.jumps.tolist(), strict=True)
    return {
        ticker: MarketCandles(rows, Decimal(volume).scaleb(-2), jumps)
        for ticker, rows, volume, jumps in columns
        if rows
    }


def candle_file(path: str) -> CandleFile:
    """What a file's footer says: its own words, and the statistics that were written with the rows."""
    with pa.OSFile(path) as file:  # pyarrow takes longer to look up a path's file system than to read
        footer = pq.read_metadata(file)
    prices = [at for at, name in enumerate(footer.schema.names) if name in _PRICES]
    groups = [footer.row_group(at) for at in range(footer.num_row_groups)]
    statistics = [group.column(at).statistics for group in groups for at in prices]
    bounds = [found for found in statistics if found is not None and found.has_min_max]
    return CandleFile(
        rows=footer.num_rows,
        lowest=_dollars(min((_micro(found.min_raw) for found in bounds), default=None)),
        highest=_dollars(max((_micro(found.max_raw) for found in bounds), default=None)),
        said=json.loads((footer.metadata or {}).get(META_KEY, b"{}")),
    )


def _micro(stored: bytes | int) -> int:
    """A decimal of a price column as Parquet stores it."""
    return stored if isinstance(stored, int) else int.from_bytes(stored, "big", signed=True)


def _dollars(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro).scaleb(-6)
