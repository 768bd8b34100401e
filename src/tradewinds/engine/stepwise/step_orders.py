"""Orders that a strategy returns from `on_decision`, and how their floats become the whole numbers that decide money.

A strategy thinks in floats; the engine counts in integers. A float is first read to six decimals, which removes the noise of
binary arithmetic (0.1 + 0.2 is 0.3). Then a quantity is rounded down to whole units, and the price of a resting order is
rounded to the grid of the market on the side that fills less often: down for a purchase, up for a sale. So an order is never
filled at a worse price than the strategy wrote, and never for more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

from tradewinds.core.units import MICRO

YES, NO = "YES", "NO"
MOST = 2**40  # of a quantity: a larger one is a mistake


class OrderProblem(ValueError):
    """An order that cannot be meant: it ends the run, and the message says why."""


class StepOrder(NamedTuple):
    """A purchase or a sale.

    Attributes:
        market: its ticker.
        side: YES or NO.
        quantity: units, as the strategy gave it; None: of a sale, all that is held, of a purchase, what `value` buys.
        is_sale: whether it sells what is held.
        price: of a resting order, as the strategy gave it; None: at once, at the visible price.
        until: Unix seconds up to which a resting order rests; None: as long as the market is open.
        value: money for which a purchase buys, as the strategy gave it; None: the quantity says how much.
        trigger: price at which a stop order becomes one at the market, as the strategy gave it; None: it is no stop order.
        stop: price at which the position that it opens is closed again, as the strategy gave it; None: it has none.
    """

    market: str
    side: str
    quantity: float | None
    is_sale: bool
    price: float | None = None
    until: float | None = None
    value: float | None = None
    trigger: float | None = None
    stop: float | None = None


# Its own __new__ takes twice as long, and a strategy that trades calls it at many bars.
_new_order: Callable[[type[StepOrder], tuple[Any, ...]], StepOrder] = tuple.__new__


class Cancellation(NamedTuple):
    """The wish to take back resting orders.

    Attributes:
        market: all that rest in this market; "" for a single order.
        number: of the order; -1 for all of the market.
    """

    market: str
    number: int


class WaitingOfSymbol(Protocol):
    """An order that waits for bars of a symbol."""

    @property
    def number(self) -> int:
        """Of the order, as a Cancellation has it."""

    @property
    def symbol(self) -> int:
        """Index of its symbol."""


Waiting = TypeVar("Waiting", bound=WaitingOfSymbol)


def taken_back(wish: Cancellation, waiting: Iterable[Waiting], index_of: Callable[[str], int | None]) -> list[Waiting]:
    """Return the orders that a cancellation takes back; of one that does not wait any more, none.

    Args:
        wish: the cancellation.
        waiting: the orders that wait.
        index_of: index of a symbol that has had a bar; None for another one.

    Raises:
        OrderProblem: no bar of its market has been shown.
    """
    symbol = index_of(wish.market) if wish.market else None
    if wish.market and symbol is None:
        raise OrderProblem(f"a cancellation for {wish.market!r:.80}, which has had no bar")
    return [order for order in waiting if order.number == wish.number or order.symbol == symbol]


def buy(
    market: Any,
    quantity: float | None = None,
    side: str = YES,
    *,
    value: float | None = None,
    stop: float | None = None,
) -> StepOrder:
    """Return the order to buy: contracts at once at the ask, shares at the next price at which the run fills orders.

    Args:
        market: one of `view.markets`, or its ticker.
        quantity: contracts, shares, or coins; a part that is not traded is left out.
        side: of a contract, YES or NO; of a funding position, long_spot (as YES) or short_spot; of shares on minute bars,
            long (as YES) or short, which sells shares that are not owned.
        value: of shares and of a funding position, the money to buy for in place of a quantity. A funding position without
            either has the size that `risk` gives it, and so have shares on minute bars.
        stop: of shares on minute bars, the price at which the position is closed again; its distance from the entry is R.
    """
    if quantity is not None and value is not None:
        raise OrderProblem("buy takes a quantity or a value, not both")
    ticker = market if type(market) is str else ticker_of(market)
    return _new_order(StepOrder, (ticker, side, quantity, False, None, None, value, None, stop))


def sell(market: Any, quantity: float | None = None, side: str = YES) -> StepOrder:
    """Return the order to sell what is held, and never more than that: contracts at once at the bid, shares as they are bought.

    Args:
        market: one of `view.markets`, or its ticker.
        quantity: contracts or shares; a part of one is left out. None: all that is held.
        side: of a contract, the side that is held, YES or NO.
    """
    ticker = market if type(market) is str else ticker_of(market)
    return _new_order(StepOrder, (ticker, side, quantity, True, None, None, None, None, None))


def limit(order: StepOrder, price: float, until: float | None = None) -> StepOrder:
    """Return the same order as one that waits for a price.

    Args:
        order: from `buy` or `sell`.
        price: the most that is paid for one, or the least that it is sold for.
        until: Unix seconds after which it is taken back; None: when the market's window or the run ends.
    """
    if not isinstance(order, StepOrder):
        raise OrderProblem(f"limit needs an order from buy or sell, not {type(order).__name__}")
    return order._replace(price=price, until=until)


def stop(order: StepOrder, price: float, until: float | None = None) -> StepOrder:
    """Return the same order as one that waits until a price is reached, and is then filled at the market.

    Args:
        order: from `buy` or `sell`, of shares on minute bars.
        price: at or above it shares are bought, at or below it they are sold.
        until: Unix seconds after which it is taken back; None: when the session ends.
    """
    if not isinstance(order, StepOrder):
        raise OrderProblem(f"stop needs an order from buy or sell, not {type(order).__name__}")
    return order._replace(trigger=price, until=until)


def refuse_stops(order: StepOrder) -> None:
    """Raise OrderProblem for an order with a stop, in a market that has none.

    Args:
        order: what the strategy returned.
    """
    if order.trigger is not None or order.stop is not None:
        raise OrderProblem("an order with a stop, which this market does not have")


def cancel(what: Any) -> Cancellation:
    """Return the wish to take back one order, or all orders of a market.

    Args:
        what: one of `view.orders`; or one of `view.markets` or its ticker, for all orders of the market.
    """
    number = getattr(what, "number", None)
    return Cancellation("", number) if isinstance(number, int) else Cancellation(ticker_of(what), -1)


def micro_of(value: Any, name: str) -> int:
    """Return a number of a strategy in whole millionths, the nearest ones.

    Args:
        value: the number.
        name: what it is, for the error.

    Raises:
        OrderProblem: it is no finite number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise OrderProblem(f"a {name} that is no number ({value!r:.40})") from None
    if not math.isfinite(number) or isinstance(value, str):
        raise OrderProblem(f"a {name} that is no number ({value!r:.40})")
    return round(number * MICRO)


NO_SIZE = "an order to buy that says neither how much nor for how much money"


def whole_quantity(value: Any) -> int:
    """Return the whole units of a quantity, rounded down.

    Args:
        value: the quantity.

    Raises:
        OrderProblem: it is no number, below 0, or too large to be meant.
    """
    if type(value) is int and 0 <= value <= MOST:
        return value
    micro = micro_of(value, "quantity")
    if micro < 0 or micro > MOST * MICRO:
        raise OrderProblem(f"a quantity of {value!r:.40}")
    return micro // MICRO


def price_on_grid(value: Any, grid: int, *, is_sale: bool) -> int:
    """Return the price of a resting order on the grid of its market; micro-units.

    Args:
        value: the price.
        grid: of the market; micro-units.
        is_sale: sales are rounded up, purchases down.

    Raises:
        OrderProblem: it is no number.
    """
    micro = micro_of(value, "price")
    return -(-micro // grid) * grid if is_sale else micro // grid * grid


def ticker_of(market: Any) -> str:
    """Return the ticker of a market, or a text as it is.

    Args:
        market: one of `view.markets`, or its ticker.

    Raises:
        OrderProblem: it is neither.
    """
    ticker = market if isinstance(market, str) else getattr(market, "ticker", None)
    if not isinstance(ticker, str):
        raise OrderProblem(f"a market that is neither one of view.markets nor a ticker ({market!r:.40})")
    return ticker
