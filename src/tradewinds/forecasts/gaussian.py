"""The first forecast: bias-corrected station guidance with its trailing error, walk-forward.

For a climate date D and its as-of time:
- guidance of D: per model, the latest run known by the as-of time that has a value for D; the mean over the models;
- history: the last `trailing_days` days before D whose final climate report was known by the as-of time, each with the
  guidance that the same rule gave at that day's own as-of time;
- μ = guidance + mean error, σ = root mean square of the error after that correction (n − 1), floored.

Nothing with known_at after the as-of time is looked at, for D or for any day of the history.
"""

from __future__ import annotations

import bisect
import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tradewinds import calendars
from tradewinds.calendars import Station

Run = tuple[int, float]  # known_at, value in °F


@dataclass(frozen=True)
class Forecast:
    """Mean and spread of the day's extreme in °F; `known_at_ts` is when its last input was known."""

    mu_f: float
    sigma_f: float
    known_at_ts: int


@dataclass(frozen=True)
class NoForecast:
    """Why there is none: NO_GUIDANCE or NO_HISTORY."""

    reason: str


@dataclass(frozen=True)
class Observation:
    """A final climate report's value and when it was known."""

    value_f: float
    known_at_ts: int


@dataclass(frozen=True)
class StationHistory:
    """What is known of one station and target: runs per (model, day) in order of known_at, one report per day."""

    runs: Mapping[tuple[str, dt.date], Sequence[Run]]
    observed: Mapping[dt.date, Observation]


def target_day(ftime_ts: int, target: str) -> dt.date | None:
    """The climate date a guidance value belongs to, None if its hour does not carry the target.

    The maximum of D stands at 00Z of D + 1, the minimum of D at 12Z of D.
    """
    moment = dt.datetime.fromtimestamp(ftime_ts, dt.UTC)
    if target == "max" and moment.hour == 0:
        return moment.date() - dt.timedelta(days=1)
    return moment.date() if target == "min" and moment.hour == 12 else None


def station_history(
    guidance: Sequence[Mapping[str, object]],
    climate: Sequence[Mapping[str, object]],
    target: str,
    lag_hours: Mapping[str, float] | None = None,
) -> StationHistory:
    """Sort a station's rows (schemas store.GUIDANCE, store.CLIMATE) for one target; preliminary reports are left out.

    `lag_hours` replaces, by model, the publication lag with which the rows' known_at was reckoned.
    """
    lags = lag_hours or {}
    runs: dict[tuple[str, dt.date], list[Run]] = {}
    for row in guidance:
        day = target_day(int(row["ftime_ts"]), target)  # type: ignore[call-overload]
        if day is not None:
            model = str(row["model"])
            known_at = int(row["known_at_ts"])  # type: ignore[call-overload]
            if model in lags:
                known_at = int(row["runtime_ts"]) + math.ceil(lags[model] * 3600)  # type: ignore[call-overload]
            runs.setdefault((model, day), []).append((known_at, float(row["n_x_f"])))  # type: ignore[arg-type]
    column = "high_f" if target == "max" else "low_f"
    observed = {
        row["climate_date"]: Observation(float(row[column]), int(row["known_at_ts"]))  # type: ignore[arg-type, call-overload]
        for row in climate
        if row["final"] and row[column] is not None
    }
    return StationHistory({key: sorted(found) for key, found in runs.items()}, observed)  # type: ignore[arg-type]


class GaussianModel:
    """Forecasts of one station and target under one as-of policy."""

    def __init__(
        self,
        station: Station,
        history: StationHistory,
        *,
        asof_policy: Mapping[str, object],
        models: Sequence[str],
        trailing_days: int,
        min_days: int,
        sigma_floor_f: float,
    ) -> None:
        self.station, self.history, self.models = station, history, models
        self.clock, self.days_before = str(asof_policy["local_time"]), int(asof_policy["days_before"])  # type: ignore[call-overload]
        self.trailing_days, self.min_days, self.sigma_floor_f = trailing_days, min_days, sigma_floor_f

    def asof(self, day: dt.date) -> int:
        """The as-of time of a day."""
        return calendars.asof_ts(self.station, day, self.clock, self.days_before)

    def guidance(self, day: dt.date) -> Run | None:
        """Mean over the models of their latest value for a day known by that day's as-of time."""
        asof = self.asof(day)
        found = []
        for model in self.models:
            runs = self.history.runs.get((model, day), ())
            known = bisect.bisect_right(runs, (asof, math.inf))
            if known:
                found.append(runs[known - 1])
        if not found:
            return None
        return max(known_at for known_at, _ in found), sum(value for _, value in found) / len(found)

    def forecast(self, day: dt.date) -> Forecast | NoForecast:
        """The forecast of a day as it could be made at its as-of time."""
        guidance = self.guidance(day)
        if guidance is None:
            return NoForecast("NO_GUIDANCE")
        asof = self.asof(day)
        errors, known = [], [guidance[0]]
        for back in range(1, self.trailing_days + 1):
            past = day - dt.timedelta(days=back)
            report, then = self.history.observed.get(past), self.guidance(past)
            if report and then and report.known_at_ts <= asof:
                errors.append(report.value_f - then[1])
                known.append(report.known_at_ts)
        if len(errors) < self.min_days:
            return NoForecast("NO_HISTORY")
        bias = math.fsum(errors) / len(errors)
        spread = math.sqrt(math.fsum((e - bias) ** 2 for e in errors) / (len(errors) - 1))
        return Forecast(guidance[1] + bias, max(spread, self.sigma_floor_f), max(known))
