"""Months of records from each exchange, answered from an archive as the exchange answers."""

import datetime as dt
import json

import pytest

from tests.families.funding_carry.exchange_worlds import (
    BTC,
    ExchangeWorld,
    candle_rows,
    candles,
    rate_rows,
    rates,
    same_rows,
)
from tradewinds.core import environment
from tradewinds.core.errors import ConfigError, DataMissing


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = ExchangeWorld(tmp_path, monkeypatch)
    yield made
    made.stop()


CANDLE_KINDS = ("spot", "perp", "mark")


def add_candles(world, source, month):
    """Put candles of all kinds into the archive; return them by kind."""
    return {
        kind: world.add(source, kind, month, candles(candle_rows(month, volume=kind != "mark")))
        for kind in CANDLE_KINDS
    }


def queries(server, path):
    return [dict(item.split("=") for item in seen.query.split("&")) for seen in server.requests if seen.path == path]


@pytest.mark.slow
@pytest.mark.parametrize("month", ["2021-11", "2024-02", "2025-03"])
def test_a_finished_month_comes_as_one_file_with_its_checksum(world, month):
    """With and without a header line, in milliseconds and microseconds; the interval is that of the file."""
    world.at("2025-05-10 12:00")
    funding = world.add("binance", "funding", month, rates(rate_rows(month, jitter_ms=31)))
    listed = {
        kind: world.add("binance", kind, month, candles(candle_rows(month, volume=kind != "mark")))
        for kind in CANDLE_KINDS
    }
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("binance", "funding", month)
        assert same_rows(table, funding) and about["via"] == "bulk" and len(about["sha256"]) == 64
        assert about["url_path"].endswith(f"/BTCUSDT-fundingRate-{month}.zip") and about["quarantined"] == {}
        for kind, expected in listed.items():
            table, about = world.fetch("binance", kind, month)
            assert same_rows(table, expected) and about["missing"] == 0 and about["requests"] == 2
        assert {seen.path.split("/")[1] for seen in server.requests} == {"data"}, "the API is not asked"


def test_files_have_a_header_line_or_none_and_stamps_in_either_unit(world):
    world.at("2025-05-10 12:00")
    import io
    import zipfile

    found = {}
    for kind, month in [("perp", "2021-11"), ("perp", "2024-02"), ("spot", "2024-02"), ("spot", "2025-03")]:
        world.add("binance", kind, month, candles(candle_rows(month)))
    with world.serve() as server:
        import requests

        for kind, month in [("perp", "2021-11"), ("perp", "2024-02"), ("spot", "2024-02"), ("spot", "2025-03")]:
            folder = "spot" if kind == "spot" else "futures/um"
            name = f"BTCUSDT-1h-{month}"
            body = requests.get(f"{server.root}/data/{folder}/monthly/klines/BTCUSDT/1h/{name}.zip", timeout=5).content
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                found[kind, month] = archive.read(f"{name}.csv").decode().splitlines()[0].split(",")[0]
    assert found["perp", "2021-11"] == "1635724800000" and found["perp", "2024-02"] == "open_time"
    assert found["spot", "2024-02"] == "1706745600000" and found["spot", "2025-03"] == "1740787200000000"


def test_a_month_before_the_listing_is_an_empty_file_with_its_reason(world):
    world.at("2024-06-10 12:00")
    world.add("binance", "funding", "2024-04", rates(rate_rows("2024-04", from_day=20)))
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("binance", "funding", "2024-03")
        assert table.num_rows == 0 and about["reason"] == "NOT_LISTED_YET" and about["first_month"] == "2024-04"
        assert about["covers_through"] == "2024-03-31"
        table, about = world.fetch("binance", "funding", "2024-04")
        assert table.num_rows == 33 and "reason" not in about
        before = len(server.requests)
        assert world.fetch("binance", "funding", "2024-03")[1]["reason"] == "NOT_LISTED_YET"
        assert len(server.requests) == before, "a finished month is never asked for again"


def test_a_month_whose_file_is_not_there_yet_comes_from_the_api(world):
    """In the first days of a month there is no file of the month before."""
    world.at("2024-06-01 12:00")
    expected = world.add("binance", "funding", "2024-05", rates(rate_rows("2024-05", marks=True)), via="rest")
    world.add("binance", "funding", "2024-04", rates(rate_rows("2024-04")))
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("binance", "funding", "2024-05")
        assert same_rows(table, expected, ["interval_hours"]) and about["via"] == "rest"
        assert {"/listing", "/fapi/v1/fundingRate"} <= server.counts().keys()


def test_a_symbol_without_any_market_is_an_empty_file_with_its_reason(world):
    world.at("2024-06-10 12:00")
    with world.serve() as server:
        world.services(server)
        for source, kind in [("binance", "spot"), ("binance", "funding"), ("bybit", "spot"), ("okx", "perp")]:
            table, about = world.fetch(source, kind, "2024-05", symbol="ONDO/USDT:USDT")
            assert table.num_rows == 0 and about["reason"] == "SYMBOL_NOT_FOUND", (source, kind)


def test_the_running_month_grows_by_whole_days_and_asks_for_new_days_only(world):
    expected = world.add(
        "binance", "funding", "2024-05", rates(rate_rows("2024-05", jitter_ms=31, marks=True)), via="rest"
    )
    perp = world.add("binance", "perp", "2024-05", candles(candle_rows("2024-05")), via="rest")
    with world.serve() as server:
        world.services(server)
        world.at("2024-05-01 09:00")
        table, about = world.fetch("binance", "perp", "2024-05")
        assert table.num_rows == 0 and about["covers_through"] == "2024-04-30" and about["reason"] == "NO_FULL_DAY"
        assert not server.requests
        world.at("2024-05-10 09:00")
        table, about = world.fetch("binance", "funding", "2024-05", through="2024-05-10")
        assert same_rows(table, expected.slice(0, 27), ["interval_hours"]), "nine days, an empty mark price is none"
        assert (about["covers_through"], about["asked_through"]) == ("2024-05-09", "2024-05-10")
        assert world.fetch("binance", "perp", "2024-05")[0].num_rows == 9 * 24, "the candle that is running is no row"
        world.at("2024-05-20 09:00")
        before = len(server.requests)
        table, about = world.fetch("binance", "funding", "2024-05")
        assert same_rows(table, expected.slice(0, 57), ["interval_hours"]) and about["requests"] == 4
        asked, end = [seen.query for seen in server.requests[before:]]
        start = int(dt.datetime(2024, 5, 10, tzinfo=dt.UTC).timestamp()) * 1000
        assert f"startTime={start - 300_000}" in asked and "startTime" in end, "the second page is empty"
        world.at("2024-06-03 09:00")
        assert same_rows(world.fetch("binance", "funding", "2024-05")[0], expected, ["interval_hours"])
        table, about = world.fetch("binance", "perp", "2024-05")
        assert same_rows(table, perp) and about["covers_through"] == "2024-05-31"
        before = len(server.requests)
        world.fetch("binance", "perp", "2024-05")
        assert len(server.requests) == before


@pytest.mark.slow
def test_pages_that_are_full_are_followed_by_another(world):
    world.at("2024-06-10 12:00")
    listed = {}
    for kind in CANDLE_KINDS:
        rows = candle_rows("2024-05", 5, volume=kind != "mark")
        listed[kind] = world.add("binance", kind, "2024-05", candles(rows), minutes=5, via="rest")
    with world.serve() as server:
        world.services(server)
        paths = {"spot": "/api/v3/klines", "perp": "/fapi/v1/klines", "mark": "/fapi/v1/markPriceKlines"}
        for kind, path in paths.items():
            limit = 1000 if kind == "spot" else 499
            assert same_rows(world.fetch("binance", kind, "2024-05", minutes=5)[0], listed[kind]), kind
            asked = queries(server, path)
            assert {query["limit"] for query in asked} == {str(limit)} and len(asked) == -(-31 * 288 // limit)


def test_bybit_is_paged_backwards(world):
    world.at("2024-06-10 12:00")
    hourly = world.add("bybit", "funding", "2024-05", rates(rate_rows("2024-05", hours=1, jitter_ms=20)))
    listed = {
        kind: world.add(
            "bybit", kind, "2024-05", candles(candle_rows("2024-05", 30, volume=kind != "mark")), minutes=30
        )
        for kind in CANDLE_KINDS
    }
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("bybit", "funding", "2024-05")
        assert same_rows(table, hourly, ["interval_hours"]) and about["requests"] == 5, "four pages, and an empty one"
        assert all("endTime" in query for query in queries(server, "/v5/market/funding/history"))
        for kind, expected in listed.items():
            assert same_rows(world.fetch("bybit", kind, "2024-05", minutes=30)[0], expected), kind


def test_okx_gives_what_was_paid_newest_first(world):
    world.at("2024-06-10 12:00")
    hourly = world.add("okx", "funding", "2024-05", rates(rate_rows("2024-05", hours=1)))
    world.add("okx", "funding", "2024-04", rates(rate_rows("2024-04", hours=1)))
    listed = {
        kind: world.add("okx", kind, "2024-05", candles(candle_rows("2024-05", volume=kind != "mark")))
        for kind in CANDLE_KINDS
    }
    with world.serve() as server:
        world.services(server)
        table, _ = world.fetch("okx", "funding", "2024-05")
        assert same_rows(table, hourly, ["interval_hours"]), "the rate that was paid, not the predicted one"
        for kind, expected in listed.items():
            assert same_rows(world.fetch("okx", kind, "2024-05")[0], expected), kind


def test_hyperliquid_cuts_pages_without_a_word(world):
    world.at("2025-06-10 12:00")
    symbol = "BTC/USDC:USDC"
    hourly = world.add("hyperliquid", "funding", "2025-05", rates(rate_rows("2025-05", hours=1, jitter_ms=900)), symbol)
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("hyperliquid", "funding", "2025-05", symbol)
        assert table.num_rows == 744 and same_rows(table, hourly, ["interval_hours"])
        assert server.counts() == {"/info": 3} and about["requests"] == 3
        with pytest.raises(ConfigError, match="hyperliquid gives no spot records"):
            world.fetch("hyperliquid", "spot", "2025-05", symbol)


def test_a_changed_interval_is_kept_as_it_came(world):
    world.at("2024-06-10 12:00")
    rows = rate_rows("2024-05")[:60] + rate_rows("2024-05", hours=1, from_day=21)[:48]
    expected = world.add("binance", "funding", "2024-05", rates(rows))
    with world.serve() as server:
        world.services(server)
        table, _ = world.fetch("binance", "funding", "2024-05")
    assert same_rows(table, expected) and set(table["interval_hours"].to_pylist()) == {8, 1}


def test_candles_that_are_missing_are_counted_and_not_filled(world):
    world.at("2024-06-10 12:00")
    rows = candle_rows("2024-05")
    world.add("binance", "spot", "2024-05", candles(rows[:100] + rows[136:]))
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("binance", "spot", "2024-05")
    assert table.num_rows == 744 - 36 and about["missing"] == 36


def test_a_spot_pair_of_another_name(world):
    world.at("2024-06-10 12:00")
    symbol = "1000PEPE/USDT:USDT"
    expected = world.add("binance", "spot", "2024-05", candles(candle_rows("2024-05")), symbol, spot="PEPE/USDT")
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("binance", "spot", "2024-05", symbol, spot="PEPE/USDT")
    assert same_rows(table, expected) and about["spot"] == "PEPE/USDT" and "/PEPEUSDT/" in about["url_path"]


def test_okx_keeps_three_months_only(world):
    """A month that is partly forgotten is fetched as far as it is there; one that is gone is an error before any request."""
    world.at("2024-06-10 12:00")
    for month in ("2024-02", "2024-03"):
        world.add("okx", "funding", month, rates(rate_rows(month)))
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("okx", "funding", "2024-03")
        assert about["covers_from"] == "2024-03-13" and table.num_rows == 19 * 3
        before = len(server.requests)
        with pytest.raises(DataMissing, match=r"okx has no funding records of 2024-02 any more") as error:
            world.fetch("okx", "funding", "2024-02")
        assert error.value.exit_code == 3 and len(server.requests) == before


def test_no_request_is_sent_where_fetching_is_off(world):
    world.at("2024-06-10 12:00")
    with world.serve() as server:
        world.services(server)
        world.monkeypatch.setenv(environment.FETCH, "never")
        with pytest.raises(DataMissing, match="fetching is off"):
            world.fetch("binance", "funding", "2024-05")
        assert not server.requests


def test_the_urls_of_all_services_are_told(world):
    with world.serve() as server:
        said = {f"{service}.{key}" for service, key in server.routes.base_paths}
        assert {"binance_bulk.base_url", "binance_bulk.listing_url", "binance_spot.base_url", "okx.base_url"} <= said
        assert json.loads(json.dumps(server.counts())) == {} and BTC
