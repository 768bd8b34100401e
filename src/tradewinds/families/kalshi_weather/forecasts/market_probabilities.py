"""P(YES) of every market of a run at its event's as-of time, or from then on, as one table (columns: schemas.PROBABILITIES)."""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.core.files import read_rows, read_table
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import event_laws, user_distributions, user_probabilities
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.current_forecast import readings_of
from tradewinds.families.kalshi_weather.forecasts.event_laws import EventLaw
from tradewinds.families.kalshi_weather.forecasts.forecast_files import UpdatesByDate, make_forecasts, read_updates
from tradewinds.families.kalshi_weather.pooling.probability_sources import DISTRIBUTION, FILE, is_latest
from tradewinds.families.kalshi_weather.strikes import StrikeBounds, strike_bounds

logger = logging.getLogger(__name__)

UNREADABLE_STRIKES = "UNREADABLE_STRIKES"
_NO_OBSERVATIONS: Mapping[tuple[str, dt.date], str] = MappingProxyType({})

_STRIKES = ("strike_type", "floor_strike", "cap_strike", "yes_sub_title")
_CATALOG_COLUMNS = ["event_ticker", "market_ticker", "climate_date", "close_time", *_STRIKES]

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
    observations: Mapping[tuple[str, dt.date], str] = _NO_OBSERVATIONS,
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
        observations: paths of readings by station and climate date, where forecasts are brought up to date by them.
        must_match: refuse a user's file of which no row counts for any listed market.

    Returns:
        The table (columns: schemas.PROBABILITIES).
        Its metadata, with the reasons of events that have no probability.

    Raises:
        SimulationError: the user's file is wrong, or matches nothing.
    """
    markets = _markets_by_series(config, catalogs)
    if user_path:
        from_file = _rows_from_distributions if config["probabilities"]["source"] == DISTRIBUTION else _rows_from_file
        return _table(config, from_file(config, markets, user_path, must_match))
    tables = {series: read_updates(map(read_table, forecasts[series])) for series in catalogs}
    return _table(config, _rows_from_forecasts(config, markets, tables, observations))


def forecast_probabilities(
    config: Mapping[str, Any],
    catalogs: Mapping[str, str],
    guidance: Mapping[str, list[str]],
    climate: Mapping[str, list[str]],
    observations: Mapping[tuple[str, dt.date], str] = _NO_OBSERVATIONS,
) -> tuple[pa.Table, dict[str, Any]]:
    """The run's probabilities as from `build_probabilities`, made from weather data without files of forecasts.

    Args:
        config: resolved.
        catalogs: path per series.
        guidance: paths per station id.
        climate: paths of climate reports per station id.
        observations: as in `build_probabilities`.

    Returns:
        The table (columns: schemas.PROBABILITIES).
        Its metadata, with the reasons of events that have no probability.
    """
    markets = _markets_by_series(config, catalogs)
    tables = {}
    for series, days in markets.items():
        station = climate_days.station_of(series)
        make = _maker_of(config)
        forecasts = make(config, station, guidance[station.station_id], climate[station.station_id], sorted(days))
        tables[series] = read_updates([forecasts])
    return _table(config, _rows_from_forecasts(config, markets, tables, observations))


def _maker_of(config: Mapping[str, Any]) -> Callable[..., pa.Table]:
    """What makes the forecasts of a config: of the as-of times, or brought up to date from then on."""
    if not is_latest(config):
        return make_forecasts
    from tradewinds.families.kalshi_weather.forecasts.forecast_updates import make_updates

    return make_updates


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
    rows.sort(key=lambda row: (row["climate_date"], row["market_ticker"], row["known_at_ts"]))
    meta = {
        "source": config["probabilities"]["source"],
        "markets": len({row["market_ticker"] for row in rows}),
        "methods": dict(sorted(Counter(row["method"] for row in rows).items())),
        "events_without": dict(sorted(reasons.items())),
        "reasons": dict(sorted(Counter(reasons.values()).items())),
        "markets_without": dict(sorted(left_out.items())),
    }
    if is_latest(config):
        return pa.Table.from_pylist(rows, schemas.LATEST_PROBABILITIES), meta | {"rows": len(rows)}
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


def _last_instant(config: Mapping[str, Any], listed: Sequence[Row], asof_ts: int) -> int:
    """The last instant at which a probability may become known and be used: the as-of time, or the last one of trading."""
    return max(close_of(market) for market in listed) - 1 if is_latest(config) else asof_ts


def close_of(market: Row) -> int:
    """When a market of the catalog closes, rounded down; Unix seconds."""
    return int(market["close_time"].timestamp())


def _rows_from_file(
    config: Mapping[str, Any], markets: Mapping[str, MarketsByDate], path: str, must_match: bool
) -> ProbabilityRows:
    """The probabilities in a user's file that were known by each event's as-of time, or while it is traded."""
    by_ticker = user_probabilities.read_user_file(path)
    probabilities = ProbabilityRows(rows=[], events_without={}, markets_without={})
    last_instants: dict[str, int] = {}
    for station, day, listed in _events(markets):
        asof_ts = _asof_of(config, station, day)
        last_ts = _last_instant(config, listed, asof_ts)
        rows = []
        last_instants |= {market["market_ticker"]: last_ts for market in listed}
        for market in listed:
            found = user_probabilities.in_force(by_ticker.get(market["market_ticker"], []), asof_ts, last_ts + 1)
            rows += [_row(station, market, asof_ts, known_at_ts, p_yes, FILE) for known_at_ts, p_yes in found]
        probabilities.rows.extend(rows)
        if not rows:
            probabilities.events_without[listed[0]["event_ticker"]] = "NOT_IN_FILE"
    if must_match:
        user_probabilities.refuse_unmatched(path, by_ticker, last_instants, is_latest(config))
    return probabilities


def _rows_from_distributions(
    config: Mapping[str, Any], markets: Mapping[str, MarketsByDate], path: str, must_match: bool
) -> ProbabilityRows:
    """The probabilities that follow from the user's distributions that were known by then."""
    laws = user_distributions.read_user_file(path, list(markets), config["probabilities"]["sigma_floor_f"])
    probabilities = ProbabilityRows(rows=[], events_without={}, markets_without={})
    last_instants: dict[tuple[str, dt.date], int] = {}
    for station, day, listed in _events(markets):
        key, asof_ts = (station.series_ticker, day), _asof_of(config, station, day)
        last_ts = last_instants[key] = _last_instant(config, listed, asof_ts)
        found = user_distributions.in_force(laws.get(key, ()), asof_ts, last_ts + 1)
        if found:
            _add_event(probabilities, station, listed, asof_ts, event_laws.of_user(found))
        else:
            probabilities.events_without[listed[0]["event_ticker"]] = "NOT_IN_FILE"
    if must_match:
        user_distributions.refuse_unmatched(path, laws, last_instants)
    return probabilities


def _rows_from_forecasts(
    config: Mapping[str, Any],
    markets: Mapping[str, MarketsByDate],
    forecasts: Mapping[str, UpdatesByDate],
    observations: Mapping[tuple[str, dt.date], str],
) -> ProbabilityRows:
    """The probabilities that follow from the forecasts of each climate date, by series."""
    probabilities = ProbabilityRows(rows=[], events_without={}, markets_without={})
    for station, day, listed in _events(markets):
        updates = forecasts[station.series_ticker][day]
        if is_latest(config):
            path = observations.get((station.station_id, day))
            readings = readings_of(read_table(path)) if path else []
            until_ts = _last_instant(config, listed, updates[0]["asof_ts"]) + 1
            floor_f = config["probabilities"]["sigma_floor_f"]
            laws = event_laws.of_updates(station, day, updates, readings, until_ts, floor_f)
        else:
            laws = [event_laws.of_asof(updates[0])] if updates[0]["method"] else []
        if laws:
            _add_event(probabilities, station, listed, updates[0]["asof_ts"], laws)
        else:
            probabilities.events_without[listed[0]["event_ticker"]] = updates[0]["reason"]
    return probabilities


def _events(markets: Mapping[str, MarketsByDate]) -> Iterator[tuple[Station, dt.date, list[Row]]]:
    """Station, climate date and catalog rows of every listed event, series by series."""
    for series, days in markets.items():
        station = climate_days.station_of(series)
        for day, listed in days.items():
            yield station, day, listed


def _asof_of(config: Mapping[str, Any], station: Station, day: dt.date) -> int:
    policy = config["asof_policy"]
    return climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])


def _add_event(
    probabilities: ProbabilityRows, station: Station, listed: list[Row], asof_ts: int, laws: Sequence[EventLaw]
) -> None:
    """Add the probabilities of an event's markets whose strikes can be read.

    Of a law under which every bracket has the probability that it had before, no rows are added.

    Args:
        probabilities: to which rows and reasons are added.
        station: on which the event settles.
        listed: its catalog rows.
        asof_ts: its as-of time.
        laws: at least one, in order of time.
    """
    readable: list[tuple[Row, StrikeBounds]] = []
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
            readable.append((market, bounds))
    if not readable:
        probabilities.events_without[listed[0]["event_ticker"]] = UNREADABLE_STRIKES
    before: list[Decimal] = []
    for known_at_ts, law, columns in laws:
        now = [bracket_probability(*bounds, law) for _, bounds in readable]
        if now != before:
            probabilities.rows.extend(
                _row(station, market, asof_ts, known_at_ts, p_yes, columns["method"]) | columns
                for (market, _), p_yes in zip(readable, now, strict=True)
            )
        before = now


def in_force_at_asof(rows: Iterable[Row]) -> dict[str, Row]:
    """The row of each market that is in force at its event's as-of time, by ticker; markets without one are left out.

    Args:
        rows: of the table, of each market in order of their times.
    """
    return {row["market_ticker"]: row for row in rows if row["known_at_ts"] <= row["asof_ts"]}
