"""Daily bars from a user's own file: CSV or Parquet, a row per symbol and date, its columns named in the config."""

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
import pyarrow.csv
import pyarrow.parquet as pq

from tradewinds.core import files
from tradewinds.core.errors import ConfigError
from tradewinds.families.equities_daily.fetch import bar_checks

FORMAT = 1  # of the files that are made: another number makes them anew

logger = logging.getLogger(__name__)

File = tuple[str, int, str]
"""Symbol, year, path of a file to be made."""


def import_bars(path: str, columns: Mapping[str, str | None], wanted: Sequence[File]) -> None:
    """Make files of a user's bars; those that were made from the same bytes in the same way are left as they are.

    Raises:
        ConfigError: the file cannot be read, lacks a column, or has a row without symbol or date.
    """
    digest = _digest(path, columns)
    stale = [file for file in wanted if not _made_from(file[2], digest)]
    for _, _, fresh in set(wanted) - set(stale):
        os.utime(fresh)  # as new as what it is made of
    if not stale:
        return
    table = bar_checks.judged(_read(path, columns, sorted({symbol for symbol, _, _ in wanted})))
    parts = _by_year(table)
    for symbol, year, target in stale:
        about = {"source": "files", "symbol": symbol, "year": year, "made_from": digest}
        end = bar_checks.year_end(year).isoformat()
        part = table.slice(*parts.get((symbol, year), (0, 0)))
        bar_checks.write_year(target, part, {**about, "covers_through": end, "asked_through": end})
    logger.info("%s: %d rows, %d files made of %d", path, table.num_rows, len(stale), len(wanted))


def symbols(path: str, column: str) -> list[str]:
    """All symbols of a user's file, in order; raises as `import_bars`."""
    table = _table(path)
    if column not in table.column_names:
        remedy = f"It has {', '.join(table.column_names)}."
        raise ConfigError(f"there is no column {column!r}.", where=path, remedy=remedy)
    return sorted(symbol for symbol in pc.unique(table[column].cast(pa.string())).to_pylist() if symbol)


def _digest(path: str, columns: Mapping[str, str | None]) -> str:
    try:
        with open(path, "rb") as handle:
            found = hashlib.file_digest(handle, "sha256")
    except OSError as error:
        remedy = "Give the path of a CSV or Parquet file."
        raise ConfigError(f"cannot be read ({error.strerror}).", where=path, remedy=remedy) from None
    found.update(repr((FORMAT, sorted(columns.items()))).encode())
    return found.hexdigest()


def _made_from(path: str, digest: str) -> bool:
    return Path(path).exists() and files.read_meta(path).get("made_from") == digest


def _read(path: str, columns: Mapping[str, str | None], symbols: list[str]) -> pa.Table:
    """The rows of some symbols under the names of schemas.BARS."""
    table = _table(path)
    named = {name: own for name, own in columns.items() if own is not None}
    for name, own in named.items():
        if own not in table.column_names:
            remedy = f"It has {', '.join(table.column_names)}; say which one it is in bars.columns.{name}."
            raise ConfigError(f"there is no column {own!r}.", where=path, remedy=remedy)
    found = {name: table[own] for name, own in named.items()}
    found["symbol"] = found["symbol"].cast(pa.string())
    found["date"] = _dates(found["date"], path)
    for name in ("symbol", "date"):
        gone = pc.sum(pc.fill_null(pc.equal(found[name].cast(pa.string()), ""), True)).as_py() or 0
        if gone:
            what = f"{gone} row(s) have no {name}."
            raise ConfigError(what, where=path, remedy="Every bar needs a symbol and a date.")
    kept = pc.is_in(found["symbol"], pa.array(symbols))
    for name in (*bar_checks.PRICES, "volume", "adj_close"):
        found[name] = _numbers(found.get(name), len(kept), path, named.get(name))
    return pa.table(found).filter(kept)


def _table(path: str) -> pa.Table:
    try:
        return pq.read_table(path) if _is_parquet(path) else pa.csv.read_csv(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        remedy = "It must be CSV with a header, or Parquet."
        raise ConfigError(f"cannot be read ({str(error).splitlines()[0]}).", where=path, remedy=remedy) from None


def _is_parquet(path: str) -> bool:
    with open(path, "rb") as handle:
        return handle.read(4) == b"PAR1"


def _dates(values: pa.ChunkedArray, path: str) -> pa.ChunkedArray:
    try:
        return values.cast(pa.date32())
    except pa.ArrowException:
        remedy = "Dates are dates, time stamps, or text as 2024-05-31."
        raise ConfigError("its column of dates cannot be read as dates.", where=path, remedy=remedy) from None


def _numbers(values: pa.ChunkedArray | None, count: int, path: str, own: str | None) -> Any:
    if values is None or pa.types.is_null(values.type):
        return pa.nulls(count, pa.float64())
    if pa.types.is_string(values.type):
        raise ConfigError(f"its column {own!r} is no column of numbers.", where=path, remedy="Write plain decimals.")
    return values


def _by_year(table: pa.Table) -> dict[tuple[str, int], tuple[int, int]]:
    """Offset and length of each symbol's year in a table in their order."""
    encoded = table["symbol"].combine_chunks().dictionary_encode()
    years = pc.year(table["date"]).to_numpy()
    keys = encoded.indices.to_numpy().astype(np.int64) * 10_000 + years
    found, starts, counts = np.unique(keys, return_index=True, return_counts=True)
    names = encoded.dictionary.to_pylist()
    return {
        (names[key // 10_000], key % 10_000): (start, count)
        for key, start, count in zip(found.tolist(), starts.tolist(), counts.tolist(), strict=True)
    }
