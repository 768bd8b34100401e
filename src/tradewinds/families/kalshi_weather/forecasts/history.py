"""Guidance and climate reports of one station and target, as known at the as-of time of each day.

All data of a forecast passes through this module, so that nothing known later can reach it: the guidance of a day is the
latest run known by that day's own as-of time, and a report carries the time from which it may be used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import DAY_SECONDS, NEVER
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station

EPOCH = dt.date(1970, 1, 1)
HALF_DAY = DAY_SECONDS // 2


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
    runs: tuple[_ModelRuns, ...]

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
        runs = tuple(_ModelRuns.from_guidance(guidance, model, lags.get(model)) for model in models)
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


def guidance_day(ftime_ts: Ints, target: str) -> Ints:
    """Days since 1970 to which guidance values belong, −1 where the hour does not carry the target.

    The maximum of D stands at 00Z of D + 1, the minimum of D at 12Z of D.

    Args:
        ftime_ts: instants that the values are for, Unix seconds; (rows,).
        target: "max" or "min".

    Returns:
        Days since 1970; (rows,).
    """
    hour = 0 if target == "max" else HALF_DAY
    return np.where(ftime_ts % DAY_SECONDS == hour, ftime_ts // DAY_SECONDS - (target == "max"), -1)


class _LatestRun(NamedTuple):
    """Of the latest run known by each day's as-of time; all (days,), as in WeatherHistory."""

    value_f: Floats
    other_f: Floats
    hourly_extreme_f: Floats
    known_ts: Ints
    own_spread_f: Floats


class NewestRun(NamedTuple):
    """The last public run of a model that has a value for a date.

    Attributes:
        runtime_ts: when the run began; Unix seconds.
        known_at_ts: when it became public; Unix seconds.
        extreme_f: its value in °F.
        hours_ts: hours of the climate day for which it has a temperature, ascending; Unix seconds.
        hours_f: these temperatures in °F.
    """

    runtime_ts: int
    known_at_ts: int
    extreme_f: float
    hours_ts: tuple[int, ...]
    hours_f: tuple[float, ...]


@dataclass(frozen=True)
class _ModelRuns:
    """Guidance rows of one model; all (rows,). Instants in Unix seconds, temperatures in °F (NaN: none)."""

    runtime: Ints
    ftime: Ints
    known: Ints
    extreme: Floats
    tmp: Floats
    own_spread: Floats

    @classmethod
    def from_guidance(cls, guidance: pa.Table, model: str, lag_hours: float | None) -> _ModelRuns:
        """The rows of a model; `lag_hours` replaces the publication lag in their known_at_ts."""
        rows = guidance.filter(pc.equal(guidance["model"], model))
        instants = ("runtime_ts", "ftime_ts", "known_at_ts")
        runtime, ftime, known = (rows[name].to_numpy().astype(np.int64) for name in instants)
        if lag_hours is not None:
            known = runtime + ceil(lag_hours * 3600)
        extreme, tmp, own_spread = (rows[name].cast(pa.float64()).to_numpy() for name in ("n_x_f", "tmp_f", "n_x_sd_f"))
        return cls(runtime=runtime, ftime=ftime, known=known, extreme=extreme, tmp=tmp, own_spread=own_spread)

    def latest_known(self, station: Station, first: dt.date, asof: Ints) -> _LatestRun:
        """Guidance for each day by the latest run that was known at the day's as-of time (`asof`, Unix seconds; (days,))."""
        # Rows that carry the target's extreme of a day of the history, and were known by that day's as-of time.
        start, days = (first - EPOCH).days, len(asof)
        index = guidance_day(self.ftime, station.target) - start
        usable = (index >= 0) & (index < days) & np.isfinite(self.extreme)
        usable[usable] = self.known[usable] <= asof[index[usable]]
        rows = np.flatnonzero(usable)

        # Per day, the last row by time of knowledge, then by run time.
        rows = rows[np.lexsort((self.extreme[rows], self.runtime[rows], self.known[rows], index[rows]))]
        latest = rows[np.append(np.diff(index[rows]) > 0, True)] if len(rows) else rows
        day_index = index[latest]

        value, other, tmp, own_spread = (np.full(days, np.nan) for _ in range(4))
        known = np.full(days, NEVER)
        value[day_index], known[day_index] = self.extreme[latest], self.known[latest]
        own_spread[day_index] = self.own_spread[latest]
        # The other quantities come from the same run.
        runs = _day_run_key(day_index + start, self.runtime[latest])
        other_keys, others = self._other_extremes(station.target)
        other[day_index] = _values_at(runs, other_keys, others)
        tmp_keys, tmps = self._temperature_extremes(station)
        tmp[day_index] = _values_at(runs, tmp_keys, tmps)
        return _LatestRun(value_f=value, other_f=other, hourly_extreme_f=tmp, known_ts=known, own_spread_f=own_spread)

    @cached_property
    def _in_order(self) -> tuple[Ints, Ints]:
        """Rows in the order of the instants that they are for, and these instants."""
        order = np.argsort(self.ftime, kind="stable")
        return order, self.ftime[order]

    def _rows_near(self, day: dt.date) -> Ints:
        """Rows for the UTC date and the next one: those of the climate day are among them."""
        order, ftime = self._in_order
        midnight = (day - EPOCH).days * DAY_SECONDS
        first, end = np.searchsorted(ftime, [midnight, midnight + 2 * DAY_SECONDS])
        near: Ints = order[first:end]
        return near

    def _with_extreme(self, day: dt.date, target: str) -> Ints:
        """Rows with the target's extreme of a date."""
        rows = self._rows_near(day)
        is_of_day = guidance_day(self.ftime[rows], target) == (day - EPOCH).days
        wanted: Ints = rows[is_of_day & np.isfinite(self.extreme[rows])]
        return wanted

    def known_for(self, day: dt.date, target: str) -> Ints:
        """When each run with a value for a date became public; Unix seconds."""
        known: Ints = self.known[self._with_extreme(day, target)]
        return known

    def last_run(self, day: dt.date, station: Station, now_ts: int) -> NewestRun | None:
        """The last run with a value for a date that was public by an instant, None without one."""
        rows = self._with_extreme(day, station.target)
        rows = rows[self.known[rows] <= now_ts]
        if not len(rows):
            return None
        # as in `latest_known`: the last by time of knowledge, then by run time
        last = rows[np.lexsort((self.extreme[rows], self.runtime[rows], self.known[rows]))][-1]
        begin, end = climate_days.climate_day_bounds(station, day)
        near = self._rows_near(day)
        hours = near[(self.runtime[near] == self.runtime[last]) & np.isfinite(self.tmp[near])]
        hours = hours[(self.ftime[hours] >= begin) & (self.ftime[hours] <= end)]
        hours = hours[np.argsort(self.ftime[hours], kind="stable")]
        return NewestRun(
            runtime_ts=int(self.runtime[last]),
            known_at_ts=int(self.known[last]),
            extreme_f=float(self.extreme[last]),
            hours_ts=tuple(self.ftime[hours].tolist()),
            hours_f=tuple(self.tmp[hours].tolist()),
        )

    def _other_extremes(self, target: str) -> tuple[Ints, Floats]:
        """Day-and-run keys and °F of the extremes that are not the target."""
        day = guidance_day(self.ftime, "min" if target == "max" else "max")
        rows = (day >= 0) & np.isfinite(self.extreme)
        return _day_run_key(day[rows], self.runtime[rows]), self.extreme[rows]

    def _temperature_extremes(self, station: Station) -> tuple[Ints, Floats]:
        """Day-and-run keys and °F of the extreme of each run's temperatures in each climate day.

        Runs that have no temperatures but those of 00Z and 12Z in a day are left out.
        """
        # Order the temperatures by climate day (local standard time) and run.
        rows = np.flatnonzero(np.isfinite(self.tmp))
        local_day = (self.ftime[rows] + station.lst_offset_hours * 3600) // DAY_SECONDS
        keys = _day_run_key(local_day, self.runtime[rows])
        order = np.argsort(keys, kind="stable")
        keys, rows = keys[order], rows[order]
        if not len(keys):
            return keys, self.tmp[rows]
        # Reduce each group of equal keys to its extreme.
        starts = np.flatnonzero(np.append(True, np.diff(keys) > 0))
        extreme = (np.maximum if station.target == "max" else np.minimum).reduceat(self.tmp[rows], starts)
        has_other_hours = np.add.reduceat(self.ftime[rows] % HALF_DAY != 0, starts) > 0
        return keys[starts][has_other_hours], extreme[has_other_hours]


def _day_run_key(day: Ints, runtime: Ints) -> Ints:
    """One integer for a day (days since 1970) and a run (Unix seconds)."""
    return day * 2**33 + runtime


def _values_at(wanted: Ints, keys: Ints, values: Floats) -> Floats:
    """The value of each wanted key, NaN where the key is missing; of several equal keys the last counts."""
    if not len(keys):
        return np.full(len(wanted), np.nan)
    order = np.argsort(keys, kind="stable")
    rank = np.minimum(np.searchsorted(keys[order], wanted, side="right") - 1, len(keys) - 1)
    nearest = order[np.maximum(rank, 0)]
    return np.where(keys[nearest] == wanted, values[nearest], np.nan)
