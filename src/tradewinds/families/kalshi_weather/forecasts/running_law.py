"""Law of a day's extreme once a part of the day has been observed.

The settled maximum is the greatest of three: what the readings have reached, what they have missed, and what the rest of the
day brings. The readings bound the law: a maximum below what they have reached has no probability, and the forecast's
probability of such values goes to the values that are left. The rest of the day is the forecast's own law, lowered by how far
the guidance expects its temperatures of the hours to come below those of its warmest hour: nothing in the morning, many
degrees in the evening, and after the last hour of the day nothing can come. A minimum is the same with opposite signs.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution

# Readings come every hour, at the latest 7 minutes before the full one: the day is over once there is none to come.
LAST_READING_SECONDS = 75 * 60
_LEAST_HOURS = 3  # temperatures of a run in a climate day that make a course of it


class Law(Protocol):
    """A law of a temperature."""

    def cdf(self, x_f: float) -> float:
        """Cumulative probability: of a temperature of at most `x_f` °F."""


class Running(NamedTuple):
    """What readings of a climate day say of its extreme.

    Attributes:
        reached_f: greatest (for a minimum: least) reading so far, in whole °F.
        reached_ts: when it was read; Unix seconds.
        through_ts: when the last reading was taken; Unix seconds.
        known_at_ts: when the last reading was known; Unix seconds.
        readings: number of readings.
        is_over: whether the day has no reading to come.
    """

    reached_f: int
    reached_ts: int
    through_ts: int
    known_at_ts: int
    readings: int
    is_over: bool


class Reading(NamedTuple):
    """A reading of a station: when it was taken and when it was known (Unix seconds), and its temperature in °F."""

    valid_ts: int
    known_at_ts: int
    tmp_f: float


def running_of(readings: Sequence[Reading], target: str, day_end: int, now_ts: int) -> Running | None:
    """What the readings that are known at an instant say, None without any.

    Args:
        readings: of one climate day, in any order.
        target: "max" or "min".
        day_end: end of the climate day; Unix seconds.
        now_ts: the instant; Unix seconds.
    """
    known = sorted(reading for reading in readings if reading.known_at_ts <= now_ts)
    if not known:
        return None
    # of equal readings the first counts: it is when the bound was reached
    sign = 1 if target == "max" else -1
    best = max(known, key=lambda reading: (sign * whole_degrees(reading.tmp_f), -reading.valid_ts))
    last = known[-1]
    return Running(
        reached_f=whole_degrees(best.tmp_f),
        reached_ts=best.valid_ts,
        through_ts=last.valid_ts,
        known_at_ts=max(reading.known_at_ts for reading in known),
        readings=len(known),
        is_over=last.valid_ts >= day_end - LAST_READING_SECONDS,
    )


def whole_degrees(tmp_f: float) -> int:
    """The whole °F of a reading. Stations measure whole °F and report tenths of °C, which tell them apart."""
    return math.floor(tmp_f + 0.5)


class CourseHour(NamedTuple):
    """How far the temperature of an hour (Unix seconds) is from the day's extreme, in °F: 0 or more."""

    ts: int
    short_f: float


def course_of(runs: Sequence[tuple[Sequence[int], Sequence[float]]], target: str) -> list[CourseHour]:
    """The course of a climate day: the mean over runs of how far each hour stays from the run's own extreme.

    Args:
        runs: of each, hours in Unix seconds and their temperatures in °F; runs with few hours are left out.
        target: "max" or "min".
    """
    sign = 1 if target == "max" else -1
    by_hour: dict[int, list[float]] = {}
    for hours, temperatures in runs:
        if len(hours) < _LEAST_HOURS:
            continue
        extreme = max(sign * tmp for tmp in temperatures)
        for ts, tmp in zip(hours, temperatures, strict=True):
            by_hour.setdefault(ts, []).append(extreme - sign * tmp)
    return [CourseHour(ts, sum(values) / len(values)) for ts, values in sorted(by_hour.items())]


def shortfall(course: Sequence[CourseHour], through_ts: int) -> float:
    """How far the rest of a day stays from the day's extreme, in °F: 0 while the extreme hour is to come, or without a course.

    Args:
        course: as from `course_of`; between its hours the temperature is a straight line.
        through_ts: end of what has been observed; Unix seconds.
    """
    if not course:
        return 0.0
    nxt = bisect.bisect_left(course, (through_ts,))
    to_come = [hour.short_f for hour in course[nxt:]]
    if 0 < nxt < len(course):
        before, after = course[nxt - 1], course[nxt]
        share = (through_ts - before.ts) / (after.ts - before.ts)
        to_come.append(before.short_f + share * (after.short_f - before.short_f))
    return min(to_come, default=course[-1].short_f)


@dataclass(frozen=True)
class RunningLaw:
    """The law of a day's extreme: of the forecast, and of the readings if there are any.

    Attributes:
        forecast: the law without readings; None where there is no forecast: then the readings must be of the whole day.
        target: "max" or "min".
        running: what the readings say, None without any.
        short_f: how far the rest of the day stays from its extreme, in °F.
        missed_sigma_f: standard deviation of how far the extreme lies beyond the readings, which miss what is between them; °F.
    """

    forecast: Distribution | None
    target: str
    running: Running | None
    short_f: float
    missed_sigma_f: float

    def cdf(self, x_f: float) -> float:
        """Cumulative probability: of a temperature of at most `x_f` °F."""
        if self.target == "max":
            return self._at_most(x_f)
        return 1.0 - self._at_least(x_f)

    def _at_most(self, x_f: float) -> float:
        """Of a maximum: neither the readings, nor what they missed, nor the rest of the day exceed a temperature."""
        if self.running is None:
            return self._rest.cdf(x_f)
        if x_f < self.running.reached_f:
            return 0.0
        rest = 1.0 if self.running.is_over else self._rest.cdf(x_f + self.short_f)
        return rest * self._nothing_missed(x_f - self.running.reached_f)

    def _at_least(self, x_f: float) -> float:
        """Of a minimum: neither the readings, nor what they missed, nor the rest of the day fall below a temperature."""
        if self.running is None:
            return 1.0 - self._rest.cdf(x_f)
        if x_f >= self.running.reached_f:
            return 0.0
        rest = 1.0 if self.running.is_over else 1.0 - self._rest.cdf(x_f - self.short_f)
        return rest * self._nothing_missed(self.running.reached_f - x_f)

    def _nothing_missed(self, beyond_f: float) -> float:
        """Probability that the extreme lies at most that far beyond the readings."""
        return math.erf(beyond_f / (self.missed_sigma_f * math.sqrt(2)))

    @property
    def _rest(self) -> Distribution:
        if self.forecast is None:
            raise AssertionError("a day that is not over has a forecast, or no law")
        return self.forecast
