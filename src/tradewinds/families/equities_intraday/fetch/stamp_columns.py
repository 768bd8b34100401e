"""Reads columns of time stamps of a user's minute bars: whole columns at a time, because a file has millions of rows.

A stamp with an offset or a zone, or a count since 1970, is an instant. A stamp without one is a time on an unknown clock: it is
returned as it is written, and the config has to name the clock (`bars.timezone`).
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

_OFFSET = r"[T ]\d{1,2}:\d{2}.*(Z|[zZ]|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})$"
_ZONE_NAME = r"\d [A-Za-z]+/[A-Za-z_/]+$"
_COUNT_DIGITS = {10: MICRO, 13: 1000, 16: 1}  # digits of a count of this century -> microseconds in its unit
_NANOSECOND_DIGITS = 19
_LOCAL_FORMATS = (
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p",
    "%Y%m%d %H:%M:%S",
    "%Y%m%d %H%M%S",
    "%Y%m%d %H%M",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M",
    "%Y.%m.%d %H:%M",
    "%Y.%m.%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
)


class Stamps(NamedTuple):
    """A column of time stamps.

    Attributes:
        micros: microseconds since 1970; on the clock of the file if it is unknown.
        naive: whether that clock is unknown.
    """

    micros: Ints
    naive: bool


class BadStamps(ValueError):
    """A column cannot be read as time stamps.

    Attributes:
        row: the first such row, from 0; None for the column as a whole.
        what: what is wrong, to follow the name of the column.
    """

    def __init__(self, row: int | None, what: str) -> None:
        self.row, self.what = row, what
        super().__init__(what)


def read_stamps(column: pa.ChunkedArray, *, utc: bool = False) -> Stamps:
    """Read a column of time stamps.

    Args:
        column: time stamps, texts or counts since 1970.
        utc: the column's name says that stamps without a zone are UTC.

    Raises:
        BadStamps: a value is missing or no time stamp, or some values have a zone and others have none.
    """
    kind = column.type
    if not len(column):
        return Stamps(np.zeros(0, np.int64), naive=False)
    if column.null_count:
        raise BadStamps(_first(pc.is_null(column)), "is empty")
    if pa.types.is_timestamp(kind):
        return Stamps(_floor(column), kind.tz is None and not utc)
    if pa.types.is_integer(kind):
        return Stamps(_of_counts(column.cast(pa.int64()).to_numpy()), naive=False)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        found = _of_texts(pc.utf8_trim_whitespace(column.cast(pa.string())))
        return Stamps(found.micros, found.naive and not utc)
    raise BadStamps(None, f"holds {kind}, which are no time stamps")


def on_clock(micros: Ints, zone: ZoneInfo) -> Ints:
    """Return instants of times on a clock, in microseconds since 1970.

    Args:
        micros: the times as if the clock were UTC's. A time that the clock has twice is the first of the two.
        zone: the clock.
    """
    hours, index = np.unique(micros // (3600 * MICRO), return_inverse=True)
    offsets = []
    for hour in hours.tolist():
        local = dt.datetime(1970, 1, 1, tzinfo=zone) + dt.timedelta(hours=hour)
        offset = local.utcoffset()
        offsets.append(0 if offset is None else int(offset.total_seconds()))
    found: Ints = micros - np.array(offsets, np.int64)[index] * MICRO
    return found


def zone_of(name: str) -> ZoneInfo | None:
    """Return a time zone by its name; None if there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of the database, or a name that is a path
        return None


def _of_texts(texts: pa.ChunkedArray) -> Stamps:
    """Read texts; raises as `read_stamps`."""
    if pc.any(pc.equal(texts, "")).as_py():
        raise BadStamps(_first(pc.equal(texts, "")), "is empty")
    # counts since 1970; a date of eight digits or a date and time of twelve or fourteen are no counts
    lengths = pc.min_max(pc.utf8_length(texts)).as_py()
    digits = lengths["min"] if lengths["min"] == lengths["max"] else 0
    if digits in (*_COUNT_DIGITS, _NANOSECOND_DIGITS) and pc.all(pc.ascii_is_decimal(texts)).as_py():
        return Stamps(_of_counts(texts.cast(pa.int64()).to_numpy()), naive=False)
    # a name of a zone behind each: the same for all
    if pc.match_substring_regex(texts.slice(0, 1), _ZONE_NAME)[0].as_py():
        return _of_zone_names(texts)
    has_offset = pc.match_substring_regex(texts, _OFFSET)
    count = pc.sum(has_offset).as_py() or 0
    if 0 < count < len(texts):
        row = _first(pc.invert(has_offset) if has_offset[0].as_py() else has_offset)
        raise BadStamps(
            row, f"differs from the first one: {count:,} of {len(texts):,} have a time zone and the others none"
        )
    if count:
        plain = pc.replace_substring_regex(texts, r" ?(UTC|GMT|[zZ])$", "Z")
        plain = pc.replace_substring_regex(plain, r" ([+-]\d{2}:?\d{2})$", r"\1")
        return Stamps(_cast(plain, pa.timestamp("ns", "UTC")), naive=False)
    return Stamps(_of_local_texts(texts), naive=True)


def _of_zone_names(texts: pa.ChunkedArray) -> Stamps:
    """Read texts such as 20250926 04:00:00 US/Eastern; raises as `read_stamps`."""
    name = texts[0].as_py().rpartition(" ")[2]
    ends = pc.ends_with(texts, f" {name}")
    if not pc.all(ends).as_py():
        raise BadStamps(_first(pc.invert(ends)), f"is not in {name} as the first one is")
    zone = zone_of(name)
    if zone is None:
        raise BadStamps(0, f"names the unknown time zone {name}")
    local = pc.utf8_trim_whitespace(pc.utf8_slice_codeunits(texts, 0, -1 - len(name)))
    return Stamps(on_clock(_of_local_texts(local), zone), naive=False)


def _of_local_texts(texts: pa.ChunkedArray) -> Ints:
    """Read texts without a zone; raises as `read_stamps`."""
    first = texts[0].as_py()
    if not pc.match_substring_regex(texts.slice(0, 1), r"^\d{4}-\d{2}-\d{2}")[0].as_py():
        for form in _LOCAL_FORMATS:
            if not pc.strptime(texts.slice(0, 1), format=form, unit="us", error_is_null=True).null_count:
                found = pc.strptime(texts, format=form, unit="us", error_is_null=True)
                if not found.null_count:
                    return _floor(found)
                raise BadStamps(_first(pc.is_null(found)), f"is not written as the first one, {first!r}")
        raise BadStamps(0, f"{first!r} is no time stamp that is known here")
    return _cast(texts, pa.timestamp("ns"))


def _cast(texts: pa.ChunkedArray, kind: pa.DataType) -> Ints:
    """Read texts of ISO 8601; raises as `read_stamps`."""
    try:
        return _floor(texts.cast(kind))
    except pa.ArrowInvalid:
        pass
    for row, text in enumerate(texts.to_pylist()):  # only to name the row
        try:
            pa.scalar(text).cast(kind)
        except pa.ArrowInvalid:
            raise BadStamps(row, f"{text!r} is no time stamp") from None
    raise BadStamps(None, "holds texts that are no time stamps")


def _of_counts(counts: Ints) -> Ints:
    """Return counts since 1970, whose unit follows from their size, in microseconds; raises as `read_stamps`."""
    if not len(counts):
        return counts
    sizes = {len(str(int(edge))) for edge in (counts.min(), counts.max())}
    if len(sizes) != 1 or not sizes <= {*_COUNT_DIGITS, _NANOSECOND_DIGITS}:
        raise BadStamps(None, f"holds numbers from {counts.min()} to {counts.max()}, which are no counts since 1970")
    (digits,) = sizes
    return counts // 1000 if digits == _NANOSECOND_DIGITS else counts * _COUNT_DIGITS[digits]


def _floor(column: pa.ChunkedArray) -> Ints:
    """Return time stamps of any unit in microseconds, rounded down."""
    unit = column.type.unit
    counts = column.cast(pa.timestamp(unit)).cast(pa.int64()).to_numpy() if len(column) else np.zeros(0, np.int64)
    found: Ints = counts // 1000 if unit == "ns" else counts * {"us": 1, "ms": 1000, "s": MICRO}[unit]
    return found


def _first(flags: pa.ChunkedArray) -> int:
    """Return the index of the first row that is true."""
    return int(pc.index(flags, True).as_py())
