"""Copies of a user's file of order books in which all that was known after a cut is removed or poisoned."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO
from tradewinds.families.kalshi_weather.order_book_file import COLUMNS, BookFile, read_book_file

# Poison: books that no market has, (bid, ask) in cents, with very many contracts.
_DEAR, _CHEAP = (98, 99), (1, 2)
_HUGE_SIZE = 1_000_000
_HALF = 500_000  # micro-dollars

_Row = tuple[str, int, str, int, int]  # ticker, microseconds since 1970, side, cents, contracts


def changed_books(path: str, cut_ts: int, *, poisoned: bool) -> tuple[pa.Table, int, int]:
    """The rows of a file as they could have been, given what was known at a cut.

    Args:
        path: of the file.
        cut_ts: the cut; Unix seconds.
        poisoned: later books are absurd, cheap ones dear and dear ones cheap, and so is a planted book of every market that is
            known right after the cut; else later books are left out.

    Returns:
        The rows.
        Number of rows that were known after the cut.
        Number of planted books.
    """
    file = read_book_file(path)
    late = -(-file.micros // MICRO) > cut_ts
    rows = _rows(file, np.flatnonzero(~late))
    if not poisoned:
        return _table(rows), int(late.sum()), 0
    # the last known book of each market says which poison would change its orders, its later ones theirs
    is_dear = _dear_markets(file, np.flatnonzero(~late))
    planted = (cut_ts + 1) * MICRO
    for code, ticker in enumerate(file.tickers):
        rows += _poison(ticker, planted, _CHEAP if is_dear.get(code, False) else _DEAR)
    later = {(int(file.ticker[row]), int(file.micros[row])): row for row in np.flatnonzero(late).tolist()}
    for (code, micros), row in later.items():
        cheap = file.price[row] > _HALF
        if micros > planted:
            rows += _poison(file.tickers[code], micros, _CHEAP if cheap else _DEAR)
    return _table(rows), int(late.sum()), len(file.tickers)


def _dear_markets(file: BookFile, rows: Ints) -> dict[int, bool]:
    """Return by market whether the last of some rows has a price above half a dollar."""
    ordered = rows[np.argsort(file.micros[rows], kind="stable")]
    return dict(zip(file.ticker[ordered].tolist(), (file.price[ordered] > _HALF).tolist(), strict=True))


def _poison(ticker: str, micros: int, prices: tuple[int, int]) -> list[_Row]:
    """Return the rows of an absurd book."""
    return [(ticker, micros, side, cents, _HUGE_SIZE) for side, cents in zip(("bid", "ask"), prices, strict=True)]


def _rows(file: BookFile, rows: Ints) -> list[_Row]:
    """Return some rows of a file."""
    return [
        (
            file.tickers[file.ticker[row]],
            int(file.micros[row]),
            "ask" if file.is_ask[row] else "bid",
            int(file.price[row]) // (MICRO // 100),
            int(file.size[row]),
        )
        for row in rows.tolist()
    ]


def _table(rows: list[_Row]) -> pa.Table:
    """Return rows as a user's file has them."""
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    ticker, micros, side, cents, size = columns
    return pa.table(
        {
            "market_ticker": pa.array(ticker, pa.string()),
            "known_at_utc": pa.array([epoch + dt.timedelta(microseconds=m) for m in micros], pa.timestamp("us", "UTC")),
            "side": pa.array(side, pa.string()),
            "price": pa.array([Decimal(c).scaleb(-2) for c in cents], pa.decimal128(4, 2)),
            "size": pa.array(size, pa.int64()),
        }
    )
