"""Positions, made from a journal: cost, proceeds, fees and flows of each, from its first fill to its last row."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.column_rows import ColumnRows, column_of
from tradewinds.engine.journal import Journal, Kind


class Position(NamedTuple):
    """A position: sums over all its legs, from its first fill to its last row. `Trade` adds the facts of its market.

    Entries are fills that enlarge a leg's holding; exits are fills that reduce it, and settlements. Cash is signed and without
    fees: that of a purchase is below 0.

    Attributes:
        position_id: number of the position.
        opened_ts: time of its first row; Unix s.
        closed_ts: time of its last row; Unix s.
        quantity: of the first leg's entries; micro-units.
        entry_price: mean price of the first leg's entries; micro-units.
        entry_cash: changes of cash by entries; micro-units.
        entry_fee: fees of entries; micro-units.
        exit_cash: changes of cash by exits; micro-units.
        exit_fee: fees of exits; micro-units.
        flows: dividends and funding; micro-units.
        pnl: sum of all changes of cash; micro-units.
    """

    position_id: int
    opened_ts: int
    closed_ts: int
    quantity: int
    entry_price: int
    entry_cash: int
    entry_fee: int
    exit_cash: int
    exit_fee: int
    flows: int
    pnl: int


class Leg(NamedTuple):
    """One leg of a position, with the terms and units of Position.

    Attributes:
        position_id: number of the position.
        instrument: name of the instrument.
        name: name of the leg.
        is_long: whether its first fill was a purchase.
        opened_ts: time of its first row; Unix s.
        closed_ts: time of its last row; Unix s.
        quantity: of all entries; micro-units.
        entry_price: mean price of entries by quantity, rounded half to even; micro-units.
        entry_cash: changes of cash by entries; micro-units.
        entry_fee: fees of entries; micro-units.
        exit_quantity: of all exits; micro-units.
        exit_price: mean price of exits, as entry_price; None without an exit.
        exit_cash: changes of cash by exits; micro-units.
        exit_fee: fees of exits; micro-units.
        dividends: micro-units.
        funding: micro-units.
        pnl: sum of all changes of cash; micro-units.
    """

    position_id: int
    instrument: str
    name: str
    is_long: bool
    opened_ts: int
    closed_ts: int
    quantity: int
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


def positions_of(journal: Journal) -> ColumnRows[Position]:
    """Return the positions of a journal, in order of their numbers.

    Args:
        journal: the books.
    """
    if not len(journal):
        return ColumnRows.of(Position, [])
    rows = _LegRows.of(journal)
    number = rows.position[rows.starts]
    first_legs = np.flatnonzero(np.diff(number, prepend=-1))
    starts = rows.starts[first_legs]  # where each position begins: sums run over all its legs
    cash = _cash(rows, starts)
    flows = (rows.kind == Kind.DIVIDEND) | (rows.kind == Kind.FUNDING)
    columns = {
        "position_id": number[first_legs],
        "opened_ts": np.minimum.reduceat(rows.ts, starts),
        "closed_ts": np.maximum.reduceat(rows.ts, starts),
        "quantity": _sums(np.abs(rows.quantity), rows.entry, rows.starts)[first_legs],
        "entry_price": column_of(_mean_prices(rows, rows.entry, first_legs)),
        "entry_cash": cash.entry_cash,
        "entry_fee": cash.entry_fee,
        "exit_cash": cash.exit_cash,
        "exit_fee": cash.exit_fee,
        "flows": _sums(rows.cash, flows, starts),
        "pnl": np.add.reduceat(rows.cash, starts),
    }
    return ColumnRows(Position, {name: columns[name] for name in Position._fields})


def legs_of(journal: Journal) -> list[Leg]:
    """Return the legs of all positions, in order of positions and, within one, of `journal.legs`.

    Args:
        journal: the books.
    """
    if not len(journal):
        return []
    rows = _LegRows.of(journal)
    starts, every = rows.starts, np.arange(len(rows.starts))
    first, last = rows.order[starts], np.append(starts[1:], len(rows.order)) - 1
    cash = _cash(rows, starts)
    columns: dict[str, list[Any]] = {
        # names and times, from a leg's first and last row
        "position_id": rows.position[starts].tolist(),
        "instrument": [journal.instruments[i] for i in journal.instrument[first].tolist()],
        "name": [journal.legs[i] for i in journal.leg[first].tolist()],
        "is_long": (rows.quantity[starts] > 0).tolist(),
        "opened_ts": rows.ts[starts].tolist(),
        "closed_ts": rows.ts[last].tolist(),
        # entries, exits and flows, as sums and means over all its rows
        "quantity": _sums(np.abs(rows.quantity), rows.entry, starts).tolist(),
        "entry_price": _mean_prices(rows, rows.entry, every),
        "entry_cash": cash.entry_cash.tolist(),
        "entry_fee": cash.entry_fee.tolist(),
        "exit_quantity": _sums(np.abs(rows.quantity), rows.exit, starts).tolist(),
        "exit_price": _mean_prices(rows, rows.exit, every),
        "exit_cash": cash.exit_cash.tolist(),
        "exit_fee": cash.exit_fee.tolist(),
        "dividends": _sums(rows.cash, rows.kind == Kind.DIVIDEND, starts).tolist(),
        "funding": _sums(rows.cash, rows.kind == Kind.FUNDING, starts).tolist(),
        "pnl": np.add.reduceat(rows.cash, starts).tolist(),
    }
    return list(map(Leg._make, zip(*(columns[name] for name in Leg._fields), strict=True)))


class _LegRows(NamedTuple):
    """Rows of a journal grouped by position and leg.

    Attributes:
        order: index of each row in the journal.
        starts: first row of each leg.
        position: number of the position.
        ts: Unix s.
        kind: values of Kind.
        quantity: change of the holding; micro-units.
        price: micro-units.
        cash: change of cash; micro-units.
        entry: whether it is a fill that enlarges the holding.
        exit: whether it is a row that reduces the holding.
        fee: whether it is a fee.
        of_entry: whether the latest fill up to the row was an entry; a fee then belongs to the entry.
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
    exit: Flags
    fee: Flags
    of_entry: Flags

    @classmethod
    def of(cls, journal: Journal) -> _LegRows:
        """Return the rows of a journal that is not empty."""
        order, starts = journal.by_leg
        kind, quantity = journal.kind[order], journal.quantity[order]
        fill = kind == Kind.FILL
        sizes = np.diff(np.append(starts, len(order)))
        same_way = np.sign(quantity) == np.repeat(np.sign(quantity[starts]), sizes)
        entry = fill & same_way
        latest_fill = np.maximum.accumulate(np.where(fill, np.arange(len(order)), 0))
        return cls(
            order=order,
            starts=starts,
            position=journal.position_id[order],
            ts=journal.ts[order],
            kind=kind,
            quantity=quantity,
            price=journal.price[order],
            cash=journal.cash_change[order],
            entry=entry,
            exit=(quantity != 0) & ~same_way,
            fee=kind == Kind.FEE,
            of_entry=entry[latest_fill],
        )


class _Cash(NamedTuple):
    """Cash and fees of entries and exits; micro-units."""

    entry_cash: Ints
    entry_fee: Ints
    exit_cash: Ints
    exit_fee: Ints


def _sums(values: Ints, where: Flags, starts: Ints) -> Ints:
    """Return sums of the values of some rows, from each start to the next."""
    sums: Ints = np.add.reduceat(np.where(where, values, 0), starts)
    return sums


def _cash(rows: _LegRows, starts: Ints) -> _Cash:
    """Return cash and fees of entries and exits, from each start to the next."""
    return _Cash(
        entry_cash=_sums(rows.cash, rows.entry, starts),
        entry_fee=_sums(-rows.cash, rows.fee & rows.of_entry, starts),
        exit_cash=_sums(rows.cash, rows.exit, starts),
        exit_fee=_sums(-rows.cash, rows.fee & ~rows.of_entry, starts),
    )


def _mean_prices(rows: _LegRows, chosen: Flags, legs: Ints) -> list[int | None]:
    """Return, for some legs, the mean price of their chosen rows by quantity; None for a leg without such a row."""
    counts = _sums(np.ones(len(chosen), np.int64), chosen, rows.starts)[legs]
    means: list[int | None] = list(_sums(rows.price, chosen, rows.starts)[legs].tolist())  # right for a single row
    bounds = np.append(rows.starts, len(chosen))
    for index in np.flatnonzero(counts != 1).tolist():
        within = slice(bounds[legs[index]], bounds[legs[index] + 1])
        which = chosen[within]
        means[index] = _mean(rows.price[within][which].tolist(), np.abs(rows.quantity[within][which]).tolist())
    return means


def _mean(prices: Sequence[int], quantities: Sequence[int]) -> int | None:
    """Return the mean by quantity, rounded half to even; Python's integers hold products beyond 64 bits."""
    if not quantities:
        return None
    value = sum(price * quantity for price, quantity in zip(prices, quantities, strict=True))
    return round(Fraction(value, sum(quantities)))
