"""The account of a strategy of shares that is called at every close: cash, positions, and the books of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_books import ShareBooks
from tradewinds.engine.shares.share_result import Closed
from tradewinds.engine.shares.share_rules import ShareRules


@dataclass(slots=True)
class StepHolding:
    """An open position: bought by one order, sold by one or more.

    Attributes:
        number: of the position, in order of entries.
        symbol: its index in Bars.
        decided_day: days since 1970-01-01.
        entry_row: bar of the entry.
        entry_price: micro-units.
        entry_day: days since 1970-01-01.
        entry_ts: Unix s.
        entry_reason: STRATEGY or RESTING.
        bought: shares.
        left: shares that have not been sold.
        fees: so far; micro-units.
        cash: sum of the changes of cash so far; micro-units.
    """

    number: int
    symbol: int
    decided_day: int
    entry_row: int
    entry_price: int
    entry_day: int
    entry_ts: int
    entry_reason: str
    bought: int
    left: int
    fees: int
    cash: int


class ShareFill(NamedTuple):
    """Where and when an order is filled.

    Attributes:
        row: bar whose price it has.
        day: days since 1970-01-01.
        price: of the fill; micro-units.
        reason: of the row in the books.
        at_close: whether it is dated at the close of its day, else at the open.
    """

    row: int
    day: int
    price: int
    reason: str
    at_close: bool


class ShareAccount:
    """Cash and positions of one pass.

    Args:
        market: the trading days.
        rules: costs.
        books: whether to keep a journal.

    Attributes:
        cash: micro-units.
        held: open positions by symbol.
        closed: positions that were sold.
        changes: by fill, in order of time: its day, its symbol, the shares of it that are then held, and cash.
    """

    def __init__(self, market: TradingDays, rules: ShareRules, *, books: bool) -> None:
        self.market, self.rules, self.cash = market, rules, rules.start_micro
        self.books = ShareBooks(market, kept=books)
        self.held: dict[int, StepHolding] = {}
        self.closed: list[Closed] = []
        self.changes: list[tuple[int, int, int, int]] = []
        self._entered = 0

    def buy(self, symbol: int, decided_day: int, quantity: int, fill: ShareFill) -> None:
        """Open a position.

        Args:
            symbol: its index in Bars.
            decided_day: days since 1970-01-01.
            quantity: shares, which the cash pays.
            fill: where and when.
        """
        fee = self.rules.fee(quantity * fill.price)
        change = -quantity * fill.price - fee
        clock = self.market.clock
        row, day, price, reason, at_close = fill
        entry_ts = clock.close_ts(day) if at_close else clock.open_ts(day)
        self.held[symbol] = StepHolding(
            self._entered, symbol, decided_day, row, price, day, entry_ts, reason, quantity, quantity, fee, change
        )
        self.cash += change
        self.changes.append((fill.day, symbol, quantity, self.cash))
        self._book(self._entered, symbol, quantity, fee, fill)
        self._entered += 1

    def sell(self, holding: StepHolding, quantity: int, fill: ShareFill, exit_day: int) -> None:
        """Sell a position or a part of it.

        Args:
            holding: the position.
            quantity: shares, not more than are left.
            fill: where and when.
            exit_day: the day that trades.csv has.
        """
        fee = self.rules.fee(quantity * fill.price)
        change = quantity * fill.price - fee
        self.cash += change
        holding.left -= quantity
        holding.fees += fee
        holding.cash += change
        self.changes.append((fill.day, holding.symbol, holding.left, self.cash))
        self._book(holding.number, holding.symbol, -quantity, fee, fill)
        if holding.left:
            return
        closed = Closed(
            holding.number,
            holding.symbol,
            holding.decided_day,
            holding.entry_row,
            fill.row,
            exit_day,
            holding.entry_reason,
            holding.bought,
            holding.fees,
            holding.cash,
            fill.reason,
        )
        self.closed.append(closed)
        del self.held[holding.symbol]

    def _book(self, number: int, symbol: int, quantity: int, fee: int, fill: ShareFill) -> None:
        """Write a fill (quantity below 0: a sale) and its commission to the journal."""
        self.books.fill(number, fill.day, symbol, quantity, fill.price, fee, fill.reason, at_close=fill.at_close)
