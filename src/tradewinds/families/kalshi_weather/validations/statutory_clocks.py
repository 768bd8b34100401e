"""Clocks of the United States by the letter of the law: a second opinion on the time-zone database and on `calendars`.

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
WITHOUT_SAVING = frozenset({"America/Phoenix"})
_CHANGE = dt.time(2)  # both changes happen at 02:00 on the clock that was in force


@functools.cache
def changes(year: int) -> tuple[dt.date, dt.date]:
    """The dates on which daylight saving begins and ends."""
    return _sunday(dt.date(year, 3, 8)), _sunday(dt.date(year, 11, 1))


def _sunday(first: dt.date) -> dt.date:
    return first + dt.timedelta(days=6 - first.weekday())


def near_a_change(date: dt.date) -> bool:
    """Whether the clocks change on a date, the day before or the day after."""
    return any(abs((date - change).days) <= 1 for change in changes(date.year))


def civil_ts(zone: str, date: dt.date, clock: dt.time) -> int:
    """Unix seconds of a civil time; a skipped time moves on by the gap, one that occurs twice means the first."""
    spring, autumn = changes(date.year)
    # A skipped time is read on the clock before the change, which moves it on by the gap.
    saving = spring < date < autumn
    saving |= date == spring and clock.hour > _CHANGE.hour
    saving |= date == autumn and clock < _CHANGE
    hours = STANDARD_HOURS[zone] + (saving and zone not in WITHOUT_SAVING)
    return _utc_ts(date, clock) - hours * 3600


def standard_midnight_ts(zone: str, date: dt.date) -> int:
    """Unix seconds of midnight local standard time, at which a climate day begins."""
    return _utc_ts(date, dt.time()) - STANDARD_HOURS[zone] * 3600


def _utc_ts(date: dt.date, clock: dt.time) -> int:
    return int(dt.datetime.combine(date, clock, dt.UTC).timestamp())
