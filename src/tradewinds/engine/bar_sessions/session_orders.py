"""Orders of a strategy that is called at every minute, as whole numbers, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tradewinds.core.units import MICRO, NEVER
from tradewinds.engine.bar_sessions.step_rules import on_tick
from tradewinds.engine.stepwise.bar_view import NAN, WaitingOrder
from tradewinds.engine.stepwise.step_orders import YES, OrderProblem, StepOrder, micro_of, whole_quantity

LONG, SHORT = "long", "short"
_DIRECTIONS = {YES: 1, LONG: 1, SHORT: -1}

# reasons of refusals beyond session_result.ANSWERS
ALREADY_HELD, NOTHING_HELD = "ALREADY_HELD", "NOTHING_HELD"
NO_WHOLE_SHARE, NO_NEXT_BAR = "NO_WHOLE_SHARE", "NO_NEXT_BAR"
STRATEGY = "STRATEGY"  # reason of an entry


class SessionWish(NamedTuple):
    """What a strategy returned.

    Attributes:
        ts: of the decision; Unix s.
        ticker: the symbol; "" for the cancellation of one order.
        text: all that it says.
    """

    ts: int
    ticker: str
    text: str


class SessionOutcome(NamedTuple):
    """What became of an order: a fill or a refusal.

    Attributes:
        decided_ts: of the decision; Unix s.
        symbol: index of the symbol.
        direction: of the position that it opens or closes: 1 long, -1 short.
        is_exit: whether it closes a position.
        shares: filled; 0 for a refusal.
        price: of the fill; micro-units, 0 for a refusal.
        reason: of the refusal or of the exit; STRATEGY for an entry.
        filled: whether it is a fill.
        ts: when it is known; Unix s.
    """

    decided_ts: int
    symbol: int
    direction: int
    is_exit: bool
    shares: int
    price: int
    reason: str
    filled: bool
    ts: int


@dataclass(slots=True)
class SessionOrder:
    """An order that waits.

    Attributes:
        number: in order of placing.
        symbol: index of the symbol.
        is_exit: whether it closes what is held.
        direction: of the position that it opens or closes: 1 long, -1 short; 0: closes either.
        shares: None: of an exit, all that is held, of an entry, what `value` buys or `risk` says.
        value: of an entry; micro-units, None: it says none.
        limit: micro-units; None: it has none.
        trigger: micro-units; None: it is no stop order.
        stop: of the position that it opens; micro-units, None: it has none.
        decided_ts: Unix s.
        until: Unix s, or NEVER.
    """

    number: int
    symbol: int
    is_exit: bool
    direction: int
    shares: int | None
    value: int | None
    limit: int | None
    trigger: int | None
    stop: int | None
    decided_ts: int
    until: int

    def shown(self, ticker: str) -> WaitingOrder:
        """Return it as the strategy sees it."""
        return WaitingOrder(
            number=self.number,
            ticker=ticker,
            is_sale=self.is_exit,
            quantity=NAN if self.shares is None else float(self.shares),
            value=_shown(self.value),
            price=_shown(self.limit),
            placed_at=float(self.decided_ts),
            until=float("inf") if self.until == NEVER else float(self.until),
            trigger=_shown(self.trigger),
            side="" if self.is_exit else LONG if self.direction > 0 else SHORT,
        )


def _shown(micro: int | None) -> float:
    """Return an amount as a float; nan for none."""
    return NAN if micro is None else micro / MICRO


def direction_of(wish: StepOrder) -> int:
    """Return the direction of the position that an order opens or closes; 0 for a sale of whatever is held.

    Raises:
        OrderProblem: its side is none.
    """
    if wish.side not in _DIRECTIONS:
        raise OrderProblem(f"a side that is neither {LONG} nor {SHORT} ({wish.side!r:.40})")
    return 0 if wish.is_sale and wish.side == YES else _DIRECTIONS[wish.side]


def read_order(wish: StepOrder, symbol: int, d: int, tick: int, number: int, ts: int) -> SessionOrder:
    """Return an order as whole numbers, its prices on the tick on the side that fills less often, or for worse.

    Args:
        wish: as the strategy gave it.
        symbol: index of its symbol.
        d: direction of the position that it opens or closes; not 0.
        tick: micro-units; 0: none.
        number: of the order.
        ts: of the decision; Unix s.

    Raises:
        OrderProblem: it cannot be meant.
    """
    if wish.price is not None and wish.trigger is not None:
        raise OrderProblem("an order with a limit and a stop: give one of them")
    if wish.is_sale and wish.stop is not None:
        raise OrderProblem("a sale with a stop of its own: a stop belongs to the order that opens a position")
    buys = (d > 0) != wish.is_sale
    value = None if wish.value is None else micro_of(wish.value, "value")
    if value is not None and value < 0:
        raise OrderProblem(f"a value of {wish.value!r:.40}")
    return SessionOrder(
        number=number,
        symbol=symbol,
        is_exit=wish.is_sale,
        direction=d,
        shares=None if wish.quantity is None else whole_quantity(wish.quantity),
        value=value,
        limit=_level(wish.price, "limit", tick, up=not buys),
        trigger=_level(wish.trigger, "stop", tick, up=buys),
        stop=_level(wish.stop, "stop", tick, up=d < 0),
        decided_ts=ts,
        until=NEVER if wish.until is None else micro_of(wish.until, "time") // MICRO,
    )


def _level(price: float | None, name: str, tick: int, *, up: bool) -> int | None:
    """Return a price on the tick; micro-units, None for none."""
    if price is None:
        return None
    level = on_tick(micro_of(price, "price"), tick, up=up)
    if level <= 0:
        raise OrderProblem(f"a {name} of {price!r:.40}, which is not above 0")
    return level
