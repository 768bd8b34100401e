"""The books of a run: one row for every change of cash or of a position, with the same columns for every loop.

Every figure about an account's money is a sum over these rows: cash at an instant, holdings, a trade's profit. Amounts, prices
and quantities are integers of micro-units (a share is 1,000,000), times are Unix seconds. A trade is a `position_id`, from its
first fill to its last row; it may have several legs, partial exits, and payments while it is held (engine/trades.py).
A loop whose amounts have more decimals says so in `Journal.places`; then all amounts of its run are integers of 10^-places.

The invariant of every run: start cash + sum of `cash_change` = end cash, where the end cash is the account's own figure and
no sum of these rows. `Journal.check` compares the two.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.text import instant, money

COLUMNS = ("ts", "kind", "instrument", "position_id", "leg", "quantity", "price", "cash_change", "reason")
REMEDY = "No result is kept. This is a bug of the engine, not of your data: please report it with the run's config."


class Kind(IntEnum):
    """Kind of a row. Every fill and every settlement changes a position; no other row does."""

    FILL = 0
    FEE = 1
    DIVIDEND = 2
    FUNDING = 3
    SETTLEMENT = 4
    BORROW = 5  # interest on a borrowed asset
    LIQUIDATION = 6  # margin that a liquidation took


@dataclass(frozen=True, eq=False)
class Journal:
    """Rows in order of time, those of one instant in the order in which they happened; columns of equal length.

    Args:
        ts: Unix seconds.
        kind: values of Kind.
        instrument: indices into `instruments`.
        position_id: numbers of positions, from 0 in order of their opening.
        leg: indices into `legs`; a leg of a position is of one instrument, and long or short.
        quantity: micro-units by which the holding changes (bought: above 0; sold or settled: below 0).
        price: micro-units of money for one; 0 where there is none.
        cash_change: micro-units of money.
        reason: indices into `reasons`.
        instruments: names of instruments.
        legs: names of legs.
        reasons: names of reasons.
        places: decimals of prices, quantities and money; 6 for micro-units.
    """

    ts: Ints
    kind: Ints
    instrument: Ints
    position_id: Ints
    leg: Ints
    quantity: Ints
    price: Ints
    cash_change: Ints
    reason: Ints
    instruments: Sequence[str]
    legs: Sequence[str]
    reasons: Sequence[str]
    places: int = 6

    @classmethod
    def sorted_by_time(cls, columns: Mapping[str, Ints], **names: Sequence[str]) -> Journal:
        """Return a journal of columns, sorted by time; rows of one instant keep their order.

        Args:
            columns: the columns of COLUMNS, of equal length.
            names: instruments, legs and reasons.
        """
        order = np.argsort(columns["ts"], kind="stable")
        return cls(**{name: column[order] for name, column in columns.items()}, **names)  # type: ignore[arg-type]

    @classmethod
    def empty(cls) -> Journal:
        """Return a journal without rows."""
        return JournalWriter().journal()

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.ts)

    def __eq__(self, other: object) -> bool:
        """Return whether the other journal has the same rows and names."""
        if not isinstance(other, Journal):
            return NotImplemented
        names = ("instruments", "legs", "reasons")
        same_names = self.places == other.places and all(
            list(getattr(self, name)) == list(getattr(other, name)) for name in names
        )
        return same_names and all(np.array_equal(getattr(self, name), getattr(other, name)) for name in COLUMNS)

    __hash__ = None  # type: ignore[assignment]

    @property
    def sides(self) -> list[str]:
        """By row, BUY or SELL; "" for a row that is no fill."""
        sides: list[str] = np.where(self.kind == Kind.FILL, np.where(self.quantity > 0, "BUY", "SELL"), "").tolist()
        return sides

    def total(self, kind: Kind) -> int:
        """Return the sum of the changes of cash of one kind; micro-units.

        Args:
            kind: which rows.
        """
        return int(self.cash_change[self.kind == kind].sum())

    def cash_after(self, start_amount: int, rows: Ints) -> Ints:
        """Return cash after the first rows.

        Args:
            start_amount: cash before the first row.
            rows: numbers of rows.
        """
        cash: Ints = start_amount + self._cash_after[rows]
        return cash

    def cash(self, start_micro: int, instants: Ints, before_fills: Flags | bool = False) -> Ints:
        """Return cash at some instants: after all rows of each, or before its first fill; micro-units.

        Args:
            start_micro: cash before the first row.
            instants: Unix seconds, in any order.
            before_fills: by instant, or for all, whether the fills of that second and the rows after them are left out.
        """
        count = np.searchsorted(self.ts, instants, side="right")
        first = np.searchsorted(self.ts, instants, side="left")
        count = np.where(before_fills, np.minimum(count, self._next_fill[first]), count)
        return start_micro + self._cash_after[count]

    @functools.cached_property
    def _cash_after(self) -> Ints:
        """By n, sum of the changes of cash of the first n rows; micro-units."""
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(self.cash_change)])

    @functools.cached_property
    def _next_fill(self) -> Ints:
        """By row, and for the end, the first fill from that row on."""
        fills = np.where(self.kind == Kind.FILL, np.arange(len(self)), len(self))
        return np.minimum.accumulate(np.append(fills, len(self))[::-1])[::-1]

    def held(self, ts: int) -> dict[tuple[str, str], int]:
        """Return the holdings after all rows up to an instant: micro-units by (instrument, leg), without zeros.

        Args:
            ts: Unix s.
        """
        count = int(np.searchsorted(self.ts, ts, side="right"))
        holding = self.instrument[:count] * len(self.legs) + self.leg[:count]
        keys, index = np.unique(holding, return_inverse=True)
        sums = np.zeros(len(keys), np.int64)
        np.add.at(sums, index, self.quantity[:count])
        pairs = ((divmod(key, len(self.legs)), held) for key, held in zip(keys.tolist(), sums.tolist(), strict=True))
        return {(self.instruments[i], self.legs[leg]): held for (i, leg), held in pairs if held}

    @functools.cached_property
    def by_leg(self) -> tuple[Ints, Ints]:
        """Rows grouped by position and leg: row numbers, group after group in order of time, and the start of each group."""
        key = self.position_id * max(len(self.legs), 1) + self.leg
        order = np.argsort(key, kind="stable")
        return order, np.flatnonzero(np.diff(key[order], prepend=-1))

    def check(self, start_micro: int, end_micro: int, *, stays_open: bool = False) -> None:
        """Compare the rows with each other, and their sum with the account's own cash.

        Args:
            start_micro: cash before the first row.
            end_micro: the account's own cash at the end.
            stays_open: whether positions may be open after the last row.

        Raises:
            SimulationError: they do not add up; it names the amounts, or the first row or position that is wrong.
        """
        # each row by itself
        if len(self) and (late := np.flatnonzero(np.diff(self.ts) < 0)).size:
            row = int(late[0]) + 1
            raise _wrong(f"row {row} is of {instant(int(self.ts[row]))}, and the one before it is later")
        moves = (self.kind == Kind.FILL) | (self.kind == Kind.SETTLEMENT)
        if (odd := np.flatnonzero((self.quantity != 0) != moves)).size:
            change = "changes no position" if moves[odd[0]] else "changes a position"
            raise _wrong(f"row {odd[0]}, a {Kind(self.kind[odd[0]]).name.lower()}, {change}")
        # the invariant
        total = int(self.cash_change.sum())
        if start_micro + total != end_micro:
            raise _wrong(
                f"the start balance of {self._money(start_micro)} and all changes of cash, {self._money(total)}, come to "
                f"{self._money(start_micro + total)}, but the account ended with {self._money(end_micro)}"
            )
        if len(self):
            self._check_legs(stays_open)

    def _check_legs(self, stays_open: bool) -> None:
        """Check that each leg is of one instrument, never passes zero, and is closed at the end unless it may stay open."""
        order, starts = self.by_leg
        sizes = np.diff(np.append(starts, len(order)))
        quantity, instrument = self.quantity[order], self.instrument[order]
        before = np.repeat(np.cumsum(quantity)[starts] - quantity[starts], sizes)
        held = np.cumsum(quantity) - before
        direction = np.repeat(np.sign(quantity[starts]), sizes)
        problems = (
            ("is of two instruments", instrument != np.repeat(instrument[starts], sizes)),
            ("does not begin with a fill", direction == 0),
            ("is closed by more than was held", held * direction < 0),
        )
        for problem, wrong in problems:
            if wrong.any():
                raise _wrong(self._named(int(order[np.argmax(wrong)]), problem))
        left = held[starts + sizes - 1]
        if not stays_open and left.any():
            leg = int(np.argmax(left != 0))
            raise _wrong(self._named(int(order[starts[leg]]), f"still holds {self._money(int(left[leg]))} at the end"))

    def _money(self, amount: int) -> str:
        """Return an amount as text."""
        return money(amount, self.places)

    def _named(self, row: int, problem: str) -> str:
        """Return a problem with the position and instrument of a row."""
        name = " ".join(filter(None, (self.instruments[self.instrument[row]], self.legs[self.leg[row]])))
        return f"position {self.position_id[row]} of {name} {problem} ({instant(int(self.ts[row]))})"


class JournalWriter:
    """Writer of a journal row by row, for loops in Python.

    Args:
        places: decimals of the amounts, as in Journal.

    Attributes:
        rows: values of COLUMNS, so far.
        names: index of each name, for instruments, legs and reasons.
    """

    def __init__(self, places: int = 6) -> None:
        self.rows: list[tuple[int, ...]] = []
        self.names: dict[str, dict[str, int]] = {"instrument": {}, "leg": {}, "reason": {}}
        self.places = places

    def add(
        self,
        kind: Kind,
        ts: int,
        instrument: str,
        position_id: int,
        *,
        cash_change: int,
        quantity: int = 0,
        price: int = 0,
        leg: str = "",
        reason: str = "",
    ) -> None:
        """Write a row; rows come in order of time.

        Args:
            kind: kind of the row.
            ts: Unix s.
            instrument: name of the instrument.
            position_id: number of the position.
            cash_change: micro-units.
            quantity: change of the holding; micro-units.
            price: micro-units.
            leg: name of the leg.
            reason: name of the reason.
        """
        instruments, legs, reasons = self.names.values()
        self.rows.append(
            (
                ts,
                int(kind),
                instruments.setdefault(instrument, len(instruments)),
                position_id,
                legs.setdefault(leg, len(legs)),
                quantity,
                price,
                cash_change,
                reasons.setdefault(reason, len(reasons)),
            )
        )

    def journal(self) -> Journal:
        """Return the journal of all rows written so far."""
        values = zip(*self.rows, strict=True) if self.rows else [()] * len(COLUMNS)
        columns = {name: np.array(column, np.int64) for name, column in zip(COLUMNS, values, strict=True)}
        instruments, legs, reasons = (tuple(self.names[name]) for name in ("instrument", "leg", "reason"))
        return Journal(**columns, instruments=instruments, legs=legs, reasons=reasons, places=self.places)


def _wrong(what: str) -> SimulationError:
    """Return the error for books that do not add up."""
    return SimulationError(f"the books do not add up: {what}.", where="journal", remedy=REMEDY)
