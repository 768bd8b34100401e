"""The data files of daily equities: where they lie and which columns they have."""

from __future__ import annotations

import pyarrow as pa

from tradewinds.core.files import schema_of
from tradewinds.core.units import SHARE_PRICE

BARS = schema_of(
    ("symbol", pa.string()),
    ("date", pa.date32()),
    *((name, SHARE_PRICE, "null") for name in ("open", "high", "low", "close", "adj_close")),
    ("volume", pa.int64(), "null"),
    ("quarantine", pa.string(), "null"),  # why the row is not to be believed; null: it is
)

# All bars of a run, by symbol and day: the symbol as its place in the metadata's `names`, days from 1970-01-01, prices in
# micro-units (0: none), and why a row is not to be believed as its place in `faults`, counted from 1 (0: it is).
PANEL = schema_of(
    ("number", pa.int32()),
    ("day", pa.int32()),
    *((name, pa.int64()) for name in ("open", "high", "low", "close", "adj_close", "volume")),
    ("fault", pa.int32()),
)


def bars_path(source: str, symbol: str, year: int) -> str:
    """One year of a symbol's daily bars (schema BARS)."""
    return f"data/candles/daily/{source}/{symbol}/{year}.parquet"
