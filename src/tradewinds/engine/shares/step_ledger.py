"""The pass over trading days with a strategy that is called at every close.

On a day: waiting orders are filled by its bars; the bars become visible; positions are valued; the strategy is called at the
close, and its orders are carried out; positions whose symbols have had no bar for too long are sold; equity is recorded.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from sys import getrefcount
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats, Ints, changes
from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_account import ShareAccount
from tradewinds.engine.shares.share_desk import ShareDesk
from tradewinds.engine.shares.share_result import ShareResult
from tradewinds.engine.shares.share_rules import BACKTEST_END, NO_BARS_EXIT, ShareRules
from tradewinds.engine.shares.step_books import StepBooks
from tradewinds.engine.shares.step_equity import equity_of
from tradewinds.engine.stepwise.bar_view import WIDTH, BarState, BarView
from tradewinds.engine.stepwise.step_caller import Moments, MomentsCaller
from tradewinds.engine.stepwise.view_closed import CLOSED

_BAR = np.dtype((np.void, 8 * WIDTH))
_ROWS_AT_ONCE = 1 << 16
_FIRST_STRETCH, _STRETCH = 16, 2048  # days for which the columns are left to the loop that were asked for before
_OWN = 2  # references to a view that nothing but the loop refers to: its variable, and the question
Rows = Ints | slice


class _Part(NamedTuple):
    """Some trading days in a row with their bars.

    Attributes:
        days: days since 1970-01-01.
        times: their closes; Unix s.
        starts: by day, its first bar.
        rows: by bar, its row of Bars; the bars of a day are in order of their symbols.
    """

    days: Ints
    times: Ints
    starts: Ints
    rows: Ints


class StepLedger:
    """One pass over the days of a market; `run` may be called once.

    Args:
        market: the trading days.
        rules: costs and limits.
        make: makes the strategy.
        books: whether to keep a journal; a sweep does without.
    """

    def __init__(
        self, market: TradingDays, rules: ShareRules, make: Callable[[], MomentsCaller], *, books: bool = True
    ) -> None:
        self.market, self.rules = market, rules
        self.state = BarState(market.bars.symbols, functools.partial(_fee, rules))
        self.account = ShareAccount(rules)
        self.desk = ShareDesk(market, rules, self.account, self.state, books=books)
        self._strategy, self._keeps_books = make(), books
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
        books = StepBooks(self.market, self.account.fills)
        return ShareResult(
            closed=sorted(self.account.closed),
            end_cash=self.account.cash,
            equity=equity_of(self.market, self.rules.start_micro, books),
            answered=[],
            refusals=Counter(refusal.outcome.reason for refusal in self.desk.refused),
            journal=books.journal() if self._keeps_books else None,
            outcomes=books.outcomes(self.desk.refused),
            asked=self.desk.asked or (),
        )

    # ---- what becomes visible ----

    def _numbers(self, rows: Rows, close_times: Ints) -> Floats:
        """Return rows of Bars as BarState keeps them, WIDTH floats each.

        Args:
            rows: of Bars.
            close_times: by row of these, the close of its day; Unix s.
        """
        bars = self.market.bars
        found = np.empty((len(close_times), WIDTH))
        found[:, 0] = bars.day[rows]
        found[:, 1] = close_times
        for place, column in enumerate((bars.open, bars.high, bars.low, bars.close), 2):
            np.divide(column[rows], MICRO, out=found[:, place])
        found[:, 6] = bars.volume[rows]
        if bars.unknown_volume is not None:
            found[bars.unknown_volume[rows], 6] = np.nan
        return found

    def _show_earlier(self, symbol: int, row: int) -> None:
        """Show the bars of a symbol between its latest one that was shown and one that may be traded.

        They are the history of before the run, or bars outside the universe. Those are read because the symbol is a member
        again later; seen on their days, they would tell it.
        """
        first = self.desk.last_row[symbol] + 1 or int(self.market.bars.offsets[symbol])
        rows = slice(first, row)
        close_times = self.market.clock.times(self.market.bars.day[rows], of_close=True)
        self.state.past[symbol].frombytes(self._numbers(rows, close_times).tobytes())

    def _parts(self) -> Iterator[_Part]:
        """Yield the trading days with their bars, a part at a time, so that memory holds what is visible."""
        bars, days = self.market.bars, self.market.day_column
        if not len(days):
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
            starts = bounds[place:end] - bounds[place]
            yield _Part(days[place:end], self.market.close_times[place:end], starts, rows)
            place = end

    # ---- a day ----

    def _pass(self, part: _Part) -> None:
        """Pass over some days."""
        state, desk, account, decide = self.state, self.desk, self.account, self._strategy.decide
        past, last_row, waiting, held, marked = state.past, desk.last_row, desk.waiting, account.held, state.marked
        rows, tradable, without_bars = part.rows.tolist(), self._tradable, self._without_bars
        counts = np.diff(part.starts, append=len(rows))
        numbers = _chunks(self._numbers(part.rows, np.repeat(part.times, counts)))
        symbols = self.market.bars.owner[part.rows].tolist()
        all_tradable = np.logical_and.reduceat(self.market.tradable[part.rows], part.starts).tolist()
        starts = [*part.starts.tolist(), len(rows)]
        for day, low, high, may_trade in zip(part.days.tolist(), starts, starts[1:], all_tradable, strict=False):
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
                past[symbol].frombytes(numbers[place])
                last_row[symbol] = row
            if not state.shown.issuperset(arrived):
                state.show(arrived)
            state.arrived = arrived
            ending = self._without_bars_on(day) if held and day in without_bars else ()
            # the strategy, unless all bars of the day are outside the universe
            if arrived:
                state.latest = past[arrived[0]]
                view = BarView(state)
                wishes = decide(view)
                view._state = CLOSED
                if marked:
                    marked.clear()
                if wishes:
                    desk.carry_out(wishes, day, self._strategy.problem)
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
        return symbol if self._without_bars.isdisjoint(part.days.tolist()) else None

    def _pass_one(self, part: _Part, symbol: int) -> None:
        """Pass over some days at each of which the same symbol alone has a bar, one after the other, that may be traded."""
        state, first, count = self.state, int(part.rows[0]), len(part.days)
        if first - self.desk.last_row[symbol] != 1:
            self._show_earlier(symbol, first)
        state.show([symbol])
        state.arrived, state.latest = [symbol], state.past[symbol]
        low = 0
        while low < count:
            high = min(low + (_STRETCH if low else _FIRST_STRETCH), count)
            numbers = self._numbers(slice(first + low, first + high), part.times[low:high])
            self._pass_stretch(part.days[low:high], first + low, symbol, numbers)
            low = high

    def _pass_stretch(self, days: Ints, first: int, symbol: int, numbers: Floats) -> None:
        """Pass over a stretch of such days.

        Nothing is done at a day but to show its bar and to call the strategy, unless orders wait or it returned some. So
        the loop over the days is the caller's, and this one is about days with orders.

        Args:
            days: days since 1970-01-01.
            first: row of their first bar.
            symbol: its index in Bars.
            numbers: their bars, as BarState keeps them.
        """
        state, desk, strategy, new_view = self.state, self.desk, self._strategy, object.__new__
        bars: Any = iter(_chunks(numbers))  # an iterator that knows how many are left
        left, show = bars.__length_hint__, map(state.past[symbol].frombytes, bars)
        columns = [map(append, numbers[:, which].tolist()) for which, append in state.continue_columns(symbol)]
        each: Iterator[object] = zip(show, *columns, strict=False) if columns else show
        moments = Moments(each, left)
        view, place, count = new_view(BarView), 0, len(days)
        while place < count:
            if desk.waiting:
                desk.fill(int(days[place]))
            view._state = state
            # only one day if an order still waits, which the next bar may fill
            wishes = strategy.decide_until(Moments(islice(each, 1), left) if desk.waiting else moments, view)
            place = count - left()
            desk.last_row[symbol] = first + place - 1
            # a view that anything else refers to is closed, and the next decision has another one
            if getrefcount(view) > _OWN:
                view._state = CLOSED
                view = new_view(BarView)
            state.marked.clear()
            if wishes:
                desk.carry_out(wishes, int(days[place - 1]), strategy.problem)
        view._state = CLOSED
        state.stop_continuing()

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
        if symbol not in self.account.held:  # sold at this close
            return
        row = self.desk.last_row[symbol]
        price = self.rules.sell_price(self._close_of[row])
        self.account.sell(symbol, None, row, day, price, NO_BARS_EXIT, True, None, day)
        self.desk.show_sale(symbol)

    def _end(self) -> None:
        """Sell open positions at their last close; the last row of equity includes it."""
        self.desk.end()
        for symbol in list(self.account.held):
            row = self.desk.last_row[symbol]
            price, day = self.rules.sell_price(self._close_of[row]), self.market.days[-1]
            sold_on = self.market.day[row]
            self.account.sell(symbol, None, row, day, price, BACKTEST_END, True, None, sold_on)


def _chunks(numbers: Floats) -> list[bytes]:
    """Return rows of WIDTH floats as the bytes of each."""
    chunks: Any = numbers.view(_BAR).ravel().tolist()  # bytes, of such a type
    found: list[bytes] = chunks
    return found


def _fee(rules: ShareRules, quantity: int, price: int) -> int:
    """Return the commission of a fill; micro-units."""
    return rules.fee(quantity * price)
