"""The account of a strategy of shares that is called at every close: cash, positions, and its fills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tradewinds.engine.shares.share_result import Closed
from tradewinds.engine.shares.share_rules import ShareRules


class StepHolding(NamedTuple):
    """An open position: bought by one order, sold by one or more.

    Attributes:
        number: of the position, in order of entries.
        decided_day: days since 1970-01-01.
        entry_row: bar of the entry.
        entry_reason: STRATEGY or RESTING.
        bought: shares.
        left: shares that have not been sold.
        fees: so far; micro-units.
        cash: sum of the changes of cash so far; micro-units.
    """

    number: int
    decided_day: int
    entry_row: int
    entry_reason: str
    bought: int
    left: int
    fees: int
    cash: int


# A fill, with the account after it: number of the position, index of the symbol, shares (below 0: a sale), price, commission,
# reason, day, whether it is dated at the close of the day (else at the open), day of the decision (None: no order asked for
# it), shares of the symbol that are held after it, cash after it. step_books.py makes all books of a pass of its fills.
ShareFill = tuple[int, int, int, int, int, str, int, bool, int | None, int, int]

# Their own __new__ take twice as long.
_new_holding: Callable[[type[StepHolding], tuple[Any, ...]], StepHolding] = tuple.__new__
_new_closed: Callable[[type[Closed], tuple[Any, ...]], Closed] = tuple.__new__


class ShareAccount:
    """Cash and positions of one pass.

    Args:
        rules: costs.

    Attributes:
        cash: micro-units.
        held: open positions by symbol.
        closed: positions that were sold.
        fills: in order of time.
    """

    def __init__(self, rules: ShareRules) -> None:
        self.cash = rules.start_micro
        self._fee = rules.fee if rules.commission or rules.min_commission_micro else None
        self.held: dict[int, StepHolding] = {}
        self.closed: list[Closed] = []
        self.fills: list[ShareFill] = []
        self._entered = 0

    def buy(
        self, symbol: int, quantity: int, row: int, day: int, price: int, reason: str, at_close: bool, decided: int
    ) -> None:
        """Open a position.

        Args:
            symbol: its index in Bars.
            quantity: shares, which the cash pays.
            row: bar whose price it has.
            day: days since 1970-01-01.
            price: micro-units.
            reason: of the row in the books.
            at_close: whether it is dated at the close of its day, else at the open.
            decided: day of the decision; days since 1970-01-01.
        """
        value, number = quantity * price, self._entered
        fee = self._fee(value) if self._fee else 0
        self.cash = cash = self.cash - value - fee
        self._entered = number + 1
        self.held[symbol] = _new_holding(
            StepHolding, (number, decided, row, reason, quantity, quantity, fee, -value - fee)
        )
        self.fills.append((number, symbol, quantity, price, fee, reason, day, at_close, decided, quantity, cash))

    def pays_for_sale(self, symbol: int, quantity: int | None, price: int, reserved: int) -> bool:
        """Return whether cash stays at 0 or above after a sale, whose commission may be more than it brings.

        Args:
            symbol: its index in Bars.
            quantity: shares, as `sell` takes them.
            price: micro-units.
            reserved: cash that other orders keep; micro-units.
        """
        if not self._fee:
            return True
        left = self.held[symbol].left
        value = price * (left if quantity is None or quantity > left else quantity)
        return self.cash - reserved + value >= self._fee(value)

    def sell(
        self,
        symbol: int,
        quantity: int | None,
        row: int,
        day: int,
        price: int,
        reason: str,
        at_close: bool,
        decided: int | None,
        exit_day: int,
    ) -> None:
        """Sell a position or a part of it.

        Args:
            symbol: its index in Bars.
            quantity: shares, of which those are sold that are held; None: all of them.
            row: bar whose price it has.
            day: days since 1970-01-01.
            price: micro-units.
            reason: of the row in the books.
            at_close: whether it is dated at the close of its day, else at the open.
            decided: day of the decision; None: no order asked for it.
            exit_day: the day that trades.csv has.
        """
        number, entered_by, entry_row, entry_reason, bought, left, fees, change = self.held[symbol]
        if quantity is None or quantity > left:
            quantity = left
        value = quantity * price
        fee = self._fee(value) if self._fee else 0
        self.cash = cash = self.cash + value - fee
        left, fees, change = left - quantity, fees + fee, change + value - fee
        self.fills.append((number, symbol, -quantity, price, fee, reason, day, at_close, decided, left, cash))
        if left:
            holding = (number, entered_by, entry_row, entry_reason, bought, left, fees, change)
            self.held[symbol] = _new_holding(StepHolding, holding)
            return
        closed = (number, symbol, entered_by, entry_row, row, exit_day, entry_reason, bought, fees, change, reason)
        self.closed.append(_new_closed(Closed, closed))
        del self.held[symbol]
