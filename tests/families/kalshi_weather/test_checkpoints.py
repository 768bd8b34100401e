"""The backfill's checkpoints and the mirror of candles, on SQLite; the same on a server is in tests/services."""

import sqlite3

import pytest

from tests.families.kalshi_weather.candle_files import (
    path_of,
    states,
    stored,
    the_life_of_checkpoints,
    the_mirror_holds_each_candle_once,
    wanted_rows,
    write_candles,
)
from tradewinds.core.errors import DamagedFile, DatabaseError, FetchError
from tradewinds.families.kalshi_weather.database import checkpoints, kalshi_tables, mirror


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/t.db"


def ask(tmp_path, query):
    with sqlite3.connect(tmp_path / "t.db") as connection:
        rows = connection.execute(query).fetchall()
    connection.close()
    return rows


def test_checkpoints_mirror_the_files(tmp_path, url):
    the_life_of_checkpoints(url, tmp_path)


def test_a_database_that_refuses_stops_the_run_before_it_begins(tmp_path):
    (tmp_path / "text").write_text("no database " * 100)
    began = []
    with (
        pytest.raises(DatabaseError, match="not a database"),
        checkpoints.backfill(f"sqlite:///{tmp_path}/text", [path_of(tmp_path, 1)], dict),
    ):
        began.append(True)
    assert not began


def test_what_stopped_the_run_is_what_its_user_reads(tmp_path, url):
    for stop, words in ((FetchError("no answer"), "no answer"), (None, "no such table")):
        with (
            pytest.raises((FetchError, DatabaseError), match=words),
            checkpoints.backfill(url, [path_of(tmp_path, 1)], dict),
        ):
            ask(tmp_path, "DROP TABLE kalshi_backfill_checkpoint")
            if stop:
                raise stop


def test_a_file_that_is_not_whole_is_no_success(tmp_path, url):
    path = write_candles(path_of(tmp_path, 1))
    with (
        pytest.raises(DamagedFile),
        checkpoints.backfill(url, [path], dict),
    ):
        (tmp_path / path).write_bytes(b"torn")
    assert states(url) == {1: ("RUNNING", None)}


def test_the_mirror_holds_each_candle_once(tmp_path, url):
    the_mirror_holds_each_candle_once(url, tmp_path)


@pytest.mark.slow
def test_a_file_is_mirrored_whole_or_not_at_all(tmp_path, url):
    one, two = (write_candles(path_of(tmp_path, day), minutes=3000) for day in (1, 2))  # more than one INSERT each
    stored(url, kalshi_tables.kalshi_candlestick_1m)
    last = "NEW.market_ticker = 'KXHIGHCHI-25MAY02-T60' AND NEW.end_period_ts_utc LIKE '2025-05-03 16:00%'"
    refuse = f"CREATE TRIGGER refuse BEFORE INSERT ON kalshi_candlestick_1m WHEN {last}"
    ask(tmp_path, f"{refuse} BEGIN SELECT RAISE(ABORT, 'disk is full'); END")
    with pytest.raises(DatabaseError, match="disk is full"):
        mirror.mirror_candles([one, two], url)
    assert stored(url, kalshi_tables.kalshi_candlestick_1m) == wanted_rows(one)
    ask(tmp_path, "DROP TRIGGER refuse")
    assert mirror.mirror_candles([one, two], url) == (1, 6000)


def test_a_file_with_a_flipped_bit_is_not_mirrored(tmp_path, url):
    path = write_candles(path_of(tmp_path, 1), minutes=500)
    content = bytearray((tmp_path / path).read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / path).write_bytes(content)
    with pytest.raises(DamagedFile, match=r"2025-05-01\.parquet"):
        mirror.mirror_candles([path], url)
    assert (
        stored(url, kalshi_tables.kalshi_candlestick_1m) == stored(url, kalshi_tables.kalshi_candlestick_mirrored) == []
    )


def test_a_market_in_a_span_of_time_is_found_by_index(tmp_path, url):
    stored(url, kalshi_tables.kalshi_candlestick_1m)
    span = "market_ticker = 'M' AND end_period_ts_utc BETWEEN '2025-05-01' AND '2025-05-02'"
    [plan] = ask(tmp_path, f"EXPLAIN QUERY PLAN SELECT * FROM kalshi_candlestick_1m WHERE {span}")
    key = "PRIMARY KEY (market_ticker=? AND end_period_ts_utc>? AND end_period_ts_utc<?)"
    assert plan[-1] == f"SEARCH kalshi_candlestick_1m USING {key}"
