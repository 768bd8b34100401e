"""Forecasts as tables (columns: schemas.FORECASTS), made from station-years of guidance and climate reports."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import lookback
from tradewinds.families.kalshi_weather.forecasts.daily import DECIMALS, DailyForecast, Forecaster, ForecastSettings
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory, read_history

Row = dict[str, Any]
ForecastsByDate = dict[dt.date, Row]


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
        _concatenated(guidance, schemas.GUIDANCE),
        _concatenated(climate, schemas.CLIMATE),
        first=min(days) - dt.timedelta(days=lookback.lookback_days(settings)),
        last=max(days),
        asof_policy=config["asof_policy"],
        models=settings["models"],
        lag_hours=settings["publication_lag_hours"],
    )
    forecaster = Forecaster(history, ForecastSettings.from_config(settings))
    forecasts = forecaster.forecasts(map(history.index, sorted(days)))
    return pa.Table.from_pylist([_row(station, history, forecast) for forecast in forecasts], schemas.FORECASTS)


def describe(table: pa.Table) -> dict[str, Any]:
    """Metadata of a file of forecasts: number of rows, and number of days per method.

    Args:
        table: the columns schemas.FORECASTS.
    """
    methods = Counter(table["method"].to_pylist())
    counts = {method or "none": count for method, count in sorted(methods.items(), key=str)}
    return {"rows": table.num_rows, "methods": counts}


def read_forecasts(tables: Iterable[pa.Table]) -> ForecastsByDate:
    """Rows of tables of forecasts (columns: schemas.FORECASTS) by climate date."""
    return {row["climate_date"]: row for table in tables for row in table.to_pylist()}


def _concatenated(paths: Sequence[str], schema: pa.Schema) -> pa.Table:
    """The rows of some files; later columns that an old file lacks are null."""
    tables = [files.read_table(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if missing := [name for name in files.without_absent(schema, table).names if name not in table.column_names]:
            raise DamagedFile(path, f"it has no column {missing[0]}")
    return pa.concat_tables([files.completed(table, schema) for table in tables] or [schema.empty_table()])


def _row(station: Station, history: WeatherHistory, forecast: DailyForecast) -> Row:
    """A row of the columns schemas.FORECASTS."""
    row: dict[str, Any] = {}
    for method, distribution in forecast.distributions.items():
        moments = {"mu_f": round(distribution.mean_f, DECIMALS), "sigma_f": round(distribution.deviation_f, DECIMALS)}
        row |= {f"{method}_{name}": value for name, value in moments.items()}
        if method == forecast.method:
            row |= moments | {"law": distribution.to_rows()}
    return row | {
        "station_id": station.station_id,
        "target": station.target,
        "climate_date": history.day(forecast.row),
        "asof_ts": int(history.asof_ts[forecast.row]),
        "known_at_ts": forecast.known_at_ts,
        "method": forecast.method,
        "reason": forecast.reason,
        "coefficients": forecast.coefficients,
    }
