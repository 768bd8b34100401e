"""Read columns of instants and dates that come from a file.

An instant without a zone is UTC, and one with a zone is what it is, on any machine. A date is that which is written: the
midnight of a day in the column's own zone belongs to that day. Counts since 1970 are refused with what they could mean,
because their unit is a guess.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pyarrow as pa

from tradewinds.core.text import EPOCH, instant, moment
from tradewinds.core.units import MICRO

MICROSECONDS = {"s": 10**6, "ms": 10**3, "us": 1}  # of a column's unit; a nanosecond is less than one
_COUNT_UNITS = ((10**11, "seconds", 1), (10**14, "milliseconds", 10**3), (10**17, "microseconds", 10**6))
_NUMBER = re.compile(r"\s*[+-]?[0-9]+(\.[0-9]*)?\s*")
_COMPACT_DATE = re.compile(r"(19|20)[0-9]{6}")
_ZONE_WORD = re.compile(r"\s*(UTC|GMT)\s*$")
_WITH_ZONE = re.compile(r"([Zz]|UTC|GMT|[T ].*[+-][0-9]{2}(:?[0-9]{2}){0,2}(\.[0-9]+)?)$")
_DAY = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})([T ]00:00(:00(\.0+)?)?)?")
_FIRST, _END = -62_135_596_800, 253_402_300_800  # 0001-01-01 and 10000-01-01 in Unix seconds
# A count of seconds or milliseconds of this century that is read in too small a unit ends up in these days of 1970.
_MISREAD_SECONDS = 45 * 86_400


class UnreadableTime(ValueError):
    """A value of a column is no instant or no date.

    Attributes:
        row: its row, from 0.
        what: a sentence that follows the column's name.
        remedy: what to write instead.
    """

    def __init__(self, row: int, what: str, remedy: str) -> None:
        self.row, self.what, self.remedy = row, what, remedy
        super().__init__(what)


def seconds_up(column: pa.ChunkedArray) -> list[int | None]:
    """Return a column of instants as Unix seconds, rounded up: what is known within a second is not known at its start.

    Args:
        column: of timestamps with or without a zone, or of ISO 8601 text; null is None.

    Raises:
        UnreadableTime: a value is no instant.
    """
    return [None if value is None else -(-value // MICRO) for value in microseconds(column, up=True)]


def microseconds(column: pa.ChunkedArray, *, up: bool) -> list[int | None]:
    """Return a column of instants as microseconds since 1970.

    Args:
        column: of timestamps with or without a zone, or of ISO 8601 text; null is None.
        up: whether a part of a microsecond rounds up; else down.

    Raises:
        UnreadableTime: a value is no instant, is outside the years 1 to 9999, or is a count read in the wrong unit.
    """
    if pa.types.is_timestamp(column.type):
        found = _of_timestamps(column, up)
    else:
        found = [None if value is None else _of_text(value, row, up) for row, value in enumerate(column.to_pylist())]
    for row, value in enumerate(found):
        if value is not None:
            _refuse_misread(value, row)
    return found


def without_zone(column: pa.ChunkedArray) -> int:
    """Count the instants of a column that have no zone, and so are taken for UTC.

    Args:
        column: as of `microseconds`, which reads it.
    """
    if pa.types.is_timestamp(column.type):
        return 0 if column.type.tz else len(column) - column.null_count
    texts = (value.strip() for value in column.to_pylist() if isinstance(value, str))
    return sum(_WITH_ZONE.search(text) is None for text in texts)


def days(column: pa.ChunkedArray) -> list[dt.date | None]:
    """Return a column of dates.

    Args:
        column: of dates, of timestamps that are midnights in the column's zone, or of text such as 2025-05-01; null is None.

    Raises:
        UnreadableTime: a value is no date.
    """
    kind = column.type
    if pa.types.is_date(kind):
        return list(column.cast(pa.date32()).to_pylist())
    if pa.types.is_timestamp(kind):
        microseconds(column, up=False)  # refuses what Python's dates cannot hold
        column = column.cast(pa.timestamp("us", tz=kind.tz), safe=False)
    try:
        values = column.to_pylist()
    except KeyError:  # of the time-zone database
        raise UnreadableTime(0, f"is in the unknown time zone {kind.tz}.", "Write the local date.") from None
    return [None if value is None else _day(value, row) for row, value in enumerate(values)]


def _of_timestamps(column: pa.ChunkedArray, up: bool) -> list[int | None]:
    """Microseconds of a column of timestamps, whose integers are UTC with and without a zone."""
    unit = column.type.unit
    counts = [value for chunk in column.chunks for value in chunk.view(pa.int64()).to_pylist()]
    if unit == "ns":
        return [None if value is None else -(-value // 1000) if up else value // 1000 for value in counts]
    factor = MICROSECONDS[unit]
    return [None if value is None else value * factor for value in counts]


def _of_text(value: Any, row: int, up: bool) -> int:
    """Microseconds of a text, or UnreadableTime."""
    remedy = "Write it like 2025-05-01T18:00:00Z."
    try:
        if isinstance(value, str):
            text = value.strip()
            if not text.isascii() or (_NUMBER.fullmatch(text) and not _COMPACT_DATE.fullmatch(text)):
                raise ValueError(text)
            text = _ZONE_WORD.sub("+00:00", text)
            return (moment(text, up=up) - EPOCH) // dt.timedelta(microseconds=1)
    except (ValueError, OverflowError):
        pass
    raise UnreadableTime(row, f"{value!r} is no time.", f"{count_meaning(value)}{remedy}")


def count_meaning(value: Any) -> str:
    """Return a sentence about what a number could be as a count since 1970; "" for anything else."""
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and _NUMBER.fullmatch(text)):
        return ""
    count = float(text)
    unit, factor = next((words[1:] for words in _COUNT_UNITS if abs(count) < words[0]), ("nanoseconds", 10**9))
    seconds = int(count // factor)
    return f"As {unit} since 1970 it would be {instant(seconds)}. " if _FIRST <= seconds < _END else ""


def _refuse_misread(micros: int, row: int) -> None:
    """Raise UnreadableTime for an instant that only a count in the wrong unit gives."""
    seconds = micros // MICRO
    if not _FIRST <= seconds < _END:
        year = 1970 + seconds // 31_556_952
        what = (
            f"is in the year {year}: a count since 1970 was read in too large a unit, such as milliseconds as seconds."
        )
        raise UnreadableTime(row, what, "Convert it with its own unit.")
    if 0 < micros < _MISREAD_SECONDS * MICRO:
        what = (
            f"is {instant(seconds)}: a count since 1970 was read in too small a unit, such as seconds as milliseconds."
        )
        raise UnreadableTime(row, what, "Convert it with its own unit.")


def _day(value: Any, row: int) -> dt.date:
    """The date of a text or of a midnight, or UnreadableTime."""
    if isinstance(value, dt.datetime):
        if value.time() == dt.time():
            return value.date()
        what = f"{value.isoformat()} is no date but a time of day."
        raise UnreadableTime(row, what, "Write the local date, such as 2025-05-01.")
    found = _DAY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found:
        try:
            return dt.date.fromisoformat(found[1])
        except ValueError:
            pass
    raise UnreadableTime(
        row, f"{value!r} is no date.", f"{count_meaning(value)}Write the local date, such as 2025-05-01."
    )
