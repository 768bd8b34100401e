"""What calibration is computed from, read from the files of a run: results, probabilities, forecasts, reports, as-of prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from tradewinds.config.resolve import Config
from tradewinds.core.files import read_rows, read_table
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.calibration.scores import MARKET, MODEL, ScoredDay, ScoredMarket
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts.forecast_files import ByDay, read_forecasts
from tradewinds.families.kalshi_weather.forecasts.integer_mass import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.law import Law
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.strikes import strike_bounds

Row = dict[str, Any]
Quote = tuple[float, float]  # bid and ask in dollars

BASELINES = tuple(method for method in schemas.FORECAST_METHODS if method != "emos")

_LAST_QUOTES = """
SELECT market_ticker, bid, ask FROM (
    SELECT market_ticker, unnest(arg_max({'bid': yes_bid_close, 'ask': yes_ask_close}, end_period_ts))
    FROM read_parquet($files) WHERE end_period_ts <= $asof GROUP BY market_ticker)
WHERE bid IS NOT NULL AND ask IS NOT NULL AND bid <= ask AND NOT (bid = 0 AND ask = 1)
"""


def gather(config: Config, plan: EventsPlan) -> tuple[list[ScoredMarket], list[ScoredDay]]:
    """Every market with a result and a probability, and every day with a report and a forecast, of the config's range."""
    said = {row["market_ticker"]: float(row["p_yes"]) for row in read_rows(plan.files.probabilities)}
    markets: list[ScoredMarket] = []
    days: dict[tuple[str, dt.date], ScoredDay] = {}
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.files.events}
    for series, catalog in plan.files.catalogs.items():
        station = climate_days.station_of(series)
        forecasts = read_forecasts(map(read_table, plan.files.forecasts_of(series)))
        for day, listed in _listed(catalog, config).items():
            quotes = quotes_at([candles[series, day]], asof_of(config, station, day))
            markets += _markets(config, station, day, listed, said, forecasts, quotes)
        observed = _observed(station, [path for (s, _), path in plan.files.climate.items() if s == station.station_id])
        for day in climate_days.date_range(config["date_start_local"], config["date_end_local"]):
            if day in observed and forecasts[day]["method"]:
                laws = {MODEL: Law.of(forecasts[day]["law"])} | baseline_laws(forecasts[day])
                name, lead = _name(station), lead_hours(config, station, day)
                days[name, day] = ScoredDay(name, day, lead, observed[day], laws)
    return markets, list(days.values())


def asof_of(config: Config, station: Station, day: dt.date) -> int:
    """The as-of time of a climate date in Unix seconds."""
    policy = config["asof_policy"]
    return climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])


def lead_hours(config: Config, station: Station, day: dt.date) -> int:
    """Whole hours from the as-of time to the end of the climate day."""
    return round((climate_days.climate_day_bounds(station, day)[1] - asof_of(config, station, day)) / 3600)


def quotes_at(files: Sequence[str], asof_ts: int) -> dict[str, Quote]:
    """Per market, bid and ask of the last candle that ended by an instant.

    A market has none where a side of it is null, both sides are empty, or they cross.
    """
    there = [path for path in files if Path(path).exists()]
    if not there:
        return {}
    rows = duckdb.execute(_LAST_QUOTES, {"files": there, "asof": asof_ts}).fetchall()
    return {ticker: (float(bid), float(ask)) for ticker, bid, ask in rows}


def baseline_laws(forecast: Mapping[str, Any]) -> dict[str, Law]:
    """The normal laws of the baselines that a day has."""
    found = {name: (forecast[f"{name}_mu_f"], forecast[f"{name}_sigma_f"]) for name in BASELINES}
    return {name: Law.normal(*law) for name, law in found.items() if law[0] is not None}


def _listed(catalog: str, config: Config) -> dict[dt.date, list[Row]]:
    names = ["market_ticker", "climate_date", "result", "strike_type", "floor_strike", "cap_strike", "yes_sub_title"]
    found: dict[dt.date, list[Row]] = {}
    for row in read_rows(catalog, names, (config["date_start_local"], config["date_end_local"])):
        found.setdefault(row["climate_date"], []).append(row)
    return found


def _markets(
    config: Config,
    station: Station,
    day: dt.date,
    listed: Iterable[Row],
    said: Mapping[str, float],
    forecasts: ByDay,
    quotes: Mapping[str, Quote],
) -> list[ScoredMarket]:
    laws = baseline_laws(forecasts[day]) if day in forecasts else {}
    found = []
    for row in listed:
        ticker = row["market_ticker"]
        if row["result"] in ("yes", "no") and ticker in said:
            p = {MODEL: said[ticker]}
            if ticker in quotes:
                p[MARKET] = sum(quotes[ticker]) / 2
            if laws:
                bounds = strike_bounds(
                    *(row[key] for key in ("strike_type", "floor_strike", "cap_strike", "yes_sub_title"))
                )
                p |= {name: float(bracket_probability(*bounds, law)) for name, law in laws.items()}
            lead = lead_hours(config, station, day)
            found.append(ScoredMarket(_name(station), day, lead, row["result"] == "yes", p))
    return found


def _name(station: Station) -> str:
    return f"{station.station_id} {station.target}"


def _observed(station: Station, climate: Iterable[str]) -> dict[dt.date, float]:
    """The final reports' extremes."""
    column = "high_f" if station.target == "max" else "low_f"
    rows = (row for path in climate for row in read_rows(path, ["climate_date", column, "final"]))
    return {row["climate_date"]: float(row[column]) for row in rows if row["final"] and row[column] is not None}
