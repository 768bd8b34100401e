"""Orders of a strategy of shares that is called at every close, as whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.stepwise.bar_view import INFINITY, NAN, WaitingOrder
from tradewinds.engine.stepwise.step_orders import (
    MOST,
    NO_SIZE,
    YES,
    OrderProblem,
    StepOrder,
    micro_of,
    price_on_grid,
    refuse_stops,
    whole_quantity,
)


class ShareOrder(NamedTuple):
    """An order that waits: numbers alone, since what a strategy is shown is made from it.

    Attributes:
        number: in order of placing.
        symbol: its index in Bars.
        is_sale: whether it sells.
        quantity: shares; None: of a purchase, what `value` buys, of a sale, all that is held.
        value: of a purchase; micro-units, None: the quantity says how much.
        limit: micro-units; None: any price.
        until: Unix s, or NEVER.
        decided_day: days since 1970-01-01.
        signal_row: the symbol's latest bar at the decision.
        placed_at: the decision time; Unix s.
        reserved: cash that it may need; micro-units.
    """

    number: int
    symbol: int
    is_sale: bool
    quantity: int | None
    value: int | None
    limit: int | None
    until: int
    decided_day: int
    signal_row: int
    placed_at: float
    reserved: int = 0

    def shown(self, ticker: str) -> WaitingOrder:
        """Return it as the strategy sees it.

        Args:
            ticker: of its symbol.
        """
        return WaitingOrder(
            self.number,
            ticker,
            self.is_sale,
            NAN if self.quantity is None else float(self.quantity),
            NAN if self.value is None else self.value / MICRO,
            NAN if self.limit is None else self.limit / MICRO,
            self.placed_at,
            INFINITY if self.until == NEVER else float(self.until),
        )

    def is_within(self, price: int) -> bool:
        """Whether a price is as good as the limit.

        Args:
            price: micro-units.
        """
        limit = self.limit or 0
        return price >= limit if self.is_sale else price <= limit


# Its own __new__ takes twice as long.
new_order: Callable[[type[ShareOrder], tuple[Any, ...]], ShareOrder] = tuple.__new__


def terms_of(wish: StepOrder) -> tuple[int | None, int | None, int | None, int]:
    """Return quantity, value, limit and until of an order, as a ShareOrder has them.

    Args:
        wish: as the strategy gave it.

    Raises:
        OrderProblem: it cannot be meant.
    """
    _, side, quantity, is_sale, price, until, value, trigger, stop = wish
    # most orders say a whole number of shares, or all of them, and nothing else
    if price is None and until is None and value is None and trigger is None and stop is None and side == YES:
        if type(quantity) is int and 0 <= quantity <= MOST:
            return quantity, None, None, NEVER
        if quantity is None and is_sale:
            return None, None, None, NEVER
    refuse_stops(wish)
    if side != YES:
        raise OrderProblem(f"an order for the side {side!r:.40}, which shares do not have")
    if not is_sale and quantity is None and value is None:
        raise OrderProblem(NO_SIZE)
    limit = None if price is None else price_on_grid(price, 1, is_sale=is_sale)
    if limit is not None and limit <= 0:
        raise OrderProblem(f"a limit of {price!r:.40}, which is not above 0")
    micro = None if value is None else micro_of(value, "value")
    if micro is not None and micro < 0:
        raise OrderProblem(f"a value of {value!r:.40}")
    whole = None if quantity is None else whole_quantity(quantity)
    return whole, micro, limit, NEVER if until is None else micro_of(until, "time") // MICRO
