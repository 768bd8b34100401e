"""Read candle files by the compiled functions of parquet.c, which know the form in which the project writes them.

They take a fifth of DuckDB's time and none of its import. A file in another form, or one that is damaged, is declined as a
whole: then the caller reads it by a library that reads all of Parquet, and says what is wrong with it.
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts.kernel import load_library
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE

SOURCE, LIBRARY = (Path(__file__).with_name(name) for name in ("parquet.c", "_parquet.so"))

_TAIL = 8  # bytes at the end of a Parquet file: the length of its footer, and PAR1
_END = b"PAR1"
_FIRST_READ = 1 << 14  # bytes from the end, which hold the footer of a candle file
_MOST_ROWS = 1 << 26  # of a file: a file of a few bytes can claim any number
_MOST_PIECES = 1 << 8  # of the columns of a file, in all its groups of rows
_MOST_PAGES = 1 << 8  # of a file
_MOST_BYTES = 1 << 28  # of a page, before it is known to be one
_BYTE_ARRAY, _FIXED, _INT64 = 6, 7, 2  # physical types of Parquet
_DECIMAL, _PLAIN_INT64 = 5, 18  # what a column of them may be said to be
_DICTIONARY_PAGE = 2
_UNCOMPRESSED, _ZSTD = 0, 6
_FILE_WORDS, _COLUMN_WORDS, _PIECE_WORDS, _PAGE_WORDS, _ROWS_WORDS = 7, 7, 6, 8, 6  # of the structures in parquet.c

# Types of arrays are made once: ctypes takes longer to make one than a file's pages take to read.
_FileWords, _Pieces = ctypes.c_int64 * _FILE_WORDS, ctypes.c_int64 * (_PIECE_WORDS * _MOST_PIECES)
_Pages, _Pointers = ctypes.c_int64 * (_PAGE_WORDS * _MOST_PAGES), ctypes.c_char_p * _MOST_PAGES
_Words = ctypes.Array[ctypes.c_int64]

_compiled = load_library(LIBRARY, SOURCE)
for _name in ("read_footer", "find_pages", "read_pages"):
    getattr(_compiled, _name).restype = ctypes.c_int64


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
        converted: meanings of the type that are the same to a reader; -1: none is said.
        width: bytes of a decimal; 0 for other types.
        scale: decimals of a decimal, else -1.
        precision: digits of a decimal, else -1.
        null: instead of a null; None: there may be none.
    """

    physical: int
    converted: tuple[int, ...]
    width: int
    scale: int
    precision: int
    null: int | None


_PRICE = _Kind(_FIXED, (_DECIMAL,), 4, 6, 9, NO_PRICE)
_KINDS = {
    "market_ticker": _Kind(_BYTE_ARRAY, (-1, 0), 0, -1, -1, -1),
    "end_period_ts": _Kind(_INT64, (-1, _PLAIN_INT64), 0, -1, -1, None),
    "yes_bid_close": _PRICE,
    "yes_ask_close": _PRICE,
    "volume": _Kind(_FIXED, (_DECIMAL,), 8, 2, 18, None),
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
    try:
        opened = [_OpenedFile(path, kinds) for path in files]
        rows, rooms = sum(file.rows for file in opened), _Rooms()
        columns = FileRows(
            market_index=np.empty(rows, np.int32),
            end_ts=np.empty(rows, np.int64),
            bid=np.empty(rows, np.int32),
            ask=np.empty(rows, np.int32),
            volume=np.empty(rows, np.int64),
            ranges=tuple(np.empty(rows, np.int32) for _ in RANGES) if ranges else (),
        )
        index, first = {ticker.encode(): i for i, ticker in enumerate(tickers)}, 0
        for file in opened:
            file.read(columns, first, index, rooms)
            first += file.rows
    except (Declined, OSError, pa.ArrowException):
        return None
    return columns


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
        if self.piece_count < 0 or file[0] > _MOST_ROWS:
            raise Declined
        self.rows, _, meta_start, meta_size, *self.range = file
        self.metadata = footer[meta_start : meta_start + meta_size] if meta_start >= 0 else b""
        self.words = found[:]


@functools.cache
def _column_words(columns: tuple[str, ...]) -> tuple[bytes, type[_Words]]:
    """Return names of columns as `read_footer` takes them, and the type of what it says of the columns."""
    return b"".join(name.encode() + b"\0" for name in columns), ctypes.c_int64 * (_COLUMN_WORDS * len(columns))


def _groups(words: list[int], size: int) -> Iterator[list[int]]:
    """Return an array of structures one by one."""
    return (words[at : at + size] for at in range(0, len(words), size))


class _OpenedFile:
    """A candle file in memory.

    Args:
        path: of the file.
        kinds: the columns to read, and what each must be.

    Attributes:
        rows: number of rows.

    Raises:
        Declined: its columns are not those of a candle file as the project writes it.
        OSError: it cannot be read.
    """

    def __init__(self, path: str, kinds: Mapping[str, _Kind]) -> None:
        self._kinds = kinds
        with open(path, "rb", buffering=0) as file:
            self._data = file.read()
        footer = _Footer(self._data, _footer_start(self._data), tuple(kinds), "", ranges=False)
        self.rows = footer.rows
        self._optional = []
        for kind, column in zip(kinds.values(), _groups(footer.words, _COLUMN_WORDS), strict=True):
            index, physical, width, repetition, converted, scale, precision = column
            decimal = (width, scale, precision) == (kind.width, kind.scale, kind.precision)
            known = physical == kind.physical and converted in kind.converted and (decimal or not kind.width)
            if index < 0 or not known:
                raise Declined
            self._optional.append(int(repetition == 1))
        self._page_words, self._page_count = self._find_pages(footer)

    def _find_pages(self, footer: _Footer) -> tuple[_Words, int]:
        """Return the pages of all columns, as in parquet.c, and their number."""
        rows_of = [0] * len(self._kinds)
        for at in range(0, footer.piece_count * _PIECE_WORDS, _PIECE_WORDS):
            column, rows = footer.pieces[at : at + 2]
            rows_of[column] += rows
        if any(rows != self.rows for rows in rows_of):
            raise Declined
        found = _Pages()
        count = _compiled.find_pages(
            self._data,
            *_longs(len(self._data), len(self._kinds)),
            footer.pieces,
            *_longs(footer.piece_count),
            found,
            *_longs(_MOST_PAGES),
        )
        if count < 0:
            raise Declined
        return found, count

    def read(self, columns: FileRows, first: int, index: Mapping[bytes, int], rooms: _Rooms) -> None:
        """Write the rows.

        Args:
            columns: receive them.
            first: index of the first row in the columns.
            index: index of each ticker.
            rooms: working memory.

        Raises:
            Declined: the pages are in another form.
            OSError: they cannot be decompressed.
        """
        data, pages = memoryview(self._data), _Pointers()
        texts: list[int] = []
        most, longest = 0, 0  # entries of a dictionary, values of a page
        for place, words in enumerate(_groups(self._page_words[: self._page_count * _PAGE_WORDS], _PAGE_WORDS)):
            column, codec, kind, start, compressed, uncompressed, values, _ = words
            page = _decompressed(codec, data[start : start + compressed], uncompressed)
            pages[place] = page
            if kind != _DICTIONARY_PAGE:
                longest = max(longest, values)
            elif column == 0:
                texts += (index.get(name, -1) for name in _texts(page, values))
            else:
                most = max(most, min(values, uncompressed))
        # the columns as `Rows` of parquet.c: width, optional, null, rows of 32 bits, rows of 64 bits, number of nulls
        rows = rooms.columns(len(self._kinds))
        outs: list[npt.NDArray[np.int32] | Ints] = [*columns[:-1], *columns.ranges]
        given: list[ctypes.c_int64 | int] = []
        for of, optional, out in zip(self._kinds.values(), self._optional, outs, strict=True):
            at, wide = out.ctypes.data + first * out.itemsize, out.itemsize == 8
            given += [of.width, optional, of.null or 0, 0 if wide else at, at if wide else 0, 0]
        rows[:] = given
        places = np.array(texts, np.int64)
        failed = _compiled.read_pages(
            self._page_words,
            *_longs(self._page_count),
            pages,
            *_longs(places.ctypes.data, rooms.dictionary(most), rooms.scratch(longest)),
            rows,
            *_longs(self.rows),
        )
        nulls = rows[_ROWS_WORDS - 1 :: _ROWS_WORDS]
        if failed or any(count and of.null is None for count, of in zip(nulls, self._kinds.values(), strict=True)):
            raise Declined


class _Rooms:
    """Working memory of `read_pages`, which the files of one call share."""

    def __init__(self) -> None:
        self._dictionary, self._scratch = np.empty(0, np.int64), np.empty(0, np.uint32)
        self._columns: _Words | None = None

    def columns(self, count: int) -> _Words:
        """Return words for some columns, always of the same number."""
        if self._columns is None:
            self._columns = (ctypes.c_int64 * (_ROWS_WORDS * count))()
        return self._columns

    def dictionary(self, entries: int) -> int:
        """Return the address of room for the entries of a dictionary."""
        if len(self._dictionary) < entries:
            self._dictionary = np.empty(entries, np.int64)
        return int(self._dictionary.ctypes.data)

    def scratch(self, values: int) -> int:
        """Return the address of room for two numbers a value of a page, and one more."""
        if len(self._scratch) < 2 * values + 1:
            self._scratch = np.empty(2 * values + 1, np.uint32)
        return int(self._scratch.ctypes.data)


def _longs(*values: int) -> Iterator[ctypes.c_int64]:
    """Return integers as arguments of a compiled function."""
    return map(ctypes.c_int64, values)


_zstd = pa.Codec("zstd")


def _decompressed(codec: int, data: memoryview, size: int) -> bytes:
    """Return the bytes of a page.

    Raises:
        Declined: it is compressed otherwise.
        OSError: it is damaged.
    """
    if codec == _ZSTD and size <= _MOST_BYTES:
        page: bytes = _zstd.decompress(data, decompressed_size=size, asbytes=True)
        return page
    if codec != _UNCOMPRESSED or len(data) != size:
        raise Declined
    return bytes(data)


def _texts(page: bytes, count: int) -> Iterator[bytes]:
    """Return the texts of a dictionary."""
    at = 0
    for _ in range(count):
        start = at + 4
        at = start + int.from_bytes(page[at:start], "little")
        if at > len(page):
            raise Declined
        yield page[start:at]
