"""Candles of live contracts for loops that go from instant to instant: what arrives when, as integers and as floats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints, changes
from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.candles import Candles, usable_rows
from tradewinds.engine.event_contracts.contracts import Contract, Side
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE
from tradewinds.engine.event_contracts.order_books import OrderBooks
from tradewinds.engine.event_contracts.order_rules import Prices

_NOT_QUOTED = 0  # a price at which nothing is quoted


@dataclass(slots=True)
class ContractTape:
    """Quotes of one contract, in order of time: candles and, from its first one on, snapshots of its order book.

    The first `shown` of them have arrived.

    Attributes:
        end_ts: by row, end of the candle; Unix s.
        bid: by row, price at which a YES can be sold; micro-units, 0 where it cannot.
        ask: by row, price at which a YES can be bought; micro-units, 0 where it cannot.
        volume: by row; contracts × 100.
        bid_high: by row, highest bid that counts in the candle; micro-units, 0 without one.
        ask_low: by row, lowest ask that counts in the candle; micro-units, 1,000,000 without one.
        print_low: by row, lowest price of a trade; micro-units, 1,000,000 without one.
        print_high: by row, highest price of a trade; micro-units, 0 without one.
        quotes: by row, the fields of step_view.PastQuote.
        shown: number of rows that have arrived.
        past: those of `quotes` that a strategy may look back at.
        book_row: the first row that is a snapshot; -1 without one.
        first_snapshot: its number (order_books.OrderBooks).
    """

    end_ts: Ints
    bid: Ints
    ask: Ints
    volume: Ints
    bid_high: Ints
    ask_low: Ints
    print_low: Ints
    print_high: Ints
    quotes: list[tuple[float, ...]]
    shown: int = 0
    past: list[tuple[float, ...]] = field(default_factory=list)
    book_row: int = -1
    first_snapshot: int = 0

    def snapshot(self, row: int) -> int:
        """Return the number of the snapshot that a row is; -1 for a candle, and for no row.

        Args:
            row: of the visible quote, or -1.
        """
        return row - self.book_row + self.first_snapshot if 0 <= self.book_row <= row else -1

    def visible(self, ts: int, max_age: int) -> int:
        """Return the row of the quote in force at an instant, -1 without one.

        Args:
            ts: an instant up to which all rows have arrived; Unix s.
            max_age: seconds for which a quote is visible.
        """
        row = self.shown - 1
        return row if row >= 0 and ts - self.end_ts[row] <= max_age else -1

    def price(self, row: int, side: Side) -> int:
        """Return the price of a purchase; micro-units, 0 where the side is not quoted.

        Args:
            row: of the visible quote, or -1.
            side: YES or NO.
        """
        if row < 0:
            return _NOT_QUOTED
        if side is Side.YES:
            return int(self.ask[row])
        bid = int(self.bid[row])
        return MICRO - bid if bid else _NOT_QUOTED


class _Sides(NamedTuple):
    """Usable prices of rows; 0 where there is none."""

    bid: Ints
    ask: Ints
    crossed: np.ndarray


def tapes_of(
    candles: Candles,
    contracts: Sequence[Contract],
    books: OrderBooks | None = None,
    idx: Mapping[str, int] | None = None,
) -> list[ContractTape]:
    """Return the tape of each contract.

    Args:
        candles: of the contracts' markets at least, with their ranges; those of OrderBooks.quoted for contracts with a book.
        contracts: in any order.
        books: of the run; None: rows are candles.
        idx: of the run's contracts, by ticker; with books.
    """
    firsts, ends = usable_rows(candles, contracts)
    tapes = []
    for contract, first, end in zip(contracts, firsts.tolist(), ends.tolist(), strict=True):
        snapshots = slice(0, 0)
        if books is not None and idx is not None:
            place = idx[contract.ticker]
            snapshots = slice(int(books.columns.first_snapshot[place]), int(books.columns.end_snapshot[place]))
        tapes.append(_tape(candles, slice(first, end), books, snapshots))
    return tapes


def _tape(candles: Candles, rows: slice, books: OrderBooks | None, snapshots: slice) -> ContractTape:
    """Return the tape of some rows, of which the last ones are some snapshots."""
    count, of_book = rows.stop - rows.start, snapshots.stop - snapshots.start
    sizes = [[math.nan] * count] * 2
    if books is not None and of_book:
        before = np.full(count - of_book, np.nan)
        sizes = [np.append(before, column[snapshots]).tolist() for column in (books.bid_size, books.ask_size)]
    sides = _sides(candles.bid[rows], candles.ask[rows])
    volume, end_ts = candles.volume[rows], candles.end_ts[rows]
    # what a candle proves of prices between its ends; the quotes of a candle that ends crossed prove nothing
    bid_high, ask_low, print_low, print_high = (column[rows].astype(np.int64) for column in candles.ranges)
    bid_high = np.where(_inside(bid_high) & ~sides.crossed, bid_high, 0)
    ask_low = np.where(_inside(ask_low) & ~sides.crossed, ask_low, MICRO)
    print_low = np.where(_inside(print_low) & (volume > 0), print_low, MICRO)
    print_high = np.where(_inside(print_high) & (volume > 0), print_high, 0)
    return ContractTape(
        end_ts=end_ts,
        bid=sides.bid,
        ask=sides.ask,
        volume=volume,
        bid_high=bid_high,
        ask_low=ask_low,
        print_low=print_low,
        print_high=print_high,
        quotes=list(
            zip(
                end_ts.astype(np.float64).tolist(),
                _floats(sides.bid),
                _floats(sides.ask),
                _floats(np.where(sides.ask, MICRO - sides.ask, 0)),
                _floats(np.where(sides.bid, MICRO - sides.bid, 0)),
                (volume / 100).tolist(),
                *sizes,
                strict=True,
            )
        ),
        book_row=count - of_book if of_book else -1,
        first_snapshot=snapshots.start,
    )


def _sides(bid: Prices, ask: Prices) -> _Sides:
    """Return the prices that count: above 0, below 1, and not crossed."""
    crossed = (ask != NO_PRICE) & (bid > ask)
    return _Sides(
        bid=np.where(_inside(bid) & ~crossed, bid, 0).astype(np.int64),
        ask=np.where(_inside(ask) & ~crossed, ask, 0).astype(np.int64),
        crossed=crossed,
    )


def _inside(prices: np.ndarray) -> np.ndarray:
    """Return where prices lie between 0 and 1, both excluded."""
    inside: np.ndarray = (prices > 0) & (prices < MICRO)
    return inside


def _floats(prices: np.ndarray) -> list[float]:
    """Return prices as floats, nan where nothing is quoted."""
    floats: list[float] = np.where(prices > 0, prices / MICRO, np.nan).tolist()
    return floats


class Arrivals(NamedTuple):
    """Rows of some tapes in order of time and, at one instant, of the contracts.

    Attributes:
        instants: distinct ends of candles, ascending; Unix s.
        starts: by instant, its first place in `idx`; one more for the end.
        idx: by place, the contract.
        column: the same as an array.
    """

    instants: list[int]
    starts: list[int]
    idx: list[int]
    column: Ints

    def counts(self, first: int, end: int) -> list[tuple[int, int]]:
        """Return contracts with the number of their rows that arrive at some instants.

        Args:
            first: place of the first instant.
            end: place of the instant after the last.
        """
        counts = np.bincount(self.column[self.starts[first] : self.starts[end]])
        idx = np.flatnonzero(counts)
        return list(zip(idx.tolist(), counts[idx].tolist(), strict=True))


def arrivals(tapes: Iterable[tuple[int, ContractTape]], until: int) -> Arrivals:
    """Return the rows that arrive before an instant.

    Args:
        tapes: contracts and their tapes.
        until: Unix s, excluded.
    """
    ends: list[Ints] = []
    idx: list[Ints] = []
    for number, tape in tapes:
        rest = tape.end_ts[tape.shown :]
        rest = rest[: int(np.searchsorted(rest, until))]
        ends.append(rest)
        idx.append(np.full(len(rest), number, np.int64))
    all_ends = np.concatenate([np.empty(0, np.int64), *ends])
    all_idx = np.concatenate([np.empty(0, np.int64), *idx])
    order = np.lexsort((all_idx, all_ends))
    ordered = all_ends[order]
    starts, column = changes(ordered), all_idx[order]
    return Arrivals(ordered[starts].tolist(), [*starts.tolist(), len(order)], column.tolist(), column)
