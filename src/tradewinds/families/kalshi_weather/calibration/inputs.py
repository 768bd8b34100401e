"""Markets and days to be scored, read from a run's files: results, probabilities, forecasts, reports, quotes at as-of time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tradewinds.config.resolve import Config
from tradewinds.core.damage import naming_damage
from tradewinds.core.files import read_meta, read_rows, read_table, write_text
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.calibration.against_price import edge_scores
from tradewinds.families.kalshi_weather.calibration.scores import (
    MARKET_PRICE,
    MODEL,
    ScoredDay,
    ScoredMarket,
    calibration_scores,
)
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.forecast_files import ForecastsByDate, read_forecasts
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import catalog_rows, in_force_at_asof
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.pooling.asof_quotes import asof_of
from tradewinds.families.kalshi_weather.pooling.price_ladders import (
    EventLadder,
    LadderMarket,
    event_ladders,
    station_label,
)
from tradewinds.families.kalshi_weather.strikes import strike_bounds
from tradewinds.families.kalshi_weather.validations.wrong_station import refuse_wrong_stations

Row = dict[str, Any]
BASELINES = tuple(method for method in schemas.FORECAST_METHODS if method != "emos")

_CATALOG_COLUMNS = (
    *("market_ticker", "climate_date", "result"),
    *("strike_type", "floor_strike", "cap_strike", "yes_sub_title"),
)


def write_scores(config: Config, plan: EventsPlan, path: str) -> None:
    """Write the scores of a run: calibration.json.

    Args:
        config: resolved.
        plan: of a run whose data files exist.
        path: of the file.

    Raises:
        DamagedFile, SimulationError: as `run_scores`.
    """
    write_text(path, json.dumps(run_scores(config, plan), indent=2) + "\n")


def run_scores(config: Config, plan: EventsPlan) -> dict[str, Any]:
    """Return the scores of a run's probabilities and temperatures: the content of calibration.json.

    Args:
        config: resolved.
        plan: of a run whose data files exist.

    Raises:
        DamagedFile: a data file is not what was written.
        SimulationError: climate reports are not of the station on which a series settles.
    """
    event_files = plan.files
    with naming_damage(plan.data_files):
        refuse_wrong_stations(config, event_files.catalogs, event_files.climate.values())
        timeline = read_rows(event_files.probabilities)
        rows = list(in_force_at_asof(timeline).values())
        probabilities = {row["market_ticker"]: float(row["p_yes"]) for row in rows}
        events = event_ladders(config, event_files.catalogs, event_files.candles, probabilities)
        forecasts = {
            series: read_forecasts(map(read_table, event_files.forecasts_of(series))) for series in event_files.catalogs
        }
        markets, days = _scored_markets_and_days(config, plan, events, forecasts)
    # a pool is known with its prices; when its forecast was known stands in the metadata
    pooled_from = read_meta(event_files.probabilities)["forecast_known_at"] if event_files.is_pooled else {}
    return calibration_scores(markets, days, config["seed"]) | edge_scores(events, newest_inputs(rows, pooled_from))


def newest_inputs(rows: Iterable[Row], pooled_from: Mapping[str, int]) -> dict[tuple[str, dt.date], int]:
    """When the newest input of each event's forecast was known, by (series, climate date); Unix seconds.

    Args:
        rows: of the table of probabilities. Those of a user's file are known market by market.
        pooled_from: the same by event ticker, where the probabilities are pooled with prices.
    """
    newest: dict[tuple[str, dt.date], int] = {}
    for row in rows:
        key = row["series_ticker"], row["climate_date"]
        known_at_ts = pooled_from.get(row["event_ticker"], row["known_at_ts"])
        newest[key] = max(known_at_ts, newest.get(key, known_at_ts))
    return newest


def _scored_markets_and_days(
    config: Config, plan: EventsPlan, events: Sequence[EventLadder], forecasts: Mapping[str, ForecastsByDate]
) -> tuple[list[ScoredMarket], list[ScoredDay]]:
    """Markets and climate dates of the config's range that can be scored.

    Args:
        config: resolved.
        plan: of a run whose data files exist.
        events: every listed event, with probabilities and quotes.
        forecasts: by series; without a row with the user's own probabilities.

    Returns:
        Every market with a result and a probability.
        Every climate date with a final report and a forecast, once per station and target.
    """
    at_asof = {market.ticker: market for event in events for market in event.markets}
    markets: list[ScoredMarket] = []
    days: dict[tuple[str, dt.date], ScoredDay] = {}
    for series, catalog in plan.files.catalogs.items():
        station = climate_days.station_of(series)
        # Markets: by the quotes of their event at its as-of time.
        for day, listed in catalog_rows(catalog, config, _CATALOG_COLUMNS).items():
            markets += _scored_markets(config, station, day, listed, at_asof, forecasts[series])
        # Days: two series may settle on the same station and target.
        reports = [path for (station_id, _), path in plan.files.climate.items() if station_id == station.station_id]
        observed = _observed(station, reports)
        for day in climate_days.date_range(config["date_start_local"], config["date_end_local"]):
            forecast = forecasts[series].get(day)
            if day in observed and forecast and forecast["method"]:
                label = station_label(station)
                days[label, day] = ScoredDay(
                    station=label,
                    climate_date=day,
                    lead_hours=lead_hours(config, station, day),
                    observed_f=observed[day],
                    distributions=_model_and_baselines(forecast),
                )
    return markets, list(days.values())


def lead_hours(config: Config, station: Station, day: dt.date) -> int:
    """Whole hours from the as-of time to the end of the climate day."""
    return round((climate_days.climate_day_bounds(station, day)[1] - asof_of(config, station, day)) / 3600)


def baseline_distributions(forecast: Mapping[str, Any]) -> dict[str, Distribution]:
    """Normal distributions of the baselines that a day has, by method.

    Args:
        forecast: a row of the columns schemas.FORECASTS.
    """
    moments = {name: (forecast[f"{name}_mu_f"], forecast[f"{name}_sigma_f"]) for name in BASELINES}
    return {name: Distribution.normal(mu, sigma) for name, (mu, sigma) in moments.items() if mu is not None}


def _model_and_baselines(forecast: Mapping[str, Any]) -> dict[str, Distribution]:
    return {MODEL: Distribution.from_rows(forecast["law"])} | baseline_distributions(forecast)


def _scored_markets(
    config: Config,
    station: Station,
    day: dt.date,
    listed: Iterable[Row],
    at_asof: Mapping[str, LadderMarket],
    forecasts: ForecastsByDate,
) -> list[ScoredMarket]:
    """The markets of one event that have a result and a probability.

    Args:
        config: resolved.
        station: on which the event settles.
        day: its climate date.
        listed: its catalog rows.
        at_asof: probabilities and quotes by market ticker.
        forecasts: of the series, for the baselines.
    """
    # The day's baselines, each of which gives every bracket of the day a probability.
    baselines = baseline_distributions(forecasts[day]) if day in forecasts else {}
    markets = []
    for row in listed:
        market = at_asof[row["market_ticker"]]
        if row["result"] in ("yes", "no") and market.p is not None:
            # P(YES) by source: the model, the middle of the market's quote, the baselines.
            p = {MODEL: market.p}
            if market.quote:
                p[MARKET_PRICE] = market.quote.mid
            if baselines:
                lowest_f, highest_f = strike_bounds(
                    strike_type=row["strike_type"],
                    floor_strike=row["floor_strike"],
                    cap_strike=row["cap_strike"],
                    yes_sub_title=row["yes_sub_title"],
                )
                p |= {name: float(bracket_probability(lowest_f, highest_f, one)) for name, one in baselines.items()}
            scored = ScoredMarket(
                station=station_label(station),
                climate_date=day,
                lead_hours=lead_hours(config, station, day),
                yes=row["result"] == "yes",
                p=p,
            )
            markets.append(scored)
    return markets


def _observed(station: Station, climate: Iterable[str]) -> dict[dt.date, float]:
    """Extreme of the station's target in °F by climate date, of final reports in some files."""
    column = "high_f" if station.target == "max" else "low_f"
    rows = (row for path in climate for row in read_rows(path, ["climate_date", column, "final"]))
    return {row["climate_date"]: float(row[column]) for row in rows if row["final"] and row[column] is not None}
