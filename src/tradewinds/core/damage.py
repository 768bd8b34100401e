"""Check data files to the last byte: readable, of the right schema, in order, and what their metadata says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile
from tradewinds.families.contract import RunPlan
from tradewinds.families.kalshi_weather import schemas


def damaged_files(plan: RunPlan) -> Iterator[DamagedFile]:
    """The problems of a plan's data files; files that are not there are none."""
    for path, schema in plan.schemas.items():
        if Path(path).exists():
            try:
                check_file(path, schema)
            except DamagedFile as damage:
                yield damage


@contextlib.contextmanager
def naming_damage(plan: RunPlan) -> Iterator[None]:
    """Where reading a plan's files fails, name the file that is damaged; a failure without one is a bug.

    Raises:
        DamagedFile: a file is not what was written.
    """
    try:
        yield
    except (pa.ArrowException, OSError, duckdb.Error):
        for damage in damaged_files(plan):
            raise damage from None
        raise


def check_file(path: str, schema: pa.Schema) -> None:
    """Read a whole data file with its checksums.

    Raises:
        DamagedFile: it is not what was written.
    """
    meta = files.read_meta(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedFile(path, str(error).splitlines()[0]) from None
    if not table.schema.equals(schema):
        raise DamagedFile(path, "its columns are not those of such a file")
    if schema is schemas.CANDLES:
        _check_candles(path, table, meta.get("rows_per_market", {}))


def _check_candles(path: str, table: pa.Table, counts: dict[str, int]) -> None:
    keys = pa.table({"m": table["market_ticker"], "t": table["end_period_ts"]})
    distinct = keys.group_by(["m", "t"]).aggregate([]).num_rows
    if distinct != table.num_rows or not keys.equals(keys.sort_by([("m", "ascending"), ("t", "ascending")])):
        raise DamagedFile(path, "its candles are not unique and in order")
    found = {item["values"]: item["counts"] for item in pc.value_counts(table["market_ticker"]).to_pylist()}
    if found != {ticker: count for ticker, count in counts.items() if count}:
        raise DamagedFile(path, f"its metadata speaks of other rows: {json.dumps(counts)}")
