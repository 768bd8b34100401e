"""Check data files to the last byte: digests and checksums, schema, order of the rows and metadata."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa

from tradewinds.core import file_digests, files
from tradewinds.core.errors import DamagedFile
from tradewinds.core.parquet_reading import read_parquet

# Called with a file's path, table and metadata; raises DamagedFile if the rows are not in the order of such a file.
RowCheck = Callable[[str, pa.Table, Mapping[str, Any]], None]


class CheckedFile(Protocol):
    """A data file as a plan describes it."""

    @property
    def path(self) -> str:
        """The file's path."""

    @property
    def schema(self) -> pa.Schema:
        """The columns that the file must have."""

    @property
    def row_check(self) -> RowCheck | None:
        """The check of its rows beyond the schema; None for none."""


def damaged_files(planned: Iterable[CheckedFile]) -> Iterator[DamagedFile]:
    """Check data files, and yield the error of each damaged one; files that do not exist are left out."""
    for file in planned:
        if os.path.lexists(file.path):
            try:
                check_file(file)
            except DamagedFile as damage:
                yield damage


@contextlib.contextmanager
def naming_damage(planned: Sequence[CheckedFile]) -> Iterator[None]:
    """Compare data files with their digests, then turn an error of reading them in the block into one that names the file.

    DuckDB reads data files without checking them, so a flipped bit would be replayed. An error of reading although no file is
    damaged is a bug, and is raised as it is.

    Args:
        planned: the files that the block may read.

    Raises:
        DamagedFile: a file is not what was written.
    """
    for file in planned:
        if os.path.lexists(file.path):
            file_digests.check(file.path)
    try:
        yield
    except _reading_errors():
        for damage in damaged_files(planned):
            raise damage from None
        raise


def _reading_errors() -> tuple[type[Exception], ...]:
    """Return the errors of reading a file; those of DuckDB too, if this process has imported it, which takes 0.05 s."""
    duckdb = sys.modules.get("duckdb")
    return (pa.ArrowException, OSError, *([] if duckdb is None else [duckdb.Error]))


def check_file(file: CheckedFile) -> None:
    """Read a whole data file and check it.

    Raises:
        DamagedFile: a checksum, the schema, the order of the rows or the metadata is wrong.
    """
    meta = files.read_meta(file.path)
    file_digests.check(file.path)
    try:
        table = read_parquet(file.path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DamagedFile(file.path, str(error).splitlines()[0]) from None
    if not table.schema.equals(files.without_absent(file.schema, table)):
        raise DamagedFile(file.path, "its columns are not those of such a file")
    if file.row_check:
        file.row_check(file.path, table, meta)
