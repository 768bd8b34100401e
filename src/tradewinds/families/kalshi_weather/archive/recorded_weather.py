"""The weather of an import: daily guidance, and observed daily highs and lows as final climate reports."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core.text import whole_seconds_up
from tradewinds.core.units import DAY_SECONDS
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.archive.event_archive import GUIDANCE
from tradewinds.families.kalshi_weather.archive.recorded_files import RecordedFile
from tradewinds.families.kalshi_weather.archive.recorded_markets import ReportedExtremes
from tradewinds.families.kalshi_weather.archive.weather_routes import MODELS
from tradewinds.families.kalshi_weather.fetch.weather import MISSING, REPORT_DELAY_SECONDS

Row = dict[str, Any]

# ASSUME: a final climate report is issued 80 minutes after the climate day, 06:20 UTC in the Eastern zone (documented
# samples: New York 06:15 to 06:29 UTC, Chicago 06:32 to 06:46, so Chicago's is assumed to be late rather than early).
_ISSUED_AFTER_DAY_END = dt.timedelta(minutes=80)
_HOTTEST_F = 150  # and the coldest below zero: beyond them a value is no temperature in °F
# Hours after midnight UTC of the target day at which a run lists a value: 00Z after the day carries its maximum, 12Z of the
# day its minimum. ASSUME: the hour of the day's highest temperature, which is not recorded, is 21Z.
_GUIDANCE_HOURS = {"n_x_max_f": 24, "n_x_min_f": 12, "tmp_max_f": 21}
# Standard deviations that a model itself gives its extremes; a file may lack them.
_OWN_SPREADS = {"n_x_max_f": "n_x_max_sd_f", "n_x_min_f": "n_x_min_sd_f"}
_EXTREMES = {"max": "high_f", "min": "low_f"}


def read_guidance(paths: Iterable[str | Path]) -> pa.Table:
    """Files of daily guidance, as the runs and hours that carry their values (schema GUIDANCE).

    Raises:
        ConfigError: a cell has no plain meaning, or a run has several values for the same hour.
    """
    found: dict[tuple[str, str, int, int], Row] = {}
    for path in paths:
        file = RecordedFile(path, ("station", "model", "runtime_utc", "target_date"))
        _refuse_without(file, _GUIDANCE_HOURS)
        stations, models, days = file.station_ids("station"), _models(file), file.days("target_date")
        runtimes = [whole_seconds_up(moment) for moment in file.needed_instants("runtime_utc", up=True)]
        for name, hours in _GUIDANCE_HOURS.items():
            spreads = _spreads(file, name)
            for row, value in enumerate(_degrees(file, name)):
                if value is None:
                    continue
                midnight = (days[row] - dt.date(1970, 1, 1)).days * DAY_SECONDS
                key = stations[row], models[row], runtimes[row], midnight + hours * 3600
                # a temperature stands in an hour of its own, which carries no extreme
                shown = (math.nan, float(value)) if name == "tmp_max_f" else (float(value), None)
                before = found.setdefault(key, dict(zip(GUIDANCE.names, (*key, *shown, spreads[row]), strict=True)))
                earlier = before["n_x_f"] if before["tmp_f"] is None else before["tmp_f"]
                if value != Decimal(str(earlier)) or spreads[row] != before["n_x_sd_f"]:
                    what = f"{models[row]} of this time has two values for {stations[row]} on {days[row]}."
                    file.refuse(row, name, what, "Keep one of the rows.")
    return pa.Table.from_pylist([found[key] for key in sorted(found)], GUIDANCE)


def read_climate(paths: Iterable[str | Path]) -> pa.Table:
    """Files of observed highs, lows or both, as final climate reports (schema CLIMATE), one per station and date.

    Raises:
        ConfigError: a cell has no plain meaning, or a day has several highs or lows.
    """
    days: dict[tuple[str, dt.date], dict[str, int]] = {}
    for path in paths:
        file = RecordedFile(path, ("station",))
        _refuse_without(file, ("date_local", "date"))
        _refuse_without(file, _EXTREMES.values())
        stations = file.station_ids("station")
        dates = file.days("date_local" if "date_local" in file.table.column_names else "date")
        for name in _EXTREMES.values():
            for row, value in enumerate(_degrees(file, name)):
                if value is None:
                    continue
                if value != int(value):
                    remedy = "Climate reports are in whole °F; an average or a sensor's reading is no report."
                    file.refuse(row, name, f"{value} is no whole number of °F.", remedy)
                known = days.setdefault((stations[row], dates[row]), {})
                if known.setdefault(name, int(value)) != value:
                    what = f"{stations[row]} on {dates[row]} has {known[name]} and {value} °F."
                    file.refuse(row, name, what, "Keep one of the rows.")
        _refuse_low_above_high(file, stations, dates, days)
    reports = [
        _report(*station_day, extremes.get("high_f"), extremes.get("low_f")) for station_day, extremes in days.items()
    ]
    return pa.Table.from_pylist(reports, schemas.CLIMATE)


def extremes_of(reports: pa.Table) -> ReportedExtremes:
    """The extremes of climate reports (schema CLIMATE), by station, date and target."""
    return {
        (row["station_id"], row["climate_date"], target): row[name]
        for row in reports.to_pylist()
        for target, name in _EXTREMES.items()
        if row[name] is not None
    }


def _refuse_without(file: RecordedFile, names: Iterable[str]) -> None:
    """Raise ConfigError for a file that has none of some columns."""
    if not set(names) & set(file.table.column_names):
        file.refuse_columns([" or ".join(names)])


def _models(file: RecordedFile) -> list[str]:
    """The guidance models of a file, by the weather service's names."""
    found = [text.upper() for text in file.needed_texts("model")]
    for row, model in enumerate(found):
        if model not in MODELS:
            remedy = f"The weather service has {', '.join(MODELS)}."
            file.refuse(row, "model", f"{model!r} is no model of the weather service.", remedy)
    return found


def _degrees(file: RecordedFile, name: str) -> list[Decimal | None]:
    """Temperatures in °F; the weather service's words and numbers for a missing one are None."""
    low, high = (Decimal(str(limit)) for limit in MISSING)
    found: list[Decimal | None] = []
    for row, value in enumerate(file.numbers(name, missing=("m",))):
        if value is None or not low < value < high:
            found.append(None)
        elif abs(value) > _HOTTEST_F:
            file.refuse(row, name, f"{value} is no temperature in °F.", "Correct it, or leave it empty.")
        else:
            found.append(value)
    return found


def _spreads(file: RecordedFile, name: str) -> list[float | None]:
    """The standard deviation that each row's model gives an extreme, in °F; None where there is none.

    Args:
        file: of guidance.
        name: the column of the extreme.
    """
    column = _OWN_SPREADS.get(name)
    if column is None:
        return [None] * len(file)
    values = _degrees(file, column)
    for row, value in enumerate(values):
        if value is not None and value < 0:
            file.refuse(row, column, f"{value} is no standard deviation.", "Correct it, or leave it empty.")
    return [None if value is None else float(value) for value in values]


def _refuse_low_above_high(
    file: RecordedFile, stations: list[str], dates: list[dt.date], days: dict[tuple[str, dt.date], dict[str, int]]
) -> None:
    """Raise ConfigError for a day whose low is above its high: the columns are exchanged, or of several days."""
    for row, station_day in enumerate(zip(stations, dates, strict=True)):
        known = days.get(station_day, {})
        if len(known) == len(_EXTREMES) and known["low_f"] > known["high_f"]:
            what = (
                f"the low of {station_day[0]} on {station_day[1]} is {known['low_f']}, its high {known['high_f']} °F."
            )
            file.refuse(row, "low_f", what, "Correct the row.")


def _report(station_id: str, day: dt.date, high: int | None, low: int | None) -> Row:
    """One final climate report, issued shortly after the station's climate day."""
    station = next(s for s in climate_days.stations().values() if s.station_id == station_id)
    end = dt.datetime.fromtimestamp(climate_days.climate_day_bounds(station, day)[1], dt.UTC)
    return climate_row(station, day, high, low, end + _ISSUED_AFTER_DAY_END)


def climate_row(
    station: climate_days.Station, day: dt.date, high: int | None, low: int | None, issued: dt.datetime
) -> Row:
    """A climate report with the product id that goes with its issue time.

    Args:
        station: the station.
        day: the climate date.
        high: in whole °F; None if the report has none.
        low: in whole °F; None if the report has none.
        issued: when the report was issued.

    Returns:
        A row of schema CLIMATE.
    """
    issued_ts = int(issued.timestamp())
    standard = issued + dt.timedelta(hours=station.lst_offset_hours)
    return {
        "station_id": station.station_id,
        "climate_date": day,
        "high_f": high,
        "low_f": low,
        "issued_ts": issued_ts,
        "product": f"{issued:%Y%m%d%H%M}-KXXX-CDUS40-{station.cli_code}",
        "final": standard.date() > day,
        "known_at_ts": issued_ts + REPORT_DELAY_SECONDS,
    }
