"""The orders of a strategy that is called at every minute: those that wait, and how bars fill them.

An order waits for its symbol's next bar of the session. Without a limit or a stop it fills at the bar's open. A stop order
fills at the open if the open has reached its price, else at its price if the bar does; a limit only where prices go through
it, strictly: at an open beyond it, else at its price. In a bar exits come before entries, and `trade.intrabar` says whether
stops or limits come first where a bar reaches both. At most one position is opened in a symbol and bar, and none in a bar at
whose start one was held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tradewinds.core.units import MICRO
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import INTRABAR, SIZING, OrbRules
from tradewinds.engine.bar_sessions.session_account import (
    RESTING_SALE,
    SALE,
    SESSION_END,
    STOP,
    STOP_SALE,
    SessionAccount,
    SessionPosition,
)
from tradewinds.engine.bar_sessions.session_orders import (
    ALREADY_HELD,
    NO_NEXT_BAR,
    NO_WHOLE_SHARE,
    NOTHING_HELD,
    STRATEGY,
    SessionOrder,
    SessionOutcome,
    SessionWish,
    direction_of,
    read_order,
)
from tradewinds.engine.bar_sessions.session_result import EXITS
from tradewinds.engine.bar_sessions.session_view import SessionState
from tradewinds.engine.stepwise.bar_view import NOTHING
from tradewinds.engine.stepwise.step_orders import Cancellation, OrderProblem, StepOrder, taken_back

PESSIMISTIC, PATH, OPTIMISTIC = INTRABAR
AT_OPEN, BY_STOP, BY_LIMIT = "at the open", "by a stop order", "by a limit"  # how a position was entered in a bar


class BarExit(NamedTuple):
    """An exit that a bar makes.

    Attributes:
        order: None: the stop of the position.
        shares: how many.
        raw: price before slippage; micro-units.
        reason: index into EXITS.
    """

    order: SessionOrder | None
    shares: int
    raw: int
    reason: int


class SessionDesk:
    """Takes orders, keeps those that wait, and fills them as bars come.

    Args:
        bars: of all symbols.
        rules: of the run.
        account: pays and is paid.
        state: what the strategy sees.

    Attributes:
        waiting: orders that are not filled, by number.
        outcomes: what became of orders.
        wishes: all that the strategy asked for, in order.
        ambiguous: bars in which the order of events inside a bar matters.
    """

    def __init__(self, bars: MinuteBars, rules: OrbRules, account: SessionAccount, state: SessionState) -> None:
        self.bars, self.rules, self.account, self.state = bars, rules, account, state
        self._open, self._close = bars.open.data, bars.close.data
        self._high, self._low = bars.high.data, bars.low.data
        self._tick, self._policy = rules.sessions.tick, INTRABAR[rules.sessions.intrabar]
        self._sized_by_risk = SIZING[rules.sessions.sizing] != "fixed_shares"
        self._bar_seconds = 60 * bars.bar_minutes
        self.waiting: dict[int, SessionOrder] = {}
        state.orders = self.waiting
        self.outcomes: list[SessionOutcome] = []
        self.wishes: list[SessionWish] = []
        self.ambiguous = self._placed = 0

    # ---- what the strategy asks for ----

    def carry_out(self, wish: Any, ts: int, problem: Callable[[str], Exception]) -> None:
        """Carry out one thing that a strategy returned.

        Args:
            wish: a StepOrder or a Cancellation.
            ts: of the decision; Unix s.
            problem: makes the error for what cannot be meant.
        """
        self.wishes.append(SessionWish(ts, str(getattr(wish, "market", "")), repr(wish)))
        try:
            if isinstance(wish, Cancellation):
                self._cancel(wish)
            elif isinstance(wish, StepOrder):
                self._order(wish, ts)
            else:
                raise OrderProblem(f"a {type(wish).__name__} that is neither buy, sell, limit, stop nor cancel")
        except OrderProblem as error:
            raise problem(str(error)) from None

    def _order(self, wish: StepOrder, ts: int) -> None:
        """Let an order wait, or refuse it."""
        symbol = self.state.index_of(wish.market)
        if symbol is None:
            raise OrderProblem(f"an order for {wish.market!r:.80}, which has had no bar")
        held, d = self.account.held.get(symbol), direction_of(wish)
        d = d or (held.d if held else 1)
        order = read_order(wish, symbol, d, self._tick, self._placed + 1, ts)
        says_size = order.shares is not None or order.value is not None
        if not order.is_exit and not says_size and order.stop is None and self._sized_by_risk:
            what = (
                "an order to buy that says neither how much nor for how much money, nor a stop from which risk.sizing"
            )
            raise OrderProblem(f"{what} could find its size")
        if order.shares == 0 or order.value == 0:
            self._refuse(order, NO_WHOLE_SHARE, ts)
        elif not order.is_exit and held is not None:
            self._refuse(order, ALREADY_HELD, ts)
        elif order.is_exit and (held is None or held.d != d):
            self._refuse(order, NOTHING_HELD, ts)
        else:
            self._placed += 1
            self.waiting[order.number] = order

    def _cancel(self, wish: Cancellation) -> None:
        """Take back what waits; an order that does not wait any more needs no cancellation."""
        for order in taken_back(wish, self.waiting.values(), self.state.index_of):
            self._remove(order)

    # ---- a minute ----

    def minute(self, rows: Mapping[int, int], ts: int) -> None:
        """Let the bars of a minute fill orders: first exits of all symbols, then entries, and take back what is over.

        Args:
            rows: by symbol with a bar, its row of the bars, in order of symbols.
            ts: start of the bars; Unix s.
        """
        account = self.account
        account.begin_minute()
        for symbol, row in rows.items():
            position = account.held.get(symbol)
            if position is not None:
                self._hold(position, row, ts)
        account.count_closings(ts)
        if self.waiting:
            self._enter(rows, ts)
            for order in [order for order in self.waiting.values() if order.until <= ts + self._bar_seconds]:
                self._remove(order)

    # ---- exits ----

    def _hold(self, position: SessionPosition, row: int, ts: int) -> None:
        """Pass a bar over a position that was held at its start."""
        open_ = self._open[row]
        orders = [order for order in self.waiting.values() if order.symbol == position.symbol and order.is_exit]
        if self.account.flattens(ts):
            legs = [BarExit(None, position.left, open_, SESSION_END)]
        else:
            legs = self._at_open(position, [order for order in orders if order.until >= ts], open_)
        if sum(leg.shares for leg in legs) == position.left:
            position.widen(open_, open_)
        self._execute(position, legs, ts)
        if position.left:
            self._inside(position, row, ts, AT_OPEN)

    def _at_open(self, position: SessionPosition, orders: list[SessionOrder], open_: int) -> list[BarExit]:
        """Return the exits that an open makes: orders at the market, stops that it has reached, limits that it is beyond."""
        d = position.d
        at_market = [(None, order, SALE) for order in orders if order.limit is None and order.trigger is None]
        stops = [stop for stop in _stops(position, orders) if d * (open_ - stop[0]) <= 0]
        limits = [limit for limit in _limits(position, orders) if d * (open_ - limit[0]) > 0]
        found = [*at_market, *stops, *limits]
        return _shared_out([(open_, order, reason) for _, order, reason in found], position.left)

    def _inside(self, position: SessionPosition, row: int, ts: int, entered: str) -> None:
        """Pass the rest of a bar over a position, after its open or after the entry inside it."""
        position.widen(self._high[row], self._low[row])
        end_ts = ts + self._bar_seconds
        orders = [
            order
            for order in self.waiting.values()
            if order.symbol == position.symbol and order.is_exit and order.until >= end_ts
        ]
        if not orders and not self._reaches_stop(position, row):
            return
        by_policy = {policy: self._legs(position, orders, row, policy, entered) for policy in INTRABAR}
        legs = by_policy[self._policy]
        self.ambiguous += any(other != legs for other in by_policy.values())
        self._execute(position, legs, end_ts)

    def _reaches_stop(self, position: SessionPosition, row: int) -> bool:
        """Whether a bar reaches a position's own stop."""
        bad = self._low[row] if position.d > 0 else self._high[row]
        return position.stop is not None and position.d * (bad - position.stop) <= 0

    def _legs(
        self, position: SessionPosition, orders: list[SessionOrder], row: int, policy: str, entered: str
    ) -> list[BarExit]:
        """Return the exits that a bar makes inside, under one order of events.

        What was entered inside the bar has no orders to leave it yet, and a stop at most. A limit is reached before the prices
        beyond it, so they count; for a stop order the other extreme may come before the entry.
        """
        open_, close, d = self._open[row], self._close[row], position.d
        good, bad = (self._high[row], self._low[row]) if d > 0 else (self._low[row], self._high[row])
        good_first = abs(good - open_) <= abs(bad - open_)
        stops = [stop for stop in _stops(position, orders) if d * (bad - stop[0]) <= 0]
        limits = [limit for limit in _limits(position, orders) if d * (good - limit[0]) > 0]
        if entered == BY_STOP and policy != PESSIMISTIC and not (policy == PATH and good_first):
            stops = [stop for stop in stops if d * (close - stop[0]) <= 0]
        limits_first = policy == OPTIMISTIC or (policy == PATH and good_first)
        return _shared_out([*limits, *stops] if limits_first else [*stops, *limits], position.left)

    def _execute(self, position: SessionPosition, legs: list[BarExit], ts: int) -> None:
        """Make exits."""
        for leg in legs:
            price = self.account.leave(position, leg.shares, leg.raw, ts, leg.reason)
            if leg.order is not None:
                self._remove(leg.order)
                self._note(leg.order, leg.shares, price, EXITS[leg.reason], ts)
        if legs:
            self._show(position.symbol)

    # ---- entries ----

    def _enter(self, rows: Mapping[int, int], ts: int) -> None:
        """Fill the entries of a minute: at the open in order of placing, then inside, of each symbol the nearest first."""
        orders = [order for order in self.waiting.values() if not order.is_exit and order.symbol in rows]
        for order in orders:
            if order.until >= ts and self._is_at_open(order, self._open[rows[order.symbol]]):
                self._try(order, rows[order.symbol], self._open[rows[order.symbol]], ts, AT_OPEN)
        reached: dict[int, list[tuple[int, int, SessionOrder]]] = {}
        for order in orders:
            row = rows[order.symbol]
            inside = order.number in self.waiting and order.until >= ts + self._bar_seconds
            if inside and (level := self._reached(order, row)) is not None:
                distance = abs(level - self._open[row])
                reached.setdefault(order.symbol, []).append((distance, order.number, order))
        for symbol, found in reached.items():
            for _, _, order in sorted(found, key=lambda each: each[:2]):
                level = order.limit if order.trigger is None else order.trigger
                assert level is not None  # only orders with one wait for the inside of a bar
                self._try(order, rows[symbol], level, ts, BY_LIMIT if order.trigger is None else BY_STOP)

    @staticmethod
    def _is_at_open(order: SessionOrder, open_: int) -> bool:
        """Whether an entry fills at the open of a bar."""
        if order.limit is not None:
            return order.direction * (order.limit - open_) > 0
        return order.trigger is None or order.direction * (open_ - order.trigger) >= 0

    def _reached(self, order: SessionOrder, row: int) -> int | None:
        """Return the price at which an entry fills inside a bar; None if it does not."""
        d = order.direction
        if order.trigger is not None:
            good = self._high[row] if d > 0 else self._low[row]
            return order.trigger if d * (good - order.trigger) >= 0 else None
        if order.limit is None:
            return None
        bad = self._low[row] if d > 0 else self._high[row]
        return order.limit if d * (order.limit - bad) > 0 else None

    def _try(self, order: SessionOrder, row: int, raw: int, ts: int, how: str) -> None:
        """Enter, and pass the rest of the bar over the position; or refuse. Either way the order waits no more."""
        self._remove(order)
        fill_ts = ts if how == AT_OPEN else ts + self._bar_seconds
        held_before = order.symbol in self.account.held_before
        reason = ALREADY_HELD if held_before else self.account.enter(order, row, raw, ts, fill_ts)
        if reason:
            self._refuse(order, reason, fill_ts)
            return
        position = self.account.held[order.symbol]
        self._note(order, position.shares, position.fill, STRATEGY, fill_ts)
        self._show(order.symbol)
        self._inside(position, row, ts, how)

    # ---- the end of a session ----

    def end_session(self, last_rows: Mapping[int, int], opens_at: int, closes_at: int) -> int:
        """Close what is held at the close of its last bar, and take back all orders.

        Args:
            last_rows: by symbol with a bar in the session, its last one.
            opens_at: of the session; Unix s.
            closes_at: of the session; Unix s.

        Returns:
            The positions whose last bar ended more than five minutes before the close.
        """
        stale = 0
        for order in list(self.waiting.values()):
            self._remove(order)
            if not order.is_exit and order.limit is None and order.trigger is None:
                self._refuse(order, NO_NEXT_BAR, closes_at)
        for symbol in sorted(self.account.held):
            position, row = self.account.held[symbol], last_rows[symbol]
            end_ts = opens_at + 60 * int(self.bars.minute[row]) + self._bar_seconds
            stale += closes_at - end_ts > _STALE_SECONDS
            self._execute(position, [BarExit(None, position.left, self._close[row], SESSION_END)], end_ts)
        return stale

    # ---- what is shown and kept of it ----

    def _remove(self, order: SessionOrder) -> None:
        """Take an order out of those that wait."""
        self.waiting.pop(order.number, None)

    def _show(self, symbol: int) -> None:
        """Show what is held of a symbol; orders to close what is not held any more are taken back."""
        position, state = self.account.held.get(symbol), self.state
        state.mark(symbol)
        state.cash_micro = sum(self.account.cash)
        if position is not None:
            shares, price = float(position.d * position.left), position.fill / MICRO
            state.own[symbol] = shares, price, float(position.entry_ts), state.day
            return
        state.own[symbol] = NOTHING
        for order in [order for order in self.waiting.values() if order.symbol == symbol and order.is_exit]:
            self._remove(order)

    def _note(self, order: SessionOrder, shares: int, price: int, reason: str, ts: int) -> None:
        """Keep a fill."""
        of = (order.decided_ts, order.symbol, order.direction, order.is_exit)
        self.outcomes.append(SessionOutcome(*of, shares, price, reason, True, ts))

    def _refuse(self, order: SessionOrder, reason: str, ts: int) -> None:
        """Keep a refusal."""
        of = (order.decided_ts, order.symbol, order.direction, order.is_exit)
        self.outcomes.append(SessionOutcome(*of, 0, 0, reason, False, ts))


_STALE_SECONDS = 300  # as in pass.h
Exit = tuple[int, SessionOrder | None, int]  # price, order (None: the position's own stop), index into EXITS


def _stops(position: SessionPosition, orders: list[SessionOrder]) -> list[Exit]:
    """Return the position's stop and the stop orders that close it, the nearest to the price first."""
    found: list[Exit] = [] if position.stop is None else [(position.stop, None, STOP)]
    found += [(order.trigger, order, STOP_SALE) for order in orders if order.trigger is not None]
    return sorted(found, key=lambda stop: -position.d * stop[0])


def _limits(position: SessionPosition, orders: list[SessionOrder]) -> list[Exit]:
    """Return the limits that close a position, the nearest to the price first."""
    found: list[Exit] = [(order.limit, order, RESTING_SALE) for order in orders if order.limit is not None]
    return sorted(found, key=lambda limit: position.d * limit[0])


def _shared_out(exits: list[Exit], left: int) -> list[BarExit]:
    """Return the legs of some exits in their order, as far as there are shares for them.

    Args:
        exits: in order.
        left: shares held.
    """
    legs = []
    for raw, order, reason in exits:
        shares = left if order is None or order.shares is None else min(order.shares, left)
        if shares:
            legs.append(BarExit(order, shares, raw, reason))
            left -= shares
    return legs
