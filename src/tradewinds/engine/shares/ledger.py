"""The ledger of shares: one chronological pass over trading days, all positions in one cash account.

Long only, whole shares, one position per symbol. Money is integer micro-units of the account's currency; costs are exact
fractions. The pass sees a bar only when its day has come: a signal at the close of day d is made from bars up to d, an order
fills at the symbol's next open (or at that close), exits come before entries.

ASSUME: a fill's price is rounded half to even to a micro-unit, the precision of stored prices, so that price, quantity and
commission give cost and proceeds exactly.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tradewinds.core.arrays import Floats
from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.journal import Journal, JournalWriter, Kind
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.rules import (
    ALREADY_HELD,
    BACKTEST_END,
    MAX_POSITIONS,
    NO_CASH,
    NO_NEXT_BAR,
    PROFIT_TARGET,
    STOP_LOSS,
    TIME_STOP,
    TRAILING_STOP,
    ShareRules,
)
from tradewinds.engine.trades import Position, trades_of


class Closed(NamedTuple):
    """A position that was sold. Rows are places in Bars; money in micro-units.

    `number` counts the entries of a run, `signal_row` made the order, `entry_row` filled it, `exit_row` sold it.
    """

    number: int
    symbol: int
    signal_row: int
    entry_row: int
    exit_row: int
    quantity: int
    fees: int
    pnl: int
    exit_reason: str


class ShareTrade(NamedTuple):
    """A position from its entry to its exit: places of its bars, and its money as the books have it, in micro-units."""

    symbol: int
    signal_row: int
    entry_row: int
    exit_row: int
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
        """Price of what was sold; all of it is sold at once."""
        return self.position.exit_cash // self.quantity

    @property
    def exit_fee(self) -> int:
        """Commission of the exit."""
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


class DayWorth(NamedTuple):
    """The account at the close of a trading day: cash, value of the shares held at their last close, positions held."""

    day: int
    cash: int
    open_value: int
    positions: int


class Answered(NamedTuple):
    """What became of an entry signal: why no order of it was filled ("" if one was), and the quantity and price of its fill."""

    row: int
    reason: str
    quantity: int
    price: int


@dataclass
class ShareResult:
    """A run of the ledger: what was sold in order of its entries, the account's own cash at the end, `worth` one row per
    trading day, and the books; without books there is no journal."""

    closed: list[Closed]
    end_cash: int
    worth: list[DayWorth]
    answered: list[Answered]
    refusals: Counter[str]
    journal: Journal | None

    @property
    def books(self) -> Journal:
        """The journal of a run that kept books."""
        if self.journal is None:
            raise AssertionError("this ledger kept no books")
        return self.journal

    @functools.cached_property
    def trades(self) -> list[ShareTrade]:
        """Positions in order of their entries, made from the books."""
        return [
            ShareTrade(
                closed.symbol, closed.signal_row, closed.entry_row, closed.exit_row, closed.exit_reason, position
            )
            for closed, position in zip(self.closed, trades_of(self.books), strict=True)
        ]


@dataclass(slots=True)
class _Position:
    """An open position.

    `row` is its symbol's latest closed tradable bar, `next_day` the day of the one after it, `value` what it is worth at that
    close. It is sold at a close of `target` or more, of `stop` or `trail` or less, or on the day `until`; `due` says why it
    will be.
    """

    number: int
    symbol: int
    signal_row: int
    entry_row: int
    quantity: int
    entry_price: int
    entry_fee: int
    row: int
    next_day: int
    target: int
    stop: int
    until: int
    value: int = 0
    peak: int = 0
    trail: int = -1
    due: str = ""


class Ledger:
    """One pass over the days of a market; `run` it once.

    Args:
        market: the trading days.
        rules: what is done at signals.
        entry_reason: why shares are bought, for the books.
        books: whether every change of cash is written down; a sweep does without.
    """

    def __init__(
        self, market: TradingDays, rules: ShareRules, *, entry_reason: str = "SIGNAL", books: bool = True
    ) -> None:
        self.market, self.rules, self.entry_reason = market, rules, entry_reason
        self.writer = JournalWriter() if books else None
        self.cash = rules.start_micro
        self.held: dict[int, _Position] = {}
        self.buys: dict[int, list[int]] = defaultdict(list)  # rows of signals, by the day on which their order fills
        self.sales: dict[int, list[_Position]] = defaultdict(list)
        self.entered = 0
        self.closed: list[Closed] = []
        self.worth: list[DayWorth] = []
        self.answered: list[Answered] = []

    def run(self, scores: Floats) -> ShareResult:
        """Go through all days. `scores` has a number per row: NaN no signal, else the order among those of one day."""
        candidates = self.market.candidates(scores)
        for day in self.market.days:
            self._open(day)
            self._close(day, candidates.get(day, ()))
            value = sum([position.value for position in self.held.values()])
            self.worth.append(DayWorth(day, self.cash, value, len(self.held)))
        self._end()
        refusals = Counter(answer.reason for answer in self.answered if answer.reason)
        journal = None if self.writer is None else self.writer.journal()
        return ShareResult(sorted(self.closed), self.cash, self.worth, self.answered, refusals, journal)

    def _open(self, day: int) -> None:
        """Orders that fill at this day's open: sales, then buys in order of their signals."""
        for position in self.sales.pop(day, ()):
            row = self.market.next_row[position.row]
            self._sell(position, row, self.market.open[row], position.due)
        for signal_row in self.buys.pop(day, ()):
            row = self.market.next_row[signal_row]
            self._buy(signal_row, row, self.market.open[row])

    def _close(self, day: int, candidates: Sequence[int]) -> None:
        """Judge what is held and the day's signals. ASSUME: a symbol held at a close is not bought by that close's signal,
        though its position may be sold at once. A symbol without a bar today is judged by none, and worth its last close."""
        held = set(self.held)
        for position in list(self.held.values()):
            if position.next_day == day:
                self._judge(position, day)
        for row in candidates:
            if self.market.owner[row] in held:
                self._refuse(row, ALREADY_HELD)
            elif self.rules.same_close:
                self._buy(row, row, self.market.close[row])
            elif self.market.next_row[row] == row + 1:
                self.buys[self.market.next_day[row]].append(row)
            else:  # none, or one outside every membership
                self._refuse(row, NO_NEXT_BAR)

    def _judge(self, position: _Position, day: int) -> None:
        position.row = self.market.next_row[position.row]
        position.next_day, close = self.market.next_day[position.row], self.market.close[position.row]
        position.value = position.quantity * close
        if close > position.peak:
            position.peak, position.trail = close, self.rules.exits.trail(close)
        if close >= position.target:
            reason = PROFIT_TARGET
        elif close <= position.stop:
            reason = STOP_LOSS
        elif close <= position.trail:
            reason = TRAILING_STOP
        elif day >= position.until:
            reason = TIME_STOP
        else:
            return
        if self.rules.same_close:
            self._sell(position, position.row, close, reason)
        elif position.next_day != NEVER:
            position.due = reason
            self.sales[position.next_day].append(position)

    def _buy(self, signal_row: int, row: int, price: int) -> None:
        if len(self.held) >= self.rules.max_positions:
            self._refuse(signal_row, MAX_POSITIONS)
            return
        fill = self.rules.buy_price(price)
        quantity = self.rules.affordable(fill, self.cash)
        if quantity < 1:
            self._refuse(signal_row, NO_CASH)
            return
        fee = self.rules.fee(quantity * fill)
        self.cash -= quantity * fill + fee
        self._book(self.entered, self.market.day[row], row, quantity, fill, fee, self.entry_reason)
        self._hold(signal_row, row, quantity, fill, fee)
        self.answered.append(Answered(signal_row, "", quantity, fill))

    def _hold(self, signal_row: int, row: int, quantity: int, fill: int, fee: int) -> None:
        symbol, exits = self.market.owner[row], self.rules.exits
        target, stop = exits.levels(fill)
        until = NEVER if exits.max_days is None else self.market.day[row] + exits.max_days
        next_day = self.market.next_day[signal_row]
        bought = (self.entered, symbol, signal_row, row, quantity, fill, fee)
        self.held[symbol] = position = _Position(*bought, signal_row, next_day, target, stop, until)
        self.entered += 1
        if self.rules.same_close:
            close = self.market.close[row]
            position.value, position.peak, position.trail = quantity * close, close, exits.trail(close)

    def _sell(self, position: _Position, row: int, price: int, reason: str) -> None:
        p, fill = position, self.rules.sell_price(price)
        fee = self.rules.fee(p.quantity * fill)
        self.cash += p.quantity * fill - fee
        # what is left at the end is sold then, be its last bar as old as it may
        day = self.market.days[-1] if reason == BACKTEST_END else self.market.day[row]
        self._book(p.number, day, row, -p.quantity, fill, fee, reason)
        pnl = p.quantity * (fill - p.entry_price) - p.entry_fee - fee
        fees = p.entry_fee + fee
        self.closed.append(Closed(p.number, p.symbol, p.signal_row, p.entry_row, row, p.quantity, fees, pnl, reason))
        del self.held[p.symbol]

    def _book(self, number: int, day: int, row: int, quantity: int, price: int, fee: int, reason: str) -> None:
        """Write down a fill of some shares (below 0: sold) and its commission."""
        if self.writer is None:
            return
        clock = self.market.clock
        at_close = self.rules.same_close or reason == BACKTEST_END
        ts = clock.close_ts(day) if at_close else clock.open_ts(day)
        symbol = self.market.bars.symbols[self.market.owner[row]]
        cost = quantity * price
        add = functools.partial(self.writer.add, ts=ts, instrument=symbol, position_id=number, reason=reason)
        add(Kind.FILL, quantity=quantity * MICRO, price=price, cash_change=-cost)
        if fee:
            add(Kind.FEE, cash_change=-fee)

    def _refuse(self, row: int, reason: str) -> None:
        self.answered.append(Answered(row, reason, 0, 0))

    def _end(self) -> None:
        """Sell what is left at its last close; the last point of the curve includes it."""
        for position in list(self.held.values()):
            self._sell(position, position.row, self.market.close[position.row], BACKTEST_END)
        if self.worth:
            self.worth[-1] = DayWorth(self.market.days[-1], self.cash, 0, 0)
