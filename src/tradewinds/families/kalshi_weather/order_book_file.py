"""The user's order books: CSV or Parquet with columns market_ticker, known_at_utc, side, price, size.

A row is one level: how many contracts waited at a price. `side` is `yes` or `no` as in the exchange's order book, where both
are bids, or `bid` or `ask` of YES: a `no` at p is an ask of YES at 1 − p, so `no` 0.58 and `ask` 0.42 say the same. All rows of
a market with one known_at_utc are one snapshot, the whole book; a row of size 0 says that nothing waited at its price, and so a
book without any order has one such row.

Decisions are made at whole seconds: a snapshot is known at the next one, and of several in a second the last one counts.
Contracts are bought whole, so the size of a level is rounded down, and a level below one contract is none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.core import strict, times, user_tables
from tradewinds.core.arrays import Flags, Floats, Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.safe_text import shortened
from tradewinds.core.text import amount_text, instant
from tradewinds.core.units import CENT, MICRO
from tradewinds.engine.event_contracts.contracts import Contract, Side
from tradewinds.engine.event_contracts.order_books import BookLevels, OrderBooks
from tradewinds.families.kalshi_weather.levels_key import levels_path

TICKER, KNOWN_AT, SIDE, PRICE, SIZE = COLUMNS = ("market_ticker", "known_at_utc", "side", "price", "size")
MOST_CONTRACTS = 10**9  # at one price
_REMEDY = "It must be a CSV (.csv) or Parquet file; `tradewinds docs trading-rules` has its columns."
# by word: whether it is an ask of YES, and whether its price is that of a NO
_SIDES = {"yes": (False, False), "bid": (False, False), "no": (True, True), "ask": (True, False)}
_PRICE_REMEDY = "Write dollars in whole cents, from 0.01 to 0.99 (0.42, not 42)."


class BookFile(NamedTuple):
    """Levels of a user's file, row by row, as asks and bids of YES.

    Attributes:
        path: of the file.
        tickers: distinct ones.
        ticker: by row, place in `tickers`.
        micros: by row, when it was known; microseconds since 1970.
        is_ask: by row, whether it is an ask of YES; else a bid for YES.
        price: by row, of one YES; micro-dollars.
        size: by row; whole contracts.
        without_zone: number of times that name no zone.
    """

    path: str
    tickers: Sequence[str]
    ticker: Ints
    micros: Ints
    is_ask: Flags
    price: Ints
    size: Ints
    without_zone: int

    def rows_of(self, tickers: Collection[str]) -> Flags:
        """Return which rows are of some markets.

        Args:
            tickers: of the markets.
        """
        wanted = np.array([ticker in tickers for ticker in self.tickers], np.bool_)
        found: Flags = wanted[self.ticker] if len(self.ticker) else np.zeros(0, np.bool_)
        return found


def books_of(config: Mapping[str, Any], contracts: Sequence[Contract]) -> OrderBooks | None:
    """Return the order books of a run; None for a config without them.

    A file that names none of the run's markets is refused before the run (order_book_coverage.py).

    Args:
        config: resolved.
        contracts: of the run, in the order of their tickers.

    Raises:
        SimulationError: the file cannot be read, or a row is wrong.
    """
    path = levels_path(config)
    if path is None:
        return None
    file = read_book_file(path)
    idx = {contract.ticker: place for place, contract in enumerate(contracts)}
    rows = file.rows_of(idx.keys())
    of_ticker = np.array([idx.get(ticker, -1) for ticker in file.tickers], np.int64)
    known_at = -(-file.micros // MICRO)
    rows &= _in_last_of_second(file, known_at)
    side = np.where(file.is_ask, int(Side.YES), int(Side.NO))
    price = np.where(file.is_ask, file.price, MICRO - file.price)
    place = of_ticker[file.ticker] if len(file.ticker) else file.ticker
    return OrderBooks.of(contracts, BookLevels(*(column[rows] for column in (place, known_at, side, price, file.size))))


def _in_last_of_second(file: BookFile, known_at: Ints) -> Flags:
    """Return which rows are of the last snapshot of their market that is known at their second."""
    order = np.lexsort((file.micros, known_at, file.ticker))
    ticker, second, micros = file.ticker[order], known_at[order], file.micros[order]
    ends = np.append((np.diff(ticker) != 0) | (np.diff(second) != 0), True)[: len(order)]
    last = np.flatnonzero(ends)[np.cumsum(np.append(False, ends[:-1]))[: len(order)]] if len(order) else order
    found = np.zeros(len(order), np.bool_)
    found[order] = micros == micros[last]
    return found


def read_book_file(path: str | Path) -> BookFile:
    """Read a user's file of order books, and check all its rows.

    Args:
        path: of the file.

    Raises:
        SimulationError: the file cannot be read, lacks a column, or a row is wrong: it names no market, time or side, its price
            is no price or its size no number of contracts; a level occurs twice, or a book is crossed.
    """
    texts = (TICKER, KNOWN_AT, SIDE)
    table = user_tables.read_table(path, "the file of order books", _REMEDY, SimulationError, texts=texts)
    _check_columns(table, path)
    tickers, ticker = _tickers(table[TICKER], path)
    is_ask, is_of_no = _sides(table[SIDE], path)
    price, size = _prices(table[PRICE], path), _sizes(table[SIZE], path)
    micros = _instants(table[KNOWN_AT], path)
    file = BookFile(
        path=str(path),
        tickers=tickers,
        ticker=ticker,
        micros=micros,
        is_ask=is_ask,
        price=np.where(is_of_no, MICRO - price, price),
        size=size,
        without_zone=times.without_zone(table[KNOWN_AT]),
    )
    _refuse_repeated(file)
    _refuse_crossed(file)
    return file


def _check_columns(table: pa.Table, path: str | Path) -> None:
    """Raise SimulationError where the file lacks a column or has one twice."""
    names = table.column_names
    if repeated := [name for name in COLUMNS if names.count(name) > 1]:
        raise SimulationError(f"column {repeated[0]} occurs twice.", where=str(path), remedy="Keep one of them.")
    if missing := [name for name in COLUMNS if name not in names]:
        present = shortened(", ".join(names), 300) or "none"
        remedy = f"It needs the columns {', '.join(COLUMNS)}; found: {present}."
        raise SimulationError(f"column {missing[0]} is missing.", where=str(path), remedy=remedy)


def _tickers(column: pa.ChunkedArray, path: str | Path) -> tuple[list[str], Ints]:
    """Return the distinct tickers, and the place of each row's among them."""
    if not pa.types.is_string(column.type):
        column = pa.chunked_array([[None if name is None else str(name) for name in column.to_pylist()]], pa.string())
    coded = column.combine_chunks().dictionary_encode()
    names = [str(name).strip() for name in coded.dictionary.to_pylist()]
    code = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    distinct = sorted(set(names))
    place = np.array([distinct.index(name) for name in names] + [-1], np.int64)
    found = place[code]
    is_empty = (found < 0) | np.array([name == "" for name in distinct] + [True])[found]
    _refuse_first(is_empty, path, lambda row: f"{TICKER} is empty.", "Every row names a market.")
    return distinct, found


def _sides(column: pa.ChunkedArray, path: str | Path) -> tuple[Flags, Flags]:
    """Return by row whether it is an ask of YES, and whether its price is that of a NO."""
    names = [str(name or "").strip().casefold() for name in column.to_pylist()]
    unknown = np.array([name not in _SIDES for name in names], np.bool_)
    _refuse_first(
        unknown,
        path,
        lambda row: f"{SIDE} {shortened(names[row], 20)!a} is none.",
        "Write yes or no (bids of the exchange's book), or bid or ask (of YES).",
    )
    is_ask, is_of_no = np.array([_SIDES[name] for name in names], np.bool_).reshape(-1, 2).T
    return is_ask, is_of_no


def _floats(column: pa.ChunkedArray, name: str, path: str | Path, remedy: str) -> Floats:
    """Return a column of numbers as floats; a value that is none is refused."""
    kind = column.type
    if pa.types.is_decimal(kind):
        column = column.cast(pa.string()).cast(pa.float64())  # by way of text, which is exact
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        found: Floats = column.cast(pa.float64(), safe=False).to_numpy()
        if kind.bit_width < 64:  # a short float is not the number that was meant
            found = np.round(found, 6)
    else:
        found = np.array([_of_text(value) for value in column.to_pylist()], np.float64)

    def said(row: int) -> str:
        value = column[row].as_py()
        return f"{name} is empty." if value is None else f"{name} {shortened(str(value), 30)!a} is no number."

    _refuse_first(~np.isfinite(found), path, said, remedy)
    return found


def _of_text(value: Any) -> float:
    """Return a text as a number; nan if it is none."""
    try:
        return float(strict.decimal(str(value).strip()))
    except ValueError:
        return math.nan


def _prices(column: pa.ChunkedArray, path: str | Path) -> Ints:
    """Return prices in micro-dollars."""
    values = _floats(column, PRICE, path, _PRICE_REMEDY)
    outside = ~((values > 0) & (values < 1))
    _refuse_first(outside, path, lambda row: f"{PRICE} {values[row]:g} is not between 0 and 1.", _PRICE_REMEDY)
    cents = np.round(values * 100)
    _refuse_first(
        (cents / 100 != values) | (cents < 1) | (cents > 99),
        path,
        lambda row: f"{PRICE} {float(values[row])!r} is no whole number of cents.",
        _PRICE_REMEDY,
    )
    micros: Ints = (cents * CENT).astype(np.int64)
    return micros


def _sizes(column: pa.ChunkedArray, path: str | Path) -> Ints:
    """Return whole contracts."""
    remedy = f"Write how many contracts waited at the price: 0 or more, at most {MOST_CONTRACTS:,}."
    values = _floats(column, SIZE, path, remedy)
    outside = (values < 0) | (values > MOST_CONTRACTS)
    _refuse_first(outside, path, lambda row: f"{SIZE} {values[row]:g} cannot be.", remedy)
    whole: Ints = np.floor(values).astype(np.int64)
    return whole


def _instants(column: pa.ChunkedArray, path: str | Path) -> Ints:
    """Return times in microseconds since 1970, parts of one rounded up."""
    try:
        found = times.microseconds(column, up=True)
    except times.UnreadableTime as error:
        where = f"{path}, row {error.row + 1}"
        raise SimulationError(f"{KNOWN_AT} {error.what}", where=where, remedy=error.remedy) from None
    missing = np.array([value is None for value in found], np.bool_)
    _refuse_first(missing, path, lambda row: f"{KNOWN_AT} is empty.", "Write it like 2025-05-01T18:00:00Z.")
    return np.array(found, np.int64)


def _refuse_first(wrong: Flags, path: str | Path, what: Callable[[int], str], remedy: str) -> None:
    """Raise SimulationError about the first wrong row; what: says of a row what is wrong."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        row = int(rows[0])
        raise SimulationError(what(row), where=f"{path}, row {row + 1}", remedy=remedy)


def _refuse_repeated(file: BookFile) -> None:
    """Raise SimulationError where a level of a snapshot occurs twice: which one holds is not known."""
    order = np.lexsort((file.price, file.is_ask, file.micros, file.ticker))
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for column in (file.ticker, file.micros, file.is_ask, file.price):
        same &= column[order][1:] == column[order][:-1]
    places = np.flatnonzero(same)
    if not len(places):
        return
    first, second = sorted(int(row) for row in order[places[0] : places[0] + 2])
    what = f"the level of row {first + 1} occurs again: {_level(file, second)}."
    remedy = "Keep one row for each price; no at 0.58 and ask at 0.42 are the same level."
    raise SimulationError(what, where=f"{file.path}, row {second + 1}", remedy=remedy)


def _refuse_crossed(file: BookFile) -> None:
    """Raise SimulationError where a snapshot bids more than it asks: the exchange would have matched the orders."""
    shown = np.flatnonzero(file.size > 0)
    order = shown[np.lexsort((file.micros[shown], file.ticker[shown]))]
    ticker, micros = file.ticker[order], file.micros[order]
    begins = np.flatnonzero(np.append(True, (np.diff(ticker) != 0) | (np.diff(micros) != 0))[: len(order)])
    if not len(begins):
        return
    price, is_ask = file.price[order], file.is_ask[order]
    bid = np.maximum.reduceat(np.where(is_ask, -1, price), begins)
    ask = np.minimum.reduceat(np.where(is_ask, price, MICRO + 1), begins)
    crossed = np.flatnonzero(bid > ask)
    if len(crossed):
        begin = int(begins[crossed[0]])
        end = int(np.append(begins, len(order))[crossed[0] + 1])
        row = int(order[begin:end].min())
        best_bid, best_ask = (amount_text(int(best[crossed[0]])) for best in (bid, ask))
        what = (
            f"the book of {file.tickers[file.ticker[row]]} at {instant(-(-int(file.micros[row]) // MICRO))} is crossed: YES "
            f"is bid at {best_bid} and asked at {best_ask}."
        )
        remedy = "Check the sides: yes and no are both bids; an ask of YES at p is a no at 1 − p. Leave a wrong snapshot out."
        raise SimulationError(what, where=f"{file.path}, row {row + 1}", remedy=remedy)


def _level(file: BookFile, row: int) -> str:
    """Say which level a row is."""
    side = "ask" if file.is_ask[row] else "bid"
    moment = instant(-(-int(file.micros[row]) // MICRO))
    return f"{file.tickers[file.ticker[row]]}, {moment}, {side} of YES {amount_text(int(file.price[row]))}"
