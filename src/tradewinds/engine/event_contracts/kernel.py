"""The replay's inner loops, compiled from kernel.c when the project is installed: columns in, columns out.

Prices are micro-units of money, probabilities pico-units, times Unix seconds. A market's candles are the rows
[first_row, end_row) of the columns.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.kernel_structures import (
    BLOCK,
    SCRATCH_COLUMNS,
    CandleRows,
    Codes,
    Pass,
)
from tradewinds.engine.event_contracts.order_rules import Prices

SOURCE, LIBRARY = (Path(__file__).with_name(name) for name in ("kernel.c", "_kernel.so"))

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h
_KEPT_BYTES = 64 << 20

_Structure = ctypes.Array[ctypes.c_int64]

# Tables of all prices, which `price_codes` leaves as they were: to fill one takes as long as to replay a few contracts.
_price_indices: list[Codes] = []


def load(library: Path) -> ctypes.CDLL:
    """Return the compiled loops of a shared library.

    Args:
        library: path of the shared library.

    Raises:
        ImportError: as `load_library`.
    """
    loops = load_library(library, SOURCE)
    for name in ("survey", "rows_since", "lowest_prices", "highest_wanted"):
        getattr(loops, name).restype = None
    for name in ("count_candles", "count_crossed", "price_codes", "quote_codes", "advance"):
        getattr(loops, name).restype = ctypes.c_int64
    return loops


def load_library(library: Path, source: Path) -> ctypes.CDLL:
    """Return a shared library.

    Args:
        library: its path.
        source: the C file that it was compiled from.

    Raises:
        ImportError: the library is missing, or was not compiled from the file as it is now.
    """
    remedy = "Install the project again: `make install` in a clone, else `pip install --force-reinstall --no-deps` as at first."
    try:
        loops = ctypes.CDLL(str(library))
    except OSError as error:
        raise ImportError(f"The engine is not compiled ({error}). {remedy}") from None
    digest = ctypes.string_at(ctypes.addressof(ctypes.c_char.in_dll(loops, "source_digest"))).decode()
    if digest != hashlib.sha256(source.read_bytes()).hexdigest():
        raise ImportError(f"{source.name} has changed since the engine was compiled. {remedy}")
    return loops


_compiled = load(LIBRARY)


def _address_64(column: Ints) -> int:
    """Return the address of a column of 64-bit integers."""
    return _address(column, np.int64)


def _address_32(column: npt.NDArray[np.int32]) -> int:
    """Return the address of a column of 32-bit integers."""
    return _address(column, np.int32)


def _address(column: npt.NDArray[Any], kind: type[np.generic]) -> int:
    """Return the address of a column; TypeError if it is of another kind or not contiguous."""
    if column.dtype != kind or not column.flags.c_contiguous:
        raise TypeError(f"a column of {column.dtype} where one of {kind.__name__} in one piece is expected")
    return int(column.ctypes.data)


def _structure(*values: int) -> _Structure:
    """Return a structure of kernel.c: integers and addresses, in its order."""
    return (ctypes.c_int64 * len(values))(*values)


def _column_structure(columns: NamedTuple) -> _Structure:
    """Return a structure of kernel.c whose fields are all addresses of 64-bit columns."""
    return _structure(*(_address_64(column) for column in columns))


def _call(name: str, *values: int | _Structure) -> Any:
    """Call a compiled function with integers, addresses and structures, and return its result."""
    arguments = (ctypes.c_int64(value) if isinstance(value, int) else value for value in values)
    return getattr(_compiled, name)(*arguments)


def keep_memory() -> None:
    """Make the C library keep freed memory for later columns.

    By default it returns large blocks to the system at once, and each page that comes anew costs microseconds: a tenth of a
    replay's time. Without glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        for parameter in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            mallopt(parameter, _KEPT_BYTES)


def return_memory() -> None:
    """Give the memory that `keep_memory` kept back to the system, once all is replayed; without glibc nothing is done."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(ctypes.c_size_t(0))


def survey(market_index: Codes, end_ts: Ints, volume: Ints, markets: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Find where each market's candles are in the columns of files.

    Args:
        market_index: by row, index of its market; below 0 for other markets.
        end_ts: by row, end of the candle; Unix s.
        volume: by row, contracts x 100.
        markets: number of markets.

    Returns:
        By market: first row, end row, total volume, number of rows that do not directly follow an earlier row of it.
    """
    first_row, end_row, traded, jumps = (np.zeros(markets, np.int64) for _ in range(4))
    _call(
        "survey",
        _address_32(market_index),
        _address_64(end_ts),
        _address_64(volume),
        len(market_index),
        _address_64(first_row),
        _address_64(end_row),
        _address_64(traded),
        _address_64(jumps),
    )
    return first_row, end_row, traded, jumps


def rows_since(end_ts: Ints, first_row: Ints, end_row: Ints, since: Ints) -> Ints:
    """Return, for each market, its first row that ends at or after an instant.

    Args:
        end_ts: by row, end of the candle; Unix s.
        first_row: by market.
        end_row: by market.
        since: by market; Unix s.
    """
    first_since = np.empty(len(first_row), np.int64)
    _call(
        "rows_since",
        _address_64(end_ts),
        _address_64(first_row),
        _address_64(end_row),
        _address_64(since),
        len(first_row),
        _address_64(first_since),
    )
    return first_since


def count_candles(end_ts: Ints, first_row: Ints, end_row: Ints, since_ts: Ints, until_ts: Ints) -> int:
    """Return how many candles of some markets end in [since_ts, until_ts) of each.

    Args:
        end_ts: by row, end of the candle; Unix s.
        first_row: by market.
        end_row: by market.
        since_ts: by market; Unix s.
        until_ts: by market; Unix s.
    """
    count = _call(
        "count_candles",
        _address_64(end_ts),
        _address_64(first_row),
        _address_64(end_row),
        _address_64(since_ts),
        _address_64(until_ts),
        len(first_row),
    )
    return int(count)


def count_crossed(rows: CandleRows, first_t: Ints, last_t: Ints, step: int, max_age: int) -> tuple[int, int]:
    """Count the decision times at which a crossed quote is visible.

    Args:
        rows: candles of some contracts.
        first_t: by contract, first decision time; Unix s.
        last_t: by contract, last decision time; Unix s.
        step: seconds between decision times.
        max_age: seconds for which a quote is visible.

    Returns:
        Number of decision times, and the end of the latest candle that is visible at any (Unix s), or -1.
    """
    latest = np.empty(1, np.int64)
    crossed = _call(
        "count_crossed",
        _row_structure(rows),
        len(rows.first_row),
        _address_64(first_t),
        _address_64(last_t),
        step,
        max_age,
        _address_64(latest),
    )
    return crossed, int(latest[0])


def lowest_prices(bid: Prices, ask: Prices) -> Prices:
    """Return the lowest price at which each side can be bought, by block of rows; micro-units, MICRO where none can.

    Args:
        bid: by row; micro-units, or NO_PRICE.
        ask: by row; micro-units, or NO_PRICE.

    Returns:
        (blocks, 2) prices of YES and NO.
    """
    lowest = np.empty((-(-len(bid) // BLOCK), 2), np.int32)
    _call("lowest_prices", _address_32(bid), _address_32(ask), len(bid), _address_32(lowest))
    return lowest


def highest_wanted(price_micro: Ints, quantity: Ints, first_code: Ints, end_code: Ints, stride: int) -> Ints:
    """Return the highest price at which anything of a group of codes is wanted, by group; micro-units, -1 where nothing is.

    Args:
        price_micro: by code; micro-units.
        quantity: by code, contracts wanted.
        first_code: by group, its first code.
        end_code: by group, a code that is behind its last one.
        stride: from one code of a group to its next.
    """
    highest = np.empty(len(first_code), np.int64)
    _call(
        "highest_wanted",
        _address_64(price_micro),
        _address_64(quantity),
        _address_64(first_code),
        _address_64(end_code),
        stride,
        len(highest),
        _address_64(highest),
    )
    return highest


def price_codes(rows: CandleRows, kind: Ints, kinds: int) -> tuple[Codes, Codes, Ints]:
    """Give each row of some contracts a code per side: index of the price x 2 kinds + kind, -1 where the side is not offered.

    Args:
        rows: candles of the contracts.
        kind: by contract, index of its kind.
        kinds: number of kinds; the kinds of the NO sides follow those of the YES sides.

    Returns:
        By row, codes of the YES and of the NO side; anything in rows of no contract. By index of a price, the price in
        micro-units.
    """
    yes_code, no_code = np.empty(len(rows.end_ts), np.int32), np.empty(len(rows.end_ts), np.int32)
    prices = np.empty(min(MICRO, 2 * len(rows.end_ts)), np.int64)
    try:
        price_index = _price_indices.pop()
    except IndexError:  # the first call, or as many calls at a time as never before
        price_index = np.full(MICRO, -1, np.int32)
    count = _call(
        "price_codes",
        _row_structure(rows),
        len(rows.first_row),
        _address_64(kind),
        kinds,
        _address_32(price_index),
        _address_64(prices),
        _address_32(yes_code),
        _address_32(no_code),
    )
    _price_indices.append(price_index)
    return yes_code, no_code, prices[:count].copy()


def quote_codes(rows: CandleRows) -> tuple[Codes, Codes, Ints, Prices, Prices]:
    """Give each row a code per side by its distinct (contract, YES ask, NO ask), -1 where neither side is offered.

    Args:
        rows: candles of some contracts.

    Returns:
        By row, codes of the YES and of the NO side; anything in rows of no contract. By code of the YES sides, index of the
        contract, YES ask and NO ask (micro-units, -1: not offered). The codes of the NO sides follow those of the YES sides.
    """
    count = len(rows.end_ts)
    # the smallest power of 2 that is at least twice the rows of any contract
    size = 1 << int(2 * (rows.end_row - rows.first_row).max(initial=2) - 1).bit_length()
    table = np.full((size, 2), -1, np.int64)  # key and code
    yes_code, no_code = np.empty(count, np.int32), np.empty(count, np.int32)
    owner, yes_asks, no_asks = np.empty(count, np.int64), np.empty(count, np.int32), np.empty(count, np.int32)
    # codes and owners are written in place; the result is the number of codes of a side
    codes = _call(
        "quote_codes",
        _row_structure(rows),
        len(rows.first_row),
        size,
        _address_64(table),
        _address_32(yes_code),
        _address_32(no_code),
        _address_64(owner),
        _address_32(yes_asks),
        _address_32(no_asks),
    )
    return yes_code, no_code, owner[:codes], yes_asks[:codes], no_asks[:codes]


class KeptStructure:
    """A structure of kernel.c that is made once for columns that many calls have in common."""

    def __init__(self) -> None:
        self._columns: NamedTuple | None = None
        self._structure = _structure()

    def of(self, columns: NamedTuple, make: Callable[[Any], _Structure] = _column_structure) -> _Structure:
        """Return the structure of some columns: the one of the last call, if these are the same columns.

        Args:
            columns: the columns, which are changed in place if at all.
            make: makes the structure.
        """
        if self._columns is not columns:
            self._structure, self._columns = make(columns), columns
        return self._structure


class KeptStructures(NamedTuple):
    """Structures of one replay."""

    market: KeptStructure
    account: KeptStructure
    limits: KeptStructure
    books: KeptStructure

    @classmethod
    def new(cls) -> KeptStructures:
        """Return structures that are not made yet."""
        return cls(KeptStructure(), KeptStructure(), KeptStructure(), KeptStructure())


def advance(this_pass: Pass, kept: KeptStructures) -> int:
    """Replay all decision times before `this_pass.until`.

    Args:
        this_pass: the candles, what is wanted of them, and the account.
        kept: of this replay.

    Returns:
        DONE; BUFFERS_FULL: empty the buffers and call again, the pass goes on where it stopped; TOO_LARGE: the account would
        hold too many contracts for exact amounts.
    """
    # structures that kernel.c's Pass points to; they must live until the call returns
    table, out = this_pass.table, this_pass.out
    market, account = kept.market.of(this_pass.market), kept.account.of(this_pass.account)
    rows, limits = _row_structure(this_pass.rows), kept.limits.of(this_pass.limits, _limit_structure)
    books = None if this_pass.books is None else kept.books.of(this_pass.books)
    buffers = _column_structure(out)
    wanted = _structure(
        _address_64(table.chance),
        _address_64(table.quantity),
        _address_64(table.rank),
        _address_64(table.rank_remainder),
        _address_64(table.fee_whole),
        _address_64(table.fee_part),
        _address_64(table.fee_base),
    )
    columns = np.empty((SCRATCH_COLUMNS, len(this_pass.live_idx)), np.int64)
    at, size = _address_64(columns), columns.itemsize * len(this_pass.live_idx)
    scratch = _structure(*(at + size * column for column in range(SCRATCH_COLUMNS)))

    # kernel.c's Pass, field by field
    structure = _structure(
        this_pass.until,
        this_pass.step,
        this_pass.max_age,
        _address_64(this_pass.eras),
        len(this_pass.eras),
        table.era_rows,
        ctypes.addressof(market),
        _address_64(this_pass.by_settlement),
        len(this_pass.by_settlement),
        _address_64(this_pass.live_idx),
        _address_64(this_pass.by_start),
        len(this_pass.live_idx),
        _address_64(this_pass.member),
        ctypes.addressof(rows),
        _address_32(this_pass.lowest),
        _address_64(this_pass.highest),
        _address_32(this_pass.yes_code),
        _address_32(this_pass.no_code),
        ctypes.addressof(wanted),
        ctypes.addressof(limits),
        0 if books is None else ctypes.addressof(books),
        this_pass.most_levels,
        ctypes.addressof(account),
        _address_64(this_pass.instants),
        len(this_pass.instants),
        ctypes.addressof(buffers),
        len(out.fills),
        len(out.refusals),
        int(len(out.counts) > 0),  # counted
        int(len(out.stretch) > 0),  # audit
        int(len(out.settlements) > 0),  # booked
        ctypes.addressof(scratch),
    )
    return int(_call("advance", structure))


def _limit_structure(limits: NamedTuple) -> _Structure:
    """Return kernel.c's Limits."""
    return _structure(*(int(limit) for limit in limits))


def _row_structure(rows: CandleRows) -> _Structure:
    """Return kernel.c's CandleRows, which has columns of 32 and of 64 bits."""
    return _structure(
        _address_64(rows.end_ts),
        _address_64(rows.quote_ts),
        _address_32(rows.bid),
        _address_32(rows.ask),
        _address_64(rows.volume),
        _address_64(rows.first_row),
        _address_64(rows.end_row),
    )
