"""Daily bars, wherever they come from: what is believed of them, and their files, one per symbol and year.

A row that cannot be right stays in its file with the reason, is counted, and is never traded on.
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

PRICES = ("open", "high", "low", "close")

MISSING_VALUE = "MISSING_VALUE"
NON_POSITIVE_PRICE = "NON_POSITIVE_PRICE"
OHLC_ORDER = "OHLC_ORDER"
DUPLICATE_DATE = "DUPLICATE_DATE"

NO_BARS = "NO_BARS"  # why a file is empty: the source was asked, and has none


def judged(table: pa.Table) -> pa.Table:
    """Rows by symbol and date in the schema of stored bars, each with the reason for its quarantine, if there is one.

    `table` has the columns of schemas.BARS but the last; prices may be floats (rounded to 6 decimals).
    """
    columns = [_column(table[field.name], field.type) for field in schemas.BARS if field.name != "quarantine"]
    names = schemas.BARS.names[:-1]
    ordered = pa.table(dict(zip(names, columns, strict=True))).sort_by([("symbol", "ascending"), ("date", "ascending")])
    return ordered.append_column("quarantine", _quarantine(ordered)).cast(schemas.BARS)


def _column(values: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
        values = pc.round(values) if pa.types.is_integer(wanted) else values
    elif pa.types.is_integer(values.type) and pa.types.is_decimal(wanted):
        values = values.cast(pa.float64())  # whole prices; an integer of 64 bits needs more digits than the decimal has
    return values.cast(wanted)


def _quarantine(table: pa.Table) -> pa.Array:
    low, high = table["low"], table["high"]
    missing = _any([pc.is_null(table[name]) for name in (*PRICES, "volume")])
    missing = pc.or_(missing, pc.fill_null(pc.less(table["volume"], 0), False))
    prices = [table[name] for name in PRICES]
    prices += [table["adj_close"]]
    bad_price = _any([pc.fill_null(pc.less_equal(price, 0), False) for price in prices])
    inside = [pc.less_equal(low, table[name]) for name in ("open", "close")]
    inside += [pc.less_equal(table[name], high) for name in ("open", "close")]
    disordered = _any([pc.fill_null(pc.invert(fine), False) for fine in inside])
    conditions = pa.StructArray.from_arrays(
        [_flat(c) for c in (missing, bad_price, disordered, _twice(table))], ["missing", "price", "order", "twice"]
    )
    reasons = (MISSING_VALUE, NON_POSITIVE_PRICE, OHLC_ORDER, DUPLICATE_DATE)
    return pc.case_when(conditions, *(pa.scalar(reason) for reason in reasons), pa.scalar(None, pa.string()))


def _any(conditions: list[Any]) -> Any:
    found = conditions[0]
    for condition in conditions[1:]:
        found = pc.or_(found, condition)
    return found


def _all(conditions: list[Any]) -> Any:
    return pc.invert(_any([pc.invert(condition) for condition in conditions]))


def _flat(column: Any) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _twice(table: pa.Table) -> pa.Array:
    """Rows that share symbol and date with another: which of them is right nobody knows."""
    keys = [_flat(table[name]) for name in ("symbol", "date")]
    same = _all([pc.equal(key[1:], key[:-1]) for key in keys])  # a row is like the one before it
    edge = pa.array([False] * min(1, table.num_rows), pa.bool_())
    return pc.or_(pa.concat_arrays([edge, same]), pa.concat_arrays([same, edge]))


def write_year(path: str, table: pa.Table, about: Mapping[str, Any]) -> None:
    """Write one symbol's year of judged bars with what is known of it; an empty one says why.

    `about`: at least source, symbol, year, covers_through (complete through this date), asked_through.
    """
    reasons = Counter(reason for reason in table["quarantine"].to_pylist() if reason)
    counts = {"rows": table.num_rows, "quarantined": dict(sorted(reasons.items()))}
    empty = {"reason": None if table.num_rows else about.get("reason", NO_BARS)}
    files.write_parquet(path, table, {**about, **counts, **empty})


def empty() -> pa.Table:
    """No bars."""
    return schemas.BARS.empty_table()


def year_end(year: int) -> dt.date:
    """The last date of a year."""
    return dt.date(year, 12, 31)
