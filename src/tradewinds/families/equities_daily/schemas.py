"""The data files of daily equities: where they lie and which columns they have."""

from __future__ import annotations

import pyarrow as pa

from tradewinds.core.files import schema_of
from tradewinds.core.units import SHARE_PRICE

MOST_PRICE, MOST_VOLUME = 10**9, 10**12  # they fit the columns below, and no share has come near them
UNKNOWN_VOLUME = -1  # in a panel; a bar of a negative volume is quarantined
PRICE_COLUMNS = ("open", "high", "low", "close")  # in this order wherever prices are columns

# The bars of one symbol and year. `quarantine` is the reason why a row is not used; null for a row that is used.
BARS = schema_of(
    ("symbol", pa.string()),
    ("date", pa.date32()),
    *((name, SHARE_PRICE, "null") for name in (*PRICE_COLUMNS, "adj_close")),
    ("volume", pa.int64(), "null"),
    ("quarantine", pa.string(), "null"),
)

# All bars of a run, in order of symbol and day. `number` is the symbol's index in the metadata's `names`; `day` counts from
# 1970-01-01; prices are micro-units (0: none); `volume` is UNKNOWN_VOLUME where the source does not know it; `fault` is the
# 1-based index of the row's quarantine reason in the metadata's `faults` (0: the row is used).
PANEL = schema_of(
    ("number", pa.int32()),
    ("day", pa.int32()),
    *((name, pa.int64()) for name in (*PRICE_COLUMNS, "adj_close", "volume")),
    ("fault", pa.int32()),
)


def bars_path(source_folder: str, symbol: str, year: int) -> str:
    """Return the path of one year of a symbol's daily bars (schema BARS).

    Args:
        source_folder: folder of the source, such as yahoo or synthetic-7.
        symbol: the symbol as the source has it.
        year: the calendar year.
    """
    return f"data/candles/daily/{source_folder}/{symbol}/{year}.parquet"
