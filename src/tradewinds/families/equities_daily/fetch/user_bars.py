"""Import of daily bars from a user's own file: CSV or Parquet, a row per symbol and date, its columns named in the config."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tradewinds.core import files, user_files, user_tables
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import shortened
from tradewinds.core.text import counted
from tradewinds.core.units import as_floats
from tradewinds.families.equities_daily.fetch import bar_checks
from tradewinds.families.equities_daily.schemas import MOST_PRICE, MOST_VOLUME, PRICE_COLUMNS
from tradewinds.reference_data.written_dates import REMEDY, NoDate, dates_as_written

FORMAT = 2  # version of the files that an import makes; another number makes all of them again

logger = logging.getLogger(__name__)

BarTarget = tuple[str, int, str]
"""Symbol, year and path of a file that is to be made."""


def import_bars(path: str, columns: Mapping[str, str | None], targets: Sequence[BarTarget]) -> None:
    """Make one file per symbol and year from a user's file of bars.

    A file that was made from the same bytes with the same columns stays as it is, but gets a new modification time, because
    Snakemake compares it with the time of the user's file.

    Args:
        path: path of the user's file.
        columns: name in the user's file of each column of schema BARS; None for a column that the file does not have.
        targets: the files to make.

    Raises:
        ConfigError: the file cannot be read, lacks a column, or has a row without symbol or date.
    """
    digest = _digest(path, columns)
    stale = [target for target in targets if not _is_made_from(target[2], digest)]
    for _, _, current in set(targets) - set(stale):
        os.utime(current)
    if not stale:
        return
    table = bar_checks.judged(_read(path, columns, sorted({symbol for symbol, _, _ in targets})))
    spans = _rows_of_years(table)
    for symbol, year, target_path in stale:
        about = {"source": "files", "symbol": symbol, "year": year, "made_from": digest}
        end = bar_checks.year_end(year).isoformat()
        offset, length = spans.get((symbol, year), (0, 0))
        part = table.slice(offset, length)
        bar_checks.write_year(target_path, part, {**about, "covers_through": end, "asked_through": end})
    logger.info("%s: %d rows, %d files made of %d", path, table.num_rows, len(stale), len(targets))


def symbols(path: str, column: str) -> list[str]:
    """Return all symbols of a user's file in alphabetical order.

    Args:
        path: path of the user's file.
        column: name of its column of symbols.

    Raises:
        ConfigError: the file cannot be read or lacks the column.
    """
    table = _table(path, [column])
    _refuse_names(table, path, {"symbol": column})
    return sorted(symbol for symbol in pc.unique(_texts(table[column], path)).to_pylist() if symbol)


def check_columns(path: str, columns: Mapping[str, str | None]) -> list[str]:
    """Check that a user's file has the columns that a config names, and return its symbols in alphabetical order.

    Args:
        path: path of the file.
        columns: name in the file of each column of schema BARS; None for a column that the file does not have.

    Raises:
        ConfigError: the file cannot be read or lacks a column.
    """
    user_names = {name: user_name for name, user_name in columns.items() if user_name is not None}
    table = _table(path, [user_names["symbol"], user_names["date"]])
    _refuse_names(table, path, user_names)
    return sorted(symbol for symbol in pc.unique(_texts(table[user_names["symbol"]], path)).to_pylist() if symbol)


def _digest(path: str, columns: Mapping[str, str | None]) -> str:
    """Hash a user's file, the names of its columns and FORMAT; raises as import_bars."""
    user_files.check_plain(path, "the file of bars", "Give the path of a CSV or Parquet file.")
    with open(path, "rb") as handle:
        found = hashlib.file_digest(handle, "sha256")
    found.update(repr((FORMAT, sorted(columns.items()))).encode())
    return found.hexdigest()


def _is_made_from(path: str, digest: str) -> bool:
    """Whether a file exists and its metadata has a digest of what it was made from."""
    return Path(path).exists() and files.read_meta(path).get("made_from") == digest


def _read(path: str, columns: Mapping[str, str | None], symbols: list[str]) -> pa.Table:
    """Read the rows of some symbols and rename the columns to those of schema BARS; raises as import_bars."""
    user_names = {name: user_name for name, user_name in columns.items() if user_name is not None}
    table = _table(path, [user_names["symbol"], user_names["date"]])
    _refuse_names(table, path, user_names)
    found = {name: table[user_name] for name, user_name in user_names.items()}
    # every row needs a symbol and a date
    found["symbol"] = _texts(found["symbol"], path)
    found["date"] = _dates(found["date"], path, user_names["date"])
    for name in ("symbol", "date"):
        missing = pc.sum(pc.fill_null(pc.equal(found[name].cast(pa.string()), ""), True)).as_py() or 0
        if missing:
            what = f"{counted(missing, 'row', 'has', 'have')} no {name}."
            raise ConfigError(what, where=path, remedy="Every bar needs a symbol and a date.")
    # columns that the file lacks are null
    kept = pc.is_in(found["symbol"], pa.array(symbols))
    for name in (*PRICE_COLUMNS, "volume", "adj_close"):
        most = MOST_VOLUME if name == "volume" else MOST_PRICE
        found[name] = _numbers(found.get(name), len(kept), path, user_names.get(name), most)
    return pa.table(found).filter(kept)


def _refuse_names(table: pa.Table, path: str, user_names: Mapping[str, str]) -> None:
    """Raise ConfigError if a table does not have each wanted column once.

    Args:
        table: the user's table.
        path: its file.
        user_names: the user's name of each column.
    """
    for name, user_name in user_names.items():
        count = table.column_names.count(user_name)
        if count != 1:
            what = f"there are {count} columns {user_name!r}." if count else f"there is no column {user_name!r}."
            present = shortened(", ".join(table.column_names), 300)
            remedy = f"It has {present}; say which one it is in bars.columns.{name}."
            raise ConfigError(what, where=path, remedy=remedy)


def _table(path: str, texts: Sequence[str]) -> pa.Table:
    """Read a user's CSV or Parquet file.

    Args:
        path: the file.
        texts: columns of a CSV that are read as text: a reader that recognises time stamps turns them to UTC, which is another
            date, and takes a symbol of digits for a number.

    Raises:
        ConfigError: it cannot be read.
    """
    return user_tables.read_table(path, "the file of bars", "It must be CSV with a header, or Parquet.", texts=texts)


def _texts(values: pa.ChunkedArray, path: str) -> pa.ChunkedArray:
    """Convert a column of symbols of the file at `path` to text.

    Raises:
        ConfigError: its values are neither text nor numbers.
    """
    try:
        return values.cast(pa.string())
    except pa.ArrowException:
        raise ConfigError("its column of symbols is no text.", where=path, remedy="Symbols are text.") from None


def _dates(values: pa.ChunkedArray, path: str, user_name: str) -> pa.ChunkedArray:
    """Convert a column of the file at `path` to dates, each as it is written in its own time zone.

    Raises:
        ConfigError: a value is no date; names its row, counted from 1 without a header.
    """
    try:
        return dates_as_written(values)
    except NoDate as error:
        row = "" if error.row is None else f", row {error.row + 1}"
        what = f"{error.value} is no date" if row else f"its values are {error.value}"
        what += ": the column cannot be read as dates."
        raise ConfigError(what, where=f"{path}{row}, column {user_name!r}", remedy=REMEDY) from None


def _numbers(values: pa.ChunkedArray | None, count: int, path: str, user_name: str | None, most: int) -> Any:
    """Return a column of numbers as it is, or `count` nulls if the file at `path` does not have it.

    Args:
        values: the column; None without it.
        count: rows of the file.
        path: the file.
        user_name: what the file calls the column.
        most: the largest number that is believed, with either sign.

    Raises:
        ConfigError: its values are no numbers, or out of range.
    """
    if values is None or pa.types.is_null(values.type):
        return pa.nulls(count, pa.float64())
    kind = values.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        raise ConfigError(
            f"its column {user_name!r} is no column of numbers.", where=path, remedy="Write plain decimals."
        )
    sizes = pc.abs(as_floats(values))
    too_large = pc.and_(pc.is_finite(sizes), pc.greater(sizes, most))
    if (row := pc.index(too_large, True).as_py()) >= 0:
        what = f"row {row + 1} of its column {user_name!r} is out of range."
        raise ConfigError(
            what, where=path, remedy=f"Prices and volumes are at most {MOST_PRICE:,} and {MOST_VOLUME:,}."
        )
    return values


def _rows_of_years(table: pa.Table) -> dict[tuple[str, int], tuple[int, int]]:
    """Map (symbol, year) to the (offset, length) of its rows in a table that is ordered by symbol and date."""
    encoded = table["symbol"].combine_chunks().dictionary_encode()
    years = pc.year(table["date"]).to_numpy()
    keys = encoded.indices.to_numpy().astype(np.int64) * 10_000 + years  # one integer per symbol and year
    found, offsets, lengths = np.unique(keys, return_index=True, return_counts=True)
    names = encoded.dictionary.to_pylist()
    return {
        (names[key // 10_000], key % 10_000): (offset, length)
        for key, offset, length in zip(found.tolist(), offsets.tolist(), lengths.tolist(), strict=True)
    }
