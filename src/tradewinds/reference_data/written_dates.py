"""Dates as they are written in a user's file, whatever the time zone beside them and that of the machine.

A daily bar, an ex-date or a membership belongs to the date that its source wrote: 2023-01-02 00:00:00+11:00 is January 2 in
Sydney, though it is January 1 in UTC. So a time of day and a zone are read, and do not change the date.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyarrow as pa

_WRITTEN = re.compile(
    r"(\d{4}-\d{2}-\d{2}|\d{8})"  # 2024-05-31 or 20240531
    r"(?:[T ](?:[01]\d|2[0-3])(?::?[0-5]\d(?::?[0-5]\d(?:[.,]\d+)?)?)?)?"  # 16:00:00.000
    r" ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?",  # +11:00
    re.ASCII,
)
REMEDY = "Write 2024-05-31, or a time stamp such as 2024-05-31T00:00:00+10:00: the date counts as it is written."


class NoDate(ValueError):
    """A value of a column is no date.

    Args:
        row: its index; None: all values are of the wrong kind.
        value: the value, or the kind, as text.
    """

    def __init__(self, row: int | None, value: str) -> None:
        self.row, self.value = row, value
        super().__init__(value)


def date_as_written(text: str) -> dt.date:
    """Return the date that a text begins with; a time of day and a zone may follow it.

    Args:
        text: a date, or an ISO 8601 time stamp.

    Raises:
        ValueError: it is neither.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if not found:
        raise ValueError(text)
    return dt.date.fromisoformat(found[1])


def dates_as_written(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Convert a column to dates. Time stamps with a zone have their date in that zone; nulls and empty texts are null.

    Args:
        values: dates, time stamps with or without a zone, texts, or integers such as 20240531.

    Raises:
        NoDate: a value is no date.
    """
    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if pa.types.is_null(kind) or pa.types.is_date(kind):
        return values.cast(pa.date32())
    if pa.types.is_integer(kind):
        values, kind = values.cast(pa.string()), pa.string()
    if not (pa.types.is_timestamp(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        raise NoDate(None, str(kind))
    # a column has few distinct values: one per trading day
    encoded = values.cast(kind).combine_chunks().dictionary_encode()
    if pa.types.is_timestamp(kind):
        dates: list[dt.date | None] = _dates_of_stamps(encoded)
    else:
        dates = [_date_of_text(encoded, index) for index in range(len(encoded.dictionary))]
    return pa.chunked_array([pa.array(dates, pa.date32()).take(encoded.indices)])


def _dates_of_stamps(encoded: Any) -> list[dt.date | None]:
    """Return the dates of the distinct time stamps of a column, in its zone."""
    kind = encoded.dictionary.type
    try:
        stamps = encoded.dictionary.cast(pa.timestamp("us", kind.tz), safe=kind.unit != "ns")
        return [stamp.date() for stamp in stamps.to_pylist()]
    except (pa.ArrowInvalid, ValueError, OverflowError, KeyError):  # KeyError: a zone that Python does not know
        raise NoDate(None, f"{kind}, of which a value is outside the years 1 to 9999 or the zone is unknown") from None


def _date_of_text(encoded: Any, index: int) -> dt.date | None:
    """Return the date of a distinct text of a column; the error names the first row that has it."""
    text = encoded.dictionary[index].as_py()
    try:
        return date_as_written(text) if text.strip() else None
    except ValueError:
        row = encoded.indices.index(pa.scalar(index, encoded.indices.type)).as_py()
        raise NoDate(row, repr(text)) from None
