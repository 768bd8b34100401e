"""Reads columns of time stamps of a user's funding rates and candles, whole columns at a time.

A stamp with a zone, and a count since 1970, is an instant. A stamp without a zone is a time on an unknown clock: the config has
to name the clock (`data.timezone`).
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO

_HAS_ZONE = r"(Z|[zZ]|UTC|GMT|[+-]\d{2}:?\d{2}|\d{2}:\d{2}.*[+-]\d{2})$"
_FACTORS = (
    (10**17, 0),
    (10**14, 1),
    (10**11, 1000),
    (10**8, MICRO),
)  # a count from here on -> microseconds in its unit


class StampColumn(NamedTuple):
    """A column of time stamps.

    Attributes:
        micros: microseconds since 1970; on the clock of the file if it is unknown.
        naive: whether that clock is unknown.
        written: how the stamps are written, for the log.
    """

    micros: Ints
    naive: bool
    written: str


class UnreadStamps(ValueError):
    """A column cannot be read as time stamps.

    Attributes:
        row: the first such row, from 0; None for the column as a whole.
        what: what is wrong, to follow the name of the column.
    """

    def __init__(self, row: int | None, what: str) -> None:
        self.row, self.what = row, what
        super().__init__(what)


def read_stamp_column(column: pa.ChunkedArray, *, utc: bool) -> StampColumn:
    """Read a column of time stamps.

    Args:
        column: time stamps, texts or counts since 1970.
        utc: the column's name says that stamps without a zone are UTC.

    Raises:
        UnreadStamps: a value is missing or no time stamp, or some values have a zone and others have none.
    """
    kind = column.type
    if column.null_count:
        raise UnreadStamps(_first(pc.is_null(column)), "is empty")
    if pa.types.is_timestamp(kind):
        naive = kind.tz is None and not utc
        return StampColumn(_floor(column), naive, f"{'no zone' if naive else 'UTC'}, {kind.unit}")
    if pa.types.is_date(kind):
        return StampColumn(_floor(column.cast(pa.timestamp("s"))), not utc, "dates")
    if pa.types.is_floating(kind):
        column = column.cast(pa.int64(), safe=False)
        kind = column.type
    if pa.types.is_integer(kind):
        return _of_counts(column.cast(pa.int64()).to_numpy())
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _of_texts(pc.utf8_trim_whitespace(column.cast(pa.string())), utc=utc)
    raise UnreadStamps(None, f"holds {kind}, which are no time stamps")


def instants_on_clock(micros: Ints, zone: ZoneInfo) -> Ints:
    """Return instants of times on a clock, in microseconds since 1970.

    Args:
        micros: the times as if the clock were UTC's. A time that the clock has twice is the first of the two.
        zone: the clock.
    """
    hours, index = np.unique(micros // (3600 * MICRO), return_inverse=True)
    offsets = []
    for hour in hours.tolist():
        offset = (dt.datetime(1970, 1, 1, tzinfo=zone) + dt.timedelta(hours=hour)).utcoffset()
        offsets.append(0 if offset is None else int(offset.total_seconds()))
    found: Ints = micros - np.array(offsets, np.int64)[index] * MICRO
    return found


def clock_named(name: str) -> ZoneInfo | None:
    """Return a time zone by its name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database, or a name that is a path
        return None


def _of_texts(texts: pa.ChunkedArray, *, utc: bool) -> StampColumn:
    """Read texts; raises as `read_stamp_column`."""
    if not len(texts):
        return StampColumn(np.zeros(0, np.int64), naive=False, written="no rows")
    empty = pc.equal(texts, "")
    if pc.any(empty).as_py():
        raise UnreadStamps(_first(empty), "is empty")
    if pc.all(pc.match_substring_regex(texts, r"^\d{9,19}(\.0+)?$")).as_py():
        return _of_counts(pc.replace_substring_regex(texts, r"\.0+$", "").cast(pa.int64()).to_numpy())
    zoned = pc.match_substring_regex(texts, _HAS_ZONE)
    zoned = pc.and_(zoned, pc.match_substring_regex(texts, r"\d{1,2}:\d{2}"))
    count = pc.sum(zoned).as_py() or 0
    if 0 < count < len(texts):
        row = _first(pc.invert(zoned) if zoned[0].as_py() else zoned)
        raise UnreadStamps(row, f"differs: {count:,} of {len(texts):,} stamps have a time zone and the others none")
    plain = pc.replace_substring_regex(texts, r" ?(UTC|GMT|[zZ])$", "Z")
    plain = pc.replace_substring_regex(plain, r" ([+-]\d{2}:?\d{2})$", r"\1")
    kind = pa.timestamp("us", "UTC") if count else pa.timestamp("us")
    try:
        found = _floor(plain.cast(kind))
    except pa.ArrowInvalid:
        for row, text in enumerate(plain.to_pylist()):  # only to name the row
            try:
                pa.scalar(text).cast(kind)
            except pa.ArrowInvalid:
                raise UnreadStamps(row, f"{text!r} is no time stamp") from None
        raise UnreadStamps(None, "holds texts that are no time stamps") from None
    naive = not count and not utc
    return StampColumn(found, naive, f"text, {'no zone' if naive else 'with its zone' if count else 'UTC'}")


def _of_counts(counts: Ints) -> StampColumn:
    """Read counts since 1970, whose unit follows from their size; raises as `read_stamp_column`."""
    if not len(counts):
        return StampColumn(counts, naive=False, written="no rows")
    smallest, largest = int(counts.min()), int(counts.max())
    least, factor = next((unit for unit in _FACTORS if smallest >= unit[0]), (0, 0))
    if not least:
        raise UnreadStamps(None, f"holds numbers from {smallest} to {largest}, which are no counts since 1970")
    if largest >= least * 1000:
        raise UnreadStamps(None, f"holds counts of different units, from {smallest} to {largest}")
    unit = {0: "ns", 1: "us", 1000: "ms", MICRO: "s"}[factor]
    return StampColumn(counts * factor if factor else counts // 1000, naive=False, written=f"{unit} since 1970")


def _floor(column: pa.ChunkedArray) -> Ints:
    """Return time stamps of any unit in microseconds, rounded down."""
    unit = column.type.unit
    counts = column.cast(pa.timestamp(unit)).cast(pa.int64()).to_numpy() if len(column) else np.zeros(0, np.int64)
    found: Ints = counts // 1000 if unit == "ns" else counts * {"us": 1, "ms": 1000, "s": MICRO}[unit]
    return found


def _first(flags: pa.ChunkedArray) -> int:
    """Return the index of the first row that is true."""
    return int(pc.index(flags, True).as_py())
