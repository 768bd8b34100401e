"""The pass over trading days with a strategy that is called at every close.

On a day: waiting orders are filled by its bars; the bars become visible; positions are valued; the strategy is called at the
close, and its orders are carried out; positions whose symbols have had no bar for too long are sold; equity is recorded.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats, Ints, changes
from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_account import ShareAccount, ShareFill
from tradewinds.engine.shares.share_desk import ShareDesk
from tradewinds.engine.shares.share_result import ShareResult
from tradewinds.engine.shares.share_rules import BACKTEST_END, NO_BARS_EXIT, ShareRules
from tradewinds.engine.shares.step_equity import equity_of
from tradewinds.engine.stepwise.bar_view import WIDTH, BarState, BarView
from tradewinds.engine.stepwise.step_caller import StepCaller
from tradewinds.engine.stepwise.view_closed import CLOSED

_BAR = np.dtype((np.void, 8 * WIDTH))
_ROWS_AT_ONCE = 1 << 16
_OWN = 2  # references to a view that nothing but the loop refers to: its variable, and the question


class _Part(NamedTuple):
    """Some trading days in a row with their bars.

    Attributes:
        days: days since 1970-01-01.
        times: their closes; Unix s.
        starts: by day, its first bar.
        rows: by bar, its row of Bars; the bars of a day are in order of their symbols.
        numbers: by bar, as BarState keeps it: the bytes of WIDTH floats.
    """

    days: list[int]
    times: list[float]
    starts: Ints
    rows: Ints
    numbers: list[bytes]


class StepLedger:
    """One pass over the days of a market; `run` may be called once.

    Args:
        market: the trading days.
        rules: costs and limits.
        make: makes the strategy.
        books: whether to keep a journal; a sweep does without.
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

    def run(self) -> ShareResult:
        """Pass over all days."""
        with self._strategy.watched():
            self._strategy.start()
            for part in self._parts():
                symbol = self._only_symbol(part)
                if symbol is None:
                    self._pass(part)
                else:
                    self._pass_one(part, symbol)
        self._end()
        refusals = Counter(outcome.reason for outcome in self.desk.outcomes if not outcome.filled)
        return ShareResult(
            closed=sorted(self.account.closed),
            end_cash=self.account.cash,
            equity=equity_of(self.market, self.rules.start_micro, self.account.changes),
            answered=[],
            refusals=refusals,
            journal=self.account.books.journal(),
            outcomes=self.desk.outcomes,
            asked=self.desk.asked or (),
        )

    # ---- what becomes visible ----

    def _numbers(self, rows: Ints, close_times: Floats) -> Floats:
        """Return rows of Bars as BarState keeps them, WIDTH floats each.

        Args:
            rows: of Bars.
            close_times: by row of these, the close of its day; Unix s.
        """
        bars = self.market.bars
        found = np.empty((len(rows), WIDTH))
        found[:, 0] = bars.day[rows]
        found[:, 1] = close_times
        for place, column in enumerate((bars.open, bars.high, bars.low, bars.close), 2):
            np.divide(column[rows], MICRO, out=found[:, place])
        volume = bars.volume_limit[rows]
        found[:, 6] = np.where(volume == NEVER, np.nan, volume)
        return found

    def _show_earlier(self, symbol: int, row: int) -> None:
        """Show the bars of a symbol between its latest one that was shown and one that may be traded.

        They are the history of before the run, or bars outside the universe. Those are read because the symbol is a member
        again later; seen on their days, they would tell it.
        """
        first = self.desk.last_row[symbol] + 1 or int(self.market.bars.offsets[symbol])
        rows, close_ts = np.arange(first, row), self.market.clock.close_ts
        close_times = np.array([close_ts(day) for day in self.market.bars.day[rows].tolist()], np.float64)
        self.state.past[symbol].frombytes(self._numbers(rows, close_times).tobytes())

    def _parts(self) -> Iterator[_Part]:
        """Yield the trading days with their bars, a part at a time, so that memory holds what is visible."""
        bars, days = self.market.bars, self.market.days
        if not days:
            return
        # rows by day, those of a day by symbol, which is how they are in Bars
        order = np.flatnonzero((bars.day >= days[0]) & (bars.day <= days[-1]))
        order = order[np.argsort(bars.day[order], kind="stable")]
        starts = changes(bars.day[order])
        bounds = np.append(starts, len(order))
        place = 0
        while place < len(days):
            # so many days that their rows are not too many
            end = max(int(np.searchsorted(bounds, bounds[place] + _ROWS_AT_ONCE, side="right")) - 1, place + 1)
            rows = order[bounds[place] : bounds[end]]
            times = np.array(list(map(self.market.clock.close_ts, days[place:end])), np.float64)
            numbers = self._numbers(rows, np.repeat(times, np.diff(bounds[place : end + 1])))
            first = bounds[place:end] - bounds[place]
            chunks: Any = numbers.view(_BAR).ravel().tolist()  # bytes, of such a type
            yield _Part(days[place:end], times.tolist(), first, rows, chunks)
            place = end

    # ---- a day ----

    def _pass(self, part: _Part) -> None:
        """Pass over some days."""
        state, desk, account, decide = self.state, self.desk, self.account, self._strategy.decide
        past, last_row, waiting, held, marked = state.past, desk.last_row, desk.waiting, account.held, state.marked
        rows, tradable, without_bars = part.rows.tolist(), self._tradable, self._without_bars
        symbols = self.market.bars.owner[part.rows].tolist()
        all_tradable = np.logical_and.reduceat(self.market.tradable[part.rows], part.starts).tolist()
        starts = [*part.starts.tolist(), len(rows)]
        for day, ts, low, high, may_trade in zip(part.days, part.times, starts, starts[1:], all_tradable, strict=False):
            # the day's bars: fills, then what becomes visible at the close
            if waiting:
                desk.fill(day)
            places: Sequence[int] = range(low, high)
            if not may_trade:
                places = [place for place in places if tradable[rows[place]]]
            arrived = symbols[low:high] if may_trade else [symbols[place] for place in places]
            for place, symbol in zip(places, arrived, strict=True):
                row = rows[place]
                if row - last_row[symbol] != 1:
                    self._show_earlier(symbol, row)
                past[symbol].frombytes(part.numbers[place])
                last_row[symbol] = row
            if not state.shown.issuperset(arrived):
                state.show(arrived)
            state.arrived = arrived
            ending = self._without_bars_on(day) if held and day in without_bars else ()
            # the strategy, unless all bars of the day are outside the universe
            if arrived:
                state.now, state.day = ts, day
                view = BarView(state)
                wishes = decide(view)
                view._state = CLOSED
                if marked:
                    marked.clear()
                if wishes:
                    self._carry_out(wishes, day)
            # what is sold for want of bars
            for symbol in ending:
                self._sell_without_bars(symbol, day)

    def _only_symbol(self, part: _Part) -> int | None:
        """Return the symbol that alone has bars in some days, of which none is to be left out; else None."""
        rows, market = part.rows, self.market
        symbol = market.owner[rows[0]]
        is_alone = (
            len(rows) == len(part.days) and rows[-1] - rows[0] == len(rows) - 1 and market.owner[rows[-1]] == symbol
        )
        if not (is_alone and market.tradable[rows].all()):
            return None
        return symbol if self._without_bars.isdisjoint(part.days) else None

    def _pass_one(self, part: _Part, symbol: int) -> None:
        """Pass over some days at each of which the same symbol alone has a bar, one after the other, that may be traded."""
        state, desk, decide = self.state, self.desk, self._strategy.decide
        last_row, waiting, marked, new_view = desk.last_row, desk.waiting, state.marked, object.__new__
        show = state.past[symbol].frombytes
        rows = part.rows.tolist()
        if rows[0] - last_row[symbol] != 1:
            self._show_earlier(symbol, rows[0])
        state.show([symbol])
        state.arrived = [symbol]
        view = new_view(BarView)
        for day, ts, row, numbers in zip(part.days, part.times, rows, part.numbers, strict=True):
            if waiting:
                desk.fill(day)
            show(numbers)
            last_row[symbol] = row
            state.now, state.day = ts, day
            view._state = state
            wishes = decide(view)
            # a view that anything else refers to is closed, and the next decision has another one
            if getrefcount(view) > _OWN:
                view._state = CLOSED
                view = new_view(BarView)
            if marked:
                marked.clear()
            if wishes:
                self._carry_out(wishes, day)
        view._state = CLOSED

    def _carry_out(self, wishes: Sequence[Any], day: int) -> None:
        """Carry out what the strategy returned at a close."""
        self.desk.begin()
        for wish in wishes:
            self.desk.carry_out(wish, day, self._strategy.problem)

    @functools.cached_property
    def _without_bars(self) -> frozenset[int]:
        """The days at whose close any symbol may have been without a bar for too long."""
        waits = np.asarray(self._last_wait)
        return frozenset(waits[waits != NEVER].tolist())

    def _without_bars_on(self, day: int) -> list[int]:
        """Return the symbols held that are sold for want of bars."""
        return [symbol for symbol in self.account.held if self._last_wait[self.desk.last_row[symbol]] == day]

    def _sell_without_bars(self, symbol: int, day: int) -> None:
        """Sell what is left of a position whose symbol has had no bar for too long, at its last close."""
        holding = self.account.held.get(symbol)
        if holding is None:  # sold at this close
            return
        row = self.desk.last_row[symbol]
        price = self.rules.sell_price(self._close_of[row])
        self.account.sell(holding, holding.left, ShareFill(row, day, price, NO_BARS_EXIT, True), day)
        self.desk.show_holding(symbol)

    def _end(self) -> None:
        """Sell open positions at their last close; the last row of equity includes it."""
        self.desk.end()
        for symbol, holding in list(self.account.held.items()):
            row = self.desk.last_row[symbol]
            price = self.rules.sell_price(self._close_of[row])
            fill = ShareFill(row, self.market.days[-1], price, BACKTEST_END, True)
            self.account.sell(holding, holding.left, fill, self.market.day[row])


def _fee(rules: ShareRules, quantity: int, price: int) -> int:
    """Return the commission of a fill; micro-units."""
    return rules.fee(quantity * price)
