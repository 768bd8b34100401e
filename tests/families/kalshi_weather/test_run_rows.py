"""What a load adds to a run of temperature events: events and markets of its dates, checkpoints of its candle files."""

import datetime as dt
from decimal import Decimal

import pytest

from tests.families.kalshi_weather.candle_files import path_of, states, stored, write_candles
from tests.families.kalshi_weather.catalog_files import catalog
from tests.unit.database_parts import DAY, write
from tests.unit.load_parts import seen
from tradewinds.core.errors import DamagedFile
from tradewinds.database.load import load_run
from tradewinds.families.kalshi_weather.database import kalshi_tables


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/t.db"


def test_markets_of_the_range_are_what_the_catalog_says_now(tmp_path, url):
    write(tmp_path / "run")
    before, path = DAY - dt.timedelta(days=1), tmp_path / "c.parquet"
    listed = catalog(path, (before, "OLD", "no"), (DAY, "A", None), (DAY, "B", None))
    load_run(tmp_path / "run", url, {"catalogs": [listed]})
    assert [row["market_ticker"] for row in stored(url, kalshi_tables.kalshi_market)] == ["A", "B"]
    load_run(tmp_path / "run", url, {"catalogs": [catalog(path, (DAY, "A", "yes"), (DAY, "C", "no"))]})
    found = stored(url, kalshi_tables.kalshi_market)
    assert [(row["market_ticker"], row["result"]) for row in found] == [("A", "yes"), ("C", "no")]
    assert (found[0]["settlement_value"], found[0]["floor_strike"]) == (Decimal("0.123456"), 80.5)
    assert found[0]["close_time_utc"] == dt.datetime(2025, 6, 2, 5)
    assert [row["climate_date"] for row in stored(url, kalshi_tables.kalshi_event)] == [DAY]


def test_candle_files_get_their_checkpoints_with_the_run(tmp_path, url):
    write(tmp_path / "run")
    load_run(tmp_path / "run", url, {"candles": [write_candles(path_of(tmp_path, day)) for day in (1, 2)]})
    assert states(url) == dict.fromkeys((1, 2), ("SUCCESS", None))
    load_run(tmp_path / "run", url)
    assert len(states(url)) == 2, "a load that is given no files leaves the checkpoints alone"


def test_a_damaged_file_stops_the_whole_load(tmp_path, url):
    """One transaction: trades, markets and checkpoints of before stay together."""
    run, path = write(tmp_path / "run"), tmp_path / "c.parquet"
    load_run(tmp_path / "run", url, {"catalogs": [catalog(path, (DAY, "A", None))]})
    write(tmp_path / "run", [5])
    catalog(path, (DAY, "A", "yes"), (DAY, "C", "no"))
    whole, torn = write_candles(path_of(tmp_path, 1)), path_of(tmp_path, 2)
    (tmp_path / torn).write_bytes(b"half a file")
    with pytest.raises(DamagedFile, match=r"2025-05-02\.parquet"):
        load_run(tmp_path / "run", url, {"catalogs": [str(path)], "candles": [whole, torn]})
    assert seen(url, run) == ("FAILED", 2, 1)
    assert [row["market_ticker"] for row in stored(url, kalshi_tables.kalshi_market)] == ["A"] and states(url) == {}
