"""The engine's rules again, slow and plain: dollars as fractions, every contract at every decision time.

Written from the trading rules alone. Of the engine it takes only what a contract is (its fields are read as dollars and
seconds); candles, sizes, limits and fees are plain values of its own.
"""

import datetime as dt
import math
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

CENT = Fraction(1, 100)
YES, NO = "YES", "NO"


def since(text):
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


# From when on the exchange rounds fees to what; by then, and ever under "cent", it is the cent.
EXCHANGE_GRIDS = ((since("2026-03-04"), Fraction(1, 10_000)), (since("2026-09-01"), Fraction(1, 1_000_000)))


def up(amount, grid):
    """An amount rounded up to a multiple of a grid."""
    return math.ceil(amount / grid) * grid


def fee(rounding, rate, quantity, price, t):
    """Fee of an order in dollars at an instant."""
    model = rate * quantity * price * (1 - price)
    grids = [grid for start, grid in EXCHANGE_GRIDS if start <= t] if rounding == "exchange" else []
    if not grids:
        return up(model, CENT)
    cost = quantity * price
    return up(cost + up(model, grids[-1]), CENT) - cost


@dataclass
class Candle:
    """Top of book at the close of a candle that ends at `end` (Unix seconds); None: nobody is there."""

    end: int
    bid: Fraction | None
    ask: Fraction | None
    volume: Fraction

    @property
    def crossed(self):
        return self.bid is not None and self.ask is not None and self.bid > self.ask

    def price(self, side):
        """What a side costs, None if it cannot be bought."""
        if self.crossed:
            return None
        if side == YES:
            return self.ask if self.ask is not None and 0 < self.ask < 1 else None
        return 1 - self.bid if self.bid is not None and 0 < self.bid < 1 else None


@dataclass
class Settings:
    """How a run trades. `size` is ("fixed", n), ("ev_proportional", k) or ("kelly", share). With `by_quote` (a function of
    P(YES), both prices and a fee function, giving side, quantity and priority, or None) neither size nor min_ev play a part.
    """

    cash: Fraction
    size: tuple[str, Any] = ("fixed", 1)
    min_ev: Fraction = Fraction(0)
    by_quote: Any = None
    rounding: str = "cent"
    step: int = 60
    max_age: int | None = None
    limits: dict[str, Any] = field(default_factory=dict)


@dataclass
class Bought:
    """A filled order."""

    contract: Any
    side: str
    quantity: int
    price: Fraction
    fee: Fraction
    t: int
    candle: int
    gross: Fraction
    net: Fraction

    @property
    def pays(self):
        one = Fraction(self.contract.payout_yes_micro, 10**6)
        return self.quantity * (one if self.side == YES else 1 - one)


class NaiveEngine:
    """A replay; `candles` by ticker, in any order. `decided` holds every fill and refusal by itself."""

    def __init__(self, contracts, candles, settings, instants=()):
        self.contracts = sorted(contracts, key=lambda c: c.ticker)
        self.candles = {ticker: sorted(rows, key=lambda row: row.end) for ticker, rows in candles.items()}
        self.settings, self.instants = settings, set(instants)
        self.cash = settings.cash
        self.fills, self.open, self.decided, self.worth = [], [], [], []
        self.refused, self.crossed, self.used = Counter(), 0, -1

    def run(self):
        step = self.settings.step
        first = min(c.start_ts for c in self.contracts)
        last = max(c.end_ts for c in self.contracts)
        decisions = {t for t in range(first // step * step, last, step) if t >= first}
        for t in sorted(decisions | self.instants):
            self.settle(t)
            if t in self.instants:
                self.worth.append((t, self.cash, sum(self.liquidation(x, t) for x in self.open)))
            if t in decisions:
                self.decide(t)
        self.settle(math.inf)
        return self

    def settle(self, t):
        for done in [x for x in self.open if x.contract.settle_ts <= t]:
            self.cash += done.pays
            self.open.remove(done)

    def visible(self, contract, t):
        """The candle in force at an instant."""
        oldest = -math.inf if self.settings.max_age is None else t - self.settings.max_age
        ended = [c for c in self.candles.get(contract.ticker, ()) if contract.quotes_from_ts <= c.end <= t]
        return ended[-1] if ended and ended[-1].end >= oldest else None

    def liquidation(self, held, t):
        candle = self.visible(held.contract, t)
        other = candle and candle.price(NO if held.side == YES else YES)
        return Fraction(0) if other is None else held.quantity * (1 - other)

    def decide(self, t):
        equity = self.cash + sum(x.quantity * x.price for x in self.open)
        wishes = []
        for place, contract in enumerate(self.contracts):
            candle = self.visible(contract, t) if contract.start_ts <= t < contract.end_ts else None
            if candle is None:
                continue
            self.used, self.crossed = max(self.used, candle.end), self.crossed + candle.crossed
            wish = self.wish(contract, candle, equity, t)
            if wish:
                side, quantity, priority = wish
                wishes.append((-priority, place, contract, candle, side, quantity))
        for _, _, contract, candle, side, quantity in sorted(wishes, key=lambda wish: wish[:2]):
            self.order(contract, candle, side, quantity, t)

    def fee(self, contract, quantity, price, t):
        return fee(self.settings.rounding, contract.fee_rate, quantity, price, t)

    def wish(self, contract, candle, equity, t):
        """(side, quantity, priority), or None."""
        p = Fraction(contract.p_pico, 10**12)
        if self.settings.by_quote:
            prices = {side: candle.price(side) for side in (YES, NO)}

            def cost(side, quantity):
                return self.fee(contract, quantity, prices[side], t)

            return self.settings.by_quote(p, prices[YES], prices[NO], cost) if any(prices.values()) else None
        best = None
        for side, chance in ((YES, p), (NO, 1 - p)):
            price = candle.price(side)
            quantity = 0 if price is None else self.size(chance, price, equity)
            if quantity >= 1:
                net = chance - price - self.fee(contract, quantity, price, t) / quantity
                if net > self.settings.min_ev and (best is None or net > best[2]):
                    best = side, quantity, net
        return best

    def size(self, chance, price, equity):
        kind, number = self.settings.size
        if kind == "fixed":
            return number
        if kind == "ev_proportional":
            return math.floor(number * (chance - price - Fraction(7, 100) * price * (1 - price)))
        return math.floor(number * (chance - price) / (1 - price) * equity / price)

    def order(self, contract, candle, side, wanted, t):
        price, p = candle.price(side), Fraction(contract.p_pico, 10**12)
        reason, quantity = self.limited(contract, candle, side, wanted, price, t)
        if reason is None:
            cost = self.fee(contract, quantity, price, t)
            gross = (p if side == YES else 1 - p) - price
            net = gross - cost / quantity
            if not self.settings.by_quote and net <= self.settings.min_ev:
                reason = "EV_THRESHOLD"
        if reason:
            self.refused[reason] += 1
            self.decided.append((t, contract.ticker, side, wanted, price, False, reason))
            return
        self.cash -= quantity * price + cost
        bought = Bought(contract, side, quantity, price, cost, t, candle.end, gross, net)
        self.fills.append(bought)
        self.open.append(bought)
        self.decided.append((t, contract.ticker, side, quantity, price, True, "EV_THRESHOLD"))

    def limited(self, contract, candle, side, quantity, price, t):
        """(reason, 0) or (None, what is left of a quantity)."""
        most, name = self.settings.limits, contract.event.name
        of_market = [x for x in self.open if x.contract is contract]
        of_event = [x for x in self.open if x.contract.event.name == name]
        if not most.get("allow_opposing") and any(x.side != side for x in of_market):
            return "OPPOSING_POSITION", 0
        if most.get("max_volume_share") is not None:
            used = sum(x.quantity for x in self.fills if x.contract is contract and x.candle == candle.end)
            quantity = min(quantity, math.floor(most["max_volume_share"] * candle.volume) - used)
            if quantity < 1:
                return "LIQUIDITY", 0
        for key, held, reason in (
            ("per_market", of_market, "MAX_CONTRACTS_PER_MARKET"),
            ("per_event", of_event, "MAX_CONTRACTS_PER_EVENT"),
            ("total_open", self.open, "MAX_TOTAL_OPEN_CONTRACTS"),
        ):
            if most.get(key) is not None:
                quantity = min(quantity, most[key] - sum(x.quantity for x in held))
                if quantity < 1:
                    return reason, 0
        if most.get("notional_per_event") is not None:
            left = most["notional_per_event"] - sum(x.quantity * x.price for x in of_event)
            quantity = min(quantity, math.floor(left / price))
            if quantity < 1:
                return "MAX_NOTIONAL_PER_EVENT_USD", 0
        if most.get("orders_per_event_day") is not None:
            today = [x for x in self.fills if x.contract.event.name == name and day(contract, x.t) == day(contract, t)]
            if len(today) >= most["orders_per_event_day"]:
                return "MAX_TRADES_PER_EVENT_PER_DAY", 0
        while quantity and quantity * price + self.fee(contract, quantity, price, t) > self.cash:
            quantity -= 1
        return (None, quantity) if quantity else ("INSUFFICIENT_CASH", 0)


def day(contract, t):
    """Which civil day of the event an instant is in."""
    return sum(start <= t for start in contract.event.day_starts)
