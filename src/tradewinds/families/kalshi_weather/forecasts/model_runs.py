"""Runs of one model at one station: the last one that was public at an instant, and what it says of a climate date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import DAY_SECONDS, NEVER
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station

EPOCH = dt.date(1970, 1, 1)
HALF_DAY = DAY_SECONDS // 2


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


class LatestRun(NamedTuple):
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
class ModelRuns:
    """Guidance rows of one model; all (rows,). Instants in Unix seconds, temperatures in °F (NaN: none)."""

    runtime: Ints
    ftime: Ints
    known: Ints
    extreme: Floats
    tmp: Floats
    own_spread: Floats

    @classmethod
    def from_guidance(cls, guidance: pa.Table, model: str, lag_hours: float | None) -> ModelRuns:
        """The rows of a model; `lag_hours` replaces the publication lag in their known_at_ts."""
        rows = guidance.filter(pc.equal(guidance["model"], model))
        instants = ("runtime_ts", "ftime_ts", "known_at_ts")
        runtime, ftime, known = (rows[name].to_numpy().astype(np.int64) for name in instants)
        if lag_hours is not None:
            known = runtime + ceil(lag_hours * 3600)
        extreme, tmp, own_spread = (rows[name].cast(pa.float64()).to_numpy() for name in ("n_x_f", "tmp_f", "n_x_sd_f"))
        return cls(runtime=runtime, ftime=ftime, known=known, extreme=extreme, tmp=tmp, own_spread=own_spread)

    def latest_known(self, station: Station, first: dt.date, asof: Ints) -> LatestRun:
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
        return LatestRun(value_f=value, other_f=other, hourly_extreme_f=tmp, known_ts=known, own_spread_f=own_spread)

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
