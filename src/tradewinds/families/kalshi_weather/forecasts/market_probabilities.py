"""P(YES) of every market of a run at its event's as-of time, as one table (columns: schemas.PROBABILITIES)."""

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
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.forecast_files import ForecastsByDate, make_forecasts, read_forecasts
from tradewinds.families.kalshi_weather.strikes import StrikeBounds, strike_bounds

logger = logging.getLogger(__name__)

UNREADABLE_STRIKES = "UNREADABLE_STRIKES"

_STRIKES = ("strike_type", "floor_strike", "cap_strike", "yes_sub_title")
_CATALOG_COLUMNS = ["event_ticker", "market_ticker", "climate_date", *_STRIKES]

Row = dict[str, Any]
MarketsByDate = dict[dt.date, list[Row]]
"""Catalog rows by climate date."""


class ProbabilityRows(NamedTuple):
    """Rows of the table, and what has no row.

    Attributes:
        rows: of the columns schemas.PROBABILITIES.
        events_without: reason by event ticker, of events without any row.
        markets_without: problem by market ticker, of markets whose strikes cannot be read.
    """

    rows: list[Row]
    events_without: dict[str, str]
    markets_without: dict[str, str]


def build_probabilities(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    forecasts: Mapping[str, Sequence[str]],
    user_path: str | None,
    *,
    must_match: bool = True,
) -> tuple[pa.Table, dict[str, Any]]:
    """The run's probabilities, from the user's file if there is one, else from files of forecasts.

    A market whose strikes cannot be read gets no probability from a forecast: a warning is logged, and the reason is part of
    the metadata.

    Args:
        config: resolved.
        catalogs: path per series.
        forecasts: paths per series; not used with a user's file.
        user_path: the user's file, None without one.
        must_match: refuse a user's file of which no row counts for any listed market.

    Returns:
        The table (columns: schemas.PROBABILITIES).
        Its metadata, with the reasons of events that have no probability.

    Raises:
        SimulationError: the user's file is wrong, or matches nothing.
    """
    markets = _markets_by_series(config, catalogs)
    if user_path:
        return _table(config, _rows_from_file(config, markets, user_path, must_match))
    tables = {series: read_forecasts(map(read_table, forecasts[series])) for series in catalogs}
    return _table(config, _rows_from_forecasts(markets, tables))


def forecast_probabilities(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    guidance: Mapping[str, list[str]],
    climate: Mapping[str, list[str]],
) -> tuple[pa.Table, dict[str, Any]]:
    """The run's probabilities as from `build_probabilities`, made from weather data without files of forecasts.

    Args:
        config: resolved.
        catalogs: path per series.
        guidance: paths per station id.
        climate: paths of climate reports per station id.

    Returns:
        The table (columns: schemas.PROBABILITIES).
        Its metadata, with the reasons of events that have no probability.
    """
    markets = _markets_by_series(config, catalogs)
    tables = {}
    for series, days in markets.items():
        station = climate_days.station_of(series)
        forecasts = make_forecasts(
            config, station, guidance[station.station_id], climate[station.station_id], sorted(days)
        )
        tables[series] = read_forecasts([forecasts])
    return _table(config, _rows_from_forecasts(markets, tables))


def _markets_by_series(config: Mapping[str, Any], catalogs: Mapping[str, str]) -> dict[str, MarketsByDate]:
    return {series: catalog_rows(path, config, _CATALOG_COLUMNS) for series, path in catalogs.items()}


def catalog_rows(catalog: str, config: Mapping[str, Any], columns: Sequence[str]) -> MarketsByDate:
    """Catalog rows of the config's range by climate date.

    Args:
        catalog: path of a series' catalog.
        config: resolved.
        columns: names of the columns to read; climate_date is one of them.
    """
    days: MarketsByDate = {}
    in_range = schemas.climate_range(config["date_start_local"], config["date_end_local"])
    for row in read_rows(catalog, list(columns), in_range):
        days.setdefault(row["climate_date"], []).append(row)
    return days


def _table(config: Mapping[str, Any], probabilities: ProbabilityRows) -> tuple[pa.Table, dict[str, Any]]:
    """The table in order of date and ticker, and its metadata; markets without a probability are logged."""
    rows, reasons, left_out = probabilities
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


def _row(station: Station, market: Row, asof_ts: int, known_at_ts: int, p_yes: Decimal, method: str) -> Row:
    return {
        "series_ticker": station.series_ticker,
        "event_ticker": market["event_ticker"],
        "market_ticker": market["market_ticker"],
        "climate_date": market["climate_date"],
        "asof_ts": asof_ts,
        "known_at_ts": known_at_ts,
        "p_yes": p_yes,
        "method": method,
    }


def _rows_from_file(
    config: Mapping[str, Any], markets: Mapping[str, MarketsByDate], path: str, must_match: bool
) -> ProbabilityRows:
    """The probabilities in a user's file that were known by each event's as-of time."""
    by_ticker = user_probabilities.read_user_file(path)
    policy = config["asof_policy"]
    probabilities = ProbabilityRows(rows=[], events_without={}, markets_without={})
    asof_by_ticker: dict[str, int] = {}
    for series, days in markets.items():
        station = climate_days.station_of(series)
        for day, listed in days.items():
            asof_ts = climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])
            rows = []
            asof_by_ticker |= {market["market_ticker"]: asof_ts for market in listed}
            for market in listed:
                latest = user_probabilities.latest(by_ticker.get(market["market_ticker"], []), asof_ts)
                if latest:
                    known_at_ts, p_yes = latest
                    rows.append(_row(station, market, asof_ts, known_at_ts, p_yes, "file"))
            probabilities.rows.extend(rows)
            if not rows:
                probabilities.events_without[listed[0]["event_ticker"]] = "NOT_IN_FILE"
    if must_match:
        user_probabilities.refuse_unmatched(path, by_ticker, asof_by_ticker)
    return probabilities


def _rows_from_forecasts(
    markets: Mapping[str, MarketsByDate], forecasts: Mapping[str, ForecastsByDate]
) -> ProbabilityRows:
    """The probabilities that follow from the forecast of each climate date, by series."""
    probabilities = ProbabilityRows(rows=[], events_without={}, markets_without={})
    for series, days in markets.items():
        station = climate_days.station_of(series)
        for day, listed in days.items():
            forecast = forecasts[series][day]
            if forecast["method"]:
                _add_event(probabilities, station, listed, forecast)
            else:
                probabilities.events_without[listed[0]["event_ticker"]] = forecast["reason"]
    return probabilities


def _add_event(probabilities: ProbabilityRows, station: Station, listed: list[Row], forecast: Row) -> None:
    """Add the probabilities of an event's markets whose strikes can be read."""
    rows_before = len(probabilities.rows)
    for market in listed:
        try:
            bounds = strike_bounds(
                strike_type=market["strike_type"],
                floor_strike=market["floor_strike"],
                cap_strike=market["cap_strike"],
                yes_sub_title=market["yes_sub_title"],
            )
        except ValueError as error:
            probabilities.markets_without[market["market_ticker"]] = str(error)
        else:
            probabilities.rows.append(_forecast_row(station, market, bounds, forecast))
    if len(probabilities.rows) == rows_before:
        probabilities.events_without[listed[0]["event_ticker"]] = UNREADABLE_STRIKES


def _forecast_row(station: Station, market: Row, bounds: StrikeBounds, forecast: Row) -> Row:
    lowest_f, highest_f = bounds
    p_yes = bracket_probability(lowest_f, highest_f, Distribution.from_rows(forecast["law"]))
    row = _row(station, market, forecast["asof_ts"], forecast["known_at_ts"], p_yes, forecast["method"])
    return row | {name: forecast[name] for name in ("mu_f", "sigma_f", "law", "reason")}
