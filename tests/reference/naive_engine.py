"""A second, naive engine of event contracts: every contract at every decision time, dollars as exact fractions.

It is written from the trading rules (docs/trading-rules.md) alone. From the product it uses only the class Contract, whose
fields it reads as dollars and seconds; candles, sizes, limits and fees are its own.
"""

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.reference.fast_fractions import Fraction

CENT = Fraction(1, 100)
YES, NO = "YES", "NO"


def seconds_of(text):
    """Convert a date to 00:00 UTC in Unix seconds."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


# (instant from which it holds, unit to which the exchange rounds a trade fee up); before the first one the unit is the cent
EXCHANGE_GRIDS = ((seconds_of("2026-03-04"), Fraction(1, 10_000)), (seconds_of("2026-09-01"), Fraction(1, 1_000_000)))


def up(amount, grid):
    """Round an amount up to a multiple of a grid."""
    return math.ceil(amount / grid) * grid


def fee(rounding, rate, quantity, price, t):
    """Return the fee of an order in dollars.

    Args:
        rounding: "cent" or "exchange".
        rate: fee rate of the contract.
        quantity: contracts.
        price: price of one contract in dollars.
        t: instant of the order in Unix seconds.
    """
    model = rate * quantity * price * (1 - price)
    grids = [grid for start, grid in EXCHANGE_GRIDS if start <= t] if rounding == "exchange" else []
    if not grids:
        return up(model, CENT)
    cost = quantity * price
    return up(cost + up(model, grids[-1]), CENT) - cost


def fee_of_units(rounding, rate, units, t):
    """Return the fee in dollars of one order that buys single contracts at these prices; those of one price are one fill."""
    models = [rate * units.count(price) * price * (1 - price) for price in sorted(set(units))]
    grids = [grid for start, grid in EXCHANGE_GRIDS if start <= t] if rounding == "exchange" else []
    if not grids:
        return up(sum(models), CENT)
    return up(sum(units) + sum(up(model, grids[-1]) for model in models), CENT) - sum(units)


@dataclass
class Candle:
    """Best bid and ask of YES at the end of a candle.

    Attributes:
        end: end of the candle in Unix seconds.
        bid: best bid in dollars; None without a bid.
        ask: best ask in dollars; None without an ask.
        volume: contracts traded during the candle.
    """

    end: int
    bid: Fraction | None
    ask: Fraction | None
    volume: Fraction

    @property
    def crossed(self):
        """Whether the bid is above the ask."""
        return self.bid is not None and self.ask is not None and self.bid > self.ask

    def price(self, side):
        """Return the price of one contract of a side in dollars; None if the side cannot be bought."""
        if self.crossed:
            return None
        if side == YES:
            return self.ask if self.ask is not None and 0 < self.ask < 1 else None
        return 1 - self.bid if self.bid is not None and 0 < self.bid < 1 else None


@dataclass
class Book:
    """A snapshot of the orders that wait in a market, which is the market's quote from `end` on.

    Attributes:
        end: when it became known in Unix seconds.
        bids: (price in dollars, contracts) of what is bid for YES.
        asks: the same of what is asked for YES.
    """

    end: int
    bids: list
    asks: list
    volume: Fraction = Fraction(0)
    crossed: bool = False

    def units(self, side):
        """Return the price of each single contract that a buyer of a side can have, the cheapest first."""
        levels = self.asks if side == YES else [(1 - price, size) for price, size in self.bids]
        return sorted(price for price, size in levels for _ in range(size))

    def price(self, side):
        """Return the price of one contract of a side in dollars; None if the side cannot be bought."""
        return min(self.units(side), default=None)


@dataclass
class Settings:
    """How a run trades.

    Attributes:
        cash: start balance in dollars.
        size: ("fixed", contracts), ("ev_proportional", contracts per dollar) or ("kelly", fraction).
        min_ev: net expected value per contract in dollars that an order must exceed.
        from_strategy: a strategy instead of size and min_ev: function of P(YES), price of YES, price of NO and a fee function,
            which returns (side, quantity, priority) or None.
        rounding: rounding of fees: "cent" or "exchange".
        step: seconds between decision times.
        max_age: greatest age of a candle in seconds; None for no limit.
        limits: limits by name; an absent one does not hold.
    """

    cash: Fraction
    size: tuple[str, Any] = ("fixed", 1)
    min_ev: Fraction = Fraction(0)
    from_strategy: Any = None
    rounding: str = "cent"
    step: int = 60
    max_age: int | None = None
    limits: dict[str, Any] = field(default_factory=dict)


@dataclass
class Bought:
    """A filled order.

    Attributes:
        contract: the contract.
        side: YES or NO.
        quantity: contracts.
        price: price of one contract in dollars.
        fee: fee of the order in dollars.
        t: instant of the order in Unix seconds.
        candle: end of the candle behind the price in Unix seconds.
        gross: expected value per contract before the fee, in dollars.
        net: expected value per contract after the fee, in dollars.
        left: contracts that are still held.
        received: payouts so far, in dollars.
        ended: when the last of them was paid, in Unix seconds; None while some are held.
        counts: whether it is the first fill of its order, which counts for the limit of orders.
        reason: why it was filled.
    """

    contract: Any
    side: str
    quantity: int
    price: Fraction
    fee: Fraction
    t: int
    candle: int
    gross: Fraction
    net: Fraction
    left: int = 0
    received: Fraction = Fraction(0)
    ended: int | None = None
    counts: bool = True
    reason: str = "EV_THRESHOLD"

    def close(self, quantity, each, t):
        """Close some of the contracts for a payout each, in dollars; returns what is paid."""
        assert 0 < quantity <= self.left
        self.left -= quantity
        self.received += quantity * each
        self.ended = None if self.left else t
        return quantity * each

    @property
    def pays(self):
        """What one contract pays at settlement, in dollars."""
        one = Fraction(self.contract.payout_yes_micro, 10**6)
        return one if self.side == YES else 1 - one


class NaiveEngine:
    """One replay; `run` it once.

    Args:
        contracts: the contracts, in any order.
        candles: candles by ticker, in any order.
        settings: how to trade.
        instants: instants at which the account is noted, in Unix seconds.
        books: snapshots by ticker; they are the quotes of their markets, whatever the candles say.

    Attributes:
        fills: filled orders in order of time.
        decided: (instant, ticker, side, quantity, price, whether it was filled, reason) of every order, refused ones included.
        worth: (instant, cash, liquidation value of open contracts) at each of `instants`.
        refused: number of refused orders by reason.
        crossed: number of crossed quotes that were seen.
        used: end of the latest candle that was seen.
        netted: number of pairs that were closed before settlement.
    """

    def __init__(self, contracts, candles, settings, instants=(), books=None):
        self.contracts = sorted(contracts, key=lambda c: c.ticker)
        self.candles = {ticker: sorted(rows, key=lambda row: row.end) for ticker, rows in candles.items()}
        self.books = {ticker: sorted(rows, key=lambda row: row.end) for ticker, rows in (books or {}).items()}
        self.settings, self.instants = settings, set(instants)
        self.cash = settings.cash
        self.fills, self.open, self.decided, self.equity = [], [], [], []
        self.refused, self.crossed, self.used, self.netted = Counter(), 0, -1, 0

    def run(self):
        """Go through all decision times and instants, then settle everything; returns self."""
        step = self.settings.step
        first = min(c.start_ts for c in self.contracts)
        last = max(c.end_ts for c in self.contracts)
        decisions = {t for t in range(first // step * step, last, step) if t >= first}
        for t in sorted(decisions | self.instants):
            self.settle(t)
            if t in self.instants:
                self.equity.append((t, self.cash, sum(self.liquidation(x, t) for x in self.open)))
            if t in decisions:
                self.decide(t)
        self.settle(math.inf)
        return self

    def settle(self, t):
        """Pay out every open order whose contract settles at `t` or before."""
        for done in [x for x in self.open if x.contract.settle_ts <= t]:
            self.cash += done.close(done.left, done.pays, done.contract.settle_ts)
            self.open.remove(done)

    def visible(self, contract, t):
        """Return the candle whose quote is in force at an instant: the last one that has ended; None without one."""
        oldest = -math.inf if self.settings.max_age is None else t - self.settings.max_age
        ended = [c for c in self.quotes_of(contract) if c.end <= t]
        return ended[-1] if ended and ended[-1].end >= oldest else None

    def quotes_of(self, contract):
        """Return the quotes of a contract that count, in order of time: candles, and from its first book on its books."""
        books = [book for book in self.books.get(contract.ticker, ()) if book.end >= contract.quotes_from_ts]
        first = min((book.end for book in books), default=math.inf)
        candles = self.candles.get(contract.ticker, ())
        return [c for c in candles if contract.quotes_from_ts <= c.end < first] + books

    def liquidation(self, held, t):
        """Return what an open order would bring at the visible quote, in dollars; 0 without a usable quote."""
        candle = self.visible(held.contract, t)
        other = candle and candle.price(NO if held.side == YES else YES)
        return Fraction(0) if other is None else held.left * (1 - other)

    def decide(self, t):
        """Ask for an order of each open contract, then place the orders: highest priority first, then by ticker."""
        equity = self.cash + sum(x.left * x.price for x in self.open)
        orders = []
        for index, contract in enumerate(self.contracts):
            candle = self.visible(contract, t) if contract.start_ts <= t < contract.end_ts else None
            if candle is None:
                continue
            self.used, self.crossed = max(self.used, candle.end), self.crossed + candle.crossed
            wanted = self.wanted(contract, candle, equity, t)
            if wanted:
                side, quantity, priority = wanted
                orders.append((-priority, index, contract, candle, side, quantity))
        for _, _, contract, candle, side, quantity in sorted(orders, key=lambda order: order[:2]):
            self.order(contract, candle, side, quantity, t)

    def probability(self, contract, t):
        """Return P(YES) in force at an instant: the last one that was known by then."""
        return Fraction([p for known, p in ((-math.inf, contract.p_pico), *contract.later_p) if known <= t][-1], 10**12)

    def fee(self, contract, quantity, price, t):
        """Return the fee of an order under the run's rounding, in dollars."""
        return fee(self.settings.rounding, contract.fee_rate, quantity, price, t)

    def wanted(self, contract, candle, equity, t):
        """Return the order that the strategy wants: (side, quantity, priority), or None.

        Without `from_strategy` it is the side with the higher net expected value, which is also the priority; of equal ones
        YES.
        """
        p = self.probability(contract, t)
        if self.settings.from_strategy:
            prices = {side: candle.price(side) for side in (YES, NO)}

            def cost(side, quantity):
                return self.fee(contract, quantity, prices[side], t)

            return self.settings.from_strategy(p, prices[YES], prices[NO], cost) if any(prices.values()) else None
        best = None
        for side, p_side in ((YES, p), (NO, 1 - p)):
            price = candle.price(side)
            quantity = 0 if price is None else self.size(p_side, price, equity)
            if quantity >= 1:
                net = p_side - price - self.fee(contract, quantity, price, t) / quantity
                if net > self.settings.min_ev and (best is None or net > best[2]):
                    best = side, quantity, net
        return best

    def size(self, p_side, price, equity):
        """Return the contracts to order of a side that wins with probability `p_side`; below 1 for none."""
        kind, number = self.settings.size
        if kind == "fixed":
            return number
        if kind == "ev_proportional":
            return math.floor(number * (p_side - price - Fraction(7, 100) * price * (1 - price)))
        return math.floor(number * (p_side - price) / (1 - price) * equity / price)

    def order(self, contract, candle, side, wanted, t):
        """Fill an order as far as the limits allow, or count its refusal."""
        price, p = candle.price(side), self.probability(contract, t)
        p_side = p if side == YES else 1 - p
        units = self.units(contract, candle, side, p_side, price)
        reason, quantity = self.limited(contract, candle, side, wanted, price, t, units)
        if reason is None:
            units = [price] * quantity if units is None else units[:quantity]
            cost = self.fee_of_units(contract, units, t)
            if not self.settings.from_strategy and p_side - (sum(units) + cost) / quantity <= self.settings.min_ev:
                reason = "EV_THRESHOLD"
        if reason:
            self.refused[reason] += 1
            self.decided.append((t, contract.ticker, side, wanted, price, False, reason))
            return
        for bought in self.bought_at(contract, candle, side, p_side, units, t):
            self.cash -= bought.quantity * bought.price + bought.fee
            self.fills.append(bought)
            self.open.append(bought)
            if self.settings.limits.get("allow_opposing") is True:
                self.net(bought, t)
            self.decided.append((t, contract.ticker, side, bought.quantity, bought.price, True, "EV_THRESHOLD"))

    def units(self, contract, candle, side, p_side, price):
        """Return the single contracts of a book that are good enough and not taken yet, by price; None for a candle."""
        if not isinstance(candle, Book):
            return None
        left = candle.units(side)[self.taken(contract, candle, side) :]
        if self.settings.from_strategy:
            return [unit for unit in left if unit <= price]
        return [x for x in left if p_side - x - contract.fee_rate * x * (1 - x) > self.settings.min_ev]

    def taken(self, contract, book, side):
        """Return how many contracts of a side were bought from a book."""
        found = [x for x in self.fills if x.contract is contract and x.side == side and x.candle == book.end]
        return sum(x.quantity for x in found if not x.reason.startswith("RESTING"))

    def fee_of_units(self, contract, units, t):
        """Return the fee of an order that buys single contracts at these prices, in dollars."""
        return fee_of_units(self.settings.rounding, contract.fee_rate, units, t)

    def bought_at(self, contract, candle, side, p_side, units, t):
        """Return what an order for single contracts buys: a fill for each price, with what it adds to the order's fee."""
        found, before = [], []
        for price in sorted(set(units)):
            here = [unit for unit in units if unit == price]
            cost = self.fee_of_units(contract, before + here, t) - self.fee_of_units(contract, before, t)
            before += here
            gross, count = p_side - price, len(here)
            found.append(Bought(contract, side, count, price, cost, t, candle.end, gross, gross - cost / count, count))
            found[-1].counts = len(found) == 1
        return found

    def net(self, bought, t):
        """Close pairs of a new order and the other side's oldest contracts, one pair after the other, for a dollar each."""
        others = [x for x in self.open if x.contract is bought.contract and x.side != bought.side]
        while bought.left and others:
            self.cash += bought.close(1, bought.price, t) + others[0].close(1, 1 - bought.price, t)
            self.netted += 1
            others = [x for x in others if x.left]
        self.open = [x for x in self.open if x.left]

    def limited(self, contract, candle, side, quantity, price, t, units=None):
        """Apply the limits to an order, in their order; `units` are the contracts of the market's book that it may have.

        Returns:
            (None, contracts that are left), or (reason of the refusal, 0).
        """
        limits, name = self.settings.limits, contract.event.name
        others = sum(x.left for x in self.open if x.contract is contract and x.side != side)
        if not limits.get("allow_opposing") and others:
            return "OPPOSING_POSITION", 0
        # no more than the book shows, or of one candle no more than a share of its volume
        if units is not None:
            quantity = min(quantity, len(units))
            if quantity < 1:
                return "ORDER_BOOK", 0
        elif limits.get("max_volume_share") is not None:
            used = sum(x.quantity for x in self.fills if x.contract is contract and x.candle == candle.end)
            quantity = min(quantity, math.floor(limits["max_volume_share"] * candle.volume) - used)
            if quantity < 1:
                return "LIQUIDITY", 0
        # what is held when the pairs are closed, the oldest contracts of the other side first: (contract, contracts, price)
        pairs = min(quantity, others) if limits.get("allow_opposing") is True else 0
        held, going = [], pairs
        for x in self.open:
            taken = min(x.left, going) if x.contract is contract and x.side != side else 0
            going -= taken
            held.append((x.contract, x.left - taken, x.price))
        of_market = [row for row in held if row[0] is contract]
        of_event = [row for row in held if row[0].event.name == name]
        # open contracts: pairs do not count, the rest meets what is held after them
        more = quantity - pairs
        for key, rows, reason in (
            ("per_market", of_market, "MAX_CONTRACTS_PER_MARKET"),
            ("per_event", of_event, "MAX_CONTRACTS_PER_EVENT"),
            ("total_open", held, "MAX_TOTAL_OPEN_CONTRACTS"),
        ):
            if limits.get(key) is not None:
                more = max(0, min(more, limits[key] - sum(row[1] for row in rows)))
                if pairs + more < 1:
                    return reason, 0
        # entry cost of the event's open contracts
        if limits.get("notional_per_event") is not None:
            left = limits["notional_per_event"] - sum(count * cost for _, count, cost in of_event)
            more = max(0, min(more, math.floor(left / price))) if units is None else more
            while units is not None and more and sum(units[pairs : pairs + more]) > left:
                more -= 1
            if pairs + more < 1:
                return "MAX_NOTIONAL_PER_EVENT_USD", 0
        quantity = pairs + more
        # orders of the event on the civil day
        if limits.get("orders_per_event_day") is not None:
            today = [x for x in self.fills if x.contract.event.name == name and day(contract, x.t) == day(contract, t)]
            today = [x for x in today if x.counts]
            if len(today) >= limits["orders_per_event_day"]:
                return "MAX_TRADES_PER_EVENT_PER_DAY", 0

        # cash
        def cost(count):
            if units is None:
                return count * price + self.fee(contract, count, price, t)
            return sum(units[:count]) + self.fee_of_units(contract, units[:count], t)

        while quantity and cost(quantity) > self.cash:
            quantity -= 1
        return (None, quantity) if quantity else ("INSUFFICIENT_CASH", 0)


def day(contract, t):
    """Return the number of the event's civil day that an instant is in."""
    return sum(start <= t for start in contract.event.day_starts)
