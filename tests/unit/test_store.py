"""Files are whole or not there: whatever stops a write, the old file stays and no part of the new one."""

import datetime as dt
import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tradewinds.core import files, units
from tradewinds.core.errors import DamagedFile
from tradewinds.families.kalshi_weather import schemas

META = {"event": "KXHIGHCHI-25MAY01", "reason": None, "°F": [1, 2.5, {"ü": True}], "rows_per_market": {"A": 3}}


def table(n=3):
    return pa.table({"n": pa.array(range(n), pa.int64()), "p": pa.array(["0.1"] * n).cast(units.PRICE)})


def names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_column_that_came_later_is_null_in_files_without_it():
    """A file may lack it; a column that is required, or one that is none of the schema's, is still missed or seen."""
    schema = files.schema_of(("n", pa.int64()), ("late", pa.float64(), "later"), ("p", pa.string(), "null"))
    old = pa.table({"p": ["a", None], "n": pa.array([1, 2], pa.int64())})
    assert files.completed(old, schema).to_pylist() == [
        {"n": 1, "late": None, "p": "a"},
        {"n": 2, "late": None, "p": None},
    ]
    new = old.append_column("late", pa.array([0.5, None]))
    assert files.completed(new, schema)["late"].to_pylist() == [0.5, None]
    assert files.completed(new, schema).schema.equals(schema)
    assert files.without_absent(schema, old).names == ["n", "p"]
    assert files.without_absent(schema, new).names == ["n", "late", "p"]
    assert files.without_absent(schema, old.drop_columns("p")).names == ["n", "p"], (
        "a nullable column is still required"
    )
    with pytest.raises(KeyError):
        files.completed(old.drop_columns("n"), schema)


def test_table_and_metadata_come_back_as_they_were(tmp_path):
    path = tmp_path / "new" / "folder" / "t.parquet"
    empty = pa.Table.from_pylist([], schemas.CANDLES)
    for written, meta in ((table(), META), (empty, {"reason": "NO_CANDLES"}), (table(), {})):
        files.write_parquet(path, written, meta)
        assert files.read_meta(path) == meta
        assert pq.read_table(path).equals(written) and pq.read_table(path).schema.equals(written.schema)
    assert names(tmp_path) == ["t.parquet"]
    files.write_parquet(path, pq.read_table(path), {"second": 1})
    assert files.read_meta(path) == {"second": 1}, "metadata of the table that was read is no metadata of the new file"


def test_a_file_of_someone_else_has_no_metadata(tmp_path):
    pq.write_table(table(), tmp_path / "foreign.parquet")
    with pytest.raises(DamagedFile, match=r"foreign\.parquet: the file is damaged \(it carries no Tradewinds metadata"):
        files.read_meta(tmp_path / "foreign.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1")
    with pytest.raises(DamagedFile, match=r"torn\.parquet: the file is damaged .* Delete it, or let `tradewinds check"):
        files.read_meta(tmp_path / "torn.parquet")
    with pytest.raises(FileNotFoundError):
        files.read_meta(tmp_path / "gone.parquet")


class Stop(Exception):
    """Any reason to stop."""


def meta_that_is_no_json(path):
    files.write_parquet(path, table(), {"when": dt.date(2025, 5, 1)})


def a_type_parquet_does_not_know(path):
    union = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])
    files.write_parquet(path, pa.table({"n": union}), {})


def text_that_is_no_unicode(path):
    files.write_text(path, "fine so far\n" * 5000 + "\ud800")


def stopped_half_way(reason):
    def write(path):
        with files.replacing(path) as temporary:
            temporary.write_bytes(b"half")
            assert temporary.parent == path.parent, "a rename is atomic within one file system only"
            assert temporary.suffix == ".part", "no pattern for data files finds it"
            raise reason

    return write


@pytest.mark.parametrize("before", [None, b"the old file"])
@pytest.mark.parametrize(
    ("write", "error"),
    [
        (meta_that_is_no_json, TypeError),
        (a_type_parquet_does_not_know, pa.ArrowNotImplementedError),
        (text_that_is_no_unicode, UnicodeEncodeError),
        (stopped_half_way(Stop()), Stop),
        (stopped_half_way(KeyboardInterrupt()), KeyboardInterrupt),
    ],
)
def test_a_write_that_fails_leaves_what_was_there(tmp_path, before, write, error):
    path = tmp_path / "t.parquet"
    if before:
        path.write_bytes(before)
    with pytest.raises(error):
        write(path)
    assert names(tmp_path) == (["t.parquet"] if before else [])
    assert not before or path.read_bytes() == before


# Runs without numpy, as the fetch jobs do, and with a disk that is full after 100 kB.
FULL_DISK = """
import errno, random, resource, sys
sys.modules["numpy"] = None
import pyarrow as pa
from tradewinds.core import files
from tradewinds.core.errors import DamagedFile
files.write_parquet("t.parquet", pa.table({"n": [1]}), {"kept": True})
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
noise = pa.table({"n": pa.array([random.getrandbits(62) for _ in range(40_000)])})
for name in ("t.parquet", "other.parquet"):
    try:
        files.write_parquet(name, noise, {})
    except OSError as error:
        assert error.errno == errno.EFBIG, error
    else:
        raise SystemExit("it fitted")
assert files.read_meta("t.parquet") == {"kept": True}
files.write_parquet("small.parquet", pa.table({"n": [1]}), {})
assert "pandas" not in sys.modules
"""


def test_a_full_disk_leaves_the_old_file_and_no_part_of_a_new_one(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(files.__file__).parents[2])}
    command = [sys.executable, "-c", FULL_DISK]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path) == ["small.parquet", "t.parquet"]


def test_who_reads_while_it_is_replaced_reads_the_old_file_to_its_end(tmp_path):
    path = tmp_path / "t.txt"
    files.write_text(path, "old\n" * 10_000)
    with open(path) as reader:
        assert reader.readline() == "old\n"
        files.write_text(path, "new\n")
        assert set(reader) == {"old\n"}
    assert path.read_text() == "new\n"


def test_files_get_the_permissions_the_user_asked_for(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "t.txt", "x")
        assert os.umask(0o027) == 0o027, "looking at the mask does not change it"
    finally:
        os.umask(before)
    assert (tmp_path / "t.txt").stat().st_mode & 0o777 == 0o640


def test_text_is_utf8_with_unix_line_ends(tmp_path):
    files.write_text(tmp_path / "t.txt", "71 °F\r\n€\n")
    assert (tmp_path / "t.txt").read_bytes() == "71 °F\r\n€\n".encode()


def test_a_path_names_everything_that_defines_the_bytes():
    days = (dt.date(2025, 5, 1), dt.date(2025, 5, 11))
    cells = list(itertools.product(("full_1m", "full_60m", "trade_2300_d1_1m"), ("KXHIGHCHI", "KXHIGHMIA"), days))
    paths = {schemas.candle_path(*cell) for cell in cells}
    assert len(paths) == len(cells)
    assert "data/candles/kalshi/trade_2300_d1_1m/KXHIGHMIA/2025-05-11.parquet" in paths
    assert schemas.guidance_path("KMDW", "GFS", 2025) == "data/guidance/iem/KMDW/GFS/2025.parquet"
    assert schemas.climate_path("KMDW", 2025) == "data/climate/iem/KMDW/2025.parquet"
    assert schemas.catalog_path("KXHIGHCHI") == "data/catalog/kalshi/KXHIGHCHI.parquet"


DATES = [dt.date(2025, 5, 1) + dt.timedelta(days=n) for n in range(4)]


def dated(path):
    """Two rows a date, out of order, in two row groups; the last date has no time."""
    days = [DATES[n] for n in (2, 0, 3, 1, 1, 3, 0, 2)]
    moments = [None if day == DATES[3] else dt.datetime.combine(day, dt.time(1, 2, 3, 999_999), dt.UTC) for day in days]
    made = pa.table({"n": range(8), "at": pa.array(moments, units.TS), "climate_date": days})
    pq.write_table(made, path, row_group_size=3)
    return made


@pytest.mark.parametrize("columns", [None, ["n"], ["at", "n"], ["climate_date", "n"]])
@pytest.mark.parametrize(
    "days", [None, (DATES[1], DATES[2]), (DATES[0], DATES[0]), (dt.date.min, dt.date(2025, 4, 30))]
)
def test_some_columns_and_days_of_a_file(tmp_path, columns, days):
    made = dated(tmp_path / "t.parquet")
    filters = [("climate_date", ">=", days[0]), ("climate_date", "<=", days[1])] if days else None
    expected = pq.read_table(tmp_path / "t.parquet", columns=columns, filters=filters)
    dates = files.DateRange("climate_date", *days) if days else None
    assert files.read_table(tmp_path / "t.parquet", columns, dates).equals(expected)
    assert files.read_rows(str(tmp_path / "t.parquet"), columns, dates) == expected.to_pylist()
    assert days or expected.num_rows == made.num_rows


def test_a_column_that_is_not_there_is_named(tmp_path):
    dated(tmp_path / "t.parquet")
    with pytest.raises(DamagedFile, match=r"t\.parquet: the file is damaged \(it has no column p_yes\)"):
        files.read_rows(tmp_path / "t.parquet", ["n", "p_yes"])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_as_seconds(tmp_path, unit):
    times = dated(tmp_path / "t.parquet")["at"].cast(pa.timestamp(unit, "UTC"), safe=False)
    moments = times.cast(units.TS).to_pylist()
    down = [None if moment is None else math.floor(moment.timestamp()) for moment in moments]
    up = [None if moment is None else math.ceil(moment.timestamp()) for moment in moments]
    assert files.seconds_of(times, up=False) == down and None in down
    assert files.seconds_of(times, up=True) == up and (up == down) == (unit == "s")
    assert files.seconds_of(pa.chunked_array([], units.TS), up=True) == []
