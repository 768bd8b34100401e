"""The account of a loop in Python: cash, what is held in which lots, limits, and the rows from which the books are made.

The rules are those of the compiled loop (kernel.c), order by order. A sale is a purchase of the other side that makes pairs
with what is held: a YES that is sold at b is a NO bought for 1 − b, and the pair pays 1 at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from tradewinds.core.units import MICRO
from tradewinds.engine.event_contracts import limits as reasons
from tradewinds.engine.event_contracts.contracts import Side
from tradewinds.engine.event_contracts.fees import FeeRule
from tradewinds.engine.event_contracts.limits import Opposing, RiskLimits
from tradewinds.engine.event_contracts.order_books import Ladder, left_of, parts_of
from tradewinds.engine.event_contracts.replay import RunContracts

NOTHING_HELD = "NOTHING_HELD"  # a sale of what is not held


@dataclass(slots=True)
class ContractHolding:
    """What is held of a contract.

    Attributes:
        held: contracts of YES and of NO.
        cost: what they cost without fees; micro-units.
        lots: of each side, [contracts left, price in micro-units], the oldest first.
        candle: end of the candle against which was bought last; Unix s.
        bought: contracts bought against that candle.
        snapshot: when the order book became known from which was bought last; Unix s.
        taken: contracts of YES and of NO that were bought from it.
    """

    held: list[int] = field(default_factory=lambda: [0, 0])
    cost: list[int] = field(default_factory=lambda: [0, 0])
    lots: tuple[deque[list[int]], deque[list[int]]] = field(default_factory=lambda: (deque(), deque()))
    candle: int = -1
    bought: int = 0
    snapshot: int = -1
    taken: list[int] = field(default_factory=lambda: [0, 0])

    def close(self, side: int, quantity: int) -> int:
        """Take the oldest contracts of a side away, and return what they had cost; micro-units.

        Args:
            side: of the contracts.
            quantity: how many, not more than are held.
        """
        cost, left, lots = 0, quantity, self.lots[side]
        while left:
            taken = min(left, lots[0][0])
            cost += taken * lots[0][1]
            left -= taken
            lots[0][0] -= taken
            if not lots[0][0]:
                lots.popleft()
        self.held[side] -= quantity
        self.cost[side] -= cost
        return cost


@dataclass(slots=True)
class EventHolding:
    """What is held of an event's contracts.

    Attributes:
        contracts: how many.
        cost: what they cost without fees; micro-units.
        day: civil day of `orders`.
        orders: orders filled on that day.
    """

    contracts: int = 0
    cost: int = 0
    day: int = -1
    orders: int = 0


class Proposal(NamedTuple):
    """An order as the limits judge it: a purchase of contracts at a price.

    Attributes:
        idx: of the contract.
        side: that is bought; of a sale the side that makes pairs with what is held.
        quantity: contracts.
        price: of one, from an order book the best one; micro-units.
        rate: of the fee.
        ts: when it is filled; Unix s.
        candle: end of the candle that it is filled against, or when the order book became known; Unix s.
        volume: of that candle, contracts × 100; -1: no share of a volume limits it.
        is_sale: it makes pairs whatever the rule of opposing sides, and never more than are held.
        counts_as_order: it counts for the limit of orders.
        ladder: what is left of the order book for it, which holds in place of a share of the volume; None: there is no book.
    """

    idx: int
    side: Side
    quantity: int
    price: int
    rate: Fraction
    ts: int
    candle: int
    volume: int
    is_sale: bool
    counts_as_order: bool = True
    ladder: Ladder | None = None

    def parts(self, quantity: int) -> list[tuple[int, int]]:
        """Return at which prices some contracts of the order are bought: (contracts, price in micro-units).

        Args:
            quantity: contracts.
        """
        return [(quantity, self.price)] if self.ladder is None else parts_of(self.ladder, quantity)


class StepAccount:
    """Cash and holdings of one replay.

    Args:
        run_contracts: all contracts of the run.
        limits: the limits.
        fee_rule: the fees.
        cash_micro: start balance; micro-units.

    Attributes:
        cash: micro-units.
        holdings: by idx.
        fills: rows as `fills` of kernel_structures.Buffers.
        settlements: rows as `settlements` of kernel_structures.Buffers.
    """

    def __init__(self, run_contracts: RunContracts, limits: RiskLimits, fee_rule: FeeRule, cash_micro: int) -> None:
        self.contracts, self.limits, self.fee_rule = run_contracts.contracts, limits, fee_rule
        self.cash = cash_micro
        self.holdings = [ContractHolding() for _ in run_contracts.contracts]
        self.open: dict[int, None] = {}  # idx of contracts of which something is held
        self.total = 0
        self._event_of: list[int] = run_contracts.event.tolist()
        self._events = [EventHolding() for _ in range(run_contracts.events)]
        self.fills: list[tuple[int, ...]] = []
        self.settlements: list[tuple[int, ...]] = []

    def event_orders(self, idx: int, ts: int) -> EventHolding:
        """Return the holding of a contract's event, whose orders are those of the civil day of an instant.

        Args:
            idx: of the contract.
            ts: Unix s.
        """
        event = self._events[self._event_of[idx]]
        day = self.contracts[idx].event.day(ts)
        if event.day != day:
            event.day, event.orders = day, 0
        return event

    def allowed(self, order: Proposal, free_cash: int) -> tuple[int, str | None]:
        """Return how many contracts of an order the limits leave, and the reason if they leave none.

        Args:
            order: the order.
            free_cash: cash that it may use; micro-units.
        """
        limits, holding, quantity = self.limits, self.holdings[order.idx], order.quantity
        other = holding.held[1 - order.side]
        if order.is_sale:
            quantity = min(quantity, other)
            if not quantity:
                return 0, NOTHING_HELD
        elif limits.opposing is Opposing.REFUSED and other:
            return 0, reasons.OPPOSING_POSITION
        # no more than the order book shows, or than a share of the candle's volume
        if order.ladder is not None:
            quantity = min(quantity, sum(size for _, size in order.ladder))
            if not quantity:
                return 0, reasons.ORDER_BOOK
        elif limits.max_volume_share is not None and order.volume >= 0:
            used = holding.bought if holding.candle == order.candle else 0
            share = limits.max_volume_share
            most = share.numerator * order.volume // (share.denominator * 100)
            quantity = min(quantity, most - used)
            if quantity < 1:
                return 0, reasons.LIQUIDITY
        # pairs are free of the limits of contracts and cost; the rest meets what is held after them
        pairs = min(quantity, other) if order.is_sale or limits.opposing is Opposing.NETTED else 0
        quantity, reason = self._within_holdings(order, pairs, quantity - pairs)
        if reason:
            return 0, reason
        event = self.event_orders(order.idx, order.ts)
        most_orders = limits.orders_per_event_day
        if most_orders is not None and order.counts_as_order and event.orders >= most_orders:
            return 0, reasons.ORDERS
        quantity = self._affordable(order, quantity, free_cash)
        return (quantity, None) if quantity else (0, reasons.CASH)

    def _within_holdings(self, order: Proposal, pairs: int, more: int) -> tuple[int, str | None]:
        """Return how many contracts the limits of contracts and of cost leave: the pairs, and some of the rest."""
        limits, holding = self.limits, self.holdings[order.idx]
        event = self._events[self._event_of[order.idx]]
        held = holding.held[0] + holding.held[1] - pairs
        if limits.per_market is not None:
            more = max(0, min(more, limits.per_market - held))
            if not pairs + more:
                return 0, reasons.MARKET
        if limits.per_event is not None:
            more = max(0, min(more, limits.per_event - event.contracts + pairs))
            if not pairs + more:
                return 0, reasons.EVENT
        if limits.total_open is not None:
            more = max(0, min(more, limits.total_open - self.total + pairs))
            if not pairs + more:
                return 0, reasons.TOTAL
        if limits.notional_per_event_micro is not None:
            closed = self._cost_of_oldest(holding.lots[1 - order.side], pairs)
            left = limits.notional_per_event_micro - (event.cost - closed)
            more = self._within(order, pairs, more, left)
            if not pairs + more:
                return 0, reasons.NOTIONAL
        return pairs + more, None

    @staticmethod
    def _within(order: Proposal, pairs: int, more: int, money: int) -> int:
        """Return how many contracts of an order, after its first ones, some money pays without fees."""
        if order.ladder is None:
            return max(0, min(more, money // order.price))
        found = 0
        for quantity, price in parts_of(left_of(order.ladder, pairs), more):
            paid = max(0, min(quantity, money // price))
            found += paid
            money -= paid * price
            if paid < quantity:
                break
        return found

    @staticmethod
    def _cost_of_oldest(lots: deque[list[int]], quantity: int) -> int:
        """Return what the oldest contracts of some lots had cost; micro-units."""
        cost = 0
        for count, price in lots:
            taken = min(count, quantity)
            cost += taken * price
            quantity -= taken
            if not quantity:
                break
        return cost

    def cost_of(self, order: Proposal, quantity: int) -> int:
        """Return what an order takes from the cash, price and fee; below 0 for a sale that brings more than its fee.

        Args:
            order: the order.
            quantity: contracts of it.
        """
        if order.ladder is None:
            value, fee = quantity * order.price, self.fee_rule(order.rate, quantity, order.price, order.ts)
        else:
            parts = order.parts(quantity)
            value = sum(count * price for count, price in parts)
            fee = sum(self.fee_rule.of_parts(order.rate, parts, order.ts))
        return value + fee - (quantity * MICRO if order.is_sale else 0)

    def _affordable(self, order: Proposal, quantity: int, free_cash: int) -> int:
        """Return the most contracts of an order that some cash pays."""
        if self.cost_of(order, quantity) <= free_cash:
            return quantity
        if order.is_sale:  # fewer contracts would bring less
            return 0
        # the cost rises with the quantity
        low, high = 0, min(quantity, max(free_cash, 0) // order.price + 1)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.cost_of(order, middle) <= free_cash else (low, middle)
        return low

    def fill(self, order: Proposal, quantity: int) -> None:
        """Book a purchase, one row for each price, and the pairs that it makes.

        Args:
            order: the order.
            quantity: contracts of it that are filled.
        """
        if order.ladder is None:
            self._fill_part(order, quantity, self.fee_rule(order.rate, quantity, order.price, order.ts))
            return
        parts = order.parts(quantity)
        for (count, price), fee in zip(parts, self.fee_rule.of_parts(order.rate, parts, order.ts), strict=True):
            self._fill_part(order._replace(price=price), count, fee)
            order = order._replace(counts_as_order=False)  # its prices count as one order

    def gone(self, idx: int, side: Side, snapshot: int) -> int:
        """Return how many contracts of a side were bought from an order book.

        Args:
            idx: of the contract.
            side: YES or NO.
            snapshot: when the book became known; Unix s.
        """
        holding = self.holdings[idx]
        return holding.taken[side] if holding.snapshot == snapshot else 0

    def _fill_part(self, order: Proposal, quantity: int, fee: int) -> None:
        """Book a purchase at one price."""
        holding, event = self.holdings[order.idx], self.event_orders(order.idx, order.ts)
        # the purchase
        self.cash -= quantity * order.price + fee
        holding.held[order.side] += quantity
        holding.cost[order.side] += quantity * order.price
        holding.lots[order.side].append([quantity, order.price])
        event.contracts += quantity
        event.cost += quantity * order.price
        event.orders += order.counts_as_order
        self.total += quantity
        if order.ladder is not None:
            if holding.snapshot != order.candle:
                holding.snapshot, holding.taken = order.candle, [0, 0]
            holding.taken[order.side] += quantity
        else:
            if holding.candle != order.candle:
                holding.candle, holding.bought = order.candle, 0
            holding.bought += quantity
        # the pairs that it makes pay at once
        makes_pairs = order.is_sale or self.limits.opposing is Opposing.NETTED
        pairs = min(quantity, holding.held[1 - order.side]) if makes_pairs else 0
        if pairs:
            event.cost -= holding.close(1 - order.side, pairs) + holding.close(order.side, pairs)
            event.contracts -= 2 * pairs
            self.total -= 2 * pairs
            self.cash += pairs * MICRO
        self._note_open(order.idx)
        self.fills.append((order.idx, int(order.side), quantity, order.price, fee, order.ts, order.candle, pairs))

    def _note_open(self, idx: int) -> None:
        """Keep the list of contracts of which something is held."""
        if any(self.holdings[idx].held):
            self.open[idx] = None
        else:
            self.open.pop(idx, None)

    def settle(self, idx: int) -> bool:
        """Pay out what is held of a contract; returns whether anything was.

        Args:
            idx: of the contract.
        """
        contract, holding = self.contracts[idx], self.holdings[idx]
        event, paid = self._events[self._event_of[idx]], False
        for side in Side:
            quantity = holding.held[side]
            if not quantity:
                continue
            payout = contract.payout_micro(side)
            event.contracts -= quantity
            event.cost -= holding.close(side, quantity)
            self.total -= quantity
            self.cash += quantity * payout
            self.settlements.append((idx, int(side), quantity, payout, contract.settle_ts))
            paid = True
        self._note_open(idx)
        return paid
