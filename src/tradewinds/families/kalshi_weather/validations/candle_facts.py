"""Facts of a run's candles for its validations: per market from the rows, per file from the Parquet footer.

The rows are read once, together with those of the replay; a footer holds the metadata of the fetch and statistics of prices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core.files import META_KEY
from tradewinds.engine.event_contracts.candle_files import FooterFacts, footer_facts
from tradewinds.engine.event_contracts.candles import Candles
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS

_PRICES = frozenset(PRICE_COLUMNS)


class MarketCandles(NamedTuple):
    """Facts of one market's candles.

    Attributes:
        rows: number of candles.
        volume: contracts traded in all of them, × 100.
        jumps: candles that do not follow an earlier one of the market in the files; 1 where they are unique and in order.
    """

    rows: int
    volume: int
    jumps: int


CandleFacts = Mapping[str, MarketCandles]
"""By market ticker; markets without candles are left out."""


class CandleFileFacts(NamedTuple):
    """Facts of one candle file, from its footer.

    Attributes:
        rows: number of candles.
        lowest: smallest price in dollars, None without any.
        highest: largest price in dollars, None without any.
        metadata: what the fetch wrote about the file.
    """

    rows: int
    lowest: Decimal | None
    highest: Decimal | None
    metadata: Mapping[str, Any]


def candle_facts(candles: Candles) -> CandleFacts:
    """Facts of the markets that have candles."""
    counts = (candles.end_row - candles.first_row).tolist()
    columns = zip(candles.tickers, counts, candles.traded.tolist(), candles.jumps.tolist(), strict=True)
    return {ticker: MarketCandles(rows, volume, jumps) for ticker, rows, volume, jumps in columns if rows}


def candle_footers(paths: Sequence[str]) -> dict[str, FooterFacts | None]:
    """Facts of candle files (columns: schemas.CANDLES) by path, from their footers; None for one that must be read otherwise.

    A file that is missing or damaged is no error here: `candle_file_facts` finds it again.
    """
    return dict(zip(paths, footer_facts(paths, PRICE_COLUMNS, META_KEY.decode()), strict=True))


def candle_file_facts(path: str, footer: FooterFacts | None) -> CandleFileFacts:
    """Facts of a candle file.

    Args:
        path: of the file.
        footer: what `candle_footers` found of it.
    """
    if footer is None:
        return _facts_of_any_file(path)
    lowest, highest = _dollars(footer.lowest), _dollars(footer.highest)
    return CandleFileFacts(footer.rows, lowest, highest, json.loads(footer.metadata or b"{}"))


def _facts_of_any_file(path: str) -> CandleFileFacts:
    """Facts of a Parquet file that another program wrote, or of a damaged one."""
    with pa.OSFile(path) as file:  # pyarrow takes longer to look up a path's file system than to read
        footer = pq.read_metadata(file)
    price_columns = [column for column, name in enumerate(footer.schema.names) if name in _PRICES]
    groups = [footer.row_group(group) for group in range(footer.num_row_groups)]
    statistics = [group.column(column).statistics for group in groups for column in price_columns]
    ranges = [one for one in statistics if one is not None and one.has_min_max]
    return CandleFileFacts(
        rows=footer.num_rows,
        lowest=_dollars(min((_micro(one.min_raw) for one in ranges), default=None)),
        highest=_dollars(max((_micro(one.max_raw) for one in ranges), default=None)),
        metadata=json.loads((footer.metadata or {}).get(META_KEY, b"{}")),
    )


def _micro(stored: bytes | int) -> int:
    """A price in micro-dollars, from a decimal as Parquet stores it."""
    return stored if isinstance(stored, int) else int.from_bytes(stored, "big", signed=True)


def _dollars(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro).scaleb(-6)
