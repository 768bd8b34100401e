"""What a pass of the ledger of shares results in: trades, equity by day, outcomes of entry signals."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple, overload

import numpy.typing as npt

from tradewinds.core.units import MICRO
from tradewinds.engine.journal import Journal
from tradewinds.engine.trades import Position, positions_of


class Closed(NamedTuple):
    """A position that was sold.

    Attributes:
        number: of the position, in order of entries.
        symbol: its index in Bars.
        signal_day: of the signal or decision; days since 1970-01-01.
        entry_row: bar of the entry.
        exit_row: bar whose price the exit has.
        exit_day: day of the exit, which is later than that bar where a symbol was sold for want of bars.
        entry_reason: why it was bought.
        quantity: shares.
        fees: of entry and exit; micro-units.
        pnl: after fees; micro-units.
        exit_reason: why it was sold.
    """

    number: int
    symbol: int
    signal_day: int
    entry_row: int
    exit_row: int
    exit_day: int
    entry_reason: str
    quantity: int
    fees: int
    pnl: int
    exit_reason: str


class ShareTrade(NamedTuple):
    """A trade: rows of its bars, and its money from the journal; micro-units.

    Attributes:
        symbol: its index in Bars.
        signal_day: of the signal or decision; days since 1970-01-01.
        entry_row: bar of the entry.
        exit_row: bar whose price the exit has.
        exit_day: day of the exit, which is later than that bar where a symbol was sold for want of bars.
        entry_reason: why it was bought.
        exit_reason: why it was sold.
        position: quantities and money.
    """

    symbol: int
    signal_day: int
    entry_row: int
    exit_row: int
    exit_day: int
    entry_reason: str
    exit_reason: str
    position: Position

    @property
    def quantity(self) -> int:
        """Whole shares that were bought."""
        return self.position.quantity // MICRO

    @property
    def entry_price(self) -> int:
        """Price of what was bought."""
        return self.position.entry_price

    @property
    def entry_fee(self) -> int:
        """Commission of the entry."""
        return self.position.entry_fee

    @property
    def exit_price(self) -> int:
        """Price of what was sold; the mean by quantity, rounded half to even, where it was sold in parts."""
        return round(Fraction(self.position.exit_cash, self.quantity))

    @property
    def exit_fee(self) -> int:
        """Commission of the exit, of all its parts."""
        return self.position.exit_fee

    @property
    def cost(self) -> int:
        """What the entry took from cash."""
        return self.position.entry_fee - self.position.entry_cash

    @property
    def proceeds(self) -> int:
        """What the exit brought, after its commission."""
        return self.position.exit_cash - self.position.exit_fee

    @property
    def pnl(self) -> int:
        """All changes of cash, both commissions included."""
        return self.position.pnl


class DayEquity(NamedTuple):
    """The account at the close of a trading day.

    Attributes:
        day: days since 1970-01-01.
        cash: micro-units.
        open_value: shares held, at their last close; micro-units.
        positions: number of positions held.
    """

    day: int
    cash: int
    open_value: int
    positions: int


class EquityDays(Sequence[DayEquity]):
    """The account by trading day, kept in columns; its rows are made when they are read.

    Args:
        columns: the fields of DayEquity, each by trading day; integers, or Python's own where they may be larger.
    """

    def __init__(self, *columns: npt.NDArray[Any]) -> None:
        self._columns = columns

    @functools.cached_property
    def _rows(self) -> list[DayEquity]:
        """All rows."""
        return list(map(DayEquity._make, zip(*(column.tolist() for column in self._columns), strict=True)))

    def __len__(self) -> int:
        """Return the number of trading days."""
        return len(self._columns[0])

    @overload
    def __getitem__(self, place: int) -> DayEquity: ...
    @overload
    def __getitem__(self, place: slice) -> list[DayEquity]: ...
    def __getitem__(self, place: int | slice) -> DayEquity | list[DayEquity]:
        """Return a trading day or some of them."""
        return self._rows[place]

    def __eq__(self, other: object) -> bool:
        """Return whether the other sequence has the same rows."""
        return self._rows == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


class Answered(NamedTuple):
    """The outcome of an entry signal.

    Attributes:
        row: bar of the signal.
        reason: why its order was refused; "": it was filled.
        quantity: shares of the fill; 0 without one.
        price: of the fill; micro-units, 0 without one.
    """

    row: int
    reason: str
    quantity: int
    price: int


class OrderOutcome(NamedTuple):
    """What became of an order of a strategy that is called at every close: a fill or a refusal.

    Attributes:
        decided_day: days since 1970-01-01.
        symbol: its index in Bars.
        is_sale: whether it is a sale.
        quantity: shares of the fill; 0 without one.
        price: of the fill; micro-units, 0 without one.
        reason: of the fill or the refusal.
        filled: whether it was filled.
        ts: of the fill or the refusal; Unix s.
    """

    decided_day: int
    symbol: int
    is_sale: bool
    quantity: int
    price: int
    reason: str
    filled: bool
    ts: int


class Wish(NamedTuple):
    """What a strategy that is called at every close has asked for.

    Attributes:
        day: of the decision; days since 1970-01-01.
        ticker: of the symbol; "" where it named an order.
        text: the order or cancellation as text.
    """

    day: int
    ticker: str
    text: str


@dataclass
class ShareResult:
    """The result of a pass.

    Attributes:
        closed: positions that were sold, in order of their entries.
        end_cash: the account's own cash at the end; micro-units.
        equity: one row per trading day.
        answered: outcomes of all entry signals.
        refusals: number of refused signals by reason.
        journal: the books; None if the ledger kept none.
        outcomes: of a strategy that is called at every close: what became of its orders, in order of time.
        asked: of such a strategy: what it returned, with the day of the decision; none if the ledger kept no books.
    """

    closed: list[Closed]
    end_cash: int
    equity: Sequence[DayEquity]
    answered: list[Answered]
    refusals: Counter[str]
    journal: Journal | None
    outcomes: list[OrderOutcome] = field(default_factory=list)
    asked: Sequence[tuple[int, Any]] = ()

    @property
    def books(self) -> Journal:
        """The journal of a run that kept books."""
        if self.journal is None:
            raise AssertionError("this ledger kept no books")
        return self.journal

    @functools.cached_property
    def wishes(self) -> list[Wish]:
        """What a strategy that is called at every close has asked for, in order."""
        return [Wish(day, str(getattr(wish, "market", "")), repr(wish)) for day, wish in self.asked]

    @functools.cached_property
    def trades(self) -> list[ShareTrade]:
        """Trades in order of their entries, made from the books."""
        return [
            ShareTrade(
                symbol=closed.symbol,
                signal_day=closed.signal_day,
                entry_row=closed.entry_row,
                exit_row=closed.exit_row,
                exit_day=closed.exit_day,
                entry_reason=closed.entry_reason,
                exit_reason=closed.exit_reason,
                position=position,
            )
            for closed, position in zip(self.closed, positions_of(self.books), strict=True)
        ]
