"""Write files so that they are complete or absent, and read Parquet files with their metadata.

Importing this module is cheap and needs no numpy: one fetch job per event imports it.
"""

from __future__ import annotations

import contextlib
import contextvars
import datetime as dt
import fcntl
import hashlib
import itertools
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tradewinds.core import file_digests
from tradewinds.core.errors import DamagedFile
from tradewinds.core.units import MICRO, TS

_MOST_SLICES = 64  # of a table that is not in order of its dates
_FEW_ROWS = 20_000  # of a file that one thread reads sooner than several

META_KEY = b"tradewinds"  # of the metadata in a Parquet file's footer
_caches_written: contextvars.ContextVar[bool] = contextvars.ContextVar("caches_written", default=True)


@contextlib.contextmanager
def without_caches() -> Iterator[None]:
    """Let `writes_caches` say no while the block runs: a command that only shows something writes nothing."""
    token = _caches_written.set(False)
    try:
        yield
    finally:
        _caches_written.reset(token)


def writes_caches() -> bool:
    """Whether files that only save time may be written: not in `without_caches`, nor in a folder that cannot be written."""
    return _caches_written.get() and os.access(Path.cwd(), os.W_OK)


def schema_of(*fields: tuple[str, pa.DataType] | tuple[str, pa.DataType, str]) -> pa.Schema:
    """Make a schema: (name, type) is a required column, (name, type, "null") a nullable one.

    (name, type, "later") is a nullable column that came after the first files of the kind, which may lack it (`completed`).
    """
    return pa.schema(
        [
            pa.field(name, kind, nullable=bool(rest), metadata=_LATER if rest == ["later"] else None)
            for name, kind, *rest in fields
        ]
    )


def without_absent(schema: pa.Schema, table: pa.Table) -> pa.Schema:
    """A schema without the later columns that a table lacks: what a file that has such columns must be."""
    present = set(table.column_names)
    return pa.schema([field for field in schema if field.name in present or not _is_later(field)])


def completed(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A table with the later columns of a schema that it lacks, all null, and with its other columns, in the schema's order.

    Args:
        table: it has every column of the schema that is not a later one.
        schema: as `schema_of` makes it.
    """
    columns = [
        pa.nulls(table.num_rows, field.type)
        if _is_later(field) and field.name not in table.column_names
        else table[field.name]
        for field in schema
    ]
    return pa.table(columns, schema=schema)


_LATER = {b"later": b"yes"}


def _is_later(field: pa.Field) -> bool:
    return bool(field.metadata and b"later" in field.metadata)


@contextlib.contextmanager
def only_maker(path: str | Path) -> Iterator[None]:
    """Let one process at a time make a file; other processes that share the data folder wait here for the same path.

    A path's lock is one byte of one file: there are no lock files to clean up, and the kernel frees the lock of a killed
    process. Temporary files that killed processes have left for this path are removed.
    """
    target = Path(path)
    byte = int.from_bytes(hashlib.sha256(target.as_posix().encode()).digest()[:6])
    Path("data").mkdir(exist_ok=True)
    with open("data/.making.lock", "a") as handle:
        fcntl.lockf(handle, fcntl.LOCK_EX, 1, byte)
        for torn in target.parent.glob(f".{target.name}.*.part"):
            torn.unlink(missing_ok=True)
        yield


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give the block a temporary file beside `path`, which becomes `path` at the end, and is removed if the block fails."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_parquet(path: str | Path, table: pa.Table, meta: dict[str, Any]) -> None:
    """Write a Parquet file, which is complete or absent.

    Args:
        path: the file.
        table: its rows.
        meta: its metadata, stored as JSON under the key `tradewinds`.
    """
    text = json.dumps(meta, sort_keys=True, ensure_ascii=False)
    with replacing(path) as temporary:
        described = table.replace_schema_metadata({META_KEY: text.encode()})
        pq.write_table(described, temporary, compression="zstd", write_page_checksum=True)
        file_digests.add_digests(temporary)


def write_parquet_parts(
    path: str | Path, schema: pa.Schema, parts: Iterable[pa.Table], meta: Callable[[], dict[str, Any]], **options: Any
) -> None:
    """Write a large Parquet file part by part, each a group of rows; the file is complete or absent.

    Args:
        path: the file.
        schema: the columns of all parts.
        parts: its rows, in order.
        meta: called when all parts are written: the file's metadata, as for `write_parquet`.
        options: of the writer of Parquet, such as `compression`.
    """
    with replacing(path) as temporary:
        with pq.ParquetWriter(temporary, schema, write_page_checksum=True, **options) as writer:
            for part in parts:
                writer.write_table(part, row_group_size=max(1, part.num_rows))
            text = json.dumps(meta(), sort_keys=True, ensure_ascii=False)
            writer.add_key_value_metadata({META_KEY.decode(): text})
        file_digests.add_digests(temporary)


def exists(path: str) -> bool:
    """Whether there is a file; a link to no file is none. Takes a quarter of pathlib's time, and there can be 10,000 files."""
    return os.path.exists(path)  # noqa: PTH110


def read_meta(path: str | Path) -> dict[str, Any]:
    """Read the metadata that `write_parquet` stored with a file.

    Raises:
        DamagedFile: the file is not Parquet, was not written by `write_parquet`, or its metadata is not what was written.
    """
    try:
        file_digests.check(path, footer_only=True)
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowInvalid, OSError) as error:
        if getattr(error, "errno", None) is not None:  # an error of the file system, not of the content
            raise
        raise DamagedFile(path, str(error).splitlines()[0]) from None
    if META_KEY not in metadata:
        raise DamagedFile(path, "it carries no Tradewinds metadata")
    try:
        loaded: dict[str, Any] = json.loads(metadata[META_KEY])
    except ValueError:
        raise DamagedFile(path, "its Tradewinds metadata is no JSON") from None
    return loaded


class DateRange(NamedTuple):
    """The rows of a table whose date in a column lies between two dates, both included."""

    column: str
    first: dt.date
    last: dt.date


def read_table(path: str | Path, columns: Sequence[str] | None = None, dates: DateRange | None = None) -> pa.Table:
    """Read a Parquet file.

    It does without pq.read_table, which imports pyarrow.dataset and makes a dataset of the file: slow for a short process.

    Args:
        path: the file.
        columns: names of the columns to read, in this order; None for all.
        dates: the rows to keep; None for all.

    Raises:
        DamagedFile: the file lacks one of the columns, or is not what was written.
    """
    wanted = None if columns is None else sorted({*columns, *([dates.column] if dates else [])})
    file_digests.check(path)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            table = file.read(columns=wanted, use_threads=file.metadata.num_rows > _FEW_ROWS)
    except (pa.ArrowException, OSError) as error:
        if getattr(error, "errno", None) is not None:  # an error of the file system, not of the content
            raise
        raise DamagedFile(path, str(error).splitlines()[0]) from None
    if missing := [name for name in wanted or () if name not in table.column_names]:
        raise DamagedFile(path, f"it has no column {missing[0]}")
    if dates:
        table = _rows_of_dates(table, dates)
    return table if columns is None else table.select(columns)


def _rows_of_dates(table: pa.Table, dates: DateRange) -> pa.Table:
    """Return the rows of a table in a range of dates.

    Tables are in order of their dates, or nearly: the rows are a few slices. So pyarrow.compute, slow to import, is not needed.
    """
    found = table[dates.column]
    if found.type == pa.date32():
        epoch = dt.date(1970, 1, 1).toordinal()
        first, last = dates.first.toordinal() - epoch, dates.last.toordinal() - epoch
        days = itertools.chain.from_iterable(chunk.view(pa.int32()).to_pylist() for chunk in found.chunks)
        wanted = [day is not None and first <= day <= last for day in days]
        runs = [(keep, len(list(run))) for keep, run in itertools.groupby(wanted)]
        if len(runs) <= _MOST_SLICES:
            starts = itertools.accumulate((length for _, length in runs), initial=0)
            slices = [table.slice(start, length) for (keep, length), start in zip(runs, starts, strict=False) if keep]
            return pa.concat_tables(slices) if slices else table.slice(0, 0)
    import pyarrow.compute as pc

    return table.filter(pc.and_(pc.greater_equal(found, dates.first), pc.less_equal(found, dates.last)))


def read_rows(
    path: str | Path, columns: Sequence[str] | None = None, dates: DateRange | None = None
) -> list[dict[str, Any]]:
    """Read the rows of a Parquet file as mappings; arguments and errors as for `read_table`."""
    rows: list[dict[str, Any]] = read_table(path, columns, dates).to_pylist()
    return rows


def dates_of(days: pa.ChunkedArray) -> list[Any]:
    """Return dates; null is None. Each is made once: a catalog has the same date many times, and `to_pylist` makes it anew.

    Args:
        days: a column of pa.date32().
    """
    epoch = dt.date(1970, 1, 1).toordinal()
    numbers = list(itertools.chain.from_iterable(chunk.view(pa.int32()).to_pylist() for chunk in days.chunks))
    found = {day: dt.date.fromordinal(epoch + day) for day in {*numbers} - {None}}
    return [found.get(day) for day in numbers]


def seconds_of(times: pa.ChunkedArray, *, up: bool) -> list[Any]:
    """Return times as Unix seconds; null is None. It is thirty times as fast as `to_pylist`.

    Args:
        times: a column of a type of timestamps.
        up: whether a fraction of a second rounds up (of what begins or becomes known then); else down (of what ends then).
    """
    exact = times if times.type == TS else times.cast(TS)
    micros = itertools.chain.from_iterable(chunk.view(pa.int64()).to_pylist() for chunk in exact.chunks)
    if up:
        return [None if value is None else -(-value // MICRO) for value in micros]
    return [None if value is None else value // MICRO for value in micros]


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, which is complete or absent."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
