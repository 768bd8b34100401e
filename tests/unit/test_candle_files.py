"""The project's own reader of candle files: the same rows as DuckDB, and whatever it does not know is left to DuckDB."""

import contextlib
import datetime as dt
import random
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core import files
from tradewinds.engine.event_contracts import decompression
from tradewinds.engine.event_contracts.candle_files import RANGES, footer_facts, read_candle_files
from tradewinds.engine.event_contracts.candles import CandleReader
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.validations.candle_facts import candle_file_facts, candle_footers

TICKERS = ["A", "B-é", "C"]  # markets that are asked for; files have others, too
OTHERS = ["D", ""]
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ROW_COUNTS = (0, 1, 7, 8, 9, 300, 25_000)


def candles(rows, rng, *, nulls=0.2, prices=99):
    """A table of candles with random values."""

    def price():
        return None if rng.random() < nulls else Decimal(rng.randrange(prices)).scaleb(-2)

    columns = {
        "market_ticker": sorted(rng.choice([*TICKERS, *OTHERS]) for _ in range(rows)),
        "end_period_ts": [1_700_000_000 + 60 * n for n in range(rows)],
        **{name: [price() for _ in range(rows)] for name in schemas.PRICE_COLUMNS},
        "volume": [Decimal(rng.randrange(10 ** rng.randrange(1, 17))).scaleb(-2) for _ in range(rows)],
        "open_interest": [Decimal(0)] * rows,
        "retrieved_at": [NOW] * rows,
    }
    return pa.table(columns).cast(schemas.CANDLES)


def by_duckdb(paths, *, ranges=False):
    with contextlib.closing(CandleReader(1, ranges=ranges)) as reader:
        return reader._by_duckdb(paths, TICKERS)


def assert_same(found, expected):
    names = [*found._fields[:-1], *(RANGES if found.ranges else ())]
    columns = [[*rows[:-1], *rows.ranges] for rows in (found, expected)]
    for name, one, other in zip(names, *columns, strict=True):
        assert one.dtype == other.dtype, name
        assert np.array_equal(one, other), name


@pytest.mark.slow
@pytest.mark.parametrize("nulls", [0, 0.2, 1])
def test_the_rows_are_those_of_duckdb(tmp_path, nulls):
    rng, paths = random.Random(7), []
    for rows in ROW_COUNTS:
        paths.append(str(tmp_path / f"{rows}.parquet"))
        files.write_parquet(
            paths[-1], candles(rows, rng, nulls=nulls, prices=rng.choice([2, 99, 1000])), {"rows": rows}
        )
    found = read_candle_files(paths, TICKERS, ranges=True)
    assert_same(found, by_duckdb(paths, ranges=True))
    assert_same(read_candle_files(paths, TICKERS), found._replace(ranges=()))
    assert len(found.bid) == sum(ROW_COUNTS)
    assert set(found.market_index) == {-1, 0, 1, 2}


@pytest.mark.parametrize("options", [{"compression": "none"}, {"row_group_size": 100}, {"data_page_size": 100}])
def test_other_forms_that_it_knows(tmp_path, options):
    path = str(tmp_path / "x.parquet")
    pq.write_table(candles(300, random.Random(1)), path, **({"compression": "zstd"} | options))
    assert_same(read_candle_files([path], TICKERS), by_duckdb([path]))


def test_pyarrow_decompresses_where_zstds_library_is_missing(tmp_path, monkeypatch):
    path = str(tmp_path / "x.parquet")
    files.write_parquet(path, candles(300, random.Random(8)), {})
    own = read_candle_files([path, path], TICKERS, ranges=True)
    monkeypatch.setattr(decompression, "zstd_library", lambda: None)
    assert_same(read_candle_files([path, path], TICKERS, ranges=True), own)


@pytest.mark.parametrize("missing", [True, False])
def test_a_page_that_cannot_be_decompressed_is_declined(tmp_path, monkeypatch, missing):
    path = tmp_path / "x.parquet"
    pq.write_table(candles(300, random.Random(9)), path, compression="zstd")
    data = path.read_bytes()
    if missing:
        monkeypatch.setattr(decompression, "zstd_library", lambda: None)
    assert read_candle_files([str(path)], TICKERS) is not None
    path.write_bytes(data.replace(b"\x28\xb5\x2f\xfd", b"\x28\xb5\x2f\xfc"))  # what a frame of zstd begins with
    assert read_candle_files([str(path)], TICKERS) is None


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "snappy"},
        {"use_dictionary": False},
        {"data_page_version": "2.0"},
        {"store_decimal_as_integer": True},
    ],
)
def test_other_forms_are_left_to_duckdb(tmp_path, options):
    path = str(tmp_path / "x.parquet")
    pq.write_table(candles(300, random.Random(2)), path, **({"compression": "zstd"} | options))
    assert read_candle_files([path], TICKERS) is None
    with contextlib.closing(CandleReader(1)) as reader:
        assert len(reader.read([path], TICKERS).bid) == 300


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("yes_bid_close", pa.float64()),
        ("yes_ask_close", pa.decimal128(9, 5)),
        ("yes_ask_close", pa.decimal128(10, 6)),
        ("volume", pa.decimal128(18, 3)),
        ("end_period_ts", pa.timestamp("s")),
        ("end_period_ts", pa.int32()),
        ("market_ticker", pa.int64()),
    ],
)
def test_columns_of_other_types_are_declined(tmp_path, column, kind):
    table, path = candles(50, random.Random(3)), str(tmp_path / "x.parquet")
    place = table.column_names.index(column)
    values = pa.nulls(50, kind) if kind == pa.int64() else table[column].cast(kind, safe=False)
    pq.write_table(table.set_column(place, column, values), path, compression="zstd")
    assert read_candle_files([path], TICKERS) is None


@pytest.mark.parametrize("column", ["end_period_ts", "volume"])
def test_a_null_that_no_candle_has_is_declined(tmp_path, column):
    table, path = candles(50, random.Random(4)), str(tmp_path / "x.parquet")
    place = table.column_names.index(column)
    values = pa.array([None, *table[column].to_pylist()[1:]], table[column].type)
    pq.write_table(table.set_column(place, pa.field(column, values.type), values), path, compression="zstd")
    assert read_candle_files([path], TICKERS) is None


def test_a_column_that_is_missing_or_there_twice_is_declined(tmp_path):
    table, path = candles(50, random.Random(5)), str(tmp_path / "x.parquet")
    pq.write_table(table.drop_columns(["volume"]), path, compression="zstd")
    assert read_candle_files([path], TICKERS) is None
    pq.write_table(table.append_column("volume", table["volume"]), path, compression="zstd")
    assert read_candle_files([path], TICKERS) is None


@pytest.mark.parametrize("text", [b"", b"PAR1", b"no Parquet at all", b"PAR1" + b"\xff" * 4 + b"PAR1"])
def test_what_is_no_parquet_is_declined(tmp_path, text):
    path = tmp_path / "x.parquet"
    path.write_bytes(text)
    assert read_candle_files([str(path)], TICKERS) is None
    assert read_candle_files([str(tmp_path / "absent")], TICKERS) is None
    assert footer_facts([str(path), str(tmp_path / "absent")], schemas.PRICE_COLUMNS, "tradewinds") == [None, None]


@pytest.mark.slow
@pytest.mark.parametrize("rows", ROW_COUNTS)
@pytest.mark.parametrize("nulls", [0.2, 1])
def test_facts_are_those_of_the_footer(tmp_path, rows, nulls):
    path = str(tmp_path / "x.parquet")
    files.write_parquet(path, candles(rows, random.Random(rows), nulls=nulls), {"text": "é" * 20_000, "rows": rows})
    (footer,) = candle_footers([path]).values()
    assert footer is not None
    assert candle_file_facts(path, footer) == candle_file_facts(path, None)


# The compiled functions must stay inside the bytes whatever these are, so a process reads thousands of damaged files.
DAMAGED = """
import random, sys
from tradewinds.engine.event_contracts.candle_files import RANGES, footer_facts, read_candle_files
from tradewinds.families.kalshi_weather.schemas import PRICE_COLUMNS
seed, count, folder, *paths = sys.argv[1:]
rng, declined = random.Random(seed), 0
for n in range(int(count)):
    data = bytearray(open(rng.choice(paths), "rb").read())
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for _ in range(rng.choice([1, 1, 2, 8])):
        first, last = rng.choice([(0, len(data)), (footer, len(data)), (0, 200)])
        data[rng.randrange(first, min(last, len(data)))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    if rng.random() < 0.1:
        at = rng.randrange(len(data))
        del data[at : at + rng.choice([1, 8, 1000])]
    with open(f"{folder}/damaged.parquet", "wb") as file:
        file.write(data)
    declined += read_candle_files([f"{folder}/damaged.parquet"], ["A", "C"]) is None
    footer_facts([f"{folder}/damaged.parquet"], PRICE_COLUMNS, "tradewinds")
print(declined)
"""


@pytest.mark.slow
def test_damaged_files_are_declined_or_read_but_never_beyond_their_bytes(tmp_path):
    paths = []
    for compression in ("zstd", "none"):
        paths.append(str(tmp_path / f"{compression}.parquet"))
        pq.write_table(candles(60, random.Random(6)), paths[-1], compression=compression, row_group_size=30)
    command = [sys.executable, "-c", DAMAGED, "18", "3000", str(tmp_path), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 300 < int(done.stdout) < 3000
