"""Reads one file of minute bars that a user brings: CSV, CSV.GZ or Parquet, in any layout of minute_layouts.py."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from tradewinds.core import user_files
from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.errors import ConfigError, DataMissing
from tradewinds.core.safe_text import shortened
from tradewinds.core.units import as_floats
from tradewinds.families.equities_intraday.fetch.minute_checks import MISSING, MinuteRows, micro_units
from tradewinds.families.equities_intraday.fetch.minute_layouts import (
    IS_UTC,
    REMEDY,
    Layout,
    layout_of_csv,
    layout_of_names,
)
from tradewinds.families.equities_intraday.fetch.stamp_columns import BadStamps, read_stamps
from tradewinds.families.equities_intraday.schemas import MOST_PRICE, MOST_VOLUME, PRICE_COLUMNS

ENDINGS = (".csv", ".csv.gz", ".txt", ".txt.gz", ".parquet")
_PARQUET, _GZIP = b"PAR1", b"\x1f\x8b"
_HEAD = 20_000  # characters in which the header and the first rows are
_WHAT = "the file of bars"
SHOWN_SYMBOLS = 10  # of a file that has none of the wanted ones
_NANOUNITS_FROM = 10**6  # whole prices from here on are in 1e-9, where the layout says that they may be


@dataclass(frozen=True)
class MinuteTable:
    """The rows of one file.

    Attributes:
        path: the file.
        layout: its layout.
        rows: its rows; `ts` is as the stamps are written, not converted to starts of bars.
        naive: whether the stamps have no time zone.
        others: if it has no row of the wanted symbols, some of the symbols that it has.
    """

    path: str
    layout: Layout
    rows: MinuteRows
    naive: bool
    others: tuple[str, ...] = ()


def read_minutes(path: str, symbols: Sequence[str]) -> MinuteTable:
    """Read a file, of some symbols only.

    Args:
        path: the file.
        symbols: the symbols.

    Raises:
        ConfigError: it cannot be read, has no such columns, or a value is out of range.
        DataMissing: it has no rows.
    """
    # the columns, whatever the file's format
    data = user_files.read_bytes(path, _WHAT, REMEDY)
    if data.startswith(_GZIP):
        data = _unpacked(data, path)
    is_parquet = data.startswith(_PARQUET) or path.endswith(".parquet")
    table, layout = _of_parquet(data, path) if is_parquet else _of_csv(data, path)
    if not table.num_rows:
        raise _empty(path)
    # rows of the wanted symbols, and their time stamps
    whole = table
    names, index, kept = _symbols(table, layout, path, symbols)
    if kept is not None:
        table = table.filter(kept)
    stamp_name = layout.columns["stamp"]
    try:
        stamps = read_stamps(_stamps(table, layout), utc=bool(IS_UTC.search(stamp_name.lower())))
    except BadStamps as error:
        number = error.row if kept is None or error.row is None else int(np.flatnonzero(kept)[error.row])
        row = "" if number is None else f", row {number + 1}"
        remedy = "Write time stamps like 2024-05-31T13:30:00Z, or without a zone and name it in bars.timezone."
        raise ConfigError(
            f"its value {error.what}.", where=f"{path}{row}, column {stamp_name!r}", remedy=remedy
        ) from None
    # prices and volumes as integers
    prices = {name: _prices(table[layout.columns[name]], layout, path, name) for name in PRICE_COLUMNS}
    if layout.nanounits and _are_nanounits(prices):
        prices = {name: _thousandth(values) for name, values in prices.items()}
    volume = _volume(table[layout.columns["volume"]], path) if "volume" in layout.columns else None
    if volume is None:
        volume = np.full(len(stamps.micros), MISSING, np.int64)
    others = () if len(index) else _others(whole, layout, path, symbols)
    return MinuteTable(path, layout, MinuteRows(names, index, stamps.micros, prices, volume), stamps.naive, others)


def _empty(path: str) -> DataMissing:
    """Return the error of a file without rows."""
    return DataMissing("this file has no bars.", where=path, remedy="Give a file with a row per minute in bars.path.")


def _unpacked(data: bytes, path: str) -> bytes:
    """Unpack gzip, or raise ConfigError."""
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        what = f"{_WHAT} cannot be unpacked ({shortened(str(error), 100)})."
        raise ConfigError(what, where=path, remedy="It may have been cut off: get it again.") from None


def _of_parquet(data: bytes, path: str) -> tuple[pa.Table, Layout]:
    """Read Parquet, or raise ConfigError."""
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            layout = layout_of_names(file.schema_arrow.names, path)
            table = file.read(columns=list(dict.fromkeys(layout.columns.values())))
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _unreadable(error, path) from None
    return table, layout


def _of_csv(data: bytes, path: str) -> tuple[pa.Table, Layout]:
    """Read CSV, or raise ConfigError or DataMissing."""
    text = user_files.decoded(data, path, _WHAT)
    if not text.strip():
        raise _empty(path)
    layout = layout_of_csv(text[:_HEAD], path)
    columns = list(dict.fromkeys(layout.columns.values()))
    prices = {layout.columns[name] for name in (*PRICE_COLUMNS, "volume") if name in layout.columns}
    types = {name: pa.float64() if name in prices else pa.string() for name in columns}
    convert = pa.csv.ConvertOptions(column_types=types, include_columns=columns, strings_can_be_null=False)
    read = pa.csv.ReadOptions(column_names=list(layout.names) or None, skip_rows=layout.skipped)
    parse = pa.csv.ParseOptions(delimiter=layout.delimiter)
    try:
        table = pa.csv.read_csv(pa.BufferReader(data), read_options=read, parse_options=parse, convert_options=convert)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise _unreadable(error, path) from None
    return table, layout


def _unreadable(error: Exception, path: str) -> ConfigError:
    """Return the error of a file that a reader of CSV or Parquet refuses."""
    problem = shortened((str(error).splitlines() or [type(error).__name__])[0], 200)
    return ConfigError(f"{_WHAT} cannot be read ({problem}).", where=path, remedy=REMEDY)


def _symbols(
    table: pa.Table, layout: Layout, path: str, wanted: Sequence[str]
) -> tuple[tuple[str, ...], npt.NDArray[np.int32], pa.ChunkedArray | None]:
    """Return names of symbols, each kept row's index into them, and which rows are kept (None: all); raises as read_minutes."""
    if "symbol" not in layout.columns:
        name = layout.symbol or _symbol_of_name(path, wanted)
        if name not in wanted:
            return (), np.zeros(0, np.int32), pa.chunked_array([pa.array(np.zeros(table.num_rows, bool))])
        return (name,), np.zeros(table.num_rows, np.int32), None
    try:
        texts = table[layout.columns["symbol"]].cast(pa.string())
    except pa.ArrowException:
        what = f"its column {layout.columns['symbol']!r} of symbols is no text."
        raise ConfigError(what, where=path, remedy="Symbols are text.") from None
    kept = pc.is_in(texts, pa.array(list(wanted)))
    encoded = texts.filter(kept).combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    names = tuple(encoded.dictionary.to_pylist())
    return names, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32), kept


def _others(table: pa.Table, layout: Layout, path: str, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the first few symbols of a file that has none of the wanted ones."""
    if "symbol" not in layout.columns:
        return (layout.symbol or _symbol_of_name(path, wanted),)
    texts = pc.unique(table[layout.columns["symbol"]].cast(pa.string())).drop_null()
    return tuple(texts.slice(0, SHOWN_SYMBOLS).to_pylist())


def _symbol_of_name(path: str, wanted: Sequence[str]) -> str:
    """Return the symbol that a file's name begins with; raises ConfigError if it begins with none of a run's symbols."""
    stem = Path(path).name.upper()
    found = [name for name in wanted if re.match(re.escape(name) + r"(?![A-Z0-9-])(?![.][A-Z](?![A-Z]))", stem)]
    if found:
        return max(found, key=len)
    first = re.match(r"[A-Z0-9.-]+?(?=[_ ]|[.](?:CSV|TXT|PARQUET))", stem)
    return first[0] if first else stem


def _stamps(table: pa.Table, layout: Layout) -> pa.ChunkedArray:
    """Return the column of time stamps; a date and a time in two columns are put together."""
    stamps = table[layout.columns["stamp"]]
    if "time" not in layout.columns or layout.columns["time"] not in table.column_names:
        return stamps
    if pa.types.is_timestamp(stamps.type):
        return stamps
    return pc.binary_join_element_wise(stamps.cast(pa.string()), table[layout.columns["time"]].cast(pa.string()), " ")


def _prices(values: pa.ChunkedArray, layout: Layout, path: str, name: str) -> Ints:
    """Return a column of prices in micro-units, MISSING where there is none; raises as read_minutes."""
    floats = _floats(values, path, layout.columns[name])
    most = MOST_PRICE * (1000 if layout.nanounits else 1)
    _refuse_large(floats, most, path, layout.columns[name])
    return micro_units(floats)


def _are_nanounits(prices: dict[str, Ints]) -> bool:
    """Whether all prices are whole and so large that they can only be in 1e-9 of the currency."""
    close = prices["close"][prices["close"] != MISSING]
    return bool(len(close)) and bool((close % 10**6 == 0).all()) and bool(np.median(close) >= _NANOUNITS_FROM * 10**6)


def _thousandth(micro: Ints) -> Ints:
    """Return prices in micro-units of what was read as whole units of 1e-9, half to even."""
    units = micro // 10**6  # of 1e-9
    whole, rest = np.divmod(units, 1000)
    up = (rest > 500) | ((rest == 500) & (whole % 2 == 1))
    found: Ints = np.where(micro == MISSING, MISSING, whole + up)
    return found


def _volume(values: pa.ChunkedArray, path: str) -> Ints:
    """Return a column of volumes, MISSING where it is unknown; raises as read_minutes."""
    floats = _floats(values, path, "volume")
    _refuse_large(floats, MOST_VOLUME, path, "volume")
    finite = np.isfinite(floats)
    return np.where(finite, np.rint(np.where(finite, floats, 0)).astype(np.int64), MISSING)


def _floats(values: pa.ChunkedArray, path: str, name: str) -> Floats:
    """Return a column of numbers as floats, NaN where there is none; raises as read_minutes."""
    kind = values.type
    if pa.types.is_null(kind):
        return np.full(len(values), np.nan)
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        what = f"its column {name!r} is no column of numbers."
        raise ConfigError(what, where=path, remedy="Write plain decimals.")
    found: Floats = as_floats(values).to_numpy().astype(np.float64)
    return found


def _refuse_large(values: Floats, most: int, path: str, name: str) -> None:
    """Raise ConfigError for a number that is larger than any price or volume."""
    large = np.isfinite(values) & (np.abs(values) > most)
    if large.any():
        what = f"row {int(np.argmax(large)) + 1} of its column {name!r} is out of range."
        remedy = f"Prices and volumes are at most {MOST_PRICE:,} and {MOST_VOLUME:,}."
        raise ConfigError(what, where=path, remedy=remedy)
