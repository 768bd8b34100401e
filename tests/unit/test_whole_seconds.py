"""Fractions of a second: they go to the side that knows less, however they are written."""

import datetime as dt

import pytest

from tradewinds.core.text import moment, whole_seconds_down, whole_seconds_up

NOON = int(dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC).timestamp())


@pytest.mark.parametrize(
    ("fraction", "over"),
    [
        *(("", 0), (".0", 0), (".000000", 0), (".0000000", 0), (".5", 1), (".000001", 1), (".999999", 1), (",9", 1)),
        *((".0000001", 1), (".0000000000001", 1), (".9999999999", 1)),
    ],
)
@pytest.mark.parametrize("zone", ["Z", "+00:00", ""])
def test_texts_round_up_or_down(fraction, over, zone):
    text = f"2026-03-02T12:00:00{fraction}{zone}"
    assert (whole_seconds_down(text), whole_seconds_up(text)) == (NOON, NOON + over)


def test_before_1970_and_in_other_zones():
    assert whole_seconds_up("1969-12-31T23:59:58.5Z") == -1 and whole_seconds_down("1969-12-31T23:59:58.5Z") == -2
    assert whole_seconds_up("2026-03-02T07:00:00.1-05:00") == NOON + 1


def test_datetimes_with_and_without_a_zone():
    naive = dt.datetime(2026, 3, 2, 12, 0, 0, 1)
    for instant in (naive, naive.replace(tzinfo=dt.UTC)):
        assert (whole_seconds_down(instant), whole_seconds_up(instant)) == (NOON, NOON + 1)


def test_an_instant_keeps_what_a_datetime_can_hold():
    text = "2026-03-02T12:00:00.1234567Z"
    assert [moment(text, up=up).microsecond for up in (False, True)] == [123456, 123457]


@pytest.mark.parametrize("text", ["", "noon", "12:00:00Z"])
def test_other_text_is_refused(text):
    with pytest.raises(ValueError):
        whole_seconds_up(text)
