"""P(YES) of every market of a run at its event's as-of time, as one table."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tradewinds import calendars, store
from tradewinds.calendars import Station
from tradewinds.errors import SimulationError
from tradewinds.forecasts import user_file
from tradewinds.forecasts.gaussian import Forecast, GaussianModel, station_history
from tradewinds.forecasts.integer_mass import bracket_probability
from tradewinds.markets.strikes import strike_bounds

Row = dict[str, Any]
Made = tuple[list[Row], dict[str, str]]  # rows, and per event without any the reason

_CATALOG_COLUMNS = [
    "event_ticker",
    "market_ticker",
    "climate_date",
    "strike_type",
    "floor_strike",
    "cap_strike",
    "yes_sub_title",
]


def build_probabilities(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    guidance: Mapping[str, list[str]],
    climate: Mapping[str, list[str]],
    user_path: str | None,
) -> tuple[pa.Table, dict[str, Any]]:
    """The run's probabilities (schema store.PROBABILITIES) and metadata with the reasons of events that have none.

    Args:
        config: resolved; catalogs: path per series; guidance, climate: paths per station; user_path: the user's file.

    Raises:
        SimulationError: the user's file is wrong, or a market's strikes cannot be read.
    """
    markets = {series: _markets(path, config) for series, path in catalogs.items()}
    rows, reasons = (
        _from_file(config, markets, user_path) if user_path else _from_model(config, markets, guidance, climate)
    )
    rows.sort(key=lambda row: (row["climate_date"], row["market_ticker"]))
    meta = {
        "source": config["probabilities"]["source"],
        "markets": len(rows),
        "events_without": dict(sorted(reasons.items())),
        "reasons": dict(sorted(Counter(reasons.values()).items())),
    }
    return pa.Table.from_pylist(rows, store.PROBABILITIES), meta


def _markets(path: str, config: Mapping[str, Any]) -> dict[dt.date, list[Row]]:
    """Catalog rows of the run's range, by climate date."""
    found: dict[dt.date, list[Row]] = {}
    for row in store.read_rows(path, _CATALOG_COLUMNS, (config["date_start_local"], config["date_end_local"])):
        found.setdefault(row["climate_date"], []).append(row)
    return found


def _row(station: Station, market: Row, asof: int, known_at: int, p_yes: Decimal, method: str) -> Row:
    return {
        "series_ticker": station.series_ticker,
        "event_ticker": market["event_ticker"],
        "market_ticker": market["market_ticker"],
        "climate_date": market["climate_date"],
        "asof_ts": asof,
        "known_at_ts": known_at,
        "p_yes": p_yes,
        "mu_f": None,
        "sigma_f": None,
        "method": method,
    }


def _from_file(config: Mapping[str, Any], markets: Mapping[str, Mapping[dt.date, list[Row]]], path: str) -> Made:
    known = user_file.read_user_file(path)
    policy = config["asof_policy"]
    rows: list[Row] = []
    reasons = {}
    for series, days in markets.items():
        station = calendars.station_of(series)
        for day, listed in days.items():
            asof = calendars.asof_ts(station, day, policy["local_time"], policy["days_before"])
            found = [(m, user_file.latest(known.get(m["market_ticker"], []), asof)) for m in listed]
            rows += [_row(station, m, asof, hit[0], hit[1], "file") for m, hit in found if hit]
            if not any(hit for _, hit in found):
                reasons[listed[0]["event_ticker"]] = "NOT_IN_FILE"
    return rows, reasons


def _from_model(
    config: Mapping[str, Any],
    markets: Mapping[str, Mapping[dt.date, list[Row]]],
    guidance: Mapping[str, list[str]],
    climate: Mapping[str, list[str]],
) -> Made:
    rows: list[Row] = []
    reasons = {}
    for series, days in markets.items():
        station = calendars.station_of(series)
        model = _model(config, station, guidance[station.station_id], climate[station.station_id])
        for day, listed in days.items():
            forecast = model.forecast(day)
            if isinstance(forecast, Forecast):
                rows += [_forecast_row(station, market, model.asof(day), forecast) for market in listed]
            else:
                reasons[listed[0]["event_ticker"]] = forecast.reason
    return rows, reasons


def _model(config: Mapping[str, Any], station: Station, guidance: list[str], climate: list[str]) -> GaussianModel:
    settings = config["probabilities"]
    history = station_history(_rows(guidance), _rows(climate), station.target, settings["publication_lag_hours"])
    return GaussianModel(
        station,
        history,
        asof_policy=config["asof_policy"],
        models=settings["models"],
        trailing_days=settings["trailing_days"],
        min_days=settings["min_days"],
        sigma_floor_f=settings["sigma_floor_f"],
    )


def _rows(paths: list[str]) -> list[Row]:
    return [row for path in paths for row in store.read_rows(path)]


def _forecast_row(station: Station, market: Row, asof: int, forecast: Forecast) -> Row:
    try:
        low, high = strike_bounds(
            market["strike_type"], market["floor_strike"], market["cap_strike"], market["yes_sub_title"]
        )
    except ValueError as error:
        remedy = "Leave its date out, or bring probabilities in a file."
        raise SimulationError(f"{error}.", where=market["market_ticker"], remedy=remedy) from None
    p_yes = bracket_probability(low, high, forecast.mu_f, forecast.sigma_f)
    row = _row(station, market, asof, forecast.known_at_ts, p_yes, "gaussian")
    return row | {"mu_f": forecast.mu_f, "sigma_f": forecast.sigma_f}
