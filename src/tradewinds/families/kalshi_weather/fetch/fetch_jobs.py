"""The fetch jobs: one file each, whole or not at all. Imported by the fetch scripts only, and kept light.

Endpoints and rates come from the environment (see tradewinds.pipeline.jobs): they define no bytes.
"""

from __future__ import annotations

import bisect
import datetime as dt
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import ConfigError, FetchError
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.candle_window import CandleWindow
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.fetch import event_candles, exchange_requests, weather
from tradewinds.families.kalshi_weather.fetch.catalog import sync_catalog
from tradewinds.families.kalshi_weather.fetch.kept_candles import NOTHING_KEPT, best_kept
from tradewinds.families.kalshi_weather.fetch.signing import signer_from_environment
from tradewinds.sources.client import client_for, utc_now
from tradewinds.sources.http import HttpClient

logger = logging.getLogger(__name__)


def exchange_client() -> HttpClient:
    """A client for the exchange; it signs its requests if the environment has credentials.

    Raises:
        DataMissing: fetching is off.
        ConfigError: the workflow did not say where the exchange is, or the credentials cannot be used.
    """
    return client_for("kalshi", signer=signer_from_environment())


def weather_client() -> HttpClient:
    """A client for the weather service.

    Raises:
        DataMissing: fetching is off.
        ConfigError: the workflow did not say where the service is.
    """
    return client_for("iem", texts=weather.TEXTS)


def sync_catalog_job(series: str, through: str, out: str) -> None:
    """Sync a series' catalog into `out`, merging what is there; `through` is the date it was asked to reach."""
    station = climate_days.station_of(series)
    with files.only_maker(out):
        known = files.read_table(out) if Path(out).exists() else None
        table, meta = sync_catalog(exchange_client(), station, known, utc_now())
        files.write_parquet(out, table, meta | {"asked_through": through})
    logger.info("catalog %s: %s", series, {key: meta[key] for key in meta if key != "series_ticker"})


def fetch_candles_job(series: str, date: str, window: str, catalog: str, out: str) -> None:
    """Make one event's candle file: from another window's file as far as it goes, the rest fetched."""
    station, day, wanted = climate_days.station_of(series), dt.date.fromisoformat(date), CandleWindow.parse(window)
    with files.only_maker(out):
        if Path(out).exists():
            logger.info("%s was made meanwhile by another run", out)
            return
        markets = exchange_requests.markets_of(_rows_of_day(catalog, day))
        if not markets:
            _refuse_uncovered(series, day, catalog)
        now = utc_now()
        event_candles.refuse_open(station, day, markets, now)
        table, meta = _candles(station, day, markets, wanted, out, now)
        files.write_parquet(out, table, meta)
    shown = ("event_ticker", "rows_per_market", "missing_minutes", "requests", "retries", "tier", "kept_from", "reason")
    logger.info("%s %s: %d candles, %s", series, date, table.num_rows, {key: meta[key] for key in shown})


def _candles(
    station: Station,
    day: dt.date,
    markets: list[exchange_requests.Market],
    wanted: CandleWindow,
    out: str,
    now: dt.datetime,
) -> tuple[pa.Table, dict[str, Any]]:
    period = wanted.period_minutes
    windows = exchange_requests.windows_of(markets, wanted.policy, period, wanted.asof_ts(station, day))
    kept = best_kept(out, windows, period)
    left = kept.left(windows, period)
    table, tier, requests, retries = schemas.CANDLES.empty_table(), None, 0, 0
    if left:
        client = exchange_client()
        table, tier = event_candles.fetch_candles(client, station.series_ticker, markets, left, period, now)
        requests, retries = client.requests, client.retries
    if kept is not NOTHING_KEPT:
        table = kept.with_rows(table, windows)
    meta = event_candles.event_meta(station, day, markets, windows, table, period)
    told = {"window_policy": wanted.policy, "tier": tier, "requests": requests, "retries": retries}
    told["retrieved_at"] = now.isoformat()
    return table, meta | told | {"kept_from": None if kept is NOTHING_KEPT else kept.path.as_posix()}


def _rows_of_day(catalog: str, day: dt.date) -> pa.Table:
    """A catalog's rows of one climate date. (A filter would import pyarrow.compute: not light for a job of one event.)"""
    table = files.read_table(catalog, ["climate_date", *exchange_requests.MARKET_COLUMNS])
    days = table["climate_date"].to_pylist()  # a catalog is sorted by it
    first = bisect.bisect_left(days, day)
    return table.slice(first, bisect.bisect_right(days, day) - first)


def _refuse_uncovered(series: str, day: dt.date, catalog: str) -> None:
    """No market listed means "the exchange has none" only where the catalog is known to be complete."""
    covered = files.read_meta(catalog)["covers_through"]
    if day > dt.date.fromisoformat(covered):
        remedy = f"Sync it again: tradewinds run does so by itself, or snakemake --forcerun {catalog}."
        raise FetchError(
            f"the catalog of {series} covers {covered} at the latest, not {day}.", where=catalog, remedy=remedy
        )


def fetch_guidance_job(station: str, model: str, year: int, through: str, out: str) -> None:
    """Fetch a station-year of one model's guidance into `out`, going on after what is there."""
    with files.only_maker(out):
        known, reached = _growing(out)
        table, meta = weather.fetch_guidance(weather_client(), station, model, year, utc_now(), known, reached)
        _write_weather(
            out, table, {"station_id": station, "model": model, "year": year, "asked_through": through, **meta}
        )


def fetch_climate_job(station: str, year: int, through: str, out: str) -> None:
    """Fetch a station-year of climate reports into `out`, merging what is there."""
    known_station = next((s for s in climate_days.stations().values() if s.station_id == station), None)
    if known_station is None:
        raise ConfigError(f"no series settles on station {station}.", remedy="See the stations in config/README.md.")
    with files.only_maker(out):
        known, _ = _growing(out)
        table, meta = weather.fetch_climate(weather_client(), known_station, year, utc_now(), known)
        _write_weather(out, table, {"station_id": station, "year": year, "asked_through": through, **meta})


def _growing(path: str) -> tuple[pa.Table | None, str | None]:
    """What a running year's file holds and the date it reaches."""
    if not Path(path).exists():
        return None, None
    return files.read_table(path), files.read_meta(path)["covers_through"]


def _write_weather(out: str, table: pa.Table, meta: dict[str, Any]) -> None:
    files.write_parquet(out, table, {**meta, "retrieved_at": utc_now().isoformat()})
    logger.info("%s: %d rows, through %s", out, table.num_rows, meta["covers_through"])
