"""Columns of the data files of funding carry, and where they lie."""

from __future__ import annotations

import pyarrow as pa

from tradewinds.core import files, units

EXACT_PRICE = pa.decimal128(20, 8)
VOLUME = pa.decimal128(26, 8)
RATE = pa.decimal128(16, 12)
FILTER = pa.decimal128(38, 16)  # steps and ticks: of small coins they have more decimals than prices here

KINDS = ("funding", "spot", "perp", "mark")  # of a symbol's files

# one row per settlement, ascending; the metadata count the records that were left out, by reason
FUNDING = files.schema_of(
    ("ts_utc", units.TS),  # the settlement, a whole hour
    ("raw_ts_utc", units.TS),  # its stamp at the source
    ("rate", RATE),
    ("mark_price", EXACT_PRICE, "null"),  # null: the record has none
    ("interval_hours", pa.int64(), "null"),  # as the source says; null: it says nothing. Only a check
)
# one row per candle, ascending
CANDLES = files.schema_of(
    ("open_ts_utc", units.TS),
    ("open", EXACT_PRICE),
    ("high", EXACT_PRICE),
    ("low", EXACT_PRICE),
    ("close", EXACT_PRICE),
    ("volume", VOLUME),  # in base currency; 0 of mark prices
)

# one row per perpetual that an exchange trades today, ascending by symbol; null: the exchange says nothing
INSTRUMENTS = files.schema_of(
    ("symbol", pa.string()),  # unified name of the perpetual
    ("perp_step", FILTER),  # of its quantity, in base coins: the step times the size of a contract
    ("perp_min_notional", FILTER, "null"),  # least value of an order
    ("perp_tick", FILTER, "null"),  # of its price
    ("spot_step", FILTER, "null"),  # of the spot pair of the same base and quote; null: there is none
    ("spot_min_notional", FILTER, "null"),
    ("spot_tick", FILTER, "null"),
)


def folder_of(symbol: str) -> str:
    """Return the name of a symbol's folder: BTC-USDT-USDT for BTC/USDT:USDT."""
    return symbol.replace("/", "-").replace(":", "-")


def month_path(
    cache_dir: str, source: str, symbol: str, kind: str, minutes: int, month: str, other_pair: str = ""
) -> str:
    """Return the path of one symbol's file of one kind and month.

    Args:
        cache_dir: the config's folder of data.
        source: name of the source's folder.
        symbol: unified name of the perpetual.
        kind: one of KINDS.
        minutes: length of the candles.
        month: such as 2024-03.
        other_pair: pair of the spot leg if it is not the one of the perpetual's name, such as PEPE/USDT.
    """
    interval = f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
    folder = kind if kind == "funding" else f"{kind}_{interval}"
    folder += f"_{folder_of(other_pair)}" if other_pair else ""
    return f"{cache_dir}/perp/{source}/{folder_of(symbol)}/{folder}/{month}.parquet"


def instruments_path(cache_dir: str, source: str) -> str:
    """Return the path of the list of what an exchange allows of its perpetuals, schema INSTRUMENTS.

    Args:
        cache_dir: the config's folder of data.
        source: name of the source's folder.
    """
    return f"{cache_dir}/perp/{source}/instruments.parquet"


# The panel of a run: all records of its symbols within the range and the warm-up, as integers, in order of symbol, series
# and time. Where a series begins and ends stands in the metadata of the candles' file (`rows`).
PANEL_RATES = files.schema_of(
    ("ts", pa.int64()),  # Unix s of the settlement
    ("rate", pa.int64()),  # 1e-12
    ("mark", pa.int64()),  # 1e-8; 0: the record has none
)
PANEL_CANDLES = files.schema_of(
    ("open_ts", pa.int64()),  # Unix s
    *((name, pa.int64()) for name in ("open", "high", "low", "close", "volume")),  # 1e-8
)
