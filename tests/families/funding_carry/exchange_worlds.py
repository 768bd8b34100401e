"""An archive of invented perpetuals, its server, a clock that can be set, and the job that fetches from it."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import time_machine

from tradewinds.archive.archive import ArchiveWriter
from tradewinds.archive.server import running_server
from tradewinds.core import environment, files
from tradewinds.families.funding_carry.archive_routes import add_month
from tradewinds.families.funding_carry.fetch.fetch_perp_month_job import fetch_perp_month_job
from tradewinds.families.funding_carry.schemas import CANDLES, FUNDING, month_path
from tradewinds.families.plan import month_end

BTC = "BTC/USDT:USDT"
SECTIONS = ("binance_bulk", "binance_futures", "binance_spot", "bybit", "okx", "hyperliquid")
FAST = {
    "requests_per_second": 1000,
    "max_connections": 4,
    "timeout_seconds": 5,
    "max_retries": 6,
    "weight_per_minute": 100_000,
    "funding_requests_per_5_minutes": 100_000,
}


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def days_of(month):
    first = dt.date(int(month[:4]), int(month[5:]), 1)
    return first, month_end(first.year, first.month)


def rate_rows(month, hours=8, jitter_ms=0, marks=False, interval=True, from_day=1):
    """Settlements of a month: stamped up to `jitter_ms` late, another rate each; every third without its mark price."""
    first, last = days_of(month)
    start = utc(f"{first}") + dt.timedelta(days=from_day - 1)
    count = (utc(f"{last}") + dt.timedelta(days=1) - start) // dt.timedelta(hours=hours)
    found = []
    for n in range(count):
        ts = start + n * dt.timedelta(hours=hours)
        late = dt.timedelta(milliseconds=n * 7 % (jitter_ms + 1))
        rate = Decimal(n % 37 - 9) / 100_000
        mark = Decimal(30_000 + n) / 7 if marks and n % 3 else None
        mark = None if mark is None else mark.quantize(Decimal("0.00000001"))
        found.append((ts, ts + late, rate, mark, hours if interval else None))
    return found


def rates(rows):
    return pa.Table.from_pylist([dict(zip(FUNDING.names, row, strict=True)) for row in rows], FUNDING)


def candle_rows(month, minutes=60, volume=True, from_day=1, shift=0):
    """Candles of a month, each with prices and a volume of its own."""
    first, last = days_of(month)
    start = utc(f"{first}") + dt.timedelta(days=from_day - 1)
    count = (utc(f"{last}") + dt.timedelta(days=1) - start) // dt.timedelta(minutes=minutes)
    found = []
    for n in range(count):
        low = Decimal(100_000 + shift + n * 13 % 997) / 8
        ts = start + n * dt.timedelta(minutes=minutes)
        found.append((ts, low + 1, low + Decimal("2.5"), low, low + 2, Decimal(n % 50) / 4 if volume else Decimal(0)))
    return found


def candles(rows):
    return pa.Table.from_pylist([dict(zip(CANDLES.names, row, strict=True)) for row in rows], CANDLES)


class ExchangeWorld:
    """A working folder with an archive; the server, plan and jobs see the clock that is set."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch, self.travel = folder, monkeypatch, None
        monkeypatch.chdir(folder)
        monkeypatch.setenv("XDG_RUNTIME_DIR", "")
        monkeypatch.setenv("TMPDIR", str(folder))
        monkeypatch.setattr("tempfile.tempdir", str(folder))
        self.archive = folder / "archive"
        self.writer = ArchiveWriter(self.archive)

    def at(self, text):
        """Set the clock, which goes on from there; UTC."""
        self.stop()
        self.travel = time_machine.travel(utc(text))
        self.travel.start()

    def stop(self):
        if self.travel:
            self.travel.stop()
            self.travel = None

    def add(self, source, kind, month, table, symbol=BTC, minutes=60, via="bulk", spot=None):
        """Put a month of records into the archive, whole."""
        about = {
            "source": source,
            "symbol": symbol,
            "spot": spot or symbol.partition(":")[0],
            "kind": kind,
            "month": month,
            "minutes": None if kind == "funding" else minutes,
            "covers_through": days_of(month)[1].isoformat(),
            "via": via,
        }
        add_month(self.writer, table, about)
        return table

    def trap(self, **traps):
        (self.archive / "perp").mkdir(parents=True, exist_ok=True)
        (self.archive / "perp/traps.json").write_text(json.dumps(traps))

    def serve(self, **settings):
        return running_server(self.archive, **settings)

    def services(self, server, **changes):
        """Let jobs ask the server in place of all exchanges; `changes` of the settings of all of them."""
        sections = {}
        for name in SECTIONS:
            sections[name] = {"base_url": server.url_of(name), **FAST, **changes}
        sections["binance_bulk"]["listing_url"] = server.url_of("binance_bulk", "listing_url")
        self.monkeypatch.setenv(environment.SERVICES, json.dumps(sections))
        self.monkeypatch.setenv(environment.FETCH, "auto")

    def path(self, source, kind, month, symbol=BTC, minutes=60):
        return Path(month_path("data", source, symbol, kind, minutes, month))

    def fetch(self, source, kind, month, symbol=BTC, minutes=60, through=None, spot=""):
        """Run the job; return the file's table and what it says of itself."""
        out = self.path(source, kind, month, symbol, minutes)
        through = through or days_of(month)[1].isoformat()
        fetch_perp_month_job(source, symbol, kind, month, minutes, through, out.as_posix(), spot)
        return files.read_table(out), files.read_meta(out)


def same_rows(found, expected, without=()):
    """Compare two tables by their rows; columns in `without` are not compared."""
    names = [name for name in expected.column_names if name not in without]
    return found.select(names).to_pylist() == expected.select(names).to_pylist()
