"""Resting orders, and what a candle proves of their being filled.

A candle that ends at e covers (e − period, e] and is known at e. It can fill orders that were placed by its beginning, at e. An
order to buy at P is filled

- whole, if the market went through it: an ask or a trade of the candle was strictly below P. The price then went against the
  order, so leaving out such a fill would flatter;
- at P itself only if every trade of the candle was at P, and then for no more than a share of what was traded so while the
  order rested. A price that touches P and turns favours the order, so it is believed as little as can be proved.

The queue at a price is the account's own as well: of two orders at one price the older one is served first,
and what was traded in a candle serves one of them.
An order to sell at P is an order to buy the other side at 1 − P.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.step_tape import ContractTape


@dataclass(slots=True)
class OrderAtRest:
    """An order that waits for its price.

    Attributes:
        number: of the order, in order of placing.
        idx: of the contract.
        side: that is bought; of a sale the other side of what is sold.
        is_sale: whether it sells what is held.
        price: most that is paid for one of `side`; micro-units.
        left: contracts that are not filled yet.
        placed_ts: Unix s.
        until_ts: candles that end later cannot fill it; Unix s.
        filled: contracts filled so far.
        at_price: contracts of `filled` that were filled at the price itself.
        printed: contracts × 100 that were traded at the price itself while it rested and was the first in its queue.
        reserved: cash kept for it; micro-units.
    """

    number: int
    idx: int
    side: Side
    is_sale: bool
    price: int
    left: int
    placed_ts: int
    until_ts: int
    filled: int = 0
    at_price: int = 0
    printed: int = 0
    reserved: int = 0

    @property
    def sold_side(self) -> Side:
        """The side that a sale sells."""
        return Side(1 - self.side)


class FillRule(NamedTuple):
    """How candles fill resting orders.

    Attributes:
        share: of the volume at an order's own price, the most that can fill it.
        touch_fills: an order is filled whole as soon as its price is reached: the optimistic variant.
        period_seconds: length of a candle.
    """

    share: Fraction
    touch_fills: bool
    period_seconds: int

    def fillable(self, order: OrderAtRest, tape: ContractTape, row: int, *, is_first: bool) -> tuple[int, bool]:
        """Return how many contracts of an order a candle fills, and whether by trades at its very price.

        What was traded at its price is noted in the order.

        Args:
            order: placed before the candle began.
            tape: of its contract.
            row: the candle.
            is_first: whether no older order of the account rests at its price.
        """
        # an order for a NO at P is one to sell a YES at 1 − P: it is met by bids and trades above that price
        if order.side is Side.YES:
            level = order.price
            best = min(tape.ask_low[row], tape.print_low[row])
            through, reached = best < level, best <= level
        else:
            level = MICRO - order.price
            best = max(tape.bid_high[row], tape.print_high[row])
            through, reached = best > level, best >= level
        if through or (self.touch_fills and reached):
            return order.left, False
        if tape.print_low[row] == tape.print_high[row] == level and is_first:
            order.printed += int(tape.volume[row])
            most = order.printed * self.share.numerator // (100 * self.share.denominator)
            return min(order.left, most - order.at_price), True
        return 0, False


class RestingBook:
    """The resting orders of an account, by contract.

    Attributes:
        reserved: cash that is kept for all of them; micro-units.
    """

    def __init__(self) -> None:
        self._by_number: dict[int, OrderAtRest] = {}
        self._by_idx: dict[int, dict[int, OrderAtRest]] = {}
        self._placed = 0
        self.reserved = 0

    def __bool__(self) -> bool:
        """Return whether any order rests."""
        return bool(self._by_number)

    def __iter__(self) -> Iterator[OrderAtRest]:
        """Return all orders, in order of placing."""
        return iter(list(self._by_number.values()))

    def next_number(self) -> int:
        """Return a number for a new order."""
        self._placed += 1
        return self._placed

    def get(self, number: int) -> OrderAtRest | None:
        """Return an order that rests; None if none of that number does.

        Args:
            number: of the order.
        """
        return self._by_number.get(number)

    def of(self, idx: int) -> list[OrderAtRest]:
        """Return the orders of a contract, in order of placing.

        Args:
            idx: of the contract.
        """
        return list(self._by_idx.get(idx, {}).values())

    def add(self, order: OrderAtRest) -> None:
        """Add an order.

        Args:
            order: with a number of its own.
        """
        self._by_number[order.number] = order
        self._by_idx.setdefault(order.idx, {})[order.number] = order
        self.reserved += order.reserved

    def remove(self, order: OrderAtRest) -> None:
        """Take an order out.

        Args:
            order: one that rests.
        """
        del self._by_number[order.number]
        del self._by_idx[order.idx][order.number]
        self.reserve(order, 0)

    def reserve(self, order: OrderAtRest, amount: int) -> None:
        """Change the cash that is kept for an order.

        Args:
            order: the order.
            amount: micro-units.
        """
        self.reserved += amount - order.reserved
        order.reserved = amount

    def sales_of(self, idx: int, side: Side) -> int:
        """Return how many contracts of a side resting sales would sell.

        Args:
            idx: of the contract.
            side: that is sold.
        """
        return sum([order.left for order in self.of(idx) if order.is_sale and order.sold_side is side])
