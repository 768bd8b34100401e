"""Columns of a catalog in integer units: by the bytes in which they are stored, with the values that pyarrow computes."""

import datetime as dt
import random
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tradewinds.core import files
from tradewinds.core.units import MICRO, PICO
from tradewinds.families.kalshi_weather.listed_markets import decimals_as_integers

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("scale", "unit"), [(6, MICRO), (12, PICO), (2, MICRO)])
@pytest.mark.parametrize("nulls", [0, 0.3, 1])
def test_decimals_as_integers_are_those_that_pyarrow_computes(scale, unit, nulls):
    rng = random.Random(scale)
    values = [
        None if rng.random() < nulls else Decimal(rng.randrange(-(10**14), 10**14)).scaleb(-scale) for _ in range(101)
    ]
    array = pa.array(values, pa.decimal128(18, scale))
    for column in (
        pa.chunked_array([array]),
        pa.chunked_array([array[3:50], array[50:50], array[51:]]),
        pa.chunked_array([], array.type),
    ):
        expected = [None if value is None else int(value * unit) for value in column.to_pylist()]
        assert decimals_as_integers(column, unit) == expected == pc.multiply(column, unit).cast(pa.int64()).to_pylist()


def test_a_decimal_beyond_64_bits_is_refused():
    column = pa.chunked_array([pa.array([Decimal(2**63).scaleb(-6)], pa.decimal128(38, 6))])
    with pytest.raises(pa.ArrowInvalid):
        decimals_as_integers(column, MICRO)


HEAVY = {
    "duckdb",
    "jsonschema",
    "numpy.ma",
    "pandas",
    "pyarrow.compute",
    "pyarrow.dataset",
    "rich",
    "scipy",
    "sqlalchemy",
}


def test_a_replay_of_the_projects_own_files_imports_no_library_that_it_can_do_without(tmp_path):
    """The common workload in small: written by one process, replayed by another."""
    written = "from pathlib import Path; from benchmarks import common_workload; common_workload.write(Path('.'), 3)"
    replayed = "import sys; from pathlib import Path; from benchmarks.peers.tradewinds_engine import run_workload"
    replayed += "; print(run_workload(Path('.'), 1000)['trades'] > 0, *sys.modules)"
    for code in (written, replayed):
        environment = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "PATH": ""}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
    traded, *modules = done.stdout.split()
    assert traded == "True"
    assert HEAVY & set(modules) == set()


def test_dates_are_those_that_pyarrow_makes():
    days = [dt.date(1969, 12, 31), dt.date(1970, 1, 1), None, dt.date(2025, 2, 28), dt.date(2025, 2, 28)]
    column = pa.chunked_array(
        [pa.array(days, pa.date32()), pa.array(days, pa.date32())[2:4], pa.array([], pa.date32())]
    )
    assert files.dates_of(column) == column.to_pylist() == [*days, None, days[3]]
