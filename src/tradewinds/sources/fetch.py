"""The fetch jobs: one file each, whole or not at all. Imported by the fetch scripts only, and kept light.

Endpoints and rates come from the environment (see tradewinds.jobs): they define no bytes.
"""

from __future__ import annotations

import bisect
import datetime as dt
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds import calendars, store
from tradewinds.errors import ConfigError, DataMissing, FetchError
from tradewinds.jobs import FETCH, SERVICES
from tradewinds.sources import iem, kalshi, kalshi_catalog
from tradewinds.sources.http import HttpClient, Service
from tradewinds.sources.signing import signer_from_environment

logger = logging.getLogger(__name__)

_TRADE_WINDOW = re.compile(r"trade_(\d\d)(\d\d)_d(\d+)_(\d+)m")
_FULL_WINDOW = re.compile(r"full_(\d+)m")


def client_for(name: str) -> HttpClient:
    """A client for the service `kalshi` or `iem`.

    Raises:
        DataMissing: fetching is off. ConfigError: the workflow did not say where the service is.
    """
    if os.environ.get(FETCH) == "never":
        raise DataMissing("fetching is off, and a job wanted to fetch.", remedy="Set fetch: auto or use --auto-fetch.")
    if SERVICES not in os.environ:
        raise ConfigError(f"{SERVICES} is not set.", remedy="Fetch scripts are started by the workflow.")
    service = Service(**json.loads(os.environ[SERVICES])[name])
    return HttpClient(service, signer=signer_from_environment() if name == "kalshi" else None)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(microsecond=0)


def parse_window(key: str) -> tuple[str, int, str, int]:
    """A window folder's name as (policy, period in minutes, as-of local time, days before)."""
    if found := _FULL_WINDOW.fullmatch(key):
        return "FULL_MARKET_WINDOW", int(found[1]), "00:00", 0
    if found := _TRADE_WINDOW.fullmatch(key):
        return "TRADE_WINDOW_ONLY", int(found[4]), f"{found[1]}:{found[2]}", int(found[3])
    raise ConfigError(f"{key!r} is no window.", where="--window", remedy="For example full_1m or trade_2300_d1_1m.")


def sync_catalog_job(series: str, through: str, out: str) -> None:
    """Sync a series' catalog into `out`, merging what is there; `through` is the date it was asked to reach."""
    station = calendars.station_of(series)
    known = pq.read_table(out) if Path(out).exists() else None
    table, meta = kalshi_catalog.sync_catalog(client_for("kalshi"), station, known, _now())
    store.write_parquet(out, table, meta | {"asked_through": through})
    logger.info("catalog %s: %s", series, {key: meta[key] for key in meta if key != "series_ticker"})


def fetch_candles_job(series: str, date: str, window: str, catalog: str, out: str) -> None:
    """Fetch one event's candles into `out`."""
    station, day = calendars.station_of(series), dt.date.fromisoformat(date)
    policy, period, local_time, days_before = parse_window(window)
    markets = kalshi.markets_of(_rows_of_day(catalog, day))
    if not markets:
        _refuse_uncovered(series, day, catalog)
    table, meta = kalshi.fetch_event(
        client_for("kalshi"),
        station,
        day,
        markets,
        window_policy=policy,
        period_minutes=period,
        asof_ts=calendars.asof_ts(station, day, local_time, days_before),
        now=_now(),
    )
    store.write_parquet(out, table, meta)
    shown = ("event_ticker", "requests", "retries", "tier", "reason")
    logger.info("%s %s: %d candles, %s", series, date, table.num_rows, {key: meta[key] for key in shown})


def _rows_of_day(catalog: str, day: dt.date) -> pa.Table:
    """A catalog's rows of one climate date. (A filter of read_table would import pyarrow.dataset: a tenth of this job.)"""
    with pq.ParquetFile(catalog) as file:
        table = file.read(columns=["climate_date", *kalshi.MARKET_COLUMNS])
    days = table["climate_date"].to_pylist()  # a catalog is sorted by it
    first = bisect.bisect_left(days, day)
    return table.slice(first, bisect.bisect_right(days, day) - first)


def _refuse_uncovered(series: str, day: dt.date, catalog: str) -> None:
    """No market listed means "the exchange has none" only where the catalog is known to be complete."""
    covered = store.read_meta(catalog)["covers_through"]
    if day > dt.date.fromisoformat(covered):
        remedy = f"Sync it again: tradewinds run does so by itself, or snakemake --forcerun {catalog}."
        raise FetchError(
            f"the catalog of {series} covers {covered} at the latest, not {day}.", where=catalog, remedy=remedy
        )


def fetch_guidance_job(station: str, model: str, year: int, out: str) -> None:
    """Fetch a station-year of one model's guidance into `out`."""
    table, meta = iem.fetch_guidance(client_for("iem"), station, model, year)
    _write_weather(out, table, {"station_id": station, "model": model, "year": year, **meta})


def fetch_climate_job(station: str, year: int, out: str) -> None:
    """Fetch a station-year of climate reports into `out`."""
    known = next((s for s in calendars.stations().values() if s.station_id == station), None)
    if known is None:
        raise ConfigError(f"no series settles on station {station}.", remedy="See the stations in config/README.md.")
    table, meta = iem.fetch_climate(client_for("iem"), known, year)
    _write_weather(out, table, {"station_id": station, "year": year, **meta})


def _write_weather(out: str, table: Any, meta: dict[str, Any]) -> None:
    store.write_parquet(out, table, {**meta, "retrieved_at": _now().isoformat()})
    logger.info("%s: %d rows", out, table.num_rows)
