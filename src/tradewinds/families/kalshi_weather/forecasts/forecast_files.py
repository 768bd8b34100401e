"""Forecasts as tables (columns: schemas.FORECASTS), made from station-years of guidance and climate reports."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import lookback
from tradewinds.families.kalshi_weather.forecasts.daily import DailyForecast, Forecaster, ForecastSettings
from tradewinds.families.kalshi_weather.forecasts.distribution import DECIMALS
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory, read_history

Row = dict[str, Any]
ForecastsByDate = dict[dt.date, Row]
UpdatesByDate = dict[dt.date, list[Row]]


def make_forecasts(
    config: Mapping[str, Any],
    station: Station,
    guidance: Sequence[str],
    climate: Sequence[str],
    days: Sequence[dt.date],
) -> pa.Table:
    """The forecasts of a station's target for some days, in order of date (columns: schemas.FORECASTS).

    A day's forecast depends neither on the other days asked for nor on data from before its windows.

    Args:
        config: resolved.
        station: whose `target` is forecast.
        guidance: paths of the station's guidance, reaching back as far as the forecast of the first day.
        climate: paths of the station's climate reports, reaching back as far.
        days: climate dates, in any order.
    """
    if not days:
        return schemas.FORECASTS.empty_table()
    settings = config["probabilities"]
    history = read_history(
        station,
        guidance_table(guidance),
        reports_table(climate),
        first=first_day(settings, days),
        last=max(days),
        asof_policy=config["asof_policy"],
        models=settings["models"],
        lag_hours=settings["publication_lag_hours"],
    )
    rows = [
        forecast_row(station, day, asof_ts, forecast)
        for day, asof_ts, forecast in forecasts_of(settings, history, days)
    ]
    return pa.Table.from_pylist(rows, schemas.FORECASTS)


def first_day(settings: Mapping[str, Any], days: Sequence[dt.date]) -> dt.date:
    """The first date of a history from which the forecasts of some days can be made.

    Args:
        settings: the config's section `probabilities`.
        days: at least one climate date, in any order.
    """
    return min(days) - dt.timedelta(days=lookback.lookback_days(settings))


def forecasts_of(
    settings: Mapping[str, Any], history: WeatherHistory, days: Sequence[dt.date]
) -> Iterator[tuple[dt.date, int, DailyForecast]]:
    """The forecast of each date, in order: date, its as-of time in Unix seconds, forecast.

    Args:
        settings: the config's section `probabilities`.
        history: that reaches back from `first_day`.
        days: climate dates, in any order.
    """
    forecaster = Forecaster(history, ForecastSettings.from_config(settings))
    for day in sorted(days):
        row = history.index(day)
        yield day, int(history.asof_ts[row]), forecaster.forecast(row)


def describe(table: pa.Table) -> dict[str, Any]:
    """Metadata of a file of forecasts: number of rows, and number of days per method.

    Args:
        table: the columns schemas.FORECASTS.
    """
    methods = Counter(table["method"].to_pylist())
    counts = {method or "none": count for method, count in sorted(methods.items(), key=str)}
    return {"rows": table.num_rows, "methods": counts}


def read_forecasts(tables: Iterable[pa.Table]) -> ForecastsByDate:
    """Forecasts of the as-of time (columns: schemas.FORECASTS) by climate date: of tables with updates the first rows."""
    return {day: rows[0] for day, rows in read_updates(tables).items()}


def read_updates(tables: Iterable[pa.Table]) -> UpdatesByDate:
    """Rows of tables of forecasts by climate date, in order of the instants that they are for."""
    found: UpdatesByDate = {}
    for table in tables:
        for row in table.to_pylist():
            found.setdefault(row["climate_date"], []).append(row)
    return found


def guidance_table(paths: Sequence[str]) -> pa.Table:
    """The rows of some files of guidance (columns: schemas.GUIDANCE)."""
    return _concatenated(paths, schemas.GUIDANCE)


def reports_table(paths: Sequence[str]) -> pa.Table:
    """The rows of some files of climate reports (columns: schemas.CLIMATE)."""
    return _concatenated(paths, schemas.CLIMATE)


def _concatenated(paths: Sequence[str], schema: pa.Schema) -> pa.Table:
    """The rows of some files; later columns that an old file lacks are null."""
    tables = [files.read_table(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if missing := [name for name in files.without_absent(schema, table).names if name not in table.column_names]:
            raise DamagedFile(path, f"it has no column {missing[0]}")
    return pa.concat_tables([files.completed(table, schema) for table in tables] or [schema.empty_table()])


def forecast_row(station: Station, day: dt.date, asof_ts: int, forecast: DailyForecast) -> Row:
    """A row of the columns schemas.FORECASTS.

    Args:
        station: whose `target` is forecast.
        day: the climate date.
        asof_ts: the instant of the forecast; Unix seconds.
        forecast: the forecast.
    """
    row: dict[str, Any] = {}
    for method, distribution in forecast.distributions.items():
        moments = {"mu_f": round(distribution.mean_f, DECIMALS), "sigma_f": round(distribution.deviation_f, DECIMALS)}
        row |= {f"{method}_{name}": value for name, value in moments.items()}
        if method == forecast.method:
            row |= moments | {"law": distribution.to_rows()}
    return row | {
        "station_id": station.station_id,
        "target": station.target,
        "climate_date": day,
        "asof_ts": asof_ts,
        "known_at_ts": forecast.known_at_ts,
        "method": forecast.method,
        "reason": forecast.reason,
        "coefficients": forecast.coefficients,
    }
