"""Read candle files by the compiled functions of parquet.c, which know the form in which the project writes them.

They take a fifth of DuckDB's time and none of its import. A file in another form, or one that is damaged, is declined as a
whole: then the caller reads it by a library that reads all of Parquet, and says what is wrong with it.
"""

from __future__ import annotations

import ctypes
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts.decompression import decompression
from tradewinds.engine.event_contracts.kernel import load_library
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE

SOURCE, LIBRARY = (Path(__file__).with_name(name) for name in ("parquet.c", "_parquet.so"))

_BYTE_ARRAY, _FIXED, _INT64 = 6, 7, 2  # physical types of Parquet
_DECIMAL, _PLAIN_INT64 = 5, 18  # what a column of them may be said to be
_OPENED_WORDS, _FACTS_WORDS = 6, 7  # of the structures in parquet.c
_OPENED_ROWS = 2  # which word of an open file is its number of rows

_Words = ctypes.Array[ctypes.c_int64]

_compiled = load_library(LIBRARY, SOURCE)
for _name in ("open_files", "read_files"):
    getattr(_compiled, _name).restype = ctypes.c_int64
for _name in ("close_files", "read_footers", "free_facts"):
    getattr(_compiled, _name).restype = None


class FileRows(NamedTuple):
    """Rows of candle files, in the order of the files.

    Attributes:
        market_index: index of the row's market among those that were asked for, or -1.
        end_ts: end of the candle; Unix s.
        bid: YES bid at the close; micro-units, or NO_PRICE.
        ask: YES ask at the close; micro-units, or NO_PRICE.
        volume: contracts × 100.
        ranges: the columns of RANGES, micro-units, or NO_PRICE; empty if they were not asked for.
    """

    market_index: npt.NDArray[np.int32]
    end_ts: Ints
    bid: npt.NDArray[np.int32]
    ask: npt.NDArray[np.int32]
    volume: Ints
    ranges: tuple[npt.NDArray[np.int32], ...] = ()


class FooterFacts(NamedTuple):
    """Facts of a file from its footer.

    Attributes:
        rows: number of rows.
        lowest: least value of the columns that were asked for, in the integers in which decimals are stored; None without any.
        highest: largest one; None without any.
        metadata: the value of a key of its metadata, b"" without it.
    """

    rows: int
    lowest: int | None
    highest: int | None
    metadata: bytes


class _Kind(NamedTuple):
    """What a column of a candle file must be, and what its rows become.

    Attributes:
        physical: type in the file.
        converted: two meanings of the type that are the same to a reader; -1: none is said.
        width: bytes of a decimal; 0 for other types.
        scale: decimals of a decimal, else -1.
        precision: digits of a decimal, else -1.
        null: instead of a null; None: there may be none.
    """

    physical: int
    converted: tuple[int, int]
    width: int
    scale: int
    precision: int
    null: int | None


_PRICE = _Kind(_FIXED, (_DECIMAL, _DECIMAL), 4, 6, 9, NO_PRICE)
_KINDS = {
    "market_ticker": _Kind(_BYTE_ARRAY, (-1, 0), 0, -1, -1, -1),
    "end_period_ts": _Kind(_INT64, (-1, _PLAIN_INT64), 0, -1, -1, None),
    "yes_bid_close": _PRICE,
    "yes_ask_close": _PRICE,
    "volume": _Kind(_FIXED, (_DECIMAL, _DECIMAL), 8, 2, 18, None),
}
# What decides whether a resting order was filled: the highest bid, the lowest ask, the lowest and the highest trade.
RANGES = ("yes_bid_high", "yes_ask_low", "price_low", "price_high")
_WITH_RANGES = {**_KINDS, **dict.fromkeys(RANGES, _PRICE)}


def read_candle_files(files: Sequence[str], tickers: Sequence[str], *, ranges: bool = False) -> FileRows | None:
    """Return the rows of candle files, or None if one of them is not in the form that this module reads.

    Args:
        files: the paths.
        tickers: the markets, each once.
        ranges: read the columns of RANGES, too.
    """
    kinds = _WITH_RANGES if ranges else _KINDS
    kind_words = _structure([word for kind in kinds.values() for word in _kind_words(kind)])
    opened, count = _structure([0] * (_OPENED_WORDS * len(files))), ctypes.c_int64(len(files))
    names, paths = (b"".join(os.fsencode(text) + b"\0" for text in texts) for texts in (kinds, files))
    try:
        if _compiled.open_files(paths, count, names, ctypes.c_int64(len(kinds)), kind_words, opened):
            return None
        columns = _empty_rows(sum(opened[_OPENED_ROWS::_OPENED_WORDS]), ranges=ranges)
        outs: list[npt.NDArray[np.int32] | Ints] = [*columns[:-1], *columns.ranges]
        words = [word for kind, out in zip(kinds.values(), outs, strict=True) for word in _out_words(kind, out)]
        texts, text_count = _sorted_texts(tickers), ctypes.c_int64(len(tickers))
        given = (opened, count, kind_words, _structure(words), ctypes.c_int64(len(kinds)), *texts, text_count)
        with decompression() as (decompress, context):
            failed = _compiled.read_files(*given, decompress, context)
    finally:
        _compiled.close_files(opened, count)
    return None if failed else columns


def _empty_rows(rows: int, *, ranges: bool) -> FileRows:
    """Return columns for some rows, which are not set yet, with room behind those that LiveCandles lengthens."""
    return FileRows(
        market_index=np.empty(rows, np.int32),
        end_ts=with_room(rows, np.int64),
        bid=with_room(rows, np.int32),
        ask=with_room(rows, np.int32),
        volume=with_room(rows, np.int64),
        ranges=tuple(np.empty(rows, np.int32) for _ in RANGES) if ranges else (),
    )


def with_room(rows: int, kind: type[np.generic]) -> np.ndarray:
    """Return a column of some rows, which are not set yet, for `lengthened`: it has room for half as many behind them."""
    return np.empty(rows + rows // 2, kind)[:rows]


def lengthened(column: np.ndarray, more: Sequence[np.ndarray]) -> np.ndarray:
    """Return a column with more rows behind its own; in the memory of the column if `with_room` made enough of it.

    A column may be lengthened by those who replay it one after the other: each must be done before the next begins.

    Args:
        column: stays as it is.
        more: pieces of what comes behind it.
    """
    rows = len(column) + sum(map(len, more))
    whole = column.base
    if (
        not isinstance(whole, np.ndarray)
        or whole.dtype != column.dtype
        or whole.ctypes.data != column.ctypes.data
        or len(whole) < rows
    ):
        return np.concatenate([column, *more])
    np.concatenate(more, out=whole[len(column) : rows])
    return whole[:rows]


def _structure(words: Sequence[int]) -> _Words:
    """Return structures of parquet.c as words."""
    return (ctypes.c_int64 * len(words))(*words)


def _kind_words(kind: _Kind) -> tuple[int, ...]:
    """Return a kind as `Kind` of parquet.c."""
    return kind.physical, *kind.converted, kind.width, kind.scale, kind.precision, kind.null is not None


def _out_words(kind: _Kind, out: npt.NDArray[np.int32] | Ints) -> tuple[int, ...]:
    """Return a column that is read as `Rows` of parquet.c: width, optional, null, rows of 32 bits, of 64 bits, nulls."""
    at, wide = out.ctypes.data, out.itemsize == 8
    return kind.width, 0, kind.null or 0, 0 if wide else at, at if wide else 0, 0


def _sorted_texts(texts: Sequence[str]) -> tuple[bytes, _Words, _Words]:
    """Return texts as `Texts` of parquet.c: their bytes in order, where each ends, and its index."""
    encoded = [text.encode() for text in texts]
    places = sorted(range(len(encoded)), key=encoded.__getitem__)
    ends = itertools.accumulate(len(encoded[place]) for place in places)
    return b"".join(encoded[place] for place in places), _structure([*ends]), _structure(places)


def footer_facts(paths: Sequence[str], columns: Sequence[str], key: str) -> list[FooterFacts | None]:
    """Return facts of files, None for each that is not there or not in the form that this module reads.

    Args:
        paths: of the files.
        columns: columns of decimals.
        key: of their metadata.
    """
    found, count = _structure([0] * (_FACTS_WORDS * len(paths))), ctypes.c_int64(len(paths))
    names, all_paths = (b"".join(os.fsencode(text) + b"\0" for text in texts) for texts in (columns, paths))
    try:
        _compiled.read_footers(all_paths, count, names, ctypes.c_int64(len(columns)), key.encode(), found)
        words = found[:]
        return [_facts(words[at : at + _FACTS_WORDS]) for at in range(0, len(words), _FACTS_WORDS)]
    finally:
        _compiled.free_facts(found, count)


def _facts(words: Sequence[int]) -> FooterFacts | None:
    """Return facts from the words of `Facts` in parquet.c; None of a footer that was not read."""
    read, rows, has_range, lowest, highest, metadata, size = words
    if not read:
        return None
    text = ctypes.string_at(metadata, size)
    return FooterFacts(rows, lowest if has_range else None, highest if has_range else None, text)
