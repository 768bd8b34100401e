"""Order books as columns: at each snapshot of a market, what is offered to buyers of YES and to buyers of NO.

From its first snapshot on a market is quoted by them and not by its candles: the book in force is the last snapshot that was
known. A trader who bids b for a YES offers a NO at 1 − b, so bids for YES are the offers to buyers of NO.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.event_contracts.candles import Candles
from tradewinds.engine.event_contracts.contracts import Contract, Side
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE, Books
from tradewinds.engine.event_contracts.order_rules import Prices


class BookLevels(NamedTuple):
    """Levels of order books as columns, in any order.

    A snapshot is all rows of a contract with one `known_at`; a row of size 0 says that the snapshot was taken, and no more.

    Attributes:
        idx: of the contract.
        known_at: when the snapshot became known; Unix s.
        side: what the level offers: YES or NO.
        price: of one; micro-units.
        size: whole contracts.
    """

    idx: Ints
    known_at: Ints
    side: Ints
    price: Ints
    size: Ints


Ladder = tuple[tuple[int, int], ...]
"""Offers of one side, the best first: (price in micro-units, contracts)."""


class OrderBooks(NamedTuple):
    """The order books of a run's contracts.

    Attributes:
        columns: as the compiled loops read them.
        bid: by snapshot, best bid for a YES; micro-units, or NO_PRICE.
        ask: by snapshot, lowest price of a YES; micro-units, or NO_PRICE.
        bid_size: by snapshot, contracts at the best bid.
        ask_size: by snapshot, contracts at the lowest price of a YES.
        most_levels: of one side of a snapshot, at least 1.
    """

    columns: Books
    bid: Prices
    ask: Prices
    bid_size: Ints
    ask_size: Ints
    most_levels: int

    @classmethod
    def of(cls, contracts: Sequence[Contract], levels: BookLevels) -> OrderBooks:
        """Return the books of some contracts, from when on their quotes count.

        Args:
            contracts: of the run, by idx.
            levels: each price of a side of a snapshot at most once.
        """
        since = np.array([contract.quotes_from_ts for contract in contracts], np.int64)
        counts_from = levels.known_at >= since[levels.idx]
        levels = BookLevels(*(column[counts_from] for column in levels))
        order = np.lexsort((levels.price, levels.side, levels.known_at, levels.idx))
        idx, known_at, side, price, size = (column[order] for column in levels)
        # snapshots, and the levels of each of their sides
        begins = np.ones(len(idx), np.bool_)
        begins[1:] = (np.diff(idx) != 0) | (np.diff(known_at) != 0)
        snapshots, places = int(begins.sum()), np.arange(len(contracts))
        shown = size > 0
        key = (2 * (np.cumsum(begins) - 1) + side)[shown]
        first_level = np.concatenate(([0], np.cumsum(np.bincount(key, minlength=2 * snapshots)))).astype(np.int64)
        price, size = price[shown], size[shown]
        columns = Books(
            first_snapshot=np.searchsorted(idx[begins], places),
            end_snapshot=np.searchsorted(idx[begins], places, side="right"),
            known_at=known_at[begins],
            first_level=first_level,
            price=price,
            size=size,
            rate=np.array([contract.fee_rate.numerator for contract in contracts], np.int64),
            rate_base=np.array([contract.fee_rate.denominator for contract in contracts], np.int64),
        )
        # the best level of each side
        counts = np.diff(first_level).reshape(-1, 2)
        best = first_level[:-1].reshape(-1, 2)
        prices, sizes = np.append(price, 0)[best], np.append(size, 0)[best]
        yes, no = counts[:, Side.YES] > 0, counts[:, Side.NO] > 0
        return cls(
            columns=columns,
            bid=np.where(no, MICRO - prices[:, Side.NO], NO_PRICE).astype(np.int32),
            ask=np.where(yes, prices[:, Side.YES], NO_PRICE).astype(np.int32),
            bid_size=np.where(no, sizes[:, Side.NO], 0),
            ask_size=np.where(yes, sizes[:, Side.YES], 0),
            most_levels=max(1, int(counts.max(initial=1))),
        )

    @property
    def has_book(self) -> Flags:
        """By idx, whether a contract ever has an order book."""
        found: Flags = self.columns.first_snapshot < self.columns.end_snapshot
        return found

    def are_quotes_of(self, idx: Ints, quote_ts: Ints) -> Flags:
        """Return by row whether a contract is quoted by its order book.

        Args:
            idx: by row, of the contract.
            quote_ts: by row, when its quote became known; Unix s.
        """
        first = np.append(self.columns.known_at, NEVER)[self.columns.first_snapshot[idx]]
        found: Flags = self.has_book[idx] & (first <= quote_ts)
        return found

    def offers(self, snapshot: int, side: Side) -> Ladder:
        """Return what a snapshot offers to buyers of a side.

        Args:
            snapshot: its number.
            side: YES or NO.
        """
        first, end = self.columns.first_level[2 * snapshot + side : 2 * snapshot + side + 2].tolist()
        return tuple(zip(self.columns.price[first:end].tolist(), self.columns.size[first:end].tolist(), strict=True))

    def quoted(self, candles: Candles, idx: Mapping[str, int]) -> Candles:
        """Return candles in which the rows of markets with a book are its snapshots, from the first on.

        Each has the volume of the last candle by then.

        Args:
            candles: of some markets.
            idx: of the run's contracts, by ticker.
        """
        first_row, end_row = candles.first_row.copy(), candles.end_row.copy()
        pieces: list[tuple[Ints, Prices, Prices, Ints]] = []
        row, has_book = len(candles.end_ts), self.has_book
        for place, ticker in enumerate(candles.tickers):
            number = idx.get(ticker, -1)
            if number < 0 or not has_book[number]:
                continue
            of_book = slice(int(self.columns.first_snapshot[number]), int(self.columns.end_snapshot[number]))
            known_at = self.columns.known_at[of_book]
            rows = slice(int(candles.first_row[place]), int(candles.end_row[place]))
            last = np.searchsorted(candles.end_ts[rows], known_at, side="right")
            volume = np.append(np.int64(0), candles.volume[rows])[last]
            before = slice(rows.start, rows.start + int(np.searchsorted(candles.end_ts[rows], known_at[0])))
            pieces += [
                (candles.end_ts[before], candles.bid[before], candles.ask[before], candles.volume[before]),
                (known_at, self.bid[of_book], self.ask[of_book], volume),
            ]
            first_row[place] = row
            row += before.stop - before.start + len(known_at)
            end_row[place] = row
        if not pieces:
            return candles
        end_ts, bid, ask, volume = (
            np.concatenate([column, *added])
            for column, added in zip(
                (candles.end_ts, candles.bid, candles.ask, candles.volume), zip(*pieces, strict=True), strict=True
            )
        )
        unknown = np.full(row - len(candles.end_ts), NO_PRICE, np.int32)  # resting orders are filled by the candles
        return candles._replace(
            end_ts=end_ts,
            bid=bid,
            ask=ask,
            volume=volume,
            first_row=first_row,
            end_row=end_row,
            ranges=tuple(np.concatenate([column, unknown]) for column in candles.ranges),
        )


def left_of(ladder: Ladder, gone: int, worst: int = MICRO) -> Ladder:
    """Return what is left of a ladder.

    Args:
        ladder: offers, the best first.
        gone: contracts that were taken from the best ones on.
        worst: the highest price that counts; micro-units.
    """
    left: list[tuple[int, int]] = []
    for price, size in ladder:
        taken = min(size, gone)
        gone -= taken
        if size > taken and price <= worst:
            left.append((price, size - taken))
    return tuple(left)


def parts_of(ladder: Ladder, quantity: int) -> list[tuple[int, int]]:
    """Return the parts of an order that buys the best contracts of a ladder: (contracts, price in micro-units).

    Args:
        ladder: offers, the best first.
        quantity: contracts, not more than are offered.
    """
    parts: list[tuple[int, int]] = []
    for price, size in ladder:
        if quantity:
            parts.append((min(size, quantity), price))
            quantity -= parts[-1][0]
    return parts
