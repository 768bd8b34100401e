"""Real records of exchanges through archive, server and fetch: what was recorded comes back row by row."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.families.funding_carry.exchange_worlds import ExchangeWorld, days_of, utc
from tradewinds.core.units import TS
from tradewinds.families.funding_carry.schemas import CANDLES, EXACT_PRICE, FUNDING, RATE, VOLUME


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = ExchangeWorld(tmp_path, monkeypatch)
    yield made
    made.stop()


def of_month(path, symbol, month, stamps):
    """The rows of a recording of one symbol and month, ascending."""
    table = pq.read_table(path)
    first, last = days_of(month)
    start, end = (pa.scalar(utc(f"{day}"), TS) for day in (first, last))
    end = pa.scalar(end.as_py().replace(hour=23, minute=59), TS)
    at = table[stamps].cast(TS)
    inside = pc.and_(pc.greater_equal(at, start), pc.less_equal(at, end))
    return table.filter(pc.and_(inside, pc.equal(table["symbol"].cast(pa.string()), symbol))).sort_by(stamps)


def as_rates(table, stamps, raw):
    count = table.num_rows
    hours = table[stamps].cast(TS)
    columns = [hours, table[raw].cast(TS), table["funding_rate"].cast(RATE)]
    return pa.table([*columns, pa.nulls(count, EXACT_PRICE), pa.nulls(count, pa.int64())], schema=FUNDING)


def as_candles(table):
    prices = [table[name].cast(EXACT_PRICE) for name in ("open", "high", "low", "close")]
    return pa.table([table["ts_utc"].cast(TS), *prices, table["volume"].cast(VOLUME)], schema=CANDLES)


def test_an_interval_that_changed_twice_in_a_month(world, shared_data):
    """XTZ in July 2025: eight hours, one hour, four hours; the file names the interval of each settlement."""
    symbol, month = "XTZ/USDT:USDT", "2025-07"
    recorded = of_month(shared_data / "crypto/binance_funding_2019_2026.parquet", symbol, month, "ts_utc")
    world.add("binance", "funding", month, as_rates(recorded, "ts_utc", "ts_raw_utc"), symbol)
    world.at("2026-05-20 12:00")
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("binance", "funding", month, symbol)
    assert table["rate"].cast(pa.decimal128(12, 8)).equals(recorded["funding_rate"].cast(pa.decimal128(12, 8)))
    assert table["ts_utc"].equals(recorded["ts_utc"].cast(TS)) and about["quarantined"] == {}
    assert set(table["interval_hours"].to_pylist()) == {8, 1, 4} and table.num_rows > 100


def test_hours_that_an_outage_took_are_missing_and_counted(world, shared_data):
    month = "2023-03"
    recorded = of_month(shared_data / "crypto/binance_spot_1h_BTC_ETH_2019_2026.parquet", "BTC/USDT", month, "ts_utc")
    expected = world.add("binance", "spot", month, as_candles(recorded))
    world.at("2026-05-20 12:00")
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("binance", "spot", month)
    assert table.equals(expected) and about["missing"] == 744 - table.num_rows > 0


def test_settlements_stamped_minutes_late_come_in_pages_without_a_hole(world, shared_data):
    """The recording itself lost 220 hours at a time, because its author asked for thirty days at once."""
    symbol, month = "BTC/USDC:USDC", "2024-07"
    path = shared_data / "crypto/hyperliquid_funding_1h_BTC_ETH_2024_2025.parquet"
    recorded = of_month(path, symbol, month, "ts_raw_utc")
    served = as_rates(recorded, "ts_raw_utc", "ts_raw_utc")
    world.add("hyperliquid", "funding", month, served, symbol)
    world.at("2026-05-20 12:00")
    with world.serve() as server:
        world.services(server)
        table, about = world.fetch("hyperliquid", "funding", month, symbol)
    assert table["raw_ts_utc"].equals(served["raw_ts_utc"]) and table["rate"].equals(served["rate"])
    assert about["quarantined"] == {} and table.num_rows == recorded.num_rows > 500
