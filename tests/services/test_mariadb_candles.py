"""Candle files mirrored and checked on a real MariaDB server; scenarios of candle_files."""

import json

import pymysql
import pytest

from tests.families.kalshi_weather.candle_files import (
    path_of,
    the_life_of_checkpoints,
    the_mirror_holds_each_candle_once,
    write_candles,
)
from tests.services.mariadb import Server, mariadb  # noqa: F401
from tradewinds.families.kalshi_weather.database import mirror


@pytest.fixture
def url(mariadb: Server) -> str:  # noqa: F811
    mariadb.new_database("candles")
    return mariadb.url("candles")


def test_checkpoints_mirror_the_files(tmp_path, url):
    the_life_of_checkpoints(url, tmp_path)


def test_the_mirror_holds_each_candle_once(tmp_path, url):
    the_mirror_holds_each_candle_once(url, tmp_path)


def test_a_market_in_a_span_of_time_is_found_by_index(tmp_path, url, mariadb):  # noqa: F811
    mirror.mirror_candles([write_candles(path_of(tmp_path, day), minutes=600) for day in range(1, 6)], url)
    span = "market_ticker = 'KXHIGHCHI-25MAY03-T60' AND end_period_ts_utc BETWEEN '2025-05-01' AND '2025-05-01 15:00'"
    with mariadb.root() as connection, connection.cursor(pymysql.cursors.Cursor) as cursor:
        cursor.execute("USE candles")
        cursor.execute(f"EXPLAIN FORMAT=JSON SELECT * FROM kalshi_candlestick_1m WHERE {span}")
        plan = json.loads(cursor.fetchone()[0])
        cursor.execute(f"SELECT COUNT(*) FROM kalshi_candlestick_1m WHERE {span}")
        assert cursor.fetchone() == (60,)
    found = json.dumps(plan)
    assert '"access_type": "range"' in found and '"key": "PRIMARY"' in found
    assert '"used_key_parts": ["market_ticker", "end_period_ts_utc"]' in found
