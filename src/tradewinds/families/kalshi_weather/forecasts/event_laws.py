"""The laws of one event's extreme, each from the instant at which it is known: by the as-of time, or one after the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.distribution import DECIMALS, Distribution
from tradewinds.families.kalshi_weather.forecasts.running_law import (
    CourseHour,
    Law,
    Reading,
    Running,
    RunningLaw,
    running_of,
    shortfall,
)
from tradewinds.families.kalshi_weather.forecasts.user_distributions import UserLaw

Row = dict[str, Any]


class EventLaw(NamedTuple):
    """A law of an event's extreme.

    Attributes:
        known_at_ts: from when it is in force; Unix seconds.
        law: of the extreme.
        columns: of the table of probabilities: mu_f, sigma_f, law, method, reason; of laws with readings also reached_f,
            short_f and is_over.
    """

    known_at_ts: int
    law: Law
    columns: Row


def of_asof(forecast: Mapping[str, Any]) -> EventLaw:
    """The law of the as-of time.

    Args:
        forecast: a row of the columns schemas.FORECASTS that has a method.
    """
    columns = {name: forecast[name] for name in ("mu_f", "sigma_f", "law", "reason", "method")}
    return EventLaw(forecast["known_at_ts"], Distribution.from_rows(forecast["law"]), columns)


def of_user(laws: Iterable[UserLaw]) -> list[EventLaw]:
    """The laws of a user's rows (`user_distributions.in_force`)."""
    found = []
    for law in laws:
        distribution = law.distribution
        columns = {
            "mu_f": round(distribution.mean_f, DECIMALS),
            "sigma_f": round(distribution.deviation_f, DECIMALS),
            "law": distribution.to_rows(),
            "method": law.model,
            "reason": None,
        }
        found.append(EventLaw(law.known_at_ts, distribution, columns))
    return found


def of_updates(
    station: Station,
    day: dt.date,
    updates: Sequence[Mapping[str, Any]],
    readings: Sequence[Reading],
    until_ts: int,
    missed_sigma_f: float,
) -> list[EventLaw]:
    """The law of the as-of time and of every later instant at which a model run or a reading becomes known.

    Args:
        station: on which the event settles.
        day: its climate date.
        updates: rows of the columns schemas.FORECAST_UPDATES of the date, the first of the as-of time, in order.
        readings: of the climate day; none where there are none.
        until_ts: laws that become known at it or later are left out; Unix seconds.
        missed_sigma_f: as `RunningLaw.missed_sigma_f`.
    """
    asof_ts = updates[0]["asof_ts"]
    _, day_end = climate_days.climate_day_bounds(station, day)
    news = {row["asof_ts"] for row in updates[1:]} | {one.known_at_ts for one in readings}
    found = []
    for ts in [asof_ts, *sorted(ts for ts in news if asof_ts < ts < until_ts)]:
        row = [update for update in updates if update["asof_ts"] <= ts][-1]
        running = running_of(readings, station.target, day_end, ts)
        if row["method"] is None and not (running and running.is_over):
            continue
        known = [row["known_at_ts"], running.known_at_ts if running else None]
        known_at_ts = ts if ts > asof_ts else max(one for one in known if one is not None)
        found.append(_with_readings(station.target, row, running, known_at_ts, missed_sigma_f))
    return found


def _with_readings(
    target: str, row: Mapping[str, Any], running: Running | None, known_at_ts: int, missed_sigma_f: float
) -> EventLaw:
    """The law of a forecast and of readings."""
    columns = {name: row[name] for name in ("mu_f", "sigma_f", "law", "reason")}
    columns["method"] = row["method"] or "observations"
    distribution = Distribution.from_rows(row["law"]) if row["law"] else None
    if running is None:
        if distribution is None:
            raise AssertionError("a law needs a forecast, or a day that is over")
        return EventLaw(known_at_ts, distribution, columns)
    course = [CourseHour(hour["ts"], hour["short_f"]) for hour in row["course"] or ()]
    short_f = shortfall(course, running.through_ts)
    columns |= {"reached_f": running.reached_f, "short_f": round(short_f, DECIMALS), "is_over": running.is_over}
    return EventLaw(known_at_ts, RunningLaw(distribution, target, running, short_f, missed_sigma_f), columns)
