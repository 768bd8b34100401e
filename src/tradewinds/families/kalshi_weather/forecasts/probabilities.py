"""P(YES) of every market of a run at its event's as-of time, as one table."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.core.files import read_rows, read_table
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import user_probabilities
from tradewinds.families.kalshi_weather.forecasts.forecast_files import ByDay, make_forecasts, read_forecasts
from tradewinds.families.kalshi_weather.forecasts.integer_mass import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.law import Law
from tradewinds.families.kalshi_weather.strikes import Bounds, strike_bounds

logger = logging.getLogger(__name__)

UNREADABLE_STRIKES = "UNREADABLE_STRIKES"

_STRIKES = ("strike_type", "floor_strike", "cap_strike", "yes_sub_title")
_CATALOG_COLUMNS = ["event_ticker", "market_ticker", "climate_date", *_STRIKES]

Row = dict[str, Any]


class Made(NamedTuple):
    """Rows; the reason of each event without any; what is wrong with each market whose strikes cannot be read."""

    rows: list[Row]
    events_without: dict[str, str]
    markets_without: dict[str, str]


def build_probabilities(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    forecasts: Mapping[str, Sequence[str]],
    user_path: str | None,
) -> tuple[pa.Table, dict[str, Any]]:
    """The run's probabilities (schema store.PROBABILITIES) and metadata with the reasons of events that have none.

    A market whose strikes cannot be read gets none from the forecast: its reason is logged and in the metadata.

    Args:
        config: resolved; catalogs: path per series; forecasts: paths per series; user_path: the user's file.

    Raises:
        SimulationError: the user's file is wrong.
    """
    if user_path:
        return _table(config, _from_file(config, _listed(config, catalogs), user_path))
    tables = {series: read_forecasts(map(read_table, forecasts[series])) for series in catalogs}
    return _table(config, _from_model(_listed(config, catalogs), tables))


def forecast_probabilities(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    guidance: Mapping[str, list[str]],
    climate: Mapping[str, list[str]],
) -> tuple[pa.Table, dict[str, Any]]:
    """What `build_probabilities` gives, from the weather itself (paths per station), with no file of forecasts between."""
    markets = _listed(config, catalogs)
    tables = {}
    for series, days in markets.items():
        station = climate_days.station_of(series)
        files = guidance[station.station_id], climate[station.station_id]
        tables[series] = read_forecasts([make_forecasts(config, station, *files, sorted(days))])
    return _table(config, _from_model(markets, tables))


Listed = dict[str, dict[dt.date, list[Row]]]  # catalog rows by series and climate date


def _listed(config: Mapping[str, Any], catalogs: Mapping[str, str]) -> Listed:
    return {series: _markets(path, config) for series, path in catalogs.items()}


def _table(config: Mapping[str, Any], made: Made) -> tuple[pa.Table, dict[str, Any]]:
    rows, reasons, left_out = made
    for ticker, problem in sorted(left_out.items()):
        logger.warning("%s has no probability: %s", ticker, problem)
    rows.sort(key=lambda row: (row["climate_date"], row["market_ticker"]))
    meta = {
        "source": config["probabilities"]["source"],
        "markets": len(rows),
        "methods": dict(sorted(Counter(row["method"] for row in rows).items())),
        "events_without": dict(sorted(reasons.items())),
        "reasons": dict(sorted(Counter(reasons.values()).items())),
        "markets_without": dict(sorted(left_out.items())),
    }
    return pa.Table.from_pylist(rows, schemas.PROBABILITIES), meta


def _markets(path: str, config: Mapping[str, Any]) -> dict[dt.date, list[Row]]:
    """Catalog rows of the run's range, by climate date."""
    found: dict[dt.date, list[Row]] = {}
    for row in read_rows(path, _CATALOG_COLUMNS, (config["date_start_local"], config["date_end_local"])):
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
        "method": method,
    }


def _from_file(config: Mapping[str, Any], markets: Listed, path: str) -> Made:
    known = user_probabilities.read_user_file(path)
    policy = config["asof_policy"]
    rows: list[Row] = []
    reasons = {}
    for series, days in markets.items():
        station = climate_days.station_of(series)
        for day, listed in days.items():
            asof = climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])
            found = [(m, user_probabilities.latest(known.get(m["market_ticker"], []), asof)) for m in listed]
            rows += [_row(station, m, asof, hit[0], hit[1], "file") for m, hit in found if hit]
            if not any(hit for _, hit in found):
                reasons[listed[0]["event_ticker"]] = "NOT_IN_FILE"
    return Made(rows, reasons, {})


def _from_model(markets: Listed, forecasts: Mapping[str, ByDay]) -> Made:
    made = Made([], {}, {})
    for series, days in markets.items():
        station = climate_days.station_of(series)
        for day, listed in days.items():
            forecast = forecasts[series][day]
            if forecast["method"]:
                _add_event(made, station, listed, forecast)
            else:
                made.events_without[listed[0]["event_ticker"]] = forecast["reason"]
    return made


def _add_event(made: Made, station: Station, listed: list[Row], forecast: Row) -> None:
    """The probabilities of an event's markets, of those whose strikes can be read."""
    before = len(made.rows)
    for market in listed:
        try:
            bounds = strike_bounds(*(market[name] for name in _STRIKES))
        except ValueError as error:
            made.markets_without[market["market_ticker"]] = str(error)
        else:
            made.rows.append(_forecast_row(station, market, bounds, forecast))
    if len(made.rows) == before:
        made.events_without[listed[0]["event_ticker"]] = UNREADABLE_STRIKES


def _forecast_row(station: Station, market: Row, bounds: Bounds, forecast: Row) -> Row:
    p_yes = bracket_probability(*bounds, Law.of(forecast["law"]))
    row = _row(station, market, forecast["asof_ts"], forecast["known_at_ts"], p_yes, forecast["method"])
    return row | {name: forecast[name] for name in ("mu_f", "sigma_f", "law", "reason")}
