"""The orders of a strategy of shares that is called at every close: those that wait, and how they are filled.

An order waits for its symbol's next bar. Without a limit it fills at the bar's open; in a run that fills at closes, at that of
the decision, if the symbol has a bar that day. One with a limit fills at the open where that is good enough with slippage;
else at its limit where prices of the bar went through it, strictly: the exchange's own queue is not known. Sales come before
purchases at an open; inside a bar, where the order of events is not known, purchases come first, so that no sale pays for
them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_account import ShareAccount, ShareFill
from tradewinds.engine.shares.share_result import OrderOutcome
from tradewinds.engine.shares.share_rules import (
    ALREADY_HELD,
    LIQUIDITY,
    MAX_POSITIONS,
    NO_CASH,
    NO_NEXT_BAR,
    NO_VOLUME,
    NO_WHOLE_SHARE,
    NOTHING_HELD,
    RESTING,
    RESTING_SALE,
    SALE,
    STRATEGY,
    ShareRules,
)
from tradewinds.engine.stepwise.bar_view import INFINITY, NAN, NOTHING, BarState, WaitingOrder
from tradewinds.engine.stepwise.step_orders import (
    NO_SIZE,
    YES,
    Cancellation,
    OrderProblem,
    StepOrder,
    micro_of,
    price_on_grid,
    refuse_stops,
    taken_back,
    whole_quantity,
)


@dataclass(slots=True)
class ShareOrder:
    """An order that waits.

    Attributes:
        number: in order of placing.
        symbol: its index in Bars.
        is_sale: whether it sells.
        quantity: shares; None: of a purchase, what `value` buys, of a sale, all that is held.
        value: of a purchase; micro-units, None: the quantity says how much.
        limit: micro-units; None: any price.
        decided_day: days since 1970-01-01.
        signal_row: the symbol's latest bar at the decision.
        until: Unix s, or NEVER.
        reserved: cash that it may need; micro-units.
    """

    number: int
    symbol: int
    is_sale: bool
    quantity: int | None
    value: int | None
    limit: int | None
    decided_day: int
    signal_row: int
    until: int
    reserved: int = 0


class ShareDesk:
    """Takes orders, keeps those that wait, and fills them as bars come.

    Args:
        market: the trading days.
        rules: costs and limits.
        account: pays and is paid.
        state: what the strategy sees.
        books: whether to keep what the strategy asked for.

    Attributes:
        last_row: by symbol, its latest tradable bar of the run; -1 before the first.
        outcomes: what became of orders: fills and refusals.
        asked: all that the strategy returned, in order, with the day of the decision; None: nothing is kept.
    """

    def __init__(
        self, market: TradingDays, rules: ShareRules, account: ShareAccount, state: BarState, *, books: bool
    ) -> None:
        self.market, self.rules, self.account, self.state = market, rules, account, state
        self._low, self._high = market.bars.low.data, market.bars.high.data
        self.last_row = [-1] * len(market.bars.symbols)
        self.waiting: dict[int, ShareOrder] = {}
        self.outcomes: list[OrderOutcome] = []
        self.asked: list[tuple[int, Any]] | None = [] if books else None
        self._held_at_close: frozenset[int] = frozenset()
        self._sold_at_close: dict[int, int] = {}  # the latest day at whose close a symbol was sold
        self._placed = self._reserved = 0
        self._show_cash()

    # ---- what the strategy asks for ----

    def begin(self) -> None:
        """Begin the decision of a close: what is held now is not bought by it."""
        self._held_at_close = frozenset(self.account.held)

    def carry_out(self, wish: Any, day: int, problem: Callable[[str], Exception]) -> None:
        """Carry out one thing that a strategy returned.

        Args:
            wish: a StepOrder or a Cancellation.
            day: of the decision; days since 1970-01-01.
            problem: makes the error for what cannot be meant.
        """
        if self.asked is not None:
            self.asked.append((day, wish))
        try:
            if isinstance(wish, StepOrder):
                self._order(wish, day)
            elif isinstance(wish, Cancellation):
                self._cancel(wish)
            else:
                raise OrderProblem(f"a {type(wish).__name__} that is neither buy, sell, limit nor cancel")
        except OrderProblem as error:
            raise problem(str(error)) from None

    def _order(self, wish: StepOrder, day: int) -> None:
        """Fill an order, let it wait, or refuse it."""
        order = self._read(wish, day)
        held = self.account.held.get(order.symbol)
        if order.quantity == 0 or order.value == 0:
            self._refuse(order, NO_WHOLE_SHARE, day)
        elif not order.is_sale and (
            order.symbol in self._held_at_close or self._sold_at_close.get(order.symbol) == day
        ):
            self._refuse(order, ALREADY_HELD, day)
        elif order.is_sale and held is None:
            self._refuse(order, NOTHING_HELD, day)
        elif self.rules.same_close and self.market.day[order.signal_row] == day and self._at_close(order, day):
            return
        elif order.limit is not None and not order.is_sale:
            self._reserve(order, day)
        else:
            self._wait(order, day)

    def _read(self, wish: StepOrder, day: int) -> ShareOrder:
        """Return an order as whole numbers; raises OrderProblem for what cannot be meant."""
        symbol = self.state.index_of(wish.market)
        if symbol is None:
            raise OrderProblem(f"an order for {wish.market!r:.80}, which has had no bar")
        refuse_stops(wish)
        if wish.side != YES:
            raise OrderProblem(f"an order for the side {wish.side!r:.40}, which shares do not have")
        if not wish.is_sale and wish.quantity is None and wish.value is None:
            raise OrderProblem(NO_SIZE)
        limit = None if wish.price is None else price_on_grid(wish.price, 1, is_sale=wish.is_sale)
        if limit is not None and limit <= 0:
            raise OrderProblem(f"a limit of {wish.price!r:.40}, which is not above 0")
        value = None if wish.value is None else micro_of(wish.value, "value")
        if value is not None and value < 0:
            raise OrderProblem(f"a value of {wish.value!r:.40}")
        quantity = None if wish.quantity is None else whole_quantity(wish.quantity)
        until = NEVER if wish.until is None else micro_of(wish.until, "time") // MICRO
        row = self.last_row[symbol]
        return ShareOrder(self._placed + 1, symbol, wish.is_sale, quantity, value, limit, day, row, until)

    def _reserve(self, order: ShareOrder, day: int) -> None:
        """Let a limit to buy wait, with the cash that it may need, or refuse it because there is none."""
        limit = order.limit or 0
        wanted = order.quantity if order.value is None else order.value // limit
        quantity = self.rules.payable(wanted or 0, limit, self.account.cash - self._reserved)
        if quantity < 1:
            self._refuse(order, NO_CASH, day)
            return
        order.quantity, order.value = quantity, None
        order.reserved = quantity * limit + self.rules.fee(quantity * limit)
        self._reserved += order.reserved
        self._wait(order, day)

    def _wait(self, order: ShareOrder, day: int) -> None:
        """Keep an order, and show it."""
        self._placed += 1
        self.waiting[order.number] = order
        if order.reserved:
            self._show_cash()
        self.state.orders[order.number] = WaitingOrder(
            order.number,
            self.market.bars.symbols[order.symbol],
            order.is_sale,
            NAN if order.quantity is None else float(order.quantity),
            NAN if order.value is None else order.value / MICRO,
            NAN if order.limit is None else order.limit / MICRO,
            float(self.market.clock.close_ts(day)),
            INFINITY if order.until == NEVER else float(order.until),
        )

    def _cancel(self, wish: Cancellation) -> None:
        """Take back what waits; an order that does not wait any more needs no cancellation."""
        for order in taken_back(wish, self.waiting.values(), self.state.index_of):
            self._remove(order)

    # ---- what becomes of orders that wait ----

    def fill(self, day: int) -> None:
        """Fill the waiting orders by the bars of a day, and take back those whose time is over.

        Args:
            day: days since 1970-01-01.
        """
        market, last_row, waiting = self.market, self.last_row, self.waiting
        next_day, next_row = market.next_day, market.next_row
        ready = [
            (order, next_row[row])
            for order in waiting.values()
            if next_day[row := last_row[order.symbol]] == day  # its next bar that may be traded
        ]
        dated = [order for order in waiting.values() if order.until != NEVER]
        if dated:
            open_ts, close_ts = market.clock.open_ts(day), market.clock.close_ts(day)
        else:
            open_ts = close_ts = NEVER
        if len(ready) > 1:  # sales first, each kind in order of placing
            ready.sort(key=lambda pair: not pair[0].is_sale)
        for order, row in ready:
            if order.number in waiting and order.until >= open_ts:
                self._at_open(order, row, day)
        if not waiting:
            return
        for order, row in sorted(ready, key=lambda pair: pair[0].is_sale):
            if order.limit is not None and order.number in waiting and order.until >= close_ts:
                self._inside(order, row, day, order.limit)
        for order, row in ready if self.rules.same_close else ():
            if order.limit is None and order.number in waiting:
                self._execute(order, row, day, self._with_slippage(order, market.close[row]), at_close=True)
        for order in dated:
            if order.until <= close_ts and order.number in waiting:
                self._remove(order)

    def _at_open(self, order: ShareOrder, row: int, day: int) -> None:
        """Fill an order at the open of a bar, if it may be."""
        if order.limit is None and self.rules.same_close:
            return
        price = self._with_slippage(order, self.market.open[row])
        if order.limit is None or (self.market.can_fill[row] and _is_within(order, price)):
            self._execute(order, row, day, price, at_close=False)

    def _inside(self, order: ShareOrder, row: int, day: int, limit: int) -> None:
        """Fill an order at its limit, if prices of a bar went through it."""
        through = self._high[row] > limit if order.is_sale else self._low[row] < limit
        if through and self.market.can_fill[row]:
            self._execute(order, row, day, limit, at_close=True)

    def _at_close(self, order: ShareOrder, day: int) -> bool:
        """Fill an order at the close that made it, if it may be; returns whether it is dealt with."""
        row = order.signal_row
        price = self._with_slippage(order, self.market.close[row])
        if order.limit is not None and not (self.market.can_fill[row] and _is_within(order, price)):
            return False
        return self._execute(order, row, day, price, at_close=True)

    def _with_slippage(self, order: ShareOrder, price: int) -> int:
        """Return the price of a fill; micro-units."""
        return self.rules.sell_price(price) if order.is_sale else self.rules.buy_price(price)

    def _execute(self, order: ShareOrder, row: int, day: int, price: int, *, at_close: bool) -> bool:
        """Fill an order as far as the limits allow, or refuse it; returns False where a sale waits for a bar with volume.

        Args:
            order: the order.
            row: bar whose price the fill has.
            day: days since 1970-01-01.
            price: of the fill; micro-units.
            at_close: whether it is dated at the close of the day, else at the open.
        """
        symbol, account = order.symbol, self.account
        if order.is_sale:
            if not self.market.can_fill[row]:
                return False
            holding = account.held.get(symbol)
            assert holding is not None  # orders to sell end with the position
            quantity = holding.left if order.quantity is None else min(order.quantity, holding.left)
            fill = ShareFill(row, day, price, SALE if order.limit is None else RESTING_SALE, at_close)
            self._remove(order)
            if at_close and order.limit is None:
                self._sold_at_close[symbol] = day
            account.sell(holding, quantity, fill, day)
        else:
            self._remove(order)
            reason, quantity = self._allowed(order, row, price)
            if reason:
                self._refuse(order, reason, day, at_close=at_close)
                return True
            fill = ShareFill(row, day, price, STRATEGY if order.limit is None else RESTING, at_close)
            account.buy(symbol, order.decided_day, quantity, fill)
        self._note(order, quantity, fill)
        self.show_holding(symbol)
        return True

    def _allowed(self, order: ShareOrder, row: int, price: int) -> tuple[str, int]:
        """Return why a purchase at a bar is refused, or "" and the shares that it buys."""
        if not self.market.can_fill[row]:
            return NO_VOLUME, 0
        if order.symbol in self.account.held:
            return ALREADY_HELD, 0
        if len(self.account.held) >= self.rules.max_positions:
            return MAX_POSITIONS, 0
        wanted = order.quantity if order.value is None else order.value // price
        quantity = self.rules.payable(wanted or 0, price, self.account.cash - self._reserved)
        if quantity < 1:
            return NO_CASH, 0
        quantity = self.rules.within_volume(quantity, self.market.volume_limit[row])
        return ("", quantity) if quantity else (LIQUIDITY, 0)

    def end(self) -> None:
        """Refuse the purchases that no bar has come for."""
        for order in list(self.waiting.values()):
            self._remove(order)
            if not order.is_sale and order.limit is None:
                self._refuse(order, NO_NEXT_BAR, self.market.days[-1])

    def _remove(self, order: ShareOrder) -> None:
        """Take an order out of those that wait."""
        if self.waiting.pop(order.number, None) is not None:
            self.state.orders.pop(order.number, None)
            if order.reserved:
                self._reserved -= order.reserved
                self._show_cash()

    # ---- what is shown and kept of it ----

    def _show_cash(self) -> None:
        """Show the cash that orders can use, and the cash that is reserved."""
        self.state.cash_micro, self.state.reserved_micro = self.account.cash - self._reserved, self._reserved

    def show_holding(self, symbol: int) -> None:
        """Show what is held of a symbol; orders to sell what is not held any more are taken back.

        Args:
            symbol: its index in Bars.
        """
        holding = self.account.held.get(symbol)
        self.state.mark(symbol)
        self._show_cash()
        if holding is not None:
            price, entered = holding.entry_price / MICRO, float(holding.entry_ts)
            self.state.own[symbol] = float(holding.left), price, entered, self.state.date(holding.entry_day)
            return
        self.state.own[symbol] = NOTHING
        if self.waiting:
            for order in [o for o in self.waiting.values() if o.symbol == symbol and o.is_sale]:
                self._remove(order)

    def _note(self, order: ShareOrder, quantity: int, fill: ShareFill) -> None:
        """Keep a fill."""
        clock = self.market.clock
        ts = clock.close_ts(fill.day) if fill.at_close else clock.open_ts(fill.day)
        one = OrderOutcome(order.decided_day, order.symbol, order.is_sale, quantity, fill.price, fill.reason, True, ts)
        self.outcomes.append(one)

    def _refuse(self, order: ShareOrder, reason: str, day: int, *, at_close: bool = True) -> None:
        """Keep a refusal."""
        ts = self.market.clock.close_ts(day) if at_close else self.market.clock.open_ts(day)
        self.outcomes.append(OrderOutcome(order.decided_day, order.symbol, order.is_sale, 0, 0, reason, False, ts))


def _is_within(order: ShareOrder, price: int) -> bool:
    """Whether a price is as good as an order's limit."""
    limit = order.limit or 0
    return price >= limit if order.is_sale else price <= limit
