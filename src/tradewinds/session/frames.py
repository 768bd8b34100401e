"""Files of a run as pandas frames: floats and a UTC index to look at, or the exact values that were written."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pc

from tradewinds.core.errors import ConfigError
from tradewinds.core.files import read_table

FIRST_TIMES = ("ts_utc", "decision_ts_utc", "first_decision_ts_utc", "date_utc")  # the index is the first of these
_TIME = "_utc"  # how names of columns with times end
_TEXTS = ("id", "name", "ticker", "code", "symbol")  # how names of columns end whose figures are no numbers


def read_frame(path: Path, *, exact: bool) -> pd.DataFrame:
    """Read a table of a run.

    Args:
        path: a Parquet or CSV file.
        exact: amounts as `decimal.Decimal`, whole numbers as integers and times as columns; else amounts as floats, and
            the time as a UTC index, if the table has one.

    Raises:
        ConfigError: the file is no table.
        DamagedFile: it is not what was written.
    """
    if path.suffix == ".parquet":
        table = read_table(path)
    elif path.suffix == ".csv":
        table = _read_csv(path, exact=exact)
    else:
        remedy = "Tables are the files of a run that end in .csv or .parquet."
        raise ConfigError("this file is no table.", where=str(path), remedy=remedy)
    return _exact(table) if exact else _to_look_at(table)


def _read_csv(path: Path, *, exact: bool) -> pa.Table:
    """Read a CSV that this package wrote; exact: every column as text."""
    with open(path, encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split(",")
    options = pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string())) if exact else _types(names)
    return pc.read_csv(path, convert_options=options)


def _types(names: list[str]) -> pc.ConvertOptions:
    """The types of a CSV's columns that their names tell; all others are seen in their values."""
    texts = {name: pa.string() for name in names if name.rpartition("_")[2] in _TEXTS or name.endswith(_TIME)}
    return pc.ConvertOptions(column_types=texts, strings_can_be_null=True, true_values=[], false_values=[])


def _exact(table: pa.Table) -> pd.DataFrame:
    """A table with the values that it holds; text in which a CSV has amounts becomes decimals."""
    frame = table.to_pandas(date_as_object=True, integer_object_nulls=True)
    for name in frame.columns:
        if name.endswith(_TIME) and pa.types.is_string(table.schema.field(name).type):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif pa.types.is_string(table.schema.field(name).type):
            frame[name] = _numbers(frame[name])
    return frame


def _numbers(column: pd.Series) -> pd.Series:
    """A column of text as decimals, or as integers if all are whole; as it is, if any of them is no number."""
    known = [value for value in column if value]
    try:
        exact = {value: Decimal(value) for value in known}
    except InvalidOperation:
        return column
    if not exact or not all(value[-1].isdigit() for value in exact):
        return column
    whole = all("." not in value for value in exact)
    values = [(int(value) if whole else exact[value]) if value else None for value in column]
    return pd.Series(values, index=column.index, dtype=object if not whole or len(known) < len(values) else "int64")


def _to_look_at(table: pa.Table) -> pd.DataFrame:
    """A table with floats for exact amounts, times in UTC, and the first time as its index."""
    columns: dict[str, Any] = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        is_decimal = pa.types.is_decimal(field.type)
        columns[field.name] = (column.cast(pa.float64()) if is_decimal else column).to_pandas()
        if field.name.endswith(_TIME):
            columns[field.name] = pd.to_datetime(columns[field.name], utc=True)
    frame = pd.DataFrame(columns, columns=table.column_names)
    times = [name for name in FIRST_TIMES if name in frame.columns]
    return frame.set_index(times[0]) if times else frame
