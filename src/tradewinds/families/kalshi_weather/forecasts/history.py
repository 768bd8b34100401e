"""Guidance and climate reports of one station and target, as known at the as-of time of each day.

All data of a forecast passes through this module, so that nothing known later can reach it: the guidance of a day is the
latest run known by that day's own as-of time, and a report carries the time from which it may be used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import NEVER
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.model_runs import EPOCH, ModelRuns, NewestRun


@dataclass(frozen=True)
class WeatherHistory:
    """Data of one station and target, a row per day from `first` on.

    Temperatures are in °F, NaN where there is none; instants in Unix seconds, NEVER where there is none.

    Attributes:
        first: date of row 0.
        target: "max" or "min".
        models: names along the model axis.
        asof_ts: as-of time of each day; (days,).
        observed_f: the target extreme by the final report; (days,).
        observed_known_ts: when that report was known; (days,).
        value_f: guidance of the target extreme; (models, days).
        other_f: guidance of the day's other extreme, of the same run; (models, days).
        hourly_extreme_f: extreme of the temperatures that the same run expects during the climate day; (models, days).
        known_ts: when that run was known; (models, days).
        own_spread_f: standard deviation that the same run itself gives the target extreme, in °F; (models, days).
    """

    first: dt.date
    target: str
    models: tuple[str, ...]
    asof_ts: Ints
    observed_f: Floats
    observed_known_ts: Ints
    value_f: Floats
    other_f: Floats
    hourly_extreme_f: Floats
    known_ts: Ints
    own_spread_f: Floats

    def day(self, index: int) -> dt.date:
        """Date of a row."""
        return self.first + dt.timedelta(days=index)

    def index(self, day: dt.date) -> int:
        """Row of a date."""
        return (day - self.first).days


def read_history(
    station: Station,
    guidance: pa.Table,
    climate: pa.Table,
    *,
    first: dt.date,
    last: dt.date,
    asof_policy: Mapping[str, Any],
    models: Sequence[str],
    lag_hours: Mapping[str, float] | None = None,
) -> WeatherHistory:
    """The history of a station's target.

    Preliminary reports are left out. Of several final reports of a day the last row counts.

    Args:
        station: whose `target` is read.
        guidance: rows of the station (columns: schemas.GUIDANCE).
        climate: rows of the station (columns: schemas.CLIMATE).
        first: date of the first row.
        last: date of the last row.
        asof_policy: the config's section `asof_policy`.
        models: names along the model axis.
        lag_hours: by model, hours from a run to its publication; replaces the lag in the rows' known_at_ts.
    """
    asof = asof_times(station, climate_days.date_range(first, last), asof_policy)
    return StationWeather.of(station, guidance, climate, models, lag_hours).history(first, asof)


def asof_times(station: Station, days: Sequence[dt.date], asof_policy: Mapping[str, Any]) -> Ints:
    """As-of time of each climate date in Unix seconds; (days,)."""
    clock, days_before = asof_policy["local_time"], asof_policy["days_before"]
    return np.array([climate_days.asof_ts(station, day, clock, days_before) for day in days], np.int64)


@dataclass(frozen=True)
class StationWeather:
    """All guidance and climate reports of a station, from which histories for any as-of times are made.

    Attributes:
        station: whose `target` is read.
        climate: its reports (columns: schemas.CLIMATE).
        models: names along the model axis.
        runs: their runs, in that order.
    """

    station: Station
    climate: pa.Table
    models: tuple[str, ...]
    runs: tuple[ModelRuns, ...]

    @classmethod
    def of(
        cls,
        station: Station,
        guidance: pa.Table,
        climate: pa.Table,
        models: Sequence[str],
        lag_hours: Mapping[str, float] | None,
    ) -> StationWeather:
        """Read tables as `read_history` takes them."""
        lags = lag_hours or {}
        runs = tuple(ModelRuns.from_guidance(guidance, model, lags.get(model)) for model in models)
        return cls(station, climate, tuple(models), runs)

    def history(self, first: dt.date, asof: Ints) -> WeatherHistory:
        """What was known at some as-of times.

        Args:
            first: date of the first row.
            asof: as-of time of each day from then on, Unix seconds; (days,).
        """
        observed, observed_known = _observed(self.climate, self.station.target, first, len(asof))
        latest = [runs.latest_known(self.station, first, asof) for runs in self.runs]
        return WeatherHistory(
            first=first,
            target=self.station.target,
            models=self.models,
            asof_ts=asof,
            observed_f=observed,
            observed_known_ts=observed_known,
            value_f=np.array([one.value_f for one in latest]),
            other_f=np.array([one.other_f for one in latest]),
            hourly_extreme_f=np.array([one.hourly_extreme_f for one in latest]),
            known_ts=np.array([one.known_ts for one in latest]),
            own_spread_f=np.array([one.own_spread_f for one in latest]),
        )

    def news(self, day: dt.date, after_ts: int, until_ts: int) -> list[int]:
        """Instants, ascending, at which a run with a new value for a date becomes public; Unix seconds.

        Args:
            day: the climate date.
            after_ts: excluded.
            until_ts: excluded.
        """
        found = {int(ts) for runs in self.runs for ts in runs.known_for(day, self.station.target)}
        return sorted(ts for ts in found if after_ts < ts < until_ts)

    def last_runs(self, day: dt.date, now_ts: int) -> list[NewestRun | None]:
        """The last run of each model that has a value for a date and was public by an instant (Unix seconds), if any."""
        return [runs.last_run(day, self.station, now_ts) for runs in self.runs]


def _observed(climate: pa.Table, target: str, first: dt.date, days: int) -> tuple[Floats, Ints]:
    """Extreme in °F by each day's final report, and when it was known; both (days,)."""
    column = "high_f" if target == "max" else "low_f"
    final = climate.filter(pc.and_(climate["final"], pc.is_valid(climate[column])))
    index = final["climate_date"].cast(pa.int32()).to_numpy().astype(np.int64) - (first - EPOCH).days
    inside = (index >= 0) & (index < days)
    observed, known = np.full(days, np.nan), np.full(days, NEVER)
    observed[index[inside]] = final[column].to_numpy()[inside]
    known[index[inside]] = final["known_at_ts"].to_numpy()[inside]
    return observed, known
