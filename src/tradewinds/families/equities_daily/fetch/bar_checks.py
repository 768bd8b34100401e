"""Checks of daily bars from any source, and the files that hold them, one per symbol and year.

A row that fails a check is quarantined: it stays in its file with the reason, is counted, and is never traded on.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import files
from tradewinds.families.equities_daily import schemas
from tradewinds.families.equities_daily.schemas import PRICE_COLUMNS

MISSING_VALUE = "MISSING_VALUE"
NON_POSITIVE_PRICE = "NON_POSITIVE_PRICE"
OHLC_ORDER = "OHLC_ORDER"
DUPLICATE_DATE = "DUPLICATE_DATE"

NO_BARS = "NO_BARS"  # reason of an empty file: the source has no bars of that year


def judged(table: pa.Table) -> pa.Table:
    """Check rows of bars, sort them by symbol and date, and convert them to the schema of stored bars.

    Args:
        table: the columns of schemas.BARS except `quarantine`; prices may be floats, which are rounded to 6 decimals.

    Returns:
        The rows in schema BARS; `quarantine` is the first reason that applies, null for a good row.
    """
    columns = [_column(table[field.name], field.type) for field in schemas.BARS if field.name != "quarantine"]
    names = schemas.BARS.names[:-1]
    ordered = pa.table(dict(zip(names, columns, strict=True))).sort_by([("symbol", "ascending"), ("date", "ascending")])
    return ordered.append_column("quarantine", _quarantine(ordered)).cast(schemas.BARS)


def _column(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """Convert a column to a type of schema BARS; floats that are not finite become null."""
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
        values = pc.round(values) if pa.types.is_integer(wanted) else values
    elif pa.types.is_integer(values.type) and pa.types.is_decimal(wanted):
        values = values.cast(pa.float64())  # whole prices; an integer of 64 bits needs more digits than the decimal has
    return values.cast(wanted)


def _quarantine(table: pa.Table) -> pa.Array:
    """Return the first reason for quarantine of each row of an ordered table, null for a good row."""
    # a missing price, or a negative volume; a source may not know the volume, which is then null
    missing = _any([pc.is_null(table[name]) for name in PRICE_COLUMNS])
    missing = pc.or_(missing, pc.fill_null(pc.less(table["volume"], 0), False))
    # a price of 0 or less
    prices = [table[name] for name in (*PRICE_COLUMNS, "adj_close")]
    bad_price = _any([pc.fill_null(pc.less_equal(price, 0), False) for price in prices])
    # an open or close outside low … high
    low, high = table["low"], table["high"]
    inside = [pc.less_equal(low, table[name]) for name in ("open", "close")]
    inside += [pc.less_equal(table[name], high) for name in ("open", "close")]
    bad_order = _any([pc.fill_null(pc.invert(holds), False) for holds in inside])
    # the first reason that applies, in this order
    conditions = {
        MISSING_VALUE: missing,
        NON_POSITIVE_PRICE: bad_price,
        OHLC_ORDER: bad_order,
        DUPLICATE_DATE: _duplicates(table),
    }
    cases = pa.StructArray.from_arrays([_flat(condition) for condition in conditions.values()], list(conditions))
    return pc.case_when(cases, *(pa.scalar(reason) for reason in conditions), pa.scalar(None, pa.string()))


def _any(conditions: list[Any]) -> Any:
    """Combine columns of booleans by or."""
    found = conditions[0]
    for condition in conditions[1:]:
        found = pc.or_(found, condition)
    return found


def _all(conditions: list[Any]) -> Any:
    """Combine columns of booleans by and."""
    return pc.invert(_any([pc.invert(condition) for condition in conditions]))


def _flat(column: Any) -> pa.Array:
    """Convert a column of chunks to one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _duplicates(table: pa.Table) -> pa.Array:
    """Whether each row of an ordered table has the symbol and date of another row.

    All rows of such a date are quarantined, because the table does not tell which of them is right.
    """
    keys = [_flat(table[name]) for name in ("symbol", "date")]
    same = _all([pc.equal(key[1:], key[:-1]) for key in keys])  # row i + 1 equals row i
    edge = pa.array([False] * min(1, table.num_rows), pa.bool_())
    return pc.or_(pa.concat_arrays([edge, same]), pa.concat_arrays([same, edge]))


def write_year(path: str, table: pa.Table, about: Mapping[str, Any]) -> None:
    """Write the file of one symbol's year of bars.

    Args:
        path: path of the file.
        table: checked bars (schema BARS); an empty table makes a file without rows, with the reason in its metadata.
        about: metadata of the file: at least source, symbol, year, covers_through (the bars are complete through this date)
            and asked_through (the date for which the file was made); of an empty table also reason, by default NO_BARS.
    """
    reasons = Counter(reason for reason in table["quarantine"].to_pylist() if reason)
    counts = {"rows": table.num_rows, "quarantined": dict(sorted(reasons.items()))}
    empty = {"reason": None if table.num_rows else about.get("reason", NO_BARS)}
    files.write_parquet(path, table, {**about, **counts, **empty})


def empty() -> pa.Table:
    """Return a table of schema BARS without rows."""
    return schemas.BARS.empty_table()


def year_end(year: int) -> dt.date:
    """Return the last date of a year."""
    return dt.date(year, 12, 31)
