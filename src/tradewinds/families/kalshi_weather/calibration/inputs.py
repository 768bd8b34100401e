"""Markets and days to be scored, read from a run's files: results, probabilities, forecasts, reports, quotes at as-of time."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tradewinds.config.resolve import Config
from tradewinds.core.damage import naming_damage
from tradewinds.core.files import read_rows, read_table, write_text
from tradewinds.families.kalshi_weather import climate_days, schemas
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
from tradewinds.families.kalshi_weather.forecasts.market_probabilities import catalog_rows
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.strikes import strike_bounds
from tradewinds.families.kalshi_weather.validations.wrong_station import refuse_wrong_stations

Row = dict[str, Any]
BidAsk = tuple[float, float]
"""Bid and ask of a YES contract in dollars."""

BASELINES = tuple(method for method in schemas.FORECAST_METHODS if method != "emos")

_CATALOG_COLUMNS = (
    *("market_ticker", "climate_date", "result"),
    *("strike_type", "floor_strike", "cap_strike", "yes_sub_title"),
)
_LAST_QUOTES = """
SELECT market_ticker, bid, ask FROM (
    SELECT market_ticker, unnest(arg_max({'bid': yes_bid_close, 'ask': yes_ask_close}, end_period_ts))
    FROM read_parquet($files) WHERE end_period_ts <= $asof GROUP BY market_ticker)
WHERE bid IS NOT NULL AND ask IS NOT NULL AND bid <= ask AND NOT (bid = 0 AND ask = 1)
"""


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
    with naming_damage(plan.data_files):
        markets, days = scored_markets_and_days(config, plan)
    return calibration_scores(markets, days, config["seed"])


def scored_markets_and_days(config: Config, plan: EventsPlan) -> tuple[list[ScoredMarket], list[ScoredDay]]:
    """Markets and climate dates of the config's range that can be scored.

    Args:
        config: resolved.
        plan: of a run whose data files exist.

    Returns:
        Every market with a result and a probability.
        Every climate date with a final report and a forecast, once per station and target.

    Raises:
        SimulationError: climate reports are not of the station on which a series settles.
    """
    refuse_wrong_stations(config, plan.files.catalogs, plan.files.climate.values())
    probabilities = {row["market_ticker"]: float(row["p_yes"]) for row in read_rows(plan.files.probabilities)}
    markets: list[ScoredMarket] = []
    days: dict[tuple[str, dt.date], ScoredDay] = {}
    candles = plan.files.candles
    for series, catalog in plan.files.catalogs.items():
        station = climate_days.station_of(series)
        forecasts = read_forecasts(map(read_table, plan.files.forecasts_of(series)))
        # Markets: by the quotes of their event at its as-of time.
        for day, listed in catalog_rows(catalog, config, _CATALOG_COLUMNS).items():
            quotes = quotes_at([candles[series, day]], asof_of(config, station, day))
            markets += _scored_markets(config, station, day, listed, probabilities, forecasts, quotes)
        # Days: two series may settle on the same station and target.
        reports = [path for (station_id, _), path in plan.files.climate.items() if station_id == station.station_id]
        observed = _observed(station, reports)
        for day in climate_days.date_range(config["date_start_local"], config["date_end_local"]):
            if day in observed and forecasts[day]["method"]:
                label = _station_label(station)
                days[label, day] = ScoredDay(
                    station=label,
                    climate_date=day,
                    lead_hours=lead_hours(config, station, day),
                    observed_f=observed[day],
                    distributions=_model_and_baselines(forecasts[day]),
                )
    return markets, list(days.values())


def asof_of(config: Config, station: Station, day: dt.date) -> int:
    """As-of time of a climate date in Unix seconds."""
    policy = config["asof_policy"]
    return climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])


def lead_hours(config: Config, station: Station, day: dt.date) -> int:
    """Whole hours from the as-of time to the end of the climate day."""
    return round((climate_days.climate_day_bounds(station, day)[1] - asof_of(config, station, day)) / 3600)


def quotes_at(files: Sequence[str], asof_ts: int) -> dict[str, BidAsk]:
    """Bid and ask by market ticker, of the last candle that ended by an instant.

    A market is left out where one side of its quote is null, both sides are empty, or they cross.

    Args:
        files: paths of candles; a path without a file is ignored.
        asof_ts: the instant in Unix seconds.
    """
    existing = [path for path in files if Path(path).exists()]
    if not existing:
        return {}
    rows = duckdb.execute(_LAST_QUOTES, {"files": existing, "asof": asof_ts}).fetchall()
    return {ticker: (float(bid), float(ask)) for ticker, bid, ask in rows}


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
    probabilities: Mapping[str, float],
    forecasts: ForecastsByDate,
    quotes: Mapping[str, BidAsk],
) -> list[ScoredMarket]:
    """The markets of one event that have a result and a probability.

    Args:
        config: resolved.
        station: on which the event settles.
        day: its climate date.
        listed: its catalog rows.
        probabilities: the model's P(YES) by market ticker.
        forecasts: of the series, for the baselines.
        quotes: at the as-of time, by market ticker.
    """
    # The day's baselines, each of which gives every bracket of the day a probability.
    baselines = baseline_distributions(forecasts[day]) if day in forecasts else {}
    markets = []
    for row in listed:
        ticker = row["market_ticker"]
        if row["result"] in ("yes", "no") and ticker in probabilities:
            # P(YES) by source: the model, the middle of the market's quote, the baselines.
            p = {MODEL: probabilities[ticker]}
            if ticker in quotes:
                p[MARKET_PRICE] = sum(quotes[ticker]) / 2
            if baselines:
                lowest_f, highest_f = strike_bounds(
                    strike_type=row["strike_type"],
                    floor_strike=row["floor_strike"],
                    cap_strike=row["cap_strike"],
                    yes_sub_title=row["yes_sub_title"],
                )
                p |= {name: float(bracket_probability(lowest_f, highest_f, one)) for name, one in baselines.items()}
            market = ScoredMarket(
                station=_station_label(station),
                climate_date=day,
                lead_hours=lead_hours(config, station, day),
                yes=row["result"] == "yes",
                p=p,
            )
            markets.append(market)
    return markets


def _station_label(station: Station) -> str:
    """Station and target as groups are named, such as `KMDW max`."""
    return f"{station.station_id} {station.target}"


def _observed(station: Station, climate: Iterable[str]) -> dict[dt.date, float]:
    """Extreme of the station's target in °F by climate date, of final reports in some files."""
    column = "high_f" if station.target == "max" else "low_f"
    rows = (row for path in climate for row in read_rows(path, ["climate_date", column, "final"]))
    return {row["climate_date"]: float(row[column]) for row in rows if row["final"] and row[column] is not None}
