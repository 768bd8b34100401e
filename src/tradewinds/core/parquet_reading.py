"""Read whole Parquet files without `import pyarrow.parquet`.

That import loads the file systems of five clouds and OpenSSL, more than half as much work as reading the files of a run. The
reader below is the one that pyarrow.parquet itself calls; pyarrow does not promise to keep its name. It has had the methods
that are called here since pyarrow 18, the oldest that Tradewinds allows (tests/unit/test_parquet_reading.py compares it with
pyarrow.parquet).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow._parquet import ParquetReader


def parquet_metadata(source: str | pa.NativeFile) -> Any:
    """Return the metadata of a Parquet file, as `pyarrow.parquet.read_metadata` does.

    Args:
        source: path of the file, or the file.

    Raises:
        pa.ArrowException: it is not Parquet.
        OSError: it cannot be read, or is not Parquet.
    """
    reader = _opened(source)
    try:
        return reader.metadata
    finally:
        reader.close()


def read_parquet(source: str | pa.NativeFile, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the table of a Parquet file, whose pages' checksums are compared.

    Args:
        source: path of the file, or the file.
        columns: names of the columns to read; those that the file lacks are left out. None for all.

    Raises:
        pa.ArrowException: it is not Parquet, or is damaged.
        OSError: it cannot be read, is not Parquet, or is damaged.
    """
    reader = _opened(source)
    try:
        return reader.read_all(column_indices=None if columns is None else _indices(reader.metadata.schema, columns))
    finally:
        reader.close()


def _opened(source: str | pa.NativeFile) -> Any:
    """Return pyarrow's reader of a file."""
    reader = ParquetReader()
    reader.open(source, page_checksum_verification=True)  # other arguments came with later versions
    return reader


def _indices(schema: Any, columns: Sequence[str]) -> list[int]:
    """Return the indices of what Parquet stores of some columns; of a list or a structure it stores several columns."""
    paths = [schema.column(idx).path for idx in range(len(schema.names))]
    return [idx for name in columns for idx, path in enumerate(paths) if path == name or path.startswith(f"{name}.")]
