"""The files that hold minute bars, one per symbol and month: how they are written and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.arrays import Ints
from tradewinds.core.units import SHARE_PRICE, TS
from tradewinds.families.equities_intraday.fetch.minute_checks import GOOD, MISSING, REASONS, MinuteRows
from tradewinds.families.equities_intraday.schemas import MINUTES, PRICE_COLUMNS

# prices repeat too little for a dictionary, and integers are read and written several times as fast as bytes
_WRITER = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": ["symbol", "quarantine"],
    "store_decimal_as_integer": True,
}
NO_BARS = "NO_BARS"  # reason of an empty file: the source has no bars of that month


def write_month(
    path: str, symbol: str, rows: MinuteRows, fault: npt.NDArray[np.int8], about: Mapping[str, Any]
) -> None:
    """Write the file of one symbol's month of bars.

    Args:
        path: path of the file.
        symbol: the symbol.
        rows: its bars, in order; none makes a file without rows, with the reason in its metadata.
        fault: by row: the number of its reason for quarantine (minute_checks.REASONS), GOOD for none.
        about: metadata of the file: at least source, symbol, month, covers_through and asked_through; of an empty file also
            reason, by default NO_BARS.
    """
    counts = np.bincount(fault, minlength=len(REASONS) + 1)[1:].tolist()
    quarantined = {reason: count for reason, count in zip(REASONS, counts, strict=True) if count}
    shown = {
        "rows": len(rows),
        "quarantined": dict(sorted(quarantined.items())),
        "zero_volume": int((rows.volume[fault == GOOD] == 0).sum()),
        "reason": None if len(rows) else about.get("reason", NO_BARS),
    }
    files.write_parquet_parts(path, MINUTES, [_table(symbol, rows, fault)], lambda: {**about, **shown}, **_WRITER)


def _table(symbol: str, rows: MinuteRows, fault: npt.NDArray[np.int8]) -> pa.Table:
    """Return rows as a table of schema MINUTES."""
    reasons = pa.array([None, *REASONS], pa.string()).take(pa.array(fault))
    names = pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(rows), np.int8)), pa.array([symbol])).cast(pa.string())
    columns = {
        "symbol": names,
        "ts_utc": pa.array(rows.ts).cast(TS),
        **{name: decimals_of(rows.prices[name]) for name in PRICE_COLUMNS},
        "volume": pa.array(rows.volume, mask=rows.volume == MISSING),
        "quarantine": reasons,
    }
    return pa.table(columns, schema=MINUTES)


def decimals_of(micro: Ints) -> pa.Array:
    """Return micro-units as a column of exact decimals; MISSING becomes null.

    A decimal of 128 bits is an integer of micro-units in two halves, so no number has to be converted.
    """
    halves = np.empty((len(micro), 2), np.int64)
    halves[:, 0], halves[:, 1] = micro, micro >> 63
    valid = micro != MISSING
    bits = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(SHARE_PRICE, len(micro), [bits, pa.py_buffer(halves)])


def micro_of(prices: pa.ChunkedArray) -> Ints:
    """Return a column of exact decimals as micro-units; null becomes MISSING."""
    found = []
    for chunk in prices.chunks:
        halves = np.frombuffer(chunk.buffers()[1], np.int64) if len(chunk) else np.zeros(0, np.int64)
        values = halves[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2].copy()
        if chunk.null_count:
            values[chunk.is_null().to_numpy(zero_copy_only=False)] = MISSING
        found.append(values)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def rows_of(table: pa.Table, symbol: str) -> MinuteRows:
    """Return the rows of a table of schema MINUTES.

    Args:
        table: the rows of one symbol.
        symbol: the symbol.
    """
    return MinuteRows(
        symbols=(symbol,),
        symbol=np.zeros(table.num_rows, np.int32),
        ts=table["ts_utc"].cast(pa.int64()).to_numpy(),
        prices={name: micro_of(table[name]) for name in PRICE_COLUMNS},
        volume=table["volume"].fill_null(int(MISSING)).to_numpy(),
    )


def joined(tables: Sequence[MinuteRows]) -> MinuteRows:
    """Return the rows of several sources, of all their symbols; not in order.

    Args:
        tables: the rows of each.
    """
    names = tuple(sorted({name for rows in tables for name in rows.symbols}))
    number_of = {name: number for number, name in enumerate(names)}
    owners = []
    for rows in tables:
        numbers = np.array([number_of[name] for name in rows.symbols], np.int32)
        owners.append(numbers[rows.symbol] if len(rows) else np.zeros(0, np.int32))
    prices = {name: np.concatenate([rows.prices[name] for rows in tables]) for name in PRICE_COLUMNS}
    return MinuteRows(
        names,
        np.concatenate(owners),
        np.concatenate([rows.ts for rows in tables]),
        prices,
        np.concatenate([rows.volume for rows in tables]),
    )
