"""Columns of instants and dates: UTC on any machine, as they are written, and no guess about counts."""

import datetime as dt
import time
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from tradewinds.core.times import UnreadableTime, days, microseconds, seconds_up

NOON = dt.datetime(2025, 11, 2, 5, 30)
NOON_TS = 1762061400


def column(*values, kind=None):
    return pa.chunked_array([pa.array(values, kind)])


@pytest.fixture(params=["UTC", "Australia/Lord_Howe", "America/St_Johns"])
def machine_zone(request, monkeypatch):
    """A machine in another time zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("machine_zone")
@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York", "-03:30"])
def test_timestamps_are_the_same_on_any_machine(unit, zone):
    stamps = column(NOON, None).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
    assert seconds_up(stamps) == [NOON_TS, None]


@pytest.mark.usefixtures("machine_zone")
@pytest.mark.parametrize(
    "text",
    [
        "2025-11-02T05:30:00Z",
        "2025-11-02 05:30",
        "2025-11-02 05:30:00 UTC",
        "2025-11-02 05:30:00+00",
        "2025-11-02T01:30:00-04:00",  # the first of the two 01:30 in New York
        "2025-11-02T16:00:00+10:30",
    ],
)
def test_texts_are_the_same_on_any_machine(text):
    assert seconds_up(column(text)) == [NOON_TS]


def test_both_hours_of_a_clock_that_goes_back_are_kept():
    zone = ZoneInfo("America/New_York")
    stamps = [dt.datetime(2025, 11, 2, 1, 30, tzinfo=zone, fold=fold) for fold in (0, 1)]
    assert seconds_up(column(*stamps, kind=pa.timestamp("us", "America/New_York"))) == [NOON_TS, NOON_TS + 3600]


def test_parts_of_a_second_and_of_a_microsecond():
    stamps = column(NOON_TS * 10**9 + 1, kind=pa.timestamp("ns"))
    assert seconds_up(stamps) == [NOON_TS + 1]
    assert [microseconds(stamps, up=up) for up in (False, True)] == [[NOON_TS * 10**6], [NOON_TS * 10**6 + 1]]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0001-01-01T00:00:00Z", -62_135_596_800),
        ("1969-12-31T23:59:59Z", -1),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ],
)
def test_far_years(text, seconds):
    assert seconds_up(column(text)) == [seconds]
    assert seconds_up(column(seconds, kind=pa.timestamp("s"))) == [seconds]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (NOON_TS, "As seconds since 1970 it would be 2025-11-02T05:30:00Z"),
        (str(NOON_TS), "As seconds since 1970 it would be 2025-11-02T05:30:00Z"),
        (NOON_TS * 1000, "As milliseconds"),
        (f"{NOON_TS}000000", "As microseconds"),
        (NOON_TS * 10**9, "As nanoseconds"),
        (float(NOON_TS), "As seconds"),
        ("0001-01-01T00:00:00+14:00", ""),
        ("٢٠٢٥-11-02", ""),
        ("2025-02-30", ""),
        ("", ""),
        (True, ""),
    ],
)
def test_counts_and_other_values_are_refused_with_what_they_could_mean(value, words):
    values = ["2025-01-01", value] if isinstance(value, str) else [value, value]
    with pytest.raises(UnreadableTime) as caught:
        seconds_up(column(*values))
    assert caught.value.row == (1 if isinstance(value, str) else 0)
    assert words in caught.value.remedy


@pytest.mark.parametrize(
    ("count", "unit", "words"),
    [
        (NOON_TS, "ms", "too small a unit"),
        (NOON_TS * 1000, "us", "too small a unit"),
        (NOON_TS, "ns", "too small a unit"),
        (NOON_TS * 1000, "s", "too large a unit, such as milliseconds as seconds"),
        (NOON_TS * 10**6, "ms", "too large a unit"),
    ],
)
def test_a_count_that_was_read_in_the_wrong_unit_is_named(count, unit, words):
    with pytest.raises(UnreadableTime, match=words):
        seconds_up(column(count, kind=pa.timestamp(unit)))


def test_dates_are_those_that_are_written():
    day = dt.date(2025, 11, 2)
    midnight = dt.datetime(2025, 11, 2)
    tokyo = column(midnight.replace(tzinfo=ZoneInfo("Asia/Tokyo")), kind=pa.timestamp("ms", "Asia/Tokyo"))
    for dates in (column(day), column(midnight, kind=pa.timestamp("ns")), column("2025-11-02"), tokyo):
        assert days(dates) == [day]
    for other in (column(NOON), column(20251102), column("02.11.2025"), column("2025-11-02T01:00")):
        with pytest.raises(UnreadableTime):
            days(other)
