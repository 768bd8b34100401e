"""Forecasts brought up to date at every model run that becomes public (columns: schemas.FORECAST_UPDATES)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.current_forecast import CurrentForecasts
from tradewinds.families.kalshi_weather.forecasts.daily import DailyForecast
from tradewinds.families.kalshi_weather.forecasts.distribution import DECIMALS
from tradewinds.families.kalshi_weather.forecasts.forecast_files import (
    first_day,
    forecast_row,
    forecasts_of,
    guidance_table,
    reports_table,
)
from tradewinds.families.kalshi_weather.forecasts.history import asof_times
from tradewinds.families.kalshi_weather.forecasts.running_law import course_of

Row = dict[str, Any]


def make_updates(
    config: Mapping[str, Any],
    station: Station,
    guidance: Sequence[str],
    climate: Sequence[str],
    days: Sequence[dt.date],
) -> pa.Table:
    """The forecasts of a station's target at the as-of time of each day and at every later run that is public by its end.

    A row depends neither on the other days asked for nor on data from before its windows. The row of the as-of time is that of
    `forecast_files.make_forecasts`.

    Args:
        config: resolved.
        station: whose `target` is forecast.
        guidance: paths of the station's guidance, reaching back as far as the forecast of the first day.
        climate: paths of the station's climate reports, reaching back as far.
        days: climate dates, in any order.

    Returns:
        Rows (columns: schemas.FORECAST_UPDATES) in order of date and instant.
    """
    if not days:
        return schemas.FORECAST_UPDATES.empty_table()
    settings = config["probabilities"]
    forecasts = CurrentForecasts(settings, station, guidance_table(guidance), reports_table(climate))
    first = first_day(settings, days)
    asof = asof_times(station, climate_days.date_range(first, max(days)), config["asof_policy"])
    history = forecasts.weather.history(first, asof)
    rows: dict[tuple[dt.date, int], Row] = {}
    by_offset: dict[int, list[tuple[dt.date, int]]] = defaultdict(list)
    for day, asof_ts, forecast in forecasts_of(settings, history, days):
        rows[day, asof_ts] = _row(forecasts, day, asof_ts, forecast)
        begin, end = climate_days.climate_day_bounds(station, day)
        for ts in forecasts.weather.news(day, asof_ts, end):
            by_offset[ts - begin].append((day, ts))
    # runs become public at the same time on many days: one history serves all of these
    for offset, updates in sorted(by_offset.items()):
        forecasts.prepare(offset, min(updates)[0], max(updates)[0])
        for day, ts in updates:
            rows[day, ts] = _row(forecasts, day, ts, forecasts.daily(day, ts))
        forecasts.forget(offset)
    return pa.Table.from_pylist([rows[key] for key in sorted(rows)], schemas.FORECAST_UPDATES)


def _row(forecasts: CurrentForecasts, day: dt.date, ts: int, forecast: DailyForecast) -> Row:
    """A row of the table: the forecast of a date at an instant, and the course of the day."""
    runs = [run for run in forecasts.weather.last_runs(day, ts) if run is not None]
    course = course_of([(run.hours_ts, run.hours_f) for run in runs], forecasts.station.target)
    hours = [{"ts": hour.ts, "short_f": round(hour.short_f, DECIMALS)} for hour in course]
    return forecast_row(forecasts.station, day, ts, forecast) | {"course": hours}
