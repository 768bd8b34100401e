"""Read Parquet files as a database takes rows: some thousand at a time, times in UTC without zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from tradewinds.core import file_digests
from tradewinds.core.errors import DamagedFile

CHUNK = 5000  # rows per INSERT: bounded memory, few round trips


def batches(path: str | Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Read a file's rows, CHUNK at a time.

    Args:
        path: a Parquet file; the checksums of its pages are verified.
        columns: names of the columns to read; None for all.

    Raises:
        DamagedFile: the file cannot be read.
    """
    try:
        file_digests.check(path)
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield from file.iter_batches(batch_size=CHUNK, columns=columns)
    except (pa.ArrowInvalid, OSError) as error:
        raise DamagedFile(path, str(error).splitlines()[0]) from None


def columns(batch: pa.RecordBatch) -> dict[str, list[Any]]:
    """Convert a batch to Python objects.

    Returns:
        By column, one object per row; times are UTC without zone, nulls are None.
    """
    return {name: _values(batch.column(name)) for name in batch.schema.names}


def insert(connection: sa.Connection, table: sa.Table, batch: pa.RecordBatch, added: dict[str, list[Any]]) -> None:
    """Insert a batch's rows in as few statements as the driver makes of them.

    SQLAlchemy would convert each value of each row. Here each different value of a column is converted once.

    Args:
        connection: an open transaction.
        table: where the rows go.
        batch: the rows; its columns have the names of the table's.
        added: further columns, with one value per row.
    """
    dialect, names = connection.dialect, [*batch.schema.names, *added]
    statement = sa.insert(table).compile(dialect=dialect, column_keys=names)
    bound = []
    for name in statement.positiontup or ():
        convert = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        bound.append(added[name] if name in added else _values(batch.column(name), convert))
    connection.exec_driver_sql(str(statement), list(zip(*bound, strict=True)))


def _values(column: pa.Array, convert: Callable[[Any], Any] | None = None) -> list[Any]:
    """A column as Python objects; each different value is converted once, for thousands of rows have some hundred prices."""
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp(column.type.unit))  # UTC stays UTC, its zone is dropped
    encoded = column.dictionary_encode()
    different = encoded.dictionary.to_pylist()
    if convert:
        different = [convert(value) for value in different]
    return [None if index is None else different[index] for index in encoded.indices.to_pylist()]
