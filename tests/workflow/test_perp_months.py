"""Months of perpetuals through the workflow: files of finished months, the API for the running one, nothing asked twice."""

import datetime as dt
import os
import sys

import pytest
import yaml

from tests import warm
from tests.families.funding_carry.exchange_worlds import (
    BTC,
    SECTIONS,
    ExchangeWorld,
    candle_rows,
    candles,
    rate_rows,
    rates,
)
from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tradewinds.core import files
from tradewinds.families.funding_carry.fetch.source_reach import last_full_day


@pytest.fixture
def world(tmp_path, monkeypatch):
    return ExchangeWorld(tmp_path, monkeypatch)


def month_before(month, count=1):
    number = int(month[:4]) * 12 + int(month[5:]) - 1 - count
    return f"{number // 12:04}-{number % 12 + 1:02}"


def configured(world, server, source, **changes):
    sections = {name: {"base_url": server.url_of(name), "requests_per_second": 200} for name in SECTIONS}
    sections["binance_bulk"]["listing_url"] = server.url_of("binance_bulk", "listing_url")
    config = {
        "market": "funding_carry",
        "symbols": [BTC],
        "data": {"source": source},
        "strategy": {"name": "funding_simple"},
        **sections,
        **changes,
    }
    (world.folder / "config.yaml").write_text(yaml.safe_dump(config))


def inputs(world):
    """Make everything that a replay reads."""
    flags = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml", "-j", "4"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    return warm.run(
        [sys.executable, "-m", "snakemake", *flags, "inputs"],
        cwd=world.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def test_files_and_api_make_a_run_and_nothing_is_asked_twice(world):
    today = dt.datetime.now(dt.UTC)
    last = last_full_day(today)
    running = f"{last:%Y-%m}"
    months = [month_before(running, 2), month_before(running), running]
    for month in months:
        via = "rest" if month == running else "bulk"
        world.add("binance", "funding", month, rates(rate_rows(month, jitter_ms=31, marks=via == "rest")), via=via)
        for kind in ("spot", "perp", "mark"):
            rows = candle_rows(month, volume=kind != "mark", shift=9 if kind == "spot" else 0)
            world.add("binance", kind, month, candles(rows), via=via)
    with world.serve() as server:
        start = dt.date.fromisoformat(f"{months[1]}-15")
        configured(world, server, "binance", date_start_local=f"{start}", date_end_local=f"{last}")
        made = inputs(world)
        assert made.returncode == 0, made.stdout + made.stderr
        found = {
            path.parent.name: files.read_meta(path)
            for path in world.folder.glob(f"data/perp/binance/*/*/{running}.parquet")
        }
        assert {about["covers_through"] for about in found.values()} == {last.isoformat()} and len(found) == 4
        whole = files.read_meta(world.path("binance", "funding", months[1]))
        assert whole["via"] == "bulk" and not files.read_meta(world.path("binance", "spot", months[0]))["quarantined"]
        assert files.read_rows("data/perp/binance/instruments.parquet")[0]["symbol"] == BTC
        asked = len(server.requests)
        again = inputs(world)
        assert again.returncode == 0 and len(server.requests) == asked > 0, again.stderr


def test_what_okx_has_forgotten_is_exit_3_before_anything_is_fetched(world):
    with world.serve() as server:
        dates = {"date_start_local": "2024-01-01", "date_end_local": "2024-03-31"}
        configured(world, server, "okx", **dates, costs={"fees": {"schedule": "bybit_vip0"}})
        done = warm.run(
            [sys.executable, "-m", "tradewinds.cli", "run", "--config", "config.yaml", "--dry-run"],
            cwd=world.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 3 and "last three months only" in done.stderr, done.stdout + done.stderr
        assert "BTC/USDT:USDT from 2023-12" in done.stderr and "Traceback" not in done.stderr
        assert not server.requests
