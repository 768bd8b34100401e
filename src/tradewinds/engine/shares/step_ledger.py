"""The pass over trading days with a strategy that is called at every close.

On a day: waiting orders are filled by its bars; the bars become visible; positions are valued; the strategy is called at the
close, and its orders are carried out; positions whose symbols have had no bar for too long are sold; equity is recorded.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.shares.bars import TradingDays, distinct
from tradewinds.engine.shares.share_account import ShareAccount, ShareFill
from tradewinds.engine.shares.share_desk import ShareDesk
from tradewinds.engine.shares.share_result import DayEquity, ShareResult
from tradewinds.engine.shares.share_rules import BACKTEST_END, NO_BARS_EXIT, ShareRules
from tradewinds.engine.stepwise.bar_view import WIDTH, BarState, BarView
from tradewinds.engine.stepwise.step_caller import StepCaller

_BYTES = 8 * WIDTH
_ROWS_AT_ONCE = 1 << 16


class _DayRows(NamedTuple):
    """The bars of a trading day.

    Attributes:
        day: days since 1970-01-01.
        rows: of Bars, by symbol.
        symbols: of the rows.
        numbers: the rows as BarState keeps them, WIDTH floats each.
        all_tradable: whether all rows may be traded.
    """

    day: int
    rows: list[int]
    symbols: list[int]
    numbers: bytes
    all_tradable: bool


class StepLedger:
    """One pass over the days of a market; `run` may be called once.

    Args:
        market: the trading days.
        rules: costs and limits.
        make: makes the strategy.
        books: whether to keep a journal; a sweep does without.

    Attributes:
        calls: how often the strategy was called.
    """

    def __init__(
        self, market: TradingDays, rules: ShareRules, make: Callable[[], StepCaller], *, books: bool = True
    ) -> None:
        self.market, self.rules = market, rules
        self.state = BarState(market.bars.symbols, functools.partial(_fee, rules))
        self.account = ShareAccount(market, rules, books=books)
        self.desk = ShareDesk(market, rules, self.account, self.state, books=books)
        self._strategy = make()
        self._last_wait = market.last_wait(rules.exit_after_missing_days)
        self._close_of = market.bars.close.data
        self._tradable = market.tradable.data
        self._equity: list[DayEquity] = []
        self.calls = 0

    def run(self) -> ShareResult:
        """Pass over all days."""
        days = distinct(self.market.bars.day)
        self._show_history()
        with self._strategy.watched():
            self._strategy.start()
            for rows in self._days(np.array(days, np.int64)):
                self._pass(rows)
        self._end()
        refusals = Counter(outcome.reason for outcome in self.desk.outcomes if not outcome.filled)
        return ShareResult(
            closed=sorted(self.account.closed),
            end_cash=self.account.cash,
            equity=self._equity,
            answered=[],
            refusals=refusals,
            journal=self.account.books.journal(),
            outcomes=self.desk.outcomes,
            wishes=self.desk.wishes or [],
        )

    # ---- what becomes visible ----

    @functools.cached_property
    def _close_times(self) -> tuple[Ints, Floats]:
        """The distinct days of all bars, and their closes in Unix s."""
        days = distinct(self.market.bars.day)
        return np.array(days, np.int64), np.array([self.market.clock.close_ts(day) for day in days], np.float64)

    def _numbers(self, rows: Ints) -> bytes:
        """Return rows of Bars as BarState keeps them."""
        bars, (days, close_times) = self.market.bars, self._close_times
        found = np.empty((len(rows), WIDTH))
        found[:, 0] = bars.day[rows]
        found[:, 1] = close_times[np.searchsorted(days, bars.day[rows])]
        for place, column in enumerate((bars.open, bars.high, bars.low, bars.close), 2):
            found[:, place] = column[rows] / MICRO
        volume = bars.volume_limit[rows]
        found[:, 6] = np.where(volume == NEVER, np.nan, volume)
        return found.tobytes()

    def _show_history(self) -> None:
        """Show the bars of before the run."""
        bars = self.market.bars
        first_day = self.market.days[0] if self.market.days else NEVER
        for symbol in range(len(bars.symbols)):
            rows = bars.rows(symbol)
            before = np.arange(rows.start, rows.start + int(np.searchsorted(bars.day[rows], first_day)))
            self.state.past[symbol].frombytes(self._numbers(before))

    def _days(self, days: Ints) -> Iterator[_DayRows]:
        """Yield the trading days with their bars; bars are read a part at a time, so that memory holds what is visible.

        Args:
            days: distinct days of all bars, ascending.
        """
        bars, tradable = self.market.bars, self.market.tradable
        if not self.market.days:
            return
        within = np.flatnonzero((bars.day >= self.market.days[0]) & (bars.day <= self.market.days[-1]))
        order = within[np.lexsort((bars.owner[within], bars.day[within]))]
        starts = np.searchsorted(bars.day[order], self.market.days)
        bounds = np.append(starts, len(order)).tolist()
        place = 0
        while place < len(self.market.days):
            # so many days that their rows are not too many
            end = max(int(np.searchsorted(bounds, bounds[place] + _ROWS_AT_ONCE, side="right")) - 1, place + 1)
            part = order[bounds[place] : bounds[end]]
            numbers, rows, symbols = self._numbers(part), part.tolist(), bars.owner[part].tolist()
            may = np.logical_and.reduceat(tradable[part], starts[place:end] - bounds[place]).tolist()
            for day in range(place, end):
                low, high = bounds[day] - bounds[place], bounds[day + 1] - bounds[place]
                yield _DayRows(
                    self.market.days[day],
                    rows[low:high],
                    symbols[low:high],
                    numbers[low * _BYTES : high * _BYTES],
                    may[day - place],
                )
            place = end

    # ---- a day ----

    def _pass(self, today: _DayRows) -> None:
        """Pass over a day."""
        if self.desk.waiting:
            self.desk.fill(today.day)
        self._show(today)
        without_bars = self._value(today.day) if self.account.held else ()
        self._decide(today.day)
        for symbol in without_bars:
            self._sell_without_bars(symbol, today.day)
        self._record(today.day)

    def _show(self, today: _DayRows) -> None:
        """Show the bars of a day."""
        state, numbers, last_row = self.state, today.numbers, self.desk.last_row
        past, shown, place = state.past, state.shown, 0
        for row, symbol in zip(today.rows, today.symbols, strict=True):
            past[symbol].frombytes(numbers[place : place + _BYTES])
            place += _BYTES
            if today.all_tradable or self._tradable[row]:
                last_row[symbol] = row
                if symbol not in shown:
                    state.show(symbol)
            else:
                self.desk.drop_purchases(symbol, today.day)
                if symbol in shown and symbol not in self.account.held:
                    state.hide(symbol)
        state.mark(today.symbols)

    def _value(self, day: int) -> list[int]:
        """Value the positions at a close, and return the symbols that are sold for want of bars."""
        found = []
        for symbol, holding in self.account.held.items():
            row = self.desk.last_row[symbol]
            holding.value = holding.left * self._close_of[row]
            if self._last_wait[row] == day:
                found.append(symbol)
        return found

    def _decide(self, day: int) -> None:
        """Call the strategy, and carry out its orders."""
        state, desk = self.state, self.desk
        state.now, state.today = float(self.market.clock.close_ts(day)), state.date(day)
        state.cash, state.reserved = (self.account.cash - desk.reserved) / MICRO, desk.reserved / MICRO
        self.calls += 1
        view = BarView(state)
        wishes = self._strategy.decide(view)
        view._close()
        state.changed.clear()
        if wishes:
            desk.begin()
            for wish in wishes:
                desk.carry_out(wish, day, self._strategy.problem)

    def _sell_without_bars(self, symbol: int, day: int) -> None:
        """Sell what is left of a position whose symbol has had no bar for too long, at its last close."""
        holding = self.account.held.get(symbol)
        if holding is None:  # sold at this close
            return
        row = self.desk.last_row[symbol]
        price = self.rules.sell_price(self._close_of[row])
        self.account.sell(holding, holding.left, ShareFill(row, day, price, NO_BARS_EXIT, True), day)
        self.desk.show_holding(symbol)

    def _record(self, day: int) -> None:
        """Record the account at a close."""
        held = self.account.held
        for holding in held.values():
            if not holding.value:  # bought at this close
                holding.value = holding.left * self._close_of[self.desk.last_row[holding.symbol]]
        value = sum([holding.value for holding in held.values()])
        self._equity.append(DayEquity(day, self.account.cash, value, len(held)))

    def _end(self) -> None:
        """Sell open positions at their last close; the last row of equity includes it."""
        self.desk.end()
        for symbol, holding in list(self.account.held.items()):
            row = self.desk.last_row[symbol]
            price = self.rules.sell_price(self._close_of[row])
            fill = ShareFill(row, self.market.days[-1], price, BACKTEST_END, True)
            self.account.sell(holding, holding.left, fill, self.market.day[row])
        if self._equity:
            self._equity[-1] = DayEquity(self.market.days[-1], self.account.cash, 0, 0)


def _fee(rules: ShareRules, quantity: int, price: int) -> int:
    """Return the commission of a fill; micro-units."""
    return rules.fee(quantity * price)
