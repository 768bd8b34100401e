"""Read candle files by the compiled functions of parquet.c, which know the form in which the project writes them.

They take a fifth of DuckDB's time and none of its import. A file in another form, or one that is damaged, is declined as a
whole: then the caller reads it by a library that reads all of Parquet, and says what is wrong with it.
"""

from __future__ import annotations

import ctypes
import functools
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

_TAIL = 8  # bytes at the end of a Parquet file: the length of its footer, and PAR1
_END = b"PAR1"
_FIRST_READ = 1 << 14  # bytes from the end, which hold the footer of a candle file
_MOST_PIECES = 1 << 8  # of the columns of a file, in all its groups of rows
_BYTE_ARRAY, _FIXED, _INT64 = 6, 7, 2  # physical types of Parquet
_DECIMAL, _PLAIN_INT64 = 5, 18  # what a column of them may be said to be
_FILE_WORDS, _COLUMN_WORDS, _PIECE_WORDS, _OPENED_WORDS, _OPENED_ROWS = 7, 7, 6, 6, 2  # of the structures in parquet.c

# Types of arrays are made once: ctypes takes longer to make one than a footer takes to read.
_FileWords, _Pieces = ctypes.c_int64 * _FILE_WORDS, ctypes.c_int64 * (_PIECE_WORDS * _MOST_PIECES)
_Words = ctypes.Array[ctypes.c_int64]

_compiled = load_library(LIBRARY, SOURCE)
for _name in ("read_footer", "open_files", "read_files"):
    getattr(_compiled, _name).restype = ctypes.c_int64
_compiled.close_files.restype = None


class Declined(Exception):  # no error: the other reader takes the file
    """A file is not in the form that this module reads."""


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
    """Return columns for some rows, which are not set yet."""
    return FileRows(
        market_index=np.empty(rows, np.int32),
        end_ts=np.empty(rows, np.int64),
        bid=np.empty(rows, np.int32),
        ask=np.empty(rows, np.int32),
        volume=np.empty(rows, np.int64),
        ranges=tuple(np.empty(rows, np.int32) for _ in RANGES) if ranges else (),
    )


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


def footer_facts(path: str, columns: Sequence[str], key: str) -> FooterFacts | None:
    """Return facts of a file, or None if it is not in the form that this module reads.

    Args:
        path: of the file.
        columns: columns of decimals.
        key: of its metadata.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - _FIRST_READ))
            tail = file.read()
            if (start := _footer_start(tail)) < 0:
                file.seek(0)
                tail = file.read()
                start = _footer_start(tail)
        footer = _Footer(tail, start, tuple(columns), key, ranges=True)
    except (Declined, OSError):
        return None
    places, physical = footer.words[::_COLUMN_WORDS], footer.words[1::_COLUMN_WORDS]
    if any(kind != _FIXED for place, kind in zip(places, physical, strict=True) if place >= 0):
        return None
    has_range, lowest, highest = footer.range
    return FooterFacts(footer.rows, lowest if has_range else None, highest if has_range else None, footer.metadata)


def _footer_start(tail: bytes) -> int:
    """Return where the footer begins in the last bytes of a file; below 0 if it is longer than they are.

    Raises:
        Declined: this is no Parquet file.
    """
    if len(tail) < _TAIL or tail[-4:] != _END:
        raise Declined
    return len(tail) - _TAIL - int.from_bytes(tail[-_TAIL:-4], "little")


class _Footer:
    """The footer of a file, and where the pieces of some columns are.

    Args:
        data: bytes of the file.
        start: where the footer begins in them.
        columns: names of the columns.
        key: of the metadata.
        ranges: find the range of all values of the columns.

    Attributes:
        rows: number of rows.
        range: whether there is one, the least value and the largest.
        metadata: value of the key.
        words: by column its index in the file, physical type, width, repetition, meaning, scale, precision.
        pieces: as in parquet.c, group of rows after group; the first `piece_count` of them.
        piece_count: number of pieces.
    """

    def __init__(self, data: bytes, start: int, columns: tuple[str, ...], key: str, *, ranges: bool) -> None:
        if start < 0:
            raise Declined
        footer = data[start : len(data) - _TAIL]
        names, made = _column_words(columns)
        file, found, self.pieces = _FileWords(), made(), _Pieces()
        self.piece_count = _compiled.read_footer(
            footer,
            ctypes.c_int64(len(footer)),
            names,
            ctypes.c_int64(len(columns)),
            key.encode(),
            ctypes.c_int64(ranges),
            file,
            found,
            self.pieces,
            ctypes.c_int64(_MOST_PIECES),
        )
        if self.piece_count < 0:
            raise Declined
        self.rows, _, meta_start, meta_size, *self.range = file
        self.metadata = footer[meta_start : meta_start + meta_size] if meta_start >= 0 else b""
        self.words = found[:]


@functools.cache
def _column_words(columns: tuple[str, ...]) -> tuple[bytes, type[_Words]]:
    """Return names of columns as `read_footer` takes them, and the type of what it says of the columns."""
    return b"".join(name.encode() + b"\0" for name in columns), ctypes.c_int64 * (_COLUMN_WORDS * len(columns))
