"""The orders of a strategy of shares that is called at every close: those that wait, and how they are filled.

An order waits for its symbol's next bar. Without a limit it fills at the bar's open; in a run that fills at closes, at that of
the decision, if the symbol has a bar that day. One with a limit fills at the open where that is good enough with slippage;
else at its limit where prices of the bar went through it, strictly: the exchange's own queue is not known. Sales come before
purchases at an open; inside a bar, where the order of events is not known, purchases come first, so that no sale pays for
them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.shares.bars import TradingDays
from tradewinds.engine.shares.share_account import ShareAccount
from tradewinds.engine.shares.share_orders import ShareOrder, new_order, terms_of
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
from tradewinds.engine.shares.step_books import StepRefusal
from tradewinds.engine.stepwise.bar_view import NOTHING, BarState
from tradewinds.engine.stepwise.step_orders import Cancellation, OrderProblem, StepOrder, taken_back


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
        waiting: the orders that wait, by number.
        refused: the refusals, in order of time.
        asked: all that the strategy returned, in order, with the day of the decision; None: nothing is kept.
    """

    def __init__(
        self, market: TradingDays, rules: ShareRules, account: ShareAccount, state: BarState, *, books: bool
    ) -> None:
        self.market, self.rules, self.account, self.state = market, rules, account, state
        self._low, self._high = market.bars.low.data, market.bars.high.data
        self._same_close, self._slips = rules.same_close, bool(rules.slippage)
        self.last_row = [-1] * len(market.bars.symbols)
        self.waiting: dict[int, ShareOrder] = {}
        state.orders = self.waiting
        self.refused: list[StepRefusal] = []
        self.asked: list[tuple[int, Any]] | None = [] if books else None
        self._held_at_close: Collection[int] = account.held
        self._sold_at_close: dict[int, int] = {}  # the latest day at whose close a symbol was sold
        self._placed = self._reserved = 0
        self._show_cash()

    # ---- what the strategy asks for ----

    def carry_out(self, wishes: Sequence[Any], day: int, problem: Callable[[str], Exception]) -> None:
        """Carry out what a strategy returned.

        Args:
            wishes: StepOrders and Cancellations.
            day: of the decision; days since 1970-01-01.
            problem: makes the error for what cannot be meant.
        """
        if self._same_close:  # what is held now is not bought by this decision, also if it is sold by it
            self._held_at_close = frozenset(self.account.held)
        for wish in wishes:
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
        ticker, _, _, is_sale, _, _, _, _, _ = wish
        symbol = self.state.index_of(ticker)
        if symbol is None:
            raise OrderProblem(f"an order for {ticker!r:.80}, which has had no bar")
        quantity, value, limit, until = terms_of(wish)
        row = self.last_row[symbol]
        terms = (self._placed + 1, symbol, is_sale, quantity, value, limit, until, day, row, self.state.now, 0)
        order = new_order(ShareOrder, terms)
        if quantity == 0 or value == 0:
            self._refuse(order, NO_WHOLE_SHARE, day)
        elif not is_sale and (symbol in self._held_at_close or self._sold_at_close.get(symbol) == day):
            self._refuse(order, ALREADY_HELD, day)
        elif is_sale and symbol not in self.account.held:
            self._refuse(order, NOTHING_HELD, day)
        elif self._same_close and self.market.day[row] == day and self._at_close(order, day):
            return
        elif limit is not None and not is_sale:
            self._reserve(order, limit, day)
        else:
            self._placed += 1
            self.waiting[self._placed] = order

    def _reserve(self, order: ShareOrder, limit: int, day: int) -> None:
        """Let a limit to buy wait, with the cash that it may need, or refuse it because there is none."""
        wanted = order.quantity if order.value is None else order.value // limit
        quantity = self.rules.payable(wanted or 0, limit, self.account.cash - self._reserved)
        if quantity < 1:
            self._refuse(order, NO_CASH, day)
            return
        reserved = quantity * limit + self.rules.fee(quantity * limit)
        self._reserved += reserved
        self._show_cash()
        self._placed += 1
        self.waiting[self._placed] = order._replace(quantity=quantity, value=None, reserved=reserved)

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
        if len(waiting) == 1 and not self._same_close:  # mostly one order for the open, of which there is less to ask
            [order] = waiting.values()
            _, symbol, _, _, _, limit, until, _, _, _, _ = order
            if limit is None and until == NEVER:
                row = last_row[symbol]
                if next_day[row] == day:
                    row = next_row[row]
                    price = market.open[row]
                    price = self._with_slippage(order, price) if self._slips else price
                    self._execute(order, row, day, price, False)
                return
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
        for order, row in ready if self._same_close else ():
            if order.limit is None and order.number in waiting:
                self._execute(order, row, day, self._with_slippage(order, market.close[row]), True)
        for order in dated:
            if order.until <= close_ts and order.number in waiting:
                self._remove(order)

    def _at_open(self, order: ShareOrder, row: int, day: int) -> None:
        """Fill an order at the open of a bar, if it may be."""
        if order.limit is None and self._same_close:
            return
        price = self._with_slippage(order, self.market.open[row])
        if order.limit is None or (self.market.can_fill[row] and order.is_within(price)):
            self._execute(order, row, day, price, False)

    def _inside(self, order: ShareOrder, row: int, day: int, limit: int) -> None:
        """Fill an order at its limit, if prices of a bar went through it."""
        through = self._high[row] > limit if order.is_sale else self._low[row] < limit
        if through and self.market.can_fill[row]:
            self._execute(order, row, day, limit, True)

    def _at_close(self, order: ShareOrder, day: int) -> bool:
        """Fill an order at the close that made it, if it may be; returns whether it is dealt with."""
        row = order.signal_row
        price = self._with_slippage(order, self.market.close[row])
        if order.limit is not None and not (self.market.can_fill[row] and order.is_within(price)):
            return False
        return self._execute(order, row, day, price, True)

    def _with_slippage(self, order: ShareOrder, price: int) -> int:
        """Return the price of a fill; micro-units."""
        return self.rules.sell_price(price) if order.is_sale else self.rules.buy_price(price)

    def _execute(self, order: ShareOrder, row: int, day: int, price: int, at_close: bool) -> bool:
        """Fill an order as far as the limits allow, or refuse it; returns False where a sale waits for a bar with volume.

        Args:
            order: the order.
            row: bar whose price the fill has.
            day: days since 1970-01-01.
            price: of the fill; micro-units.
            at_close: whether it is dated at the close of the day, else at the open.
        """
        number, symbol, is_sale, quantity, value, limit, _, decided, _, _, reserved = order
        account, state = self.account, self.state
        if is_sale and not self.market.can_fill[row]:
            return False
        self.waiting.pop(number, None)  # one that fills at the close which made it does not wait
        if reserved:
            self._free(order)
        if is_sale:
            if not account.pays_for_sale(symbol, quantity, price, self._reserved):
                self._refuse(order, NO_CASH, day, at_close=at_close)
                return True
            if at_close and limit is None:
                self._sold_at_close[symbol] = day
            account.sell(
                symbol, quantity, row, day, price, SALE if limit is None else RESTING_SALE, at_close, decided, day
            )
            self.show_sale(symbol)
            return True
        refusal, bought = self._allowed(symbol, quantity if value is None else value // price, row, price)
        if refusal:
            self._refuse(order, refusal, day, at_close=at_close)
            return True
        account.buy(symbol, bought, row, day, price, STRATEGY if limit is None else RESTING, at_close, decided)
        clock = self.market.clock
        entered = clock.close_ts(day) if at_close else clock.open_ts(day)
        state.own[symbol] = float(bought), price / MICRO, float(entered), day
        state.marked.add(symbol)
        state.cash_micro = account.cash - self._reserved
        return True

    def _allowed(self, symbol: int, wanted: int | None, row: int, price: int) -> tuple[str, int]:
        """Return why a purchase at a bar is refused, or "" and the shares that it buys."""
        if not self.market.can_fill[row]:
            return NO_VOLUME, 0
        account, rules = self.account, self.rules
        if symbol in account.held:
            return ALREADY_HELD, 0
        if len(account.held) >= rules.max_positions:
            return MAX_POSITIONS, 0
        quantity = rules.payable(wanted or 0, price, account.cash - self._reserved)
        if quantity < 1:
            return NO_CASH, 0
        if rules.max_volume_share is not None:
            quantity = rules.within_volume(quantity, self.market.volume_limit[row])
        return ("", quantity) if quantity else (LIQUIDITY, 0)

    def end(self) -> None:
        """Refuse the purchases that no bar has come for."""
        for order in list(self.waiting.values()):
            self._remove(order)
            if not order.is_sale and order.limit is None:
                self._refuse(order, NO_NEXT_BAR, self.market.days[-1])

    def _remove(self, order: ShareOrder) -> None:
        """Take an order out of those that wait."""
        if self.waiting.pop(order.number, None) is not None and order.reserved:
            self._free(order)

    def _free(self, order: ShareOrder) -> None:
        """Give back the cash that an order has reserved."""
        self._reserved -= order.reserved
        self._show_cash()

    # ---- what is shown and kept of it ----

    def _show_cash(self) -> None:
        """Show the cash that orders can use, and the cash that is reserved."""
        self.state.cash_micro, self.state.reserved_micro = self.account.cash - self._reserved, self._reserved

    def show_sale(self, symbol: int) -> None:
        """Show what is left of a position; orders to sell what is not held any more are taken back.

        Args:
            symbol: its index in Bars.
        """
        account, state = self.account, self.state
        holding, own = account.held.get(symbol), state.own
        state.marked.add(symbol)
        state.cash_micro = account.cash - self._reserved
        if holding is not None:
            own[symbol] = float(holding.left), *own[symbol][1:]
            return
        own[symbol] = NOTHING
        if self.waiting:
            for order in [o for o in self.waiting.values() if o.symbol == symbol and o.is_sale]:
                self._remove(order)

    def _refuse(self, order: ShareOrder, reason: str, day: int, *, at_close: bool = True) -> None:
        """Keep a refusal."""
        ts = self.market.clock.close_ts(day) if at_close else self.market.clock.open_ts(day)
        outcome = OrderOutcome(order.decided_day, order.symbol, order.is_sale, 0, 0, reason, False, ts)
        self.refused.append(StepRefusal(len(self.account.fills), outcome))
