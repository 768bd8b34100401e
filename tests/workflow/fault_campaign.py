"""The fault campaign: fetch a world through a server of an archive that misbehaves, and compare what is there in the end."""

import contextlib
import datetime as dt
import hashlib
import io
import json
import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pyarrow.parquet as pq

from tests import warm
from tests.workflow.fault_world import (
    MINUTE_MONTHS,
    MINUTE_SYMBOLS,
    MODELS,
    NOW,
    PERP_MINUTES,
    PERP_MONTHS,
    PERPS,
    SHARE_YEARS,
    SYMBOLS,
    WINDOWS,
    cutoff_of,
)
from tradewinds.archive.server import ArchiveServer, running_server
from tradewinds.core import files
from tradewinds.core.environment import SERVICES
from tradewinds.families.equities_daily.schemas import bars_path
from tradewinds.families.equities_intraday import archive_routes as minute_routes
from tradewinds.families.equities_intraday.schemas import month_path
from tradewinds.families.funding_carry.schemas import month_path as perp_path
from tradewinds.families.kalshi_weather import climate_days, schemas

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 1.5  # of the clients
STALL_SECONDS = 2.5  # of the server
EXCHANGES = ("binance_bulk", "binance_futures", "binance_spot", "bybit", "hyperliquid")
EXCHANGE_LIMITS = {"weight_per_minute": 100_000, "funding_requests_per_5_minutes": 100_000}
PERP_JOB = "fetch_perp_month_job"
STORY = ("requests", "retries", "retrieved_at", "tier")  # what tells of the fetch, not of the market


@contextlib.contextmanager
def world_server(archive: Path, dates: list[dt.date], **settings: object) -> Iterator[ArchiveServer]:
    """Serve a world at its time; settings as `running_server`."""
    at_its_time = mock.patch.object(minute_routes, "utc_now", lambda: NOW)
    with at_its_time, running_server(archive, cutoff=cutoff_of(dates), **settings) as server:
        yield server


def stages_of(dates: list[dt.date]) -> list[list[dict]]:
    """All fetch jobs of a world: catalogs and weather first, then the candles, oldest first."""
    first, candles = [], []
    through = dates[-1].isoformat()
    for series in WINDOWS:
        first.append(_job("sync_catalog_job", series, through, schemas.catalog_path(series)))
        first += _weather(climate_days.station_of(series).station_id, through)
    for symbol in SYMBOLS:
        for year in SHARE_YEARS:
            first.append(_job("fetch_bars_job", symbol, year, f"{year}-12-31", bars_path("yahoo", symbol, year)))
    for symbol in MINUTE_SYMBOLS:
        for month in MINUTE_MONTHS:
            path = month_path("data", "yahoo", 1, symbol, month)
            first.append(_job("fetch_minutes_job", symbol, month, "XNYS", NOW.date().isoformat(), path))
    for source, kind, symbol, _ in PERPS:
        for month in PERP_MONTHS:
            path = perp_path("data", source, symbol, kind, PERP_MINUTES, month)
            first.append(_job(PERP_JOB, source, symbol, kind, month, PERP_MINUTES, f"{month}-28", path))
    for day in dates:
        for series, window in WINDOWS.items():
            path = schemas.candle_path(window, series, day)
            candles.append(
                _job("fetch_candles_job", series, day.isoformat(), window, schemas.catalog_path(series), path)
            )
    return [first, candles]


def _weather(station: str, through: str) -> list[dict]:
    year = int(through[:4])  # a world lies within one
    climate = _job("fetch_climate_job", station, year, through, schemas.climate_path(station, year))
    paths = {model: schemas.guidance_path(station, model, year) for model in MODELS}
    return [climate, *(_job("fetch_guidance_job", station, m, year, through, path) for m, path in paths.items())]


def _job(name: str, *arguments: object) -> dict:
    return {"job": name, "arguments": arguments, "out": arguments[-1]}


def start(
    folder: Path, server: ArchiveServer, stages: list[list[dict]], *, workers: int = 3, kills: int = 0, seed: int = 1
):
    """Start a driver over the data folder `folder`; `finish` waits for it."""
    folder.mkdir(parents=True, exist_ok=True)
    name = uuid.uuid4().hex
    spec = {"folder": str(folder), "stages": stages, "workers": workers, "kills": kills, "seed": seed}
    spec |= {"now": NOW.isoformat(), "notes": str(folder / f"{name}.notes"), "report": str(folder / f"{name}.report")}
    (folder / f"{name}.json").write_text(json.dumps(spec))
    # above 200 the book of the shared budget, which holds a second of requests, costs more time than it saves
    rest = {"requests_per_second": 200, "max_connections": 8, "timeout_seconds": TIMEOUT_SECONDS, "max_retries": 6}
    services = {
        "kalshi": {"base_url": server.url_of("kalshi"), **rest},
        "iem": {"base_url": server.url_of("iem"), **rest},
        "yahoo": {"base_url": server.url_of("yahoo"), **rest},
        **{name: {"base_url": server.url_of(name), **EXCHANGE_LIMITS, **rest} for name in EXCHANGES},
    }
    services["binance_bulk"]["listing_url"] = server.url_of("binance_bulk", "listing_url")
    paths = [str(ROOT), os.environ.get("PYTHONPATH", str(ROOT / "src"))]
    environment = {**os.environ, SERVICES: json.dumps(services), "PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "tests.workflow.fault_driver", str(folder / f"{name}.json")]
    command, environment = warm.served(command, environment)  # its many workers find all imported, too
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True), Path(spec["report"])


def finish(started) -> dict:
    """What a driver reports at its end."""
    process, report = started
    _, errors = process.communicate(timeout=1800)
    assert process.returncode == 0, errors
    return json.loads(report.read_text())


def drive(folder: Path, server: ArchiveServer, stages: list[list[dict]], **settings: int) -> dict:
    """Fetch everything that is missing; settings as `start`."""
    return finish(start(folder, server, stages, **settings))


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every data file, encoded anew without retrieval times and without the story of its fetch."""
    found = {}
    for path in sorted(folder.glob("data/*/**/*.parquet")):
        table, meta = pq.read_table(path), files.read_meta(path)
        if "retrieved_at" in table.column_names:
            table = table.drop_columns("retrieved_at")
        bare = json.dumps({key: meta[key] for key in sorted(meta) if key not in STORY})
        whole = io.BytesIO()
        pq.write_table(table.replace_schema_metadata({"meta": bare}), whole)
        found[str(path.relative_to(folder))] = hashlib.sha256(whole.getvalue()).hexdigest()
    return found


def events_of(found: dict[str, str]) -> int:
    """How many event files are in `contents`; bars of shares lie beside them."""
    return sum("/KXHIGH" in name for name in found if name.startswith("data/candles/"))


def candle_requests(server: ArchiveServer) -> Counter[str]:
    """Candle requests the server has seen, per path and query."""
    return Counter(f"{seen.path}?{seen.query}" for seen in server.requests if seen.path.endswith("/candlesticks"))
