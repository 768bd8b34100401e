"""Trades, made from a journal: what each position cost, brought and paid, from its first fill to its last row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.engine.journal import Journal, Kind


class Position(NamedTuple):
    """A trade: what all legs of a position come to. Quantities and money in micro-units, times in Unix seconds.

    Entries are fills that enlarge a leg's holding, exits those that lessen it, and settlements. Cash is signed: a purchase
    takes, so its cash is below 0; it is without fees. Quantity and price are those of the first leg's entries.
    """

    position_id: int
    opened_ts: int  # of its first row
    closed_ts: int  # of its last row
    quantity: int
    entry_price: int
    entry_cash: int
    entry_fee: int
    exit_cash: int
    exit_fee: int
    flows: int  # dividends and funding while it was held
    pnl: int  # sum of all changes of cash


class Leg(NamedTuple):
    """What became of one instrument of a position, in the units and words of Position.

    Prices are means by quantity, rounded half to even to a micro-unit; None without an exit.
    """

    position_id: int
    instrument: str
    name: str
    is_long: bool
    opened_ts: int
    closed_ts: int
    quantity: int  # of all entries
    entry_price: int
    entry_cash: int
    entry_fee: int
    exit_quantity: int
    exit_price: int | None
    exit_cash: int
    exit_fee: int
    dividends: int
    funding: int
    pnl: int


def trades_of(journal: Journal) -> list[Position]:
    """All positions of a journal, in order of their numbers."""
    if not len(journal):
        return []
    rows = _Rows.of(journal)
    number = rows.position[rows.starts]
    first_legs = np.flatnonzero(np.diff(number, prepend=-1))
    starts = rows.starts[first_legs]
    columns = (
        number[first_legs].tolist(),
        np.minimum.reduceat(rows.ts, starts).tolist(),
        np.maximum.reduceat(rows.ts, starts).tolist(),
        _sums(np.abs(rows.quantity), rows.entry, rows.starts)[first_legs].tolist(),
        _mean_prices(rows, rows.entry, first_legs),
        *(column.tolist() for column in _cash(rows, starts)),
        _sums(rows.cash, (rows.kind == Kind.DIVIDEND) | (rows.kind == Kind.FUNDING), starts).tolist(),
        np.add.reduceat(rows.cash, starts).tolist(),
    )
    return list(map(Position._make, zip(*columns, strict=True)))


def legs_of(journal: Journal) -> list[Leg]:
    """The legs of all positions, in order of positions and of the journal's table of legs."""
    if not len(journal):
        return []
    rows = _Rows.of(journal)
    starts, every = rows.starts, np.arange(len(rows.starts))
    first, ends = rows.order[starts], np.append(starts[1:], len(rows.order)) - 1
    entry_cash, entry_fee, exit_cash, exit_fee = (column.tolist() for column in _cash(rows, starts))
    columns = (
        rows.position[starts].tolist(),
        [journal.instruments[i] for i in journal.instrument[first].tolist()],
        [journal.legs[i] for i in journal.leg[first].tolist()],
        (rows.quantity[starts] > 0).tolist(),
        rows.ts[starts].tolist(),
        rows.ts[ends].tolist(),
        _sums(np.abs(rows.quantity), rows.entry, starts).tolist(),
        _mean_prices(rows, rows.entry, every),
        entry_cash,
        entry_fee,
        _sums(np.abs(rows.quantity), rows.leaves, starts).tolist(),
        _mean_prices(rows, rows.leaves, every),
        exit_cash,
        exit_fee,
        _sums(rows.cash, rows.kind == Kind.DIVIDEND, starts).tolist(),
        _sums(rows.cash, rows.kind == Kind.FUNDING, starts).tolist(),
        np.add.reduceat(rows.cash, starts).tolist(),
    )
    return list(map(Leg._make, zip(*columns, strict=True)))


@dataclass(frozen=True)
class _Rows:
    """The rows of a journal grouped by position and leg, and what each is to its leg.

    `starts`: where each leg begins. `entry`: a fill that enlarges the holding; `leaves`: a row that lessens it; `of_entry`:
    the latest fill by this row was an entry, to which its fee then belongs.
    """

    order: Ints
    starts: Ints
    position: Ints
    ts: Ints
    kind: Ints
    quantity: Ints
    price: Ints
    cash: Ints
    entry: Flags
    leaves: Flags
    fee: Flags
    of_entry: Flags

    @classmethod
    def of(cls, journal: Journal) -> _Rows:
        """Those of a journal that is not empty."""
        order, starts = journal.by_leg
        columns = (journal.position_id, journal.ts, journal.kind, journal.quantity, journal.price, journal.cash_change)
        position, ts, kind, quantity, price, cash = (column[order] for column in columns)
        fill = kind == Kind.FILL
        sizes = np.diff(np.append(starts, len(order)))
        same_way = np.sign(quantity) == np.repeat(np.sign(quantity[starts]), sizes)
        entry, leaves = fill & same_way, (quantity != 0) & ~same_way
        latest_fill = np.maximum.accumulate(np.where(fill, np.arange(len(order)), 0))
        fee, of_entry = kind == Kind.FEE, entry[latest_fill]
        return cls(order, starts, position, ts, kind, quantity, price, cash, entry, leaves, fee, of_entry)


def _sums(values: Ints, where: Flags, starts: Ints) -> Ints:
    """Sums of some rows' values from each start to the next."""
    sums: Ints = np.add.reduceat(np.where(where, values, 0), starts)
    return sums


def _cash(rows: _Rows, starts: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Cash and fees of entries, cash and fees of exits, from each start to the next."""
    return (
        _sums(rows.cash, rows.entry, starts),
        _sums(-rows.cash, rows.fee & rows.of_entry, starts),
        _sums(rows.cash, rows.leaves, starts),
        _sums(-rows.cash, rows.fee & ~rows.of_entry, starts),
    )


def _mean_prices(rows: _Rows, chosen: Flags, legs: Ints) -> list[int | None]:
    """For some legs, the mean price of their chosen rows by quantity; None where a leg has none of them."""
    counts = _sums(np.ones(len(chosen), np.int64), chosen, rows.starts)[legs]
    found: list[int | None] = list(_sums(rows.price, chosen, rows.starts)[legs].tolist())
    bounds = np.append(rows.starts, len(chosen))
    for place in np.flatnonzero(counts != 1).tolist():  # of a single row the sum is its price
        within = slice(bounds[legs[place]], bounds[legs[place] + 1])
        which = chosen[within]
        found[place] = _mean(rows.price[within][which].tolist(), np.abs(rows.quantity[within][which]).tolist())
    return found


def _mean(prices: Sequence[int], quantities: Sequence[int]) -> int | None:
    """The mean by quantity, rounded half to even; Python's integers hold products beyond 64 bits."""
    if not quantities:
        return None
    value = sum(price * quantity for price, quantity in zip(prices, quantities, strict=True))
    return round(Fraction(value, sum(quantities)))
