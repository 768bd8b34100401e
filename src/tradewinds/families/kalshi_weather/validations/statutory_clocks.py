"""Clocks of the United States by statute: a check of the time-zone database and of `climate_days`.

Energy Policy Act of 2005: from 2007 on, daylight saving runs from the second Sunday of March, 02:00 standard time, to the
first Sunday of November, 02:00 daylight time. Arizona keeps standard time.
"""

from __future__ import annotations

import datetime as dt
import functools

STANDARD_HOURS = {
    "America/New_York": -5,
    "America/Kentucky/Louisville": -5,
    "America/Chicago": -6,
    "America/Denver": -7,
    "America/Phoenix": -7,
    "America/Los_Angeles": -8,
}
"""Standard time minus UTC in hours, by time zone."""

WITHOUT_SAVING = frozenset({"America/Phoenix"})
_CHANGE = dt.time(2)  # both changes happen at 02:00 on the clock that was in force


@functools.cache
def changes(year: int) -> tuple[dt.date, dt.date]:
    """The dates on which daylight saving begins and ends.

    Args:
        year: from 2007 on.
    """
    return _first_sunday_from(dt.date(year, 3, 8)), _first_sunday_from(dt.date(year, 11, 1))


def _first_sunday_from(date: dt.date) -> dt.date:
    """The first Sunday on or after a date."""
    return date + dt.timedelta(days=6 - date.weekday())


@functools.cache
def near_a_change(date: dt.date) -> bool:
    """Whether the clocks change on a date, the day before or the day after."""
    return any(abs((date - change).days) <= 1 for change in changes(date.year))


def civil_ts(zone: str, date: dt.date, clock: dt.time) -> int:
    """Unix seconds of a civil time.

    Args:
        zone: a key of STANDARD_HOURS.
        date: from 2007 on.
        clock: a skipped time moves on by the gap; of a time that occurs twice the first is meant.
    """
    spring, autumn = changes(date.year)
    # A skipped time is read on the clock before the change, which moves it on by the gap.
    saving = spring < date < autumn
    saving |= date == spring and clock.hour > _CHANGE.hour
    saving |= date == autumn and clock < _CHANGE
    hours = STANDARD_HOURS[zone] + (saving and zone not in WITHOUT_SAVING)
    return _utc_ts(date, clock) - hours * 3600


def standard_midnight_ts(zone: str, date: dt.date) -> int:
    """Unix seconds of midnight local standard time, at which a climate day begins.

    Args:
        zone: a key of STANDARD_HOURS.
        date: the climate date.
    """
    return _utc_ts(date, dt.time()) - STANDARD_HOURS[zone] * 3600


def _utc_ts(date: dt.date, clock: dt.time) -> int:
    return int(dt.datetime.combine(date, clock, dt.UTC).timestamp())
