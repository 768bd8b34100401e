"""Forecasts as tables (schema store.FORECASTS): made from station-years of guidance and climate reports, and read again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import reach
from tradewinds.families.kalshi_weather.forecasts.daily import DECIMALS, Daily, Forecaster, Settings
from tradewinds.families.kalshi_weather.forecasts.history import History, read_history

Row = dict[str, Any]
ByDay = dict[dt.date, Row]


def make_forecasts(
    config: Mapping[str, Any],
    station: Station,
    guidance: Sequence[str],
    climate: Sequence[str],
    days: Sequence[dt.date],
) -> pa.Table:
    """The forecasts of a station's target for some days, in order (schema store.FORECASTS).

    A day's forecast is the same whatever other days are asked and however far back the files reach past its windows.

    Args:
        config: resolved; guidance, climate: files of the station that reach back as far as the forecast of the first day.
    """
    if not days:
        return schemas.FORECASTS.empty_table()
    settings = config["probabilities"]
    history = read_history(
        station,
        _joined(guidance, schemas.GUIDANCE),
        _joined(climate, schemas.CLIMATE),
        first=min(days) - dt.timedelta(days=reach.reach_days(settings)),
        last=max(days),
        asof_policy=config["asof_policy"],
        models=settings["models"],
        lag_hours=settings["publication_lag_hours"],
    )
    found = Forecaster(history, Settings.of(settings)).days(map(history.index, sorted(days)))
    return pa.Table.from_pylist([_row(station, history, day) for day in found], schemas.FORECASTS)


def describe(table: pa.Table) -> dict[str, Any]:
    """Metadata of a file of forecasts: how many days had which method."""
    methods = Counter(table["method"].to_pylist())
    counts = {method or "none": count for method, count in sorted(methods.items(), key=str)}
    return {"rows": table.num_rows, "methods": counts}


def read_forecasts(tables: Iterable[pa.Table]) -> ByDay:
    """Rows by climate date."""
    return {row["climate_date"]: row for table in tables for row in table.to_pylist()}


def _joined(paths: Sequence[str], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([files.read_table(path, schema.names) for path in paths] or [schema.empty_table()])


def _row(station: Station, history: History, daily: Daily) -> Row:
    found: dict[str, Any] = {}
    for method, law in daily.laws.items():
        said = {"mu_f": round(law.mean_f, DECIMALS), "sigma_f": round(law.deviation_f, DECIMALS)}
        found |= {f"{method}_{name}": value for name, value in said.items()}
        if method == daily.method:
            found |= said | {"law": law.rows()}
    return found | {
        "station_id": station.station_id,
        "target": station.target,
        "climate_date": history.day(daily.row),
        "asof_ts": int(history.asof_ts[daily.row]),
        "known_at_ts": daily.known_at_ts,
        "method": daily.method,
        "reason": daily.reason,
        "coefficients": daily.coefficients,
    }
