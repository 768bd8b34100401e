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
from tradewinds.engine.shares.share_rules import (
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
    """A position that was sold.

    Attributes:
        number: of the position, in order of entries.
        symbol: its index in Bars.
        signal_row: bar of the signal.
        entry_row: bar of the entry.
        exit_row: bar of the exit.
        quantity: shares.
        fees: of entry and exit; micro-units.
        pnl: after fees; micro-units.
        exit_reason: why it was sold.
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
    """A trade: rows of its bars, and its money from the journal; micro-units.

    Attributes:
        symbol: its index in Bars.
        signal_row: bar of the signal.
        entry_row: bar of the entry.
        exit_row: bar of the exit.
        exit_reason: why it was sold.
        position: quantities and money.
    """

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
    """

    closed: list[Closed]
    end_cash: int
    equity: list[DayEquity]
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
        """Trades in order of their entries, made from the books."""
        return [
            ShareTrade(
                closed.symbol, closed.signal_row, closed.entry_row, closed.exit_row, closed.exit_reason, position
            )
            for closed, position in zip(self.closed, trades_of(self.books), strict=True)
        ]


@dataclass(slots=True)
class _Position:
    """An open position.

    Attributes:
        number: of the position, in order of entries.
        symbol: its index in Bars.
        signal_row: bar of the signal.
        entry_row: bar of the entry.
        quantity: shares.
        entry_price: micro-units.
        entry_fee: micro-units.
        row: the symbol's latest tradable bar that has closed.
        next_day: day of the tradable bar after it, or NEVER.
        target: lowest close at which it is sold with profit; micro-units.
        stop: highest close at which it is sold with a loss; micro-units.
        until: day on which it is sold at the latest.
        value: at the close of `row`; micro-units.
        peak: highest close since the entry; micro-units.
        trail: highest close at which the trailing stop sells it; micro-units.
        due: why a sale is ordered; "": none is.
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
    """One pass over the days of a market; `run` may be called once.

    Args:
        market: the trading days.
        rules: sizes, costs and exits.
        entry_reason: reason of purchases in the journal.
        books: whether to keep a journal; a sweep does without.
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
        self.equity: list[DayEquity] = []
        self.answered: list[Answered] = []

    def run(self, scores: Floats) -> ShareResult:
        """Pass over all days.

        Args:
            scores: by row; NaN: no signal, else the signal's priority among those of its day.
        """
        candidates = self.market.candidates(scores)
        for day in self.market.days:
            self._open(day)
            self._close(day, candidates.get(day, ()))
            value = sum([position.value for position in self.held.values()])
            self.equity.append(DayEquity(day, self.cash, value, len(self.held)))
        self._end()
        refusals = Counter(answer.reason for answer in self.answered if answer.reason)
        journal = None if self.writer is None else self.writer.journal()
        return ShareResult(sorted(self.closed), self.cash, self.equity, self.answered, refusals, journal)

    def _open(self, day: int) -> None:
        """Fill the orders of this day's open: sales, then purchases in order of their signals."""
        for position in self.sales.pop(day, ()):
            row = self.market.next_row[position.row]
            self._sell(position, row, self.market.open[row], position.due)
        for signal_row in self.buys.pop(day, ()):
            row = self.market.next_row[signal_row]
            self._buy(signal_row, row, self.market.open[row])

    def _close(self, day: int, candidates: Sequence[int]) -> None:
        """Evaluate exit rules and the day's signals at its close.

        ASSUME: a symbol held at a close is not bought by that close's signal, though its position may be sold at once.
        Without a bar today no exit rule is evaluated; the position is valued at its last close.
        """
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
            else:  # no next bar, or one at which the symbol may not be bought
                self._refuse(row, NO_NEXT_BAR)

    def _judge(self, position: _Position, day: int) -> None:
        """Value a position at this day's close, and sell it if an exit rule holds."""
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
        """Fill a signal's order at a bar's price, or refuse it."""
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
        """Open a position."""
        symbol, exits = self.market.owner[row], self.rules.exits
        target, stop = exits.levels(fill)
        until = NEVER if exits.max_days is None else self.market.day[row] + exits.max_days
        next_day = self.market.next_day[signal_row]
        self.held[symbol] = position = _Position(
            number=self.entered,
            symbol=symbol,
            signal_row=signal_row,
            entry_row=row,
            quantity=quantity,
            entry_price=fill,
            entry_fee=fee,
            row=signal_row,
            next_day=next_day,
            target=target,
            stop=stop,
            until=until,
        )
        self.entered += 1
        if self.rules.same_close:
            close = self.market.close[row]
            position.value, position.peak, position.trail = quantity * close, close, exits.trail(close)

    def _sell(self, position: _Position, row: int, price: int, reason: str) -> None:
        """Sell a position at a bar's price."""
        p, fill = position, self.rules.sell_price(price)
        fee = self.rules.fee(p.quantity * fill)
        self.cash += p.quantity * fill - fee
        # the sale at the end is dated on the last day, even if the symbol's last bar is older
        day = self.market.days[-1] if reason == BACKTEST_END else self.market.day[row]
        self._book(p.number, day, row, -p.quantity, fill, fee, reason)
        pnl = p.quantity * (fill - p.entry_price) - p.entry_fee - fee
        fees = p.entry_fee + fee
        self.closed.append(Closed(p.number, p.symbol, p.signal_row, p.entry_row, row, p.quantity, fees, pnl, reason))
        del self.held[p.symbol]

    def _book(self, number: int, day: int, row: int, quantity: int, price: int, fee: int, reason: str) -> None:
        """Write a fill (quantity below 0: a sale) and its commission to the journal."""
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
        """Record that a signal's order was refused."""
        self.answered.append(Answered(row, reason, 0, 0))

    def _end(self) -> None:
        """Sell open positions at their last close; the last row of equity includes it."""
        for position in list(self.held.values()):
            self._sell(position, position.row, self.market.close[position.row], BACKTEST_END)
        if self.equity:
            self.equity[-1] = DayEquity(self.market.days[-1], self.cash, 0, 0)
