"""Order books for the engine's tests: by hand in dollars, and random ones, as both engines read them."""

from decimal import Decimal

import numpy as np

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_engine import Book
from tests.unit.engine_parts import MINUTE, micro
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.order_books import BookLevels, OrderBooks


def snapshot(minute, bids=(), asks=(), *, seconds=0):
    """A snapshot of pairs (price of a YES in dollars, contracts)."""
    levels = ([(Fraction(price), size) for price, size in side] for side in (bids, asks))
    return Book(minute * MINUTE + seconds, *levels)


def order_books(contracts, snapshots):
    """The product's books of contracts from snapshots by ticker."""
    ordered = sorted(contracts, key=lambda contract: contract.ticker)
    rows = []
    for idx, contract in enumerate(ordered):
        for book in snapshots.get(contract.ticker, ()):
            rows.append((idx, book.end, Side.YES, micro("0.5"), 0))  # the snapshot itself
            rows += [(idx, book.end, Side.YES, micro(dollars(price)), size) for price, size in book.asks]
            rows += [(idx, book.end, Side.NO, micro(dollars(1 - price)), size) for price, size in book.bids]
    columns = [np.array(column, np.int64) for column in list(zip(*rows, strict=True)) or [()] * 5]
    return OrderBooks.of(ordered, BookLevels(*columns))


def dollars(price):
    """A fraction as a decimal."""
    return Decimal(price.numerator) / price.denominator


def random_books(dice, contracts, origin, length):
    """Snapshots of most contracts, some of them from before their window, some empty on a side, with gaps."""
    found = {}
    for contract in contracts:
        if dice.random() < 0.25:
            continue
        ends = sorted(
            {dice.randrange(-8, length) * 60 + dice.choice([0, 0, 0, 1, 30]) for _ in range(dice.randrange(1, 9))}
        )
        found[contract.ticker] = [random_snapshot(dice, origin * MINUTE + end) for end in ends]
    return found


def random_snapshot(dice, end):
    """A snapshot whose bids are not above its asks."""
    middle = dice.choice([2, 20, 38, 41, 45, 60, 93])
    bids = sorted({middle - dice.choice([0, 1, 1, 2, 3, 7]) for _ in range(dice.randrange(0, 5))})
    asks = sorted({middle + dice.choice([0, 1, 1, 2, 3, 5]) for _ in range(dice.randrange(0, 5))})
    sizes = [1, 1, 2, 3, 5, 8, 40]
    levels = ([(Fraction(cent, 100), dice.choice(sizes)) for cent in side if 0 < cent < 100] for side in (bids, asks))
    return Book(end, *levels)
