"""What is forecast for a climate date at any instant, from what is public then: model runs, climate reports and readings.

`forecast_at` is the one door to it: a replay with `asof_policy.mode: latest` asks it for every instant at which something
becomes public, and what is shown of a running day asks it for now.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import lookback
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.daily import DailyForecast, Forecaster, ForecastSettings
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.history import StationWeather
from tradewinds.families.kalshi_weather.forecasts.running_law import (
    CourseHour,
    Reading,
    Running,
    RunningLaw,
    course_of,
    running_of,
    shortfall,
)
from tradewinds.families.kalshi_weather.strikes import StrikeBounds

NO_READINGS = "NO_OBSERVATIONS"  # the climate day has begun, and no reading of it is known
NO_COURSE = "NO_HOURLY_GUIDANCE"  # no run has temperatures of enough hours of the day: the rest of it is not told apart

_DAY = 86_400


class ForecastInput(NamedTuple):
    """An input of a forecast and when it became public.

    Attributes:
        name: the model, `climate reports` or `observations`.
        known_at_ts: when it became public (Unix seconds), None if there is none.
        made_at_ts: when the model's run began, or the last reading was taken (Unix seconds); None for reports.
        value_f: the model's extreme, or the extreme of the readings so far; °F. None for reports.
    """

    name: str
    known_at_ts: int | None
    made_at_ts: int | None
    value_f: float | None

    def age_seconds(self, now_ts: int) -> int | None:
        """How long ago it became public, None if there is none."""
        return None if self.known_at_ts is None else now_ts - self.known_at_ts


@dataclass(frozen=True)
class CurrentForecast:
    """The forecast of a climate date at an instant.

    Attributes:
        station: whose extreme it is.
        climate_date: the date.
        now_ts: the instant; Unix seconds.
        daily: the forecast without readings.
        running: what the readings of the day say, None without any.
        course: of the day by the guidance, empty without one.
        law: the law with the readings, None if there is neither a forecast nor a day that is over.
        known_at_ts: when the newest input was known (Unix seconds), None without any.
        reasons: why it is not better: those of the forecast (docs/forecasts.md), NO_READINGS, NO_COURSE.
        inputs: what it was made from.
    """

    station: Station
    climate_date: dt.date
    now_ts: int
    daily: DailyForecast
    running: Running | None
    course: Sequence[CourseHour]
    law: RunningLaw | None
    known_at_ts: int | None
    reasons: tuple[str, ...]
    inputs: tuple[ForecastInput, ...]

    @property
    def method(self) -> str | None:
        """The forecast's method, None without one."""
        return self.daily.method

    @property
    def mu_f(self) -> float | None:
        """Mean of the forecast without readings in °F."""
        return None if self.daily.distribution is None else self.daily.distribution.mean_f

    @property
    def sigma_f(self) -> float | None:
        """Standard deviation of the forecast without readings in °F."""
        return None if self.daily.distribution is None else self.daily.distribution.deviation_f

    def probability(self, bounds: StrikeBounds) -> Decimal | None:
        """P(YES) of a bracket (strikes.strike_bounds), None without a law."""
        return None if self.law is None else bracket_probability(*bounds, self.law)


class CurrentForecasts:
    """Forecasts of one station and target at any instants.

    Args:
        probabilities: the config's settings of the forecast (probability_sources.base_of).
        station: the station and target.
        guidance: its guidance (columns: schemas.GUIDANCE), reaching back as far as `lookback.lookback_days`.
        climate: its climate reports (columns: schemas.CLIMATE), as far back.
    """

    def __init__(
        self, probabilities: Mapping[str, Any], station: Station, guidance: pa.Table, climate: pa.Table
    ) -> None:
        lags = probabilities["publication_lag_hours"]
        self.station = station
        self.weather = StationWeather.of(station, guidance, climate, probabilities["models"], lags)
        self._settings = ForecastSettings.from_config(probabilities)
        self._lookback = lookback.lookback_days(probabilities)
        self._forecasters: dict[int, tuple[dt.date, dt.date, Forecaster]] = {}

    def prepare(self, offset: int, first: dt.date, last: dt.date) -> None:
        """Make ready for forecasts at one instant of each of many climate days; without it every date is made ready alone.

        Args:
            offset: seconds from the start of the climate day to the instant.
            first: first climate date.
            last: last one.
        """
        since = first - dt.timedelta(days=self._lookback)
        start, _ = climate_days.climate_day_bounds(self.station, since)
        asof = start + offset + _DAY * np.arange((last - since).days + 1, dtype=np.int64)
        history = self.weather.history(since, asof)
        self._forecasters[offset] = first, last, Forecaster(history, self._settings)

    def forget(self, offset: int) -> None:
        """Free what `prepare` made ready."""
        del self._forecasters[offset]

    def daily(self, day: dt.date, now_ts: int) -> DailyForecast:
        """The forecast of a date without readings, from what was public at an instant.

        Past days, to which it is fitted, are looked at from the same distance: each at the instant that is as far from its own
        climate day.
        """
        offset = now_ts - climate_days.climate_day_bounds(self.station, day)[0]
        first, last, forecaster = self._forecasters.get(offset, (dt.date.max, dt.date.min, None))
        if forecaster is None or not first <= day <= last:
            self.prepare(offset, day, day)
            _, _, forecaster = self._forecasters[offset]
        return forecaster.forecast(forecaster.history.index(day))

    def at(self, day: dt.date, now_ts: int, readings: Sequence[Reading] | None) -> CurrentForecast:
        """The forecast of a date at an instant.

        Args:
            day: the climate date.
            now_ts: the instant; Unix seconds. Nothing that becomes public later counts.
            readings: of the climate day; None: they are not looked at.
        """
        daily, station = self.daily(day, now_ts), self.station
        runs = self.weather.last_runs(day, now_ts)
        course = course_of([(run.hours_ts, run.hours_f) for run in runs if run is not None], station.target)
        begin, end = climate_days.climate_day_bounds(station, day)
        running = running_of(readings or (), station.target, end, now_ts)
        reasons = [daily.reason] if daily.reason else []
        if readings is not None and running is None and now_ts > begin:
            reasons.append(NO_READINGS)
        if running is not None and not course:
            reasons.append(NO_COURSE)
        known = [ts for ts in (daily.known_at_ts, running.known_at_ts if running else None) if ts is not None]
        return CurrentForecast(
            station=station,
            climate_date=day,
            now_ts=now_ts,
            daily=daily,
            running=running,
            course=course,
            law=law_of(daily.distribution, station.target, running, course, self._settings.sigma_floor_f),
            known_at_ts=max(known, default=None),
            reasons=tuple(reasons),
            inputs=self._inputs(runs, running, now_ts),
        )

    def _inputs(self, runs: Sequence[Any], running: Running | None, now_ts: int) -> tuple[ForecastInput, ...]:
        """The inputs: each model's last run, the last climate report, the readings."""
        found = [
            ForecastInput(model, None, None, None)
            if run is None
            else ForecastInput(model, run.known_at_ts, run.runtime_ts, run.extreme_f)
            for model, run in zip(self.weather.models, runs, strict=True)
        ]
        reports = self.weather.climate["known_at_ts"].to_numpy()
        known = reports[reports <= now_ts]
        found.append(ForecastInput("climate reports", int(known.max()) if len(known) else None, None, None))
        if running is not None:
            found.append(ForecastInput("observations", running.known_at_ts, running.through_ts, running.reached_f))
        return tuple(found)


def forecast_at(
    probabilities: Mapping[str, Any],
    station: Station,
    day: dt.date,
    now_ts: int,
    *,
    guidance: pa.Table,
    climate: pa.Table,
    observations: pa.Table | None,
) -> CurrentForecast:
    """The forecast of one climate date at one instant; as `CurrentForecasts.at`, from tables.

    Args:
        probabilities: the config's settings of the forecast (probability_sources.base_of).
        station: the station and target.
        day: the climate date.
        now_ts: the instant; Unix seconds.
        guidance: of the station (columns: schemas.GUIDANCE).
        climate: reports of the station (columns: schemas.CLIMATE).
        observations: readings of the climate day (columns: schemas.OBSERVATIONS); None: they are not looked at.
    """
    readings = None if observations is None else readings_of(observations)
    return CurrentForecasts(probabilities, station, guidance, climate).at(day, now_ts, readings)


def readings_of(observations: pa.Table) -> list[Reading]:
    """Rows of a table of readings (columns: schemas.OBSERVATIONS)."""
    columns = (observations[name].to_pylist() for name in ("valid_ts", "known_at_ts", "tmp_f"))
    return [Reading(*row) for row in zip(*columns, strict=True)]


def law_of(
    distribution: Distribution | None,
    target: str,
    running: Running | None,
    course: Sequence[CourseHour],
    missed_sigma_f: float,
) -> RunningLaw | None:
    """The law of a day's extreme, None if there is neither a forecast nor a day that is over.

    Args:
        distribution: of the forecast without readings, None without one.
        target: "max" or "min".
        running: what the readings say, None without any.
        course: of the day by the guidance.
        missed_sigma_f: how far the extreme may lie beyond the readings: a standard deviation in °F.
    """
    if distribution is None and not (running and running.is_over):
        return None
    short_f = shortfall(course, running.through_ts) if running else 0.0
    return RunningLaw(distribution, target, running, short_f, missed_sigma_f)
