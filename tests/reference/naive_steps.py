"""A second, naive engine of strategies that are called at decision times: every contract at every minute, in fractions.

It is written from docs/trading-rules.md ("Strategies with a class", "Sales", "Resting orders") and shares no code with the
product. Limits, netting and settlement are those of the naive engine of quotes, of which it is a kind.
"""

import math
from dataclasses import dataclass

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_engine import NO, YES, Book, Bought, Candle, NaiveEngine, day

QUARTER = Fraction(1, 4)  # fee of an order that rested, as a fraction of that of one filled at once


@dataclass
class WideCandle(Candle):
    """A candle with what it proves of the prices between its ends, in dollars; None without one.

    Attributes:
        bid_high: highest bid.
        ask_low: lowest ask.
        low: lowest trade.
        high: highest trade.
    """

    bid_high: Fraction | None = None
    ask_low: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None


@dataclass
class Resting:
    """An order that waits: to buy `side` at `price`; a sale buys the other side of what it sells."""

    number: int
    contract: object
    side: str
    sale: bool
    price: Fraction
    left: int
    placed: int
    until: float
    filled: int = 0
    at_price: int = 0
    printed: Fraction = Fraction(0)
    reserved: Fraction = Fraction(0)

    def as_written(self):
        """Return side and price as the order was written: those of what is sold, for a sale."""
        return (other(self.side), 1 - self.price) if self.sale else (self.side, self.price)


def other(side):
    """Return the other side."""
    return NO if side == YES else YES


class NaiveSteps(NaiveEngine):
    """One replay of a script.

    Args:
        script: function of the decision time, the open markets and the resting orders; it returns wishes.
        every: whether it is called at every decision time.
        takes: whether orders may be filled at once.
        share: of the volume at a resting order's price, what may fill it.
        touch: whether an order is filled as soon as its price is reached.
    """

    def __init__(
        self, contracts, candles, settings, instants, script, *, every, takes=True, share=0, touch=False, books=None
    ):
        super().__init__(contracts, candles, settings, instants, books)
        self.script, self.every, self.takes = script, every, takes
        self.share, self.touch = Fraction(share), touch
        self.resting, self.numbers, self.factor, self.last_seen, self.calls = [], 0, Fraction(1), None, 0
        self.happened = False  # whether an order was filled, placed or taken back since the script was last called

    # ---- time ----

    def run(self):
        """Go through all minutes and instants, then settle everything; returns self."""
        step = self.settings.step
        times = {c.end for rows in self.candles.values() for c in rows} | self.instants
        times |= {c.settle_ts for c in self.contracts} | {c.end_ts for c in self.contracts}
        first, last = min(c.start_ts for c in self.contracts), max(c.end_ts for c in self.contracts)
        decisions = {t for t in range(first // step * step, last, step) if t >= first}
        for t in sorted(times | decisions):
            self.settle(t)
            self.resting = [x for x in self.resting if x.contract.settle_ts > t]
            if t in self.instants:
                self.equity.append((t, self.cash, sum(self.liquidation(x, t) for x in self.open)))
            self.serve(t)
            if t in decisions:
                self.decide(t)
        self.settle(math.inf)
        return self

    # ---- decisions ----

    def decide(self, t):
        """Call the script if any market is open and something visible has changed since the last call."""
        opened = [c for c in self.contracts if c.start_ts <= t < c.end_ts]
        if not opened:
            return
        markets = [self.shown(c, t) for c in opened]
        counts = [sum(row.end <= t for row in self.quotes_of(c)) for c in opened]
        held = sum(x.left for x in self.open)
        resting = [(x.number, x.contract.ticker, *x.as_written(), x.left) for x in self.resting]
        seen = (markets, counts, resting, self.cash, held)
        if not self.every and not self.happened and seen == self.last_seen:
            return
        self.last_seen, self.happened = seen, False
        self.calls += 1
        for kind, *wish in self.script(t, markets, [row[:-1] for row in resting]):
            if kind == "cancel":
                self.happened |= any(x.number == wish[0] for x in self.resting)
                self.resting = [x for x in self.resting if x.number != wish[0]]
            else:
                self.wish(kind, *wish, t=t)

    def shown(self, contract, t):
        """Return what the script sees of a market: ticker, four prices (None: not quoted), P(YES), held of both sides."""
        candle = self.visible(contract, t)
        asks = {side: candle.price(side) if candle else None for side in (YES, NO)}
        bids = {side: None if asks[other(side)] is None else 1 - asks[other(side)] for side in (YES, NO)}
        return (
            contract.ticker,
            bids[YES],
            asks[YES],
            bids[NO],
            asks[NO],
            self.probability(contract, t),
            self.held(contract, YES),
            self.held(contract, NO),
            None if candle is None else candle.end,
        )

    def held(self, contract, side):
        """Return the contracts of a side that are held."""
        return sum(x.left for x in self.open if x.contract is contract and x.side == side)

    def wish(self, kind, ticker, named, quantity, price=None, until=None, *, t):
        """Fill an order, let it rest, or count its refusal."""
        contract = next(c for c in self.contracts if c.ticker == ticker)
        sale = kind == "sell"
        side = other(named) if sale else named
        quantity = math.floor(quantity)
        if quantity == 0:
            return self.refuse("NO_WHOLE_CONTRACT")
        candle = self.visible(contract, t)
        ask = candle.price(side) if candle else None
        if price is not None:
            cents = price * 100
            price = Fraction(math.ceil(cents) if sale else math.floor(cents), 100)
            price = 1 - price if sale else price
            if ask is None or ask > price:
                return self.place(contract, side, quantity, price, t, math.inf if until is None else until, sale)
            if not self.takes:
                return self.refuse("WOULD_TAKE")
            if isinstance(candle, Book):
                return self.up_to_limit(contract, candle, side, quantity, price, t, until, sale)
        if ask is None:
            return self.refuse("NOT_QUOTED")
        self.take(contract, candle, side, quantity, ask, t, sale, Fraction(1))

    def up_to_limit(self, contract, book, side, quantity, price, t, until, sale):
        """Buy what a book shows up to a price; let the rest of the order rest there."""
        shown = len(self.shown_units(contract, book, side, price))
        filled = shown > 0 and self.take(contract, book, side, min(quantity, shown), price, t, sale, price)
        if quantity > shown and (filled or not shown):
            self.place(contract, side, quantity - shown, price, t, math.inf if until is None else until, sale)

    def shown_units(self, contract, book, side, worst):
        """Return the single contracts of a book, by price, that are not taken and cost no more than a price."""
        return [unit for unit in book.units(side)[self.taken(contract, book, side) :] if unit <= worst]

    def take(self, contract, candle, side, quantity, ask, t, sale, worst):
        """Buy at once as far as the limits allow; returns whether anything was bought."""
        units = self.shown_units(contract, candle, side, worst) if isinstance(candle, Book) else None
        price = units[0] if units else ask
        reason, quantity = self.room(contract, candle, side, quantity, price, t, sale, self.free(), units=units)
        if reason:
            self.refuse(reason)
            return False
        units, before = [price] * quantity if units is None else units[:quantity], []
        for one in sorted(set(units)):
            here = [unit for unit in units if unit == one]
            cost = self.fee_of_units(contract, before + here, t) - self.fee_of_units(contract, before, t)
            why = "SALE" if sale else "STRATEGY"
            self.fill(contract, candle.end, side, len(here), one, t, sale, why, counts=not before, cost=cost)
            before += here
        return True

    def refuse(self, reason):
        """Count a refusal."""
        self.refused[reason] += 1

    # ---- limits and fills ----

    def fee(self, contract, quantity, price, t):
        """Return the fee of an order, which is less for one that rested."""
        return super().fee(self.scaled(contract), quantity, price, t)

    def fee_of_units(self, contract, units, t):
        """Return the fee of an order at several prices, which is less for one that rested."""
        return super().fee_of_units(self.scaled(contract), units, t)

    def scaled(self, contract):
        """Return the rate of an order's fee, as a contract has it."""
        return type("Rate", (), {"fee_rate": contract.fee_rate * self.factor})

    def free(self):
        """Return the cash that no resting order may need."""
        return self.cash - sum(x.reserved for x in self.resting)

    def room(self, contract, candle, side, quantity, price, t, sale, free, *, placing=False, counts=True, units=None):
        """Apply the limits; returns (None, contracts) or (reason, 0)."""
        if sale:
            quantity = min(quantity, self.held(contract, other(side)))
            if quantity == 0:
                return "NOTHING_HELD", 0
        kept, cash = self.settings.limits, self.cash
        limits = dict(kept)
        if sale:
            limits["allow_opposing"] = True
        if placing:
            limits.pop("max_volume_share", None)
        if not counts:
            limits.pop("orders_per_event_day", None)
        self.settings.limits, self.cash = limits, Fraction(10**12) if sale else free
        reason, quantity = self.limited(contract, candle, side, quantity, price, t, units)
        self.settings.limits, self.cash = kept, cash
        costs = [price] * quantity if units is None else units[:quantity]
        if not reason and sale and sum(costs) - quantity + self.fee_of_units(contract, costs, t) > free:
            return "INSUFFICIENT_CASH", 0
        return reason, quantity

    def fill(self, contract, end, side, quantity, price, t, sale, reason, *, counts, cost=None):
        """Book a purchase; a sale makes pairs with what is held."""
        cost = self.fee(contract, quantity, price, t) if cost is None else cost
        p = self.probability(contract, t)
        gross = (p if side == YES else 1 - p) - price
        self.cash -= quantity * price + cost
        bought = Bought(contract, side, quantity, price, cost, t, end, gross, gross - cost / quantity, quantity)
        bought.counts, bought.reason = counts, reason
        self.fills.append(bought)
        self.happened = True
        self.open.append(bought)
        if sale:
            self.sell(contract, side, quantity, price, t)
        elif self.settings.limits.get("allow_opposing") is True:
            self.net(bought, t)

    def sell(self, contract, side, quantity, price, t):
        """Close pairs one by one: the oldest contract of each side."""
        for _ in range(quantity):
            for which, each in ((side, price), (other(side), 1 - price)):
                oldest = next(x for x in self.open if x.contract is contract and x.side == which and x.left)
                self.cash += oldest.close(1, each, t)
        self.open = [x for x in self.open if x.left]

    # ---- orders that rest ----

    def place(self, contract, side, quantity, price, t, until, sale):
        """Let an order rest as far as the limits allow now."""
        self.factor = QUARTER
        reason, quantity = self.room(contract, None, side, quantity, price, t, sale, self.free(), placing=True)
        if sale and not reason:
            going = sum(x.left for x in self.resting if x.contract is contract and x.sale and x.side == side)
            quantity = min(quantity, self.held(contract, other(side)) - going)
            reason = None if quantity > 0 else "NOTHING_HELD"
        if reason:
            self.refuse(reason)
        else:
            self.numbers += 1
            order = Resting(self.numbers, contract, side, sale, price, quantity, t, min(until, contract.end_ts))
            order.reserved = self.needed(order, t)
            self.resting.append(order)
            self.happened = True
        self.factor = Fraction(1)

    def needed(self, order, t):
        """Return the cash that a resting order may need."""
        fee = self.fee(order.contract, order.left, order.price, t)
        return max(Fraction(0), order.left * (order.price - (1 if order.sale else 0)) + fee)

    def serve(self, t):
        """Fill resting orders by the candles that end now, then take back those whose time is over."""
        self.factor = QUARTER
        self.happened |= any(x.until < t for x in self.resting)
        self.resting = [x for x in self.resting if x.until >= t]
        self.heads = {}  # the oldest order of each queue as the candles begin
        for order in self.resting:
            self.heads.setdefault((order.contract.ticker, order.side, order.price), order)
        for order in sorted(self.resting, key=lambda x: (x.contract.ticker, x.number)):
            if order not in self.resting or order.placed > t - 60 or t > order.until:
                continue
            for candle in self.candles.get(order.contract.ticker, ()):
                if candle.end == t and candle.end >= order.contract.quotes_from_ts:
                    self.meet(order, candle, t)
        self.happened |= any(x.until <= t for x in self.resting)
        self.resting = [x for x in self.resting if x.until > t]
        self.factor = Fraction(1)

    def meet(self, order, candle, t):
        """Fill an order by a candle, as far as the candle proves it and the limits allow."""

        def of_side(low_yes, high_yes):
            return low_yes if order.side == YES else None if high_yes is None else 1 - high_yes

        def inside(price):
            return price is not None and 0 < price < 1

        asked = of_side(candle.ask_low, candle.bid_high)
        prices = [] if candle.crossed or not inside(asked) else [asked]
        traded = of_side(candle.low, candle.high)
        prices += [traded] if candle.volume > 0 and inside(traded) else []
        best = min(prices, default=Fraction(1))
        at_price = False
        if best < order.price or (self.touch and best == order.price):
            quantity = order.left
        else:
            level = order.price if order.side == YES else 1 - order.price
            if candle.volume == 0 or not candle.low == candle.high == level:
                return
            if self.heads[order.contract.ticker, order.side, order.price] is not order:
                return
            order.printed += candle.volume
            quantity, at_price = min(order.left, math.floor(order.printed * self.share) - order.at_price), True
        if quantity < 1:
            return
        counts = order.filled == 0
        reason, quantity = self.room(
            order.contract,
            candle,
            order.side,
            quantity,
            order.price,
            t,
            order.sale,
            self.free() + order.reserved,
            counts=counts,
        )
        if reason:
            self.refuse(reason)
            if reason == "NOTHING_HELD":
                self.resting.remove(order)
            return
        why = "RESTING_SALE" if order.sale else "RESTING"
        self.fill(order.contract, candle.end, order.side, quantity, order.price, t, order.sale, why, counts=counts)
        order.left -= quantity
        order.filled += quantity
        order.at_price += quantity if at_price else 0
        if order.left:
            order.reserved = self.needed(order, t)
        else:
            self.resting.remove(order)


__all__ = ["NaiveSteps", "WideCandle", "day"]
