"""What a strategy of shares sees at a decision: floats of now and of the past, and nothing that leads to the future.

The loop writes into a `BarState` what has become visible, and holds everything else itself. No object that a strategy is given
refers to the loop, to bars that have not ended or to the account. Shares, bars and orders are tuples: a kept one says what was
visible then, and cannot be changed. The view itself closes when `on_decision` returns.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tradewinds.core.units import MICRO
from tradewinds.engine.stepwise.step_orders import micro_of, ticker_of, whole_quantity
from tradewinds.engine.stepwise.view_closed import DecisionState

NAN, INFINITY = float("nan"), float("inf")
Own = tuple[float, float, float, float]  # shares, price, entered, and the day of the entry since 1970-01-01
Column = tuple[list[float], "array[float]"]  # its numbers so far, and all bars of the symbol
# columns of a bar, as numbers one after the other
DAY, TIME, OPEN, HIGH, LOW, CLOSE, VOLUME = range(7)
WIDTH = 7
NOTHING: Own = (0.0, NAN, NAN, NAN)
_FIRST_DAY = dt.date(1970, 1, 1).toordinal()


class PastBar(NamedTuple):
    """A bar that has ended.

    Attributes:
        date: of its session.
        time: its end, when it became known; Unix s.
        open: first price.
        high: highest price.
        low: lowest price.
        close: last price.
        volume: shares traded; nan where the source does not know it.
    """

    date: dt.date
    time: float
    open: float
    high: float
    low: float
    close: float
    volume: float


class ShownShare(NamedTuple):
    """A share with its latest bar, and what the account holds of it.

    Attributes:
        ticker: the symbol.
        date: of the latest bar's session.
        time: end of the latest bar, which may be older than now; Unix s.
        open: first price of the bar.
        high: highest price of the bar.
        low: lowest price of the bar.
        close: last price of the bar.
        volume: shares traded in the bar; nan where the source does not know it.
        held: shares that the account holds; below 0 where it has sold shares that it does not own.
        price: mean price of what is held, without commission; nan without any.
        entered: when the position was opened; Unix s, nan without one.
        entry_date: date of the session in which it was; None without one.
    """

    ticker: str
    date: dt.date
    time: float
    open: float
    high: float
    low: float
    close: float
    volume: float
    held: float
    price: float
    entered: float
    entry_date: dt.date | None


class WaitingOrder(NamedTuple):
    """An order that has not been filled yet.

    Attributes:
        number: of the order, for `cancel`.
        ticker: the symbol.
        is_sale: whether it sells; of shares on minute bars, whether it closes what is held.
        quantity: shares; nan for a purchase of a value, and for a sale of all that is held.
        value: money for which a purchase buys; nan for a quantity.
        price: the limit; nan: it fills at whatever price is next.
        placed_at: Unix s.
        until: when it is taken back; Unix s, inf: never.
        trigger: of a stop order, the price that it waits for; nan: it is none.
        side: of an order that opens a position on minute bars, long or short; else "".
    """

    number: int
    ticker: str
    is_sale: bool
    quantity: float
    value: float
    price: float
    placed_at: float
    until: float
    trigger: float = NAN
    side: str = ""


class UnfilledOrder(Protocol):
    """An order that waits, as a loop keeps it: numbers and texts alone."""

    @property
    def symbol(self) -> int:
        """Index of its symbol."""

    def shown(self, ticker: str) -> WaitingOrder:
        """Return it as the strategy sees it.

        Args:
            ticker: of its symbol.
        """


class BarState:
    """What has become visible so far. The loop writes into it; views read it.

    Args:
        tickers: by idx, all symbols of the run, ascending. A view shows those that are in `shown`.
        fee_of: commission of a fill, from (shares, price in micro-units); micro-units.

    Attributes:
        latest: all bars so far of a symbol of which one has just ended: the decision is at the end of that.
        cash_micro: of the account, without what is reserved; micro-units.
        reserved_micro: cash that limits to buy have reserved; micro-units.
        past: by idx, all bars so far, WIDTH numbers each.
        past_of: the same by ticker.
        own: by idx, what the last four fields of ShownShare are made of.
        shown: idx of the symbols that are shown.
        orders: those that have not been filled, by number; the loop's own mapping.
        arrived: idx of the symbols with a bar since the last call.
        marked: idx of the symbols of which something else changed since the last call.
        columns: by column and ticker, those that were asked for.
        continued: those of them that the loop itself continues now, with every bar.
    """

    def __init__(self, tickers: Sequence[str], fee_of: Callable[[int, int], int]) -> None:
        self.latest = array("d")
        self.cash_micro = self.reserved_micro = 0
        self.fee_of = fee_of
        self.past: list[array[float]] = [array("d") for _ in tickers]
        self.past_of = dict(zip(tickers, self.past, strict=True))
        self.own: list[Own] = [NOTHING] * len(tickers)
        self.shown: set[int] = set()
        self.orders: Mapping[int, UnfilledOrder] = {}
        self.arrived: Sequence[int] = ()
        self.marked: set[int] = set()
        self._tickers, self._idx = tickers, {ticker: idx for idx, ticker in enumerate(tickers)}
        self._made: dict[int, tuple[int, Own, ShownShare]] = {}  # with the length of its past then, and what is held
        self._order: list[int] = []
        self.columns: list[dict[str, Column]] = [{} for _ in range(WIDTH)]
        self.continued: list[dict[str, list[float]]] = [{} for _ in range(WIDTH)]
        self._dates: dict[float, dt.date] = {}

    @property
    def now(self) -> float:
        """The decision time; Unix s."""
        return self.latest[TIME - WIDTH]

    @property
    def day(self) -> float:
        """Date of the decision; days since 1970-01-01."""
        return self.latest[DAY - WIDTH]

    def show(self, idx: Iterable[int]) -> None:
        """Show symbols from now on.

        Args:
            idx: of the symbols.
        """
        self.shown.update(idx)
        self._order = []

    def mark(self, idx: int) -> None:
        """Note that something of a symbol has changed.

        Args:
            idx: of the symbol.
        """
        self.marked.add(idx)

    def show_past(self, idx: int, numbers: bytes) -> None:
        """Show other bars of a symbol in place of those so far, such as the same ones after a split.

        Args:
            idx: of the symbol.
            numbers: WIDTH floats for each bar.
        """
        self.past[idx] = self.past_of[self._tickers[idx]] = array("d")
        self.past[idx].frombytes(numbers)
        self._made.pop(idx, None)
        for column in self.columns:
            column.pop(self._tickers[idx], None)

    def index_of(self, ticker: str) -> int | None:
        """Return the idx of a symbol that has had a bar; None for another one.

        Args:
            ticker: the symbol.
        """
        idx = self._idx.get(ticker)
        return idx if idx is not None and self.past[idx] else None

    def date(self, day: float) -> dt.date:
        """Return the date of a day.

        Args:
            day: days since 1970-01-01.
        """
        date = self._dates.get(day)
        if date is None:
            date = self._dates[day] = dt.date.fromordinal(_FIRST_DAY + int(day))
        return date

    def waiting(self) -> tuple[WaitingOrder, ...]:
        """Return the orders that have not been filled, in the order in which they were placed."""
        return tuple([order.shown(self._tickers[order.symbol]) for order in self.orders.values()])

    def shares(self) -> list[ShownShare]:
        """Return the symbols that are shown, by ticker; the list is the caller's own."""
        if not self._order:
            self._order = sorted(self.shown)
        return [self._share(idx) for idx in self._order]

    def changed_shares(self) -> list[ShownShare]:
        """Return the shown symbols of which something changed since the last call, by ticker."""
        return [self._share(idx) for idx in sorted(self.marked.union(self.arrived) & self.shown)]

    def share(self, ticker: str) -> ShownShare | None:
        """Return a symbol; None if it is not shown.

        Args:
            ticker: the symbol.
        """
        idx = self._idx.get(ticker)
        return self._share(idx) if idx is not None and idx in self.shown else None

    def _share(self, idx: int) -> ShownShare:
        """Return a symbol as it is now."""
        past = self.past[idx]
        found, own = self._made.get(idx), self.own[idx]
        if found is not None and found[0] == len(past) and found[1] is own:
            return found[2]
        day, time, open_, high, low, close, volume = past[-WIDTH:]
        date = self._dates.get(day) or self.date(day)
        held, price, entered, entry_day = own
        entry_date = self.date(entry_day) if held else None
        fields = (self._tickers[idx], date, time, open_, high, low, close, volume, held, price, entered, entry_date)
        share: ShownShare = tuple.__new__(ShownShare, fields)
        self._made[idx] = len(past), own, share
        return share

    def column(self, ticker: str, which: int, last: int | None) -> list[float]:
        """Return one number of each bar of a symbol, in order of time.

        Args:
            ticker: the symbol.
            which: the column.
            last: of so many bars, the latest ones; None: of all.
        """
        idx = self._idx.get(ticker)
        if idx is None:
            return []
        found = self.columns[which].setdefault(ticker, ([], self.past[idx]))
        column = _continued(found, which)
        if last is None:
            return column[:]
        return column[-last:] if last > 0 else []

    def bars(self, ticker: str, last: int | None) -> list[PastBar]:
        """Return bars of a symbol, in order of time.

        Args:
            ticker: the symbol.
            last: how many, the latest ones; None: all.
        """
        columns = [self.column(ticker, which, last) for which in range(WIDTH)]
        columns[DAY] = [self.date(day) for day in columns[DAY]]  # type: ignore[misc]  # a date in the place of its number
        return list(map(PastBar._make, zip(*columns, strict=True)))

    def continue_columns(self, idx: int) -> list[tuple[int, Callable[[float], None]]]:
        """Leave to the loop the columns of a symbol that were asked for so far.

        Args:
            idx: of the symbol.

        Returns:
            Which ones, and what appends a number to each; the loop does so at every bar until `stop_continuing`.
        """
        ticker, appends = self._tickers[idx], []
        for which, of_ticker in enumerate(self.columns):
            if ticker in of_ticker:
                column = self.continued[which][ticker] = _continued(of_ticker[ticker], which)
                appends.append((which, column.append))
        return appends

    def stop_continuing(self) -> None:
        """Take back what `continue_columns` has left to the loop."""
        for of_ticker in self.continued:
            of_ticker.clear()


def _continued(found: Column, which: int) -> list[float]:
    """Return a column up to now; mostly one bar is missing since it was asked for."""
    column, past = found
    missing = len(past) - len(column) * WIDTH
    if missing:
        column.extend(past[which - missing :: WIDTH])
    return column


def _reader(which: int, what: str) -> Callable[[BarView, Any, int | None], list[float]]:
    """Return a method of BarView that reads a column.

    It is called at every bar, so that what it mostly does stands in it, without a call.

    Args:
        which: the column.
        what: its numbers, for the documentation.
    """

    latest = which - WIDTH

    def read(self: BarView, market: Any, last: int | None = None) -> list[float]:
        state, ticker = self._state, market if type(market) is str else ticker_of(market)
        # the latest one, as it arrived
        if last == 1:
            if past := state.past_of.get(ticker):
                return [past[latest]]
        # some of a column, which the loop has continued, or which is continued here
        elif last and last > 0:
            if column := state.continued[which].get(ticker):
                return column[-last:]
            if found := state.columns[which].get(ticker):
                column, past = found
                missing = len(past) - len(column) * WIDTH
                if missing == WIDTH:
                    column.append(past[latest])
                elif missing:
                    column.extend(past[which - missing :: WIDTH])
                return column[-last:]
        # all of it, or what is asked for for the first time
        return state.column(ticker, which, last)

    read.__doc__ = f"""Return {what} of bars up to now, in order of time.

        Args:
            market: one of `markets`, or its ticker.
            last: of how many bars, the latest ones; None: all.
        """
    return read


class BarView(DecisionState[BarState]):
    """What is visible at a decision. It can be read until `on_decision` returns."""

    __slots__ = ()

    @property
    def now(self) -> float:
        """The decision time; Unix s."""
        return self._state.now

    @property
    def date(self) -> dt.date:
        """The date of the session."""
        state = self._state
        return state.date(state.day)

    @property
    def cash(self) -> float:
        """Cash that orders can use: without what limits to buy have reserved."""
        return self._state.cash_micro / MICRO

    @property
    def reserved(self) -> float:
        """Cash that limits to buy have reserved."""
        return self._state.reserved_micro / MICRO

    @property
    def markets(self) -> tuple[ShownShare, ...]:
        """All shares that have had a bar in the run, by ticker, each with its latest one."""
        return tuple(self._state.shares())

    @property
    def changed(self) -> tuple[ShownShare, ...]:
        """The shares with a new bar, and those of which something else changed since the last call, by ticker."""
        return tuple(self._state.changed_shares())

    @property
    def positions(self) -> tuple[ShownShare, ...]:
        """The shares of which the account holds some, by ticker."""
        return tuple([share for share in self._state.shares() if share.held])

    @property
    def orders(self) -> tuple[WaitingOrder, ...]:
        """The orders that have not been filled, in the order in which they were placed."""
        return self._state.waiting()

    def market(self, ticker: str) -> ShownShare | None:
        """Return a share; None if none of that ticker has had a bar in the run.

        Args:
            ticker: the symbol.
        """
        return self._state.share(ticker)

    def history(self, market: Any, last: int | None = None) -> list[PastBar]:
        """Return bars of a share up to now, in order of time, those before the run too.

        Args:
            market: one of `markets`, or its ticker.
            last: how many, the latest ones; None: all.
        """
        return self._state.bars(ticker_of(market), last)

    opens = _reader(OPEN, "the first prices")
    highs = _reader(HIGH, "the highest prices")
    lows = _reader(LOW, "the lowest prices")
    closes = _reader(CLOSE, "the last prices")
    volumes = _reader(VOLUME, "the shares traded")

    def fee(self, market: ShownShare, quantity: float, price: float | None = None) -> float:
        """Return the commission of a fill.

        Args:
            market: one of `markets`.
            quantity: shares.
            price: of the fill; None: the latest close.
        """
        micro = micro_of(market.close if price is None else price, "price")
        return self._state.fee_of(whole_quantity(quantity), micro) / MICRO
