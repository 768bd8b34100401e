"""Archives of perpetuals: what was fetched, recorded and served again is the same; and what an exchange would do, it does."""

import pytest
import requests
import yaml
from typer.testing import CliRunner

from tests.families.funding_carry.exchange_worlds import (
    BTC,
    ExchangeWorld,
    candle_rows,
    candles,
    rate_rows,
    rates,
)
from tradewinds.archive.server import running_server
from tradewinds.cli.app import app
from tradewinds.config import resolve
from tradewinds.core import files
from tradewinds.core.errors import ConfigError, FetchError
from tradewinds.families.funding_carry.fetch.fetch_instruments_job import fetch_instruments_job
from tradewinds.families.funding_carry.plan import carry_plan

KINDS = ("funding", "spot", "perp", "mark")


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = ExchangeWorld(tmp_path, monkeypatch)
    yield made
    made.stop()


def config(world, **changes):
    dates = {"date_start_local": "2024-05-01", "date_end_local": "2024-06-09"}
    known = {"market": "funding_carry", "symbols": [BTC], **dates, "strategy": {"name": "funding_simple"}}
    (world.folder / "config.yaml").write_text(yaml.safe_dump({**known, "data": {"source": "binance"}, **changes}))
    return resolve.load("config.yaml")


def fetch_all(world, months):
    return {
        (kind, month): world.fetch("binance", kind, month, through="2024-06-09")[0]
        for kind in KINDS
        for month in months
    }


@pytest.mark.slow
def test_what_is_recorded_is_served_as_it_was_fetched(world):
    world.at("2024-06-10 12:00")
    months = ["2024-04", "2024-05", "2024-06"]
    for month in months:
        via = "rest" if month == "2024-06" else "bulk"
        world.add("binance", "funding", month, rates(rate_rows(month, jitter_ms=31, marks=via == "rest")), via=via)
        for kind in KINDS[1:]:
            world.add("binance", kind, month, candles(candle_rows(month, volume=kind != "mark")), via=via)
    conf = config(world)
    refused = CliRunner().invoke(app, ["record", "--config", "config.yaml", "--out", "recorded"])
    assert refused.exit_code != 0 and not (world.folder / "recorded").exists(), "nothing is fetched yet"
    with world.serve() as server:
        world.services(server)
        first = fetch_all(world, months)
        fetch_instruments_job("binance", carry_plan(conf).files.instruments)
    done = CliRunner().invoke(app, ["record", "--config", "config.yaml", "--out", "recorded"])
    assert done.exit_code == 0 and "recorded: archive of 12 month files" in done.output, done.output
    listed = files.read_table("data/perp/binance/instruments.parquet")
    (world.folder / "data").rename(world.folder / "before")
    with running_server(world.folder / "recorded") as server:
        world.services(server)
        again = fetch_all(world, months)
        fetch_instruments_job("binance", "data/perp/binance/instruments.parquet")
        assert files.read_table("data/perp/binance/instruments.parquet").equals(listed)
        # later there would be more of the running month, which was not recorded
        world.at("2024-06-20 12:00")
        with pytest.raises(
            FetchError, match="the archive has the perp records of BTC/USDT:USDT before 2024-06-10 only"
        ):
            world.fetch("binance", "perp", "2024-06")
    for key, table in first.items():
        assert again[key].equals(table), key


def test_a_month_that_does_not_say_what_it_is_is_refused_before_anything_is_served(world):
    folder = world.archive / "perp/binance/BTC-USDT-USDT/spot_1h"
    folder.mkdir(parents=True)
    about = {"source": "binance", "kind": "spot", "symbol": BTC, "month": "2024-05", "minutes": 60}
    files.write_parquet(folder / "2024-05.parquet", candles(candle_rows("2024-05")), about)
    with (
        pytest.raises(ConfigError, match=r"2024-05.parquet: its metadata do not say covers_through, spot"),
        world.serve(),
    ):
        pass


def test_only_what_is_fetched_can_be_recorded(world):
    world.at("2024-06-10 12:00")
    config(world, data={"source": "synthetic"})
    done = CliRunner().invoke(app, ["record", "--config", "config.yaml", "--out", "recorded"])
    assert done.exit_code != 0 and "nothing is fetched from synthetic" in str(done.exception) + done.output


@pytest.mark.parametrize("source", ["binance", "bybit", "okx", "hyperliquid"])
def test_the_list_of_instruments_is_fetched_once(world, source):
    world.at("2024-06-10 12:00")
    symbol = "ETH/USDC:USDC" if source == "hyperliquid" else "ETH/USDT:USDT"
    world.add(source, "funding", "2024-05", rates(rate_rows("2024-05")), symbol)
    out = f"data/perp/{source}/instruments.parquet"
    with world.serve() as server:
        world.services(server)
        fetch_instruments_job(source, out)
        (row,) = files.read_rows(out)
        assert row["symbol"] == symbol and f"{row['perp_step']:f}".rstrip("0") == "0.001"
        assert (row["spot_step"] is None) == (source == "hyperliquid")
        assert files.read_meta(out)["retrieved_at"].startswith("2024-06-10T12:00")
        asked = len(server.requests)
        fetch_instruments_job(source, out)
        assert len(server.requests) == asked > 0


def ask(server, path, **query):
    return requests.get(f"{server.root}{path}", params=query, timeout=5).json()


def test_the_candle_that_is_running_comes_last(world):
    """Where a request has no end; the product asks for whole days only, so it never gets one."""
    world.at("2024-05-10 12:30")
    for source in ("binance", "bybit", "okx"):
        world.add(source, "perp", "2024-05", candles(candle_rows("2024-05")), via="rest")
    noon = 1_715_342_400_000
    with world.serve() as server:
        rows = ask(server, "/fapi/v1/klines", symbol="BTCUSDT", interval="1h", limit=3)
        assert [row[0] for row in rows] == [noon - 7_200_000, noon - 3_600_000, noon]
        listed = ask(server, "/v5/market/kline", category="linear", symbol="BTCUSDT", interval="60", limit=3)
        assert [int(row[0]) for row in listed["result"]["list"]] == [noon, noon - 3_600_000, noon - 7_200_000]
        shown = ask(server, "/api/v5/market/history-candles", instId="BTC-USDT-SWAP", bar="1H")["data"]
        assert [(int(row[0]), row[-1]) for row in shown[:2]] == [(noon, "0"), (noon - 3_600_000, "1")] and len(
            shown
        ) == 100


def test_exchanges_answer_in_their_own_ways(world):
    world.at("2024-06-10 12:00")
    for source in ("binance", "bybit", "okx"):
        rows = rates(rate_rows("2024-05", hours=1, marks=source == "binance", jitter_ms=31))
        world.add(source, "funding", "2024-05", rows, via="rest")
    start = 1_714_521_600_000
    with world.serve() as server:
        path = "/fapi/v1/fundingRate"
        rows = ask(server, path, symbol="BTCUSDT", startTime=start)
        assert len(rows) == 100 and rows[0]["fundingTime"] == start and rows[0]["markPrice"] == ""
        assert rows[1]["markPrice"].startswith("4285.85") and rows[1]["fundingTime"] == start + 3_600_007
        assert len(ask(server, path, symbol="BTCUSDT")) == 200
        assert ask(server, path, symbol="BTCUSDT", limit=1001)["code"] == "000002"
        assert ask(server, path, symbol="NONE")["code"] == -1121
        path = "/v5/market/funding/history"
        assert ask(server, path, category="linear", symbol="BTCUSDT", startTime=start)["retCode"] == 10001
        listed = ask(server, path, category="linear", symbol="BTCUSDT", startTime=start, endTime=start + 2**40)
        stamps = [int(row["fundingRateTimestamp"]) for row in listed["result"]["list"]]
        assert len(stamps) == 200 and stamps == sorted(stamps, reverse=True) and stamps[0] > start + 30 * 86_400_000
        shown = ask(server, "/api/v5/public/funding-rate-history", instId="BTC-USDT-SWAP", limit=400)["data"]
        assert len(shown) == 100 and shown[0]["fundingRate"] != shown[0]["realizedRate"]
        assert ask(server, "/api/v5/public/funding-rate-history", instId="NO-USDT-SWAP")["code"] == "51001"
        world.at("2024-09-10 12:00")
        assert ask(server, "/api/v5/public/funding-rate-history", instId="BTC-USDT-SWAP")["data"] == []
        assert requests.post(f"{server.root}/info", data=b"no JSON", timeout=5).status_code == 400


def test_faults_of_exchanges_are_of_their_own_kinds(world):
    with world.serve() as server:
        paths = ("/fapi/v1/klines", "/v5/market/kline", "/api/v5/market/history-candles")
        kinds = [set(server.routes.route_of(path).faults(path)) for path in paths]
    assert kinds == [{"429_weight"}, {"200_too_many"}, {"200_too_frequent"}]
