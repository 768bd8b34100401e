"""The ledger of shares: one chronological pass over trading days, all positions in one cash account.

Long only, whole shares, one position per symbol. Money is integer micro-units of the account's currency; costs are exact
fractions. The pass sees a bar only when its day has come: a signal at the close of day d is made from bars up to d, an order
fills at the symbol's next open (or at that close), exits come before entries. A bar without volume is history and valuation:
at it an entry is refused, and a sale waits. A position whose symbol has had no bar for too many trading days is sold at the
close of the last of them.

ASSUME: a fill's price is rounded half to even to a micro-unit, the precision of stored prices, so that price, quantity and
commission give cost and proceeds exactly.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tradewinds.core.arrays import Floats
from tradewinds.core.units import NEVER
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_books import ShareBooks
from tradewinds.engine.shares.share_result import Answered, Closed, DayEquity, ShareResult
from tradewinds.engine.shares.share_rules import (
    ALREADY_HELD,
    AT_CLOSE_ALWAYS,
    BACKTEST_END,
    LIQUIDITY,
    MAX_POSITIONS,
    NO_BARS_EXIT,
    NO_CASH,
    NO_NEXT_BAR,
    NO_VOLUME,
    PROFIT_TARGET,
    STOP_LOSS,
    TIME_STOP,
    TRAILING_STOP,
    ShareRules,
)


@dataclass(slots=True)
class _Holding:
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
        last_wait: trading day at whose close it is sold if no bar has come by then, or NEVER.
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
    last_wait: int = NEVER


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
        self.books = ShareBooks(market, kept=books)
        self.cash, self.last_wait = rules.start_micro, market.last_wait(rules.exit_after_missing_days)
        self.held: dict[int, _Holding] = {}
        self.buys: dict[int, list[int]] = defaultdict(list)  # rows of signals, by the day on which their order fills
        self.sales: dict[int, list[_Holding]] = defaultdict(list)
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
        return ShareResult(sorted(self.closed), self.cash, self.equity, self.answered, refusals, self.books.journal())

    def _open(self, day: int) -> None:
        """Fill the orders of this day's open: sales, then purchases in order of their signals."""
        for position in self.sales.pop(day, ()):
            if (
                self.held.get(position.symbol) is position
            ):  # else it was sold for want of bars before its order could fill
                row = self.market.fill_row[position.row]
                self._sell(position, row, self.market.open[row], position.due)
        for signal_row in self.buys.pop(day, ()):
            row = self.market.next_row[signal_row]
            self._buy(signal_row, row, self.market.open[row])

    def _close(self, day: int, candidates: Sequence[int]) -> None:
        """Evaluate exit rules and the day's signals at its close.

        ASSUME: a symbol held at a close is not bought by that close's signal, though its position may be sold at once.
        Without a bar today no exit rule is evaluated; the position is valued at its last close. What is sold for want of
        bars is sold after the day's entries, because its room and its cash are free from the next open.
        """
        held = set(self.held)
        without_bars = []
        for position in list(self.held.values()):
            if position.next_day == day:
                self._judge(position, day)
            elif position.last_wait == day:
                without_bars.append(position)
        for row in candidates:
            if self.market.owner[row] in held:
                self._refuse(row, ALREADY_HELD)
            elif self.rules.same_close:
                self._buy(row, row, self.market.close[row])
            elif self.market.next_row[row] == row + 1:
                self.buys[self.market.next_day[row]].append(row)
            else:  # no next bar, or one at which the symbol may not be bought
                self._refuse(row, NO_NEXT_BAR)
        for position in without_bars:
            self._sell(position, position.row, self.market.close[position.row], NO_BARS_EXIT)

    def _judge(self, position: _Holding, day: int) -> None:
        """Value a position at this day's close, and sell it if an exit rule holds or its sale waits for a bar with volume."""
        row = position.row = self.market.next_row[position.row]
        position.next_day, close = self.market.next_day[row], self.market.close[row]
        position.last_wait = self.last_wait[row]
        position.value = position.quantity * close
        if close > position.peak:
            position.peak, position.trail = close, self.rules.exits.trail(close)
        reason = position.due or _exit_reason(position, close, day)
        if not reason:
            return
        if self.rules.same_close:
            if self.market.can_fill[row]:
                self._sell(position, row, close, reason)
            else:
                position.due = reason
        elif not position.due and (fill_day := self.market.fill_day[row]) != NEVER:
            position.due = reason
            self.sales[fill_day].append(position)

    def _buy(self, signal_row: int, row: int, price: int) -> None:
        """Fill a signal's order at a bar's price, or refuse it."""
        if not self.market.can_fill[row]:
            self._refuse(signal_row, NO_VOLUME)
            return
        if len(self.held) >= self.rules.max_positions:
            self._refuse(signal_row, MAX_POSITIONS)
            return
        fill = self.rules.buy_price(price)
        quantity = self.rules.affordable(fill, self.cash)
        if quantity < 1:
            self._refuse(signal_row, NO_CASH)
            return
        quantity = self.rules.within_volume(quantity, self.market.volume_limit[row])
        if quantity < 1:
            self._refuse(signal_row, LIQUIDITY)
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
        self.held[symbol] = position = _Holding(
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
            position.last_wait = self.last_wait[row]

    def _sell(self, position: _Holding, row: int, price: int, reason: str) -> None:
        """Sell a position at a bar's price."""
        p, fill = position, self.rules.sell_price(price)
        fee = self.rules.fee(p.quantity * fill)
        self.cash += p.quantity * fill - fee
        exit_day = p.last_wait if reason == NO_BARS_EXIT else self.market.day[row]
        # the sale at the end is booked on the last day, even if the symbol's last bar is older
        booked_day = self.market.days[-1] if reason == BACKTEST_END else exit_day
        self._book(p.number, booked_day, row, -p.quantity, fill, fee, reason)
        closed = Closed(
            number=p.number,
            symbol=p.symbol,
            signal_day=self.market.day[p.signal_row],
            entry_row=p.entry_row,
            exit_row=row,
            exit_day=exit_day,
            entry_reason=self.entry_reason,
            quantity=p.quantity,
            fees=p.entry_fee + fee,
            pnl=p.quantity * (fill - p.entry_price) - p.entry_fee - fee,
            exit_reason=reason,
        )
        self.closed.append(closed)
        del self.held[p.symbol]

    def _book(self, number: int, day: int, row: int, quantity: int, price: int, fee: int, reason: str) -> None:
        """Write a fill (quantity below 0: a sale) and its commission to the journal."""
        at_close = self.rules.same_close or reason in AT_CLOSE_ALWAYS
        self.books.fill(number, day, self.market.owner[row], quantity, price, fee, reason, at_close=at_close)

    def _refuse(self, row: int, reason: str) -> None:
        """Record that a signal's order was refused."""
        self.answered.append(Answered(row, reason, 0, 0))

    def _end(self) -> None:
        """Sell open positions at their last close; the last row of equity includes it."""
        for position in list(self.held.values()):
            self._sell(position, position.row, self.market.close[position.row], BACKTEST_END)
        if self.equity:
            self.equity[-1] = DayEquity(self.market.days[-1], self.cash, 0, 0)


def _exit_reason(position: _Holding, close: int, day: int) -> str:
    """Return the first exit rule that holds for a position at a close, or ""."""
    if close >= position.target:
        return PROFIT_TARGET
    if close <= position.stop:
        return STOP_LOSS
    if close <= position.trail:
        return TRAILING_STOP
    return TIME_STOP if day >= position.until else ""
