"""What was known of one station and target on each day, at that day's as-of time: guidance, and reports with their times.

Everything a forecast is made from passes through here, so that nothing known later can reach it: guidance of a day is the
latest run known by that day's own as-of time, and a report carries the time from which it may be looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import DAY_SECONDS
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station

EPOCH = dt.date(1970, 1, 1)
NEVER = np.int64(2**62)  # known_at of what there is not
HALF_DAY = DAY_SECONDS // 2


@dataclass(frozen=True)
class History:
    """One station and target, a row per day from `first` on; °F (NaN: none) and Unix seconds (NEVER: none).

    Shapes: `asof_ts`, `observed_f`, `observed_known_ts` (days,); the others (models, days). `value_f` is the guidance of the
    target extreme; `other_f` that of the day's other extreme and `tmp_f` the extreme of the temperatures that the same run
    expects during the climate day; `known_ts` is when that run was known.
    """

    first: dt.date
    target: str
    models: tuple[str, ...]
    asof_ts: Ints
    observed_f: Floats
    observed_known_ts: Ints
    value_f: Floats
    other_f: Floats
    tmp_f: Floats
    known_ts: Ints

    def day(self, index: int) -> dt.date:
        """The date of a row."""
        return self.first + dt.timedelta(days=index)

    def index(self, day: dt.date) -> int:
        """The row of a date."""
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
) -> History:
    """The history of a station's target from `first` to `last`, from tables of schemas store.GUIDANCE and store.CLIMATE.

    `lag_hours` replaces, by model, the publication lag with which the rows' known_at was reckoned. Of the final reports of
    a day the last row counts; preliminary ones are left out.
    """
    days = climate_days.date_range(first, last)
    clock, before = asof_policy["local_time"], asof_policy["days_before"]
    asof = np.array([climate_days.asof_ts(station, day, clock, before) for day in days], np.int64)
    observed, observed_known = _observed(climate, station.target, first, len(days))
    parts = [_Runs.of(guidance, model, (lag_hours or {}).get(model)).by_day(station, first, asof) for model in models]
    value, other, tmp, known = (np.array([part[i] for part in parts]) for i in range(4))
    return History(first, station.target, tuple(models), asof, observed, observed_known, value, other, tmp, known)


def _observed(climate: pa.Table, target: str, first: dt.date, days: int) -> tuple[Floats, Ints]:
    column = "high_f" if target == "max" else "low_f"
    final = climate.filter(pc.and_(climate["final"], pc.is_valid(climate[column])))
    index = final["climate_date"].cast(pa.int32()).to_numpy().astype(np.int64) - (first - EPOCH).days
    inside = (index >= 0) & (index < days)
    observed, known = np.full(days, np.nan), np.full(days, NEVER)
    observed[index[inside]] = final[column].to_numpy()[inside]
    known[index[inside]] = final["known_at_ts"].to_numpy()[inside]
    return observed, known


def guidance_day(ftime_ts: Ints, target: str) -> Ints:
    """Days since 1970 that guidance values belong to, −1 where the hour does not carry the target.

    The maximum of D stands at 00Z of D + 1, the minimum of D at 12Z of D.
    """
    hour = 0 if target == "max" else HALF_DAY
    return np.where(ftime_ts % DAY_SECONDS == hour, ftime_ts // DAY_SECONDS - (target == "max"), -1)


@dataclass(frozen=True)
class _Runs:
    """The rows of one model."""

    runtime: Ints
    ftime: Ints
    known: Ints
    extreme: Floats
    tmp: Floats

    @classmethod
    def of(cls, guidance: pa.Table, model: str, lag_hours: float | None) -> _Runs:
        rows = guidance.filter(pc.equal(guidance["model"], model))
        whole = ("runtime_ts", "ftime_ts", "known_at_ts")
        runtime, ftime, known = (rows[name].to_numpy().astype(np.int64) for name in whole)
        if lag_hours is not None:
            known = runtime + ceil(lag_hours * 3600)
        extreme, tmp = (rows[name].cast(pa.float64()).to_numpy() for name in ("n_x_f", "tmp_f"))
        return cls(runtime, ftime, known, extreme, tmp)

    def by_day(self, station: Station, first: dt.date, asof: Ints) -> tuple[Floats, Floats, Floats, Ints]:
        """Value, other extreme, extreme of the temperatures and known_at of the latest run known by each day's as-of time."""
        start, days = (first - EPOCH).days, len(asof)
        index = guidance_day(self.ftime, station.target) - start
        usable = (index >= 0) & (index < days) & np.isfinite(self.extreme)
        usable[usable] = self.known[usable] <= asof[index[usable]]
        rows = np.flatnonzero(usable)
        rows = rows[np.lexsort((self.extreme[rows], self.runtime[rows], self.known[rows], index[rows]))]
        latest = rows[np.append(np.diff(index[rows]) > 0, True)] if len(rows) else rows
        at = index[latest]
        value, other, tmp = (np.full(days, np.nan) for _ in range(3))
        known = np.full(days, NEVER)
        value[at], known[at] = self.extreme[latest], self.known[latest]
        runs = _key(at + start, self.runtime[latest])
        other[at] = _look_up(runs, *self._other(station.target))
        tmp[at] = _look_up(runs, *self._temperatures(station))
        return value, other, tmp, known

    def _other(self, target: str) -> tuple[Ints, Floats]:
        day = guidance_day(self.ftime, "min" if target == "max" else "max")
        rows = (day >= 0) & np.isfinite(self.extreme)
        return _key(day[rows], self.runtime[rows]), self.extreme[rows]

    def _temperatures(self, station: Station) -> tuple[Ints, Floats]:
        """The extreme of each run's temperatures in each climate day, of runs that have more than those of 00Z and 12Z."""
        rows = np.flatnonzero(np.isfinite(self.tmp))
        keys = _key((self.ftime[rows] + station.lst_offset_hours * 3600) // DAY_SECONDS, self.runtime[rows])
        order = np.argsort(keys, kind="stable")
        keys, rows = keys[order], rows[order]
        if not len(keys):
            return keys, self.tmp[rows]
        starts = np.flatnonzero(np.append(True, np.diff(keys) > 0))
        extreme = (np.maximum if station.target == "max" else np.minimum).reduceat(self.tmp[rows], starts)
        between = np.add.reduceat(self.ftime[rows] % HALF_DAY != 0, starts) > 0
        return keys[starts][between], extreme[between]


def _key(day: Ints, runtime: Ints) -> Ints:
    """One whole number for a day (since 1970) and a run (Unix seconds)."""
    return day * 2**33 + runtime


def _look_up(wanted: Ints, keys: Ints, values: Floats) -> Floats:
    """The value of each wanted key, NaN where there is none."""
    if not len(keys):
        return np.full(len(wanted), np.nan)
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys[order], wanted, side="right") - 1, len(keys) - 1)
    found = order[np.maximum(place, 0)]
    return np.where(keys[found] == wanted, values[found], np.nan)
