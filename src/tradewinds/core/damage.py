"""Check data files to the last byte: readable, of the right schema, in order, and what their metadata says."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile

# Path, table and metadata of a file; raises DamagedFile where its rows are not as such a file's are.
OrderCheck = Callable[[str, pa.Table, Mapping[str, Any]], None]


class CheckedFile(Protocol):
    """A data file as a plan describes it."""

    @property
    def path(self) -> str:
        """Where it lies."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""

    @property
    def in_order(self) -> OrderCheck | None:
        """What its rows must keep to beyond the schema."""


def damaged_files(planned: Iterable[CheckedFile]) -> Iterator[DamagedFile]:
    """The problems of some data files; a file that is not there has none."""
    for file in planned:
        if Path(file.path).exists():
            try:
                check_file(file)
            except DamagedFile as damage:
                yield damage


@contextlib.contextmanager
def naming_damage(planned: Iterable[CheckedFile]) -> Iterator[None]:
    """Where reading data files fails in the block, name the file that is damaged; a failure without one is a bug.

    Raises:
        DamagedFile: a file is not what was written.
    """
    try:
        yield
    except (pa.ArrowException, OSError, duckdb.Error):
        for damage in damaged_files(planned):
            raise damage from None
        raise


def check_file(file: CheckedFile) -> None:
    """Read a whole data file with its checksums.

    Raises:
        DamagedFile: it is not what was written.
    """
    meta = files.read_meta(file.path)
    try:
        with pq.ParquetFile(file.path, page_checksum_verification=True) as opened:
            table = opened.read()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedFile(file.path, str(error).splitlines()[0]) from None
    if not table.schema.equals(file.schema):
        raise DamagedFile(file.path, "its columns are not those of such a file")
    if file.in_order:
        file.in_order(file.path, table, meta)
