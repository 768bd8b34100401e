"""The data files of intraday equities: where they lie and which columns they have."""

from __future__ import annotations

import pyarrow as pa

from tradewinds.core.files import schema_of
from tradewinds.core.units import SHARE_PRICE, TS

MOST_PRICE, MOST_VOLUME = 10**9, 10**12  # they fit the columns below, and no share has come near them
UNKNOWN_VOLUME = -1  # in a panel; a bar of a negative volume is quarantined
PRICE_COLUMNS = ("open", "high", "low", "close")  # in this order wherever prices are columns

# The bars of one symbol and month, in order of time. `ts_utc` is the start of a bar. `quarantine` is the reason why a row is
# not used; null for a row that is used if it lies in a session.
MINUTES = schema_of(
    ("symbol", pa.string()),
    ("ts_utc", TS),
    *((name, SHARE_PRICE, "null") for name in PRICE_COLUMNS),
    ("volume", pa.int64(), "null"),
    ("quarantine", pa.string(), "null"),
)

# All session bars of a run that are used, in order of symbol, session and minute. `symbol` and `session` are indices into the
# metadata's `symbols` and `sessions`; `minute` is the start of the bar in minutes after the open; prices are micro-units;
# `volume` is UNKNOWN_VOLUME where the source does not know it.
MINUTE_PANEL = schema_of(
    ("symbol", pa.int32()),
    ("session", pa.int32()),
    ("minute", pa.int32()),
    *((name, pa.int64()) for name in (*PRICE_COLUMNS, "volume")),
)


def month_path(cache_dir: str, source_folder: str, minutes: int, symbol: str, month: str) -> str:
    """Return the path of one month of a symbol's bars (schema MINUTES).

    Args:
        cache_dir: folder in which bars are kept, such as data.
        source_folder: folder of the source, such as yahoo or synthetic-7.
        minutes: length of a bar.
        symbol: the symbol.
        month: such as 2024-03, on the exchange's clock.
    """
    return f"{cache_dir}/candles/{minutes}m/{source_folder}/{symbol}/{month}.parquet"
