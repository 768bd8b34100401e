"""The fetch jobs of temperature events: each makes one file, whole or not at all.

Endpoints and rates come from the environment (pipeline/jobs.py), because they do not change a file's bytes. The fetch scripts
import this module in a process per job, so it imports nothing slow.
"""

from __future__ import annotations

import bisect
import datetime as dt
import functools
import json
import logging
import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.environment import ON_MISSING
from tradewinds.core.errors import ConfigError, FetchError, RefusedAnswer
from tradewinds.families.kalshi_weather import climate_days, missing_guidance, schemas
from tradewinds.families.kalshi_weather.candle_window import CandleWindow
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.damaged_events import (
    has_no_window,
    is_still_open,
    left_out_meta,
    skips_damaged,
    still_open_meta,
)
from tradewinds.families.kalshi_weather.fetch import event_candles, exchange_requests, weather
from tradewinds.families.kalshi_weather.fetch.catalog import sync_catalog, yesterday
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
    """Bring a series' catalog up to date.

    Args:
        series: the series.
        through: the date that the catalog was asked to reach, as ISO 8601.
        out: the catalog's file; what it holds already is merged.
    """
    station = climate_days.station_of(series)
    with files.only_maker(out):
        known = files.read_table(out) if Path(out).exists() else None
        table, meta = sync_catalog(exchange_client(), station, known, utc_now())
        files.write_parquet(out, table, meta | {"asked_through": through})
    logger.info("catalog %s: %s", series, {key: meta[key] for key in meta if key != "series_ticker"})


def fetch_candles_job(series: str, date: str, window: str, catalog: str, out: str) -> None:
    """Make one event's candle file: from another window's file as far as it reaches, the rest fetched.

    Args:
        series: the series.
        date: the climate date, as ISO 8601.
        window: which minutes, as CandleWindow writes them in paths.
        catalog: the series' catalog file.
        out: the file to make.

    Raises:
        FetchError: the exchange cannot be asked, or this machine's clock says that a settled event is open.
        RefusedAnswer: its answer cannot be right, and on_missing.damaged is not skip.
    """
    station, day, wanted = climate_days.station_of(series), dt.date.fromisoformat(date), CandleWindow.parse(window)
    with files.only_maker(out):
        skips = skips_damaged(_on_missing())
        if Path(out).exists() and not (is_still_open(out) if skips else has_no_window(out)):
            logger.info("%s was made meanwhile by another run", out)
            return
        markets = exchange_requests.markets_of(_rows_of_day(catalog, day))
        now = utc_now()
        if not markets:
            _refuse_unlisted(station, day, catalog, now)
        try:
            event_candles.refuse_open(station, day, markets, now)
            table, meta = _candles(station, day, markets, wanted, out, now)
        except event_candles.EventOpen as error:
            if _has_result(catalog, day):  # then this machine's clock is wrong
                raise
            logger.warning("%s %s is left out until it has closed: %s", series, date, error)
            closes = dt.datetime.fromtimestamp(max(market.close_ts for market in markets), dt.UTC)
            table, meta = _left_out(station, day, markets, wanted, now, still_open_meta(closes.isoformat()))
        except RefusedAnswer as error:
            if not skips:
                raise
            logger.warning("%s %s is left out (on_missing.damaged: skip): %s", series, date, error)
            table, meta = _left_out(station, day, markets, wanted, now, left_out_meta(error))
        files.write_parquet(out, table, meta)
    shown = ("event_ticker", "rows_per_market", "missing_minutes", "requests", "retries", "tier", "kept_from", "reason")
    logger.info("%s %s: %d candles, %s", series, date, table.num_rows, {key: meta[key] for key in shown})


def _candles(
    station: Station,
    day: dt.date,
    markets: list[exchange_requests.CatalogMarket],
    wanted: CandleWindow,
    out: str,
    now: dt.datetime,
) -> tuple[pa.Table, dict[str, Any]]:
    """The candles of an event's markets and what their file says of itself.

    Args:
        station: where the temperature is taken.
        day: the climate date.
        markets: the event's markets.
        wanted: which minutes.
        out: the file to make, for what other windows' files of the event hold.
        now: the instant of the fetch.
    """
    # what is there already, and what is left to fetch
    period = wanted.period_minutes
    windows = exchange_requests.windows_of(markets, wanted.policy, period, wanted.asof_ts(station, day))
    kept = best_kept(out, windows, period)
    left = kept.left(windows, period)
    table, tier, requests, retries = schemas.CANDLES.empty_table(), None, 0, 0
    if left:
        client = exchange_client()
        table, tier = event_candles.fetch_candles(client, station.series_ticker, markets, left, period, now)
        event_candles.refuse_open(station, day, markets, client.no_later(now))
        requests, retries = client.requests, client.retries
    # both together, and their story
    if kept is not NOTHING_KEPT:
        table = kept.with_rows(table, windows)
    meta = event_candles.event_meta(station, day, markets, windows, table, period)
    told = {"window_policy": wanted.policy, "tier": tier, "requests": requests, "retries": retries}
    told["retrieved_at"] = now.isoformat()
    return table, meta | told | {"kept_from": None if kept is NOTHING_KEPT else kept.path.as_posix()}


def _left_out(
    station: Station,
    day: dt.date,
    markets: list[exchange_requests.CatalogMarket],
    wanted: CandleWindow,
    now: dt.datetime,
    why: dict[str, Any],
) -> tuple[pa.Table, dict[str, Any]]:
    """A table without rows for an event that is left out, and why. It covers no window, so that none is kept."""
    table = schemas.CANDLES.empty_table()
    meta = event_candles.event_meta(station, day, markets, {}, table, wanted.period_minutes)
    told = {"window_policy": wanted.policy, "tier": None, "requests": 0, "retries": 0, "kept_from": None}
    return table, meta | told | {"retrieved_at": now.isoformat()} | why


def _has_result(catalog: str, day: dt.date) -> bool:
    """Whether a market of a climate date has a result in the catalog."""
    found = files.read_rows(catalog, ["climate_date", "result"], schemas.climate_range(day, day))
    return any(row["result"] is not None for row in found)


def _rows_of_day(catalog: str, day: dt.date) -> pa.Table:
    """A catalog's rows of one climate date.

    A catalog is sorted by date, so the rows are a slice. A filter would import pyarrow.compute, which is slow for a job.
    """
    found = Path(catalog).stat()
    table, days = _catalog_by_date(catalog, found.st_ino, found.st_mtime_ns, found.st_size)
    first = bisect.bisect_left(days, day)
    return table.slice(first, bisect.bisect_right(days, day) - first)


@functools.lru_cache(maxsize=4)
def _catalog_by_date(catalog: str, inode: int, changed: int, size: int) -> tuple[pa.Table, list[dt.date]]:
    """A catalog and the climate dates of its rows: a resident worker reads it once for the events of a series.

    Args:
        catalog: its file.
        inode: of the file. With the next two it tells the file from one that has replaced it.
        changed: when the file was written, in nanoseconds.
        size: of the file, in bytes.
    """
    table = files.read_table(catalog, ["climate_date", *exchange_requests.MARKET_COLUMNS])
    return table, table["climate_date"].to_pylist()


def _refuse_unlisted(station: Station, day: dt.date, catalog: str, now: dt.datetime) -> None:
    """Raise FetchError for a date that was not over when the catalog was made: a market of it may have been listed since.

    Of an earlier date without a market the exchange has none, whether or not the markets of other dates are settled.
    """
    meta = files.read_meta(catalog)
    listed = meta.get("listed_through", meta["covers_through"])
    if day <= dt.date.fromisoformat(listed):
        return
    again = f"Sync it again: tradewinds run does so by itself, or snakemake --forcerun {catalog}."
    later = "Lower date_end_local, or run again when that day is over."
    raise FetchError(
        f"the catalog of {station.series_ticker} lists all markets through {listed} only, and none of {day}.",
        where=catalog,
        remedy=again if day <= yesterday(station, now) else later,
    )


def fetch_guidance_job(
    station: str, model: str, year: int, through: str, out: str, client: HttpClient | None = None
) -> None:
    """Fetch a station's year of one model's guidance.

    Args:
        station: the station.
        model: the model.
        year: the year.
        through: the date that the file was asked to reach, as ISO 8601.
        out: the file; if it holds a part of the year already, only the rest is fetched. If the service had none of the year, it
            is asked for all of it again.
        client: of the service; None for a new one.

    Raises:
        FetchError: the service cannot be asked, or has none of the year and on_missing.guidance wants the model.
    """
    may_be_missing = missing_guidance.may_be_missing(_on_missing(), model)
    with files.only_maker(out):
        known, reached = _growing(out)
        if known is not None and not known.num_rows:
            known, reached = None, None
        table, meta = weather.fetch_guidance(
            client or weather_client(), station, model, year, utc_now(), known, reached, may_be_missing=may_be_missing
        )
        _write_weather(
            out, table, {"station_id": station, "model": model, "year": year, "asked_through": through, **meta}
        )


def fetch_observations_job(station: str, date: str, out: str) -> None:
    """Fetch a station's readings of one climate day.

    Args:
        station: the station.
        date: the climate date, as ISO 8601.
        out: the file to make.

    Raises:
        FetchError: the service cannot be asked.
    """
    known_station, day = _station(station), dt.date.fromisoformat(date)
    with files.only_maker(out):
        if Path(out).exists() and not is_still_open(out):
            logger.info("%s was made meanwhile by another run", out)
            return
        now = utc_now()
        try:
            weather.refuse_running_day(known_station, day, now)
            client = weather_client()
            table, meta = weather.fetch_observations(client, known_station, day, now)
            weather.refuse_running_day(known_station, day, client.no_later(now))
        except weather.DayRunning as error:
            logger.warning("%s %s is left out until it is over: %s", station, date, error)
            _, end = climate_days.climate_day_bounds(known_station, day)
            over = dt.datetime.fromtimestamp(end, dt.UTC).isoformat()
            table, meta = schemas.OBSERVATIONS.empty_table(), still_open_meta(over)
        told = {"station_id": station, "climate_date": date, "retrieved_at": now.isoformat()}
        files.write_parquet(out, table, told | meta)
    logger.info("%s: %d readings", out, table.num_rows)


def _station(station_id: str) -> Station:
    """The station of any series that settles on it; ConfigError without one."""
    found = next((s for s in climate_days.stations().values() if s.station_id == station_id), None)
    if found is None:
        remedy = "`tradewinds series` lists the stations."
        raise ConfigError(f"no series settles on station {station_id}.", remedy=remedy)
    return found


def fetch_climate_job(station: str, year: int, through: str, out: str, client: HttpClient | None = None) -> None:
    """Fetch a station's year of climate reports.

    Args:
        station: the station.
        year: the year.
        through: the date that the file was asked to reach, as ISO 8601.
        out: the file; what it holds already is merged.
        client: of the service; None for a new one.
    """
    known_station = _station(station)
    with files.only_maker(out):
        known, _ = _growing(out)
        table, meta = weather.fetch_climate(client or weather_client(), known_station, year, utc_now(), known)
        _write_weather(out, table, {"station_id": station, "year": year, "asked_through": through, **meta})


def _on_missing() -> dict[str, Any]:
    """Section `on_missing` of the run's config."""
    section: dict[str, Any] = json.loads(os.environ.get(ON_MISSING, "{}"))
    return section


def _growing(path: str) -> tuple[pa.Table | None, str | None]:
    """The rows of a running year's file and the date that it reaches; None and None if there is no file."""
    if not Path(path).exists():
        return None, None
    return files.read_table(path), files.read_meta(path)["covers_through"]


def _write_weather(out: str, table: pa.Table, meta: dict[str, Any]) -> None:
    """Write a file of guidance or climate reports with the instant of its fetch."""
    files.write_parquet(out, table, {**meta, "retrieved_at": utc_now().isoformat()})
    logger.info("%s: %d rows, through %s", out, table.num_rows, meta["covers_through"])
