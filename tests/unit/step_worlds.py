"""Random worlds for strategies that are called at decision times, and scripts that both engines follow."""

import contextlib
import dataclasses
import random

import numpy as np

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_engine import NO, YES, Settings
from tests.reference.naive_steps import NaiveSteps, WideCandle
from tests.unit.book_worlds import order_books
from tests.unit.engine_parts import MINUTE, books_add_up, contract, micro
from tradewinds.core.units import CENT, NEVER
from tradewinds.engine.event_contracts.candles import Candles
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE
from tradewinds.engine.event_contracts.limits import Opposing, RiskLimits
from tradewinds.engine.event_contracts.order_rules import Rules, StepRules
from tradewinds.engine.event_contracts.replay import RunContracts
from tradewinds.engine.event_contracts.step_replay import ShownNames, StepReplay
from tradewinds.families.kalshi_weather.fee_schedule import FEE_ERAS, FEE_RULES, TAKER_RATE
from tradewinds.strategies.decisions import buy, cancel, limit, sell

CENTS = [1, 5, 30, 38, 40, 41, 42, 45, 60, 93, 99]


class Scripted:
    """A StepCaller that follows a script, as a class of a user would.

    Args:
        script: function of the decision time, the open markets and the resting orders.
        every: whether it is called at every decision time.
    """

    def __init__(self, script, *, every=False):
        self.script, self.every_decision_time, self.views = script, every, []

    def watched(self):
        return contextlib.nullcontext()

    def start(self):
        pass

    def problem(self, what):
        return AssertionError(what)

    def decide(self, view):
        assert [m.ticker for m in view.changed] == [m.ticker for m in view.markets if m in view.changed]
        markets = [
            (
                m.ticker,
                *(exactly(price) for price in (m.bid, m.ask, m.no_bid, m.no_ask)),
                Fraction(round(m.probability * 10**12), 10**12),
                round(m.yes_held),
                round(m.no_held),
                None if m.quote_time != m.quote_time else round(m.quote_time),
            )
            for m in view.markets
        ]
        made = {"buy": buy, "sell": sell}
        found = []
        resting = [(o.number, o.ticker, o.side, exactly(o.price)) for o in view.orders]
        for kind, *wish in self.script(int(view.now), markets, resting):
            if kind == "cancel":
                found.append(cancel(next(o for o in view.orders if o.number == wish[0])))
                continue
            ticker, side, quantity, *rest = wish
            order = made[kind](ticker, float(quantity), side)
            if rest and rest[0] is not None:
                order = limit(order, float(rest[0]), *rest[1:])
            found.append(order)
        return found


def exactly(price):
    """A float price as a fraction of dollars; None for nan."""
    return None if price != price else Fraction(round(price * 10**6), 10**6)


def random_script(salt):
    """A script whose wishes depend on what is visible and on a number alone."""

    def script(t, markets, orders):
        found = []
        for ticker, bid, ask, no_bid, _, p, yes, no, end in markets:
            dice = random.Random(f"{salt} {t if salt % 3 == 0 else 0} {ticker} {bid} {ask} {p} {yes} {no} {end}")
            resting = [number for number, of, *_ in orders if of == ticker]
            if resting and dice.random() < 0.25:
                found.append(("cancel", dice.choice(resting)))
            kind = dice.randrange(10)
            side = dice.choice([YES, NO])
            quantity = dice.choice([1, 2, 3, 7, 30, Fraction(5, 2), Fraction(1, 2)])
            held = yes if side == YES else no
            if kind < 2:
                found.append(("buy", ticker, side, quantity))
            elif kind < 4 and (held or dice.random() < 0.2):
                found.append(("sell", ticker, side, quantity))
            elif kind < 8:
                near = (bid if side == YES else no_bid) or Fraction(2, 5)
                price = near + Fraction(dice.choice([-2, -1, 0, 0, 1, 2, 5, Fraction(1, 3)]), 100)
                if not 0 < price < 1:
                    continue
                until = dice.choice([None, None, t + 60 * dice.randrange(1, 9), t + 90])
                sale = bool(held) and dice.random() < 0.6
                if sale:
                    price = min(Fraction(99, 100), price + Fraction(dice.randrange(4), 100))
                price = Fraction(round(price * 10**6), 10**6)
                if not (1 if sale else Fraction(1, 100)) <= (1 if sale else price) or price > Fraction(99, 100):
                    continue
                found.append(("sell" if sale else "buy", ticker, side, quantity, price, until))
        return found

    return script


def random_candles(dice, start, end):
    """Sparse candles of one contract with ranges that hold their closes, from before its window to after it."""
    rows = []
    for minute in sorted(dice.sample(range(start - 6, end + 8), min(end - start + 14, dice.randrange(3, 30)))):
        cents = [dice.choice([*CENTS, 0, 100]) for _ in range(2)]
        bid, ask = sorted(cents) if dice.random() < 0.9 else cents
        closes = [None if dice.random() < 0.1 else Fraction(cent, 100) for cent in (bid, ask)]
        high = None if closes[0] is None else min(closes[0] + Fraction(dice.choice([0, 0, 1, 4]), 100), Fraction(1))
        low = None if closes[1] is None else max(closes[1] - Fraction(dice.choice([0, 0, 1, 4]), 100), Fraction(0))
        volume = Fraction(dice.choice(["0", "9", "57.25", "640", "4"]))
        prints = sorted(dice.choice(CENTS) for _ in range(2)) if dice.random() < 0.5 else [dice.choice(CENTS)] * 2
        traded = [None, None] if not volume else [Fraction(cent, 100) for cent in prints]
        end_ts = minute * MINUTE + dice.choice([0, 0, 0, 0, 30])
        rows.append(WideCandle(end_ts, *closes, volume, high, low, *traded))
    return rows


def columns(tickers, candles):
    """Candles of WideCandle by ticker, as the engine reads them from files."""
    rows = [(place, c) for place, ticker in enumerate(tickers) for c in candles[ticker]]

    def prices(name):
        values = [getattr(c, name) for _, c in rows]
        return np.array([NO_PRICE if x is None else int(x * 10**6) for x in values], np.int32)

    bounds = np.searchsorted(np.array([place for place, _ in rows]), np.arange(len(tickers) + 1))
    nothing = np.zeros(len(tickers), np.int64)
    return Candles(
        tickers,
        np.array([c.end for _, c in rows], np.int64),
        prices("bid"),
        prices("ask"),
        np.array([int(c.volume * 100) for _, c in rows], np.int64),
        bounds[:-1],
        bounds[1:],
        nothing,
        nothing,
        tuple(map(prices, ("bid_high", "ask_low", "low", "high"))),
    )


@dataclasses.dataclass
class StepWorld:
    """What both engines are given."""

    contracts: list
    candles: dict
    rules: Rules
    naive: Settings
    instants: list
    cuts: list
    script: object
    every: bool
    cash: str
    snapshots: dict | None = None

    def replay(self, *, cuts=(), full_audit=True):
        """What the product makes of it, in one window or in several."""
        run_contracts = RunContracts(self.contracts)
        names = {c.ticker: ShownNames(c.event.name, 1.0, 2.0) for c in self.contracts}
        made = StepReplay(
            *(run_contracts, self.rules, self.rules.stepwise, names, micro(self.cash)),
            full_audit=full_audit,
            books=None if self.snapshots is None else order_books(self.contracts, self.snapshots),
        )
        since, left = -NEVER, list(self.contracts)
        for until in (*cuts, NEVER):
            new = [c for c in left if c.start_ts < until]
            left = [c for c in left if c not in new]
            tickers = [c.ticker for c in new]
            made.admit(new, columns(tickers, self.candles))
            made.advance(until, [ts for ts in self.instants if since <= ts < until])
            since = until
        outcome = made.outcome()
        books_add_up(outcome, micro(self.cash), netted=True)
        return outcome, made

    def reference(self):
        """What the naive engine makes of it."""
        step = self.rules.stepwise
        given = (self.contracts, self.candles, self.naive, self.instants, self.script)
        options = {"every": self.every, "takes": step.takes, "share": step.touch_share, "touch": step.touch_fills}
        return NaiveSteps(*given, **options, books=self.snapshots).run()


def step_rules(make, *, takes=True, share="0.25", touch=False):
    """How a strategy is called, with one-minute candles."""
    return StepRules(make, takes, Fraction(share), 60, CENT, Fraction(1, 4), touch)


def rules_of(step, limits, *, rounding="cent", minutes=1, age=None):
    """Rules around it."""
    return Rules(
        None,
        None,
        None,
        FEE_RULES[rounding],
        limits=limits,
        step_seconds=minutes * MINUTE,
        max_age_seconds=None if age is None else age * MINUTE,
        stepwise=step,
    )


def random_world(seed):
    """A small world of one to four contracts in two events."""
    dice = random.Random(seed)
    origin = dice.choice([0, *(since // MINUTE - 30 for since, _ in FEE_ERAS)])
    contracts, candles = [], {}
    for name in "ABCD"[: dice.randrange(1, 5)]:
        start = origin + dice.randrange(0, 15)
        end = start + dice.choice([0, 5, 20, 40])
        made = contract(
            name,
            dice.choice(["0.35", "0.5", "0.93", "0.333333333333"]),
            event=dice.choice("EF"),
            days=(origin + 17, origin + 33),
            start=start,
            end=end,
            settles=end + dice.choice([0, 1, 9]),
            pays=dice.choice(["0", "1", "0.24"]),
            rate=TAKER_RATE * dice.choice([0, 1, 1, Fraction(1, 2)]),
            quotes_from=start - dice.choice([0, 5, 100]),
        )
        later = sorted(dice.sample(range(start * 60, end * 60 + 60), dice.choice([0, 0, 3])))
        changes = tuple((ts, dice.randrange(10**12)) for ts in later)
        made = made._replace(start_ts=made.start_ts + dice.choice([0, 0, 17]), later_p=changes)
        end_ts = max(made.end_ts, made.start_ts) + dice.choice([0, 0, 31])
        made = made._replace(end_ts=end_ts, settle_ts=max(made.settle_ts, end_ts))
        contracts.append(made)
        candles[name] = random_candles(dice, start, end)

    def maybe(*values):
        return dice.choice([None] * len(values) * 2 + list(values))

    opposing = dice.choice(list(Opposing))
    limits = {
        "max_volume_share": maybe(Fraction(1, 10), Fraction(1, 2)),
        "per_market": maybe(1, 4, 11),
        "per_event": maybe(3, 12),
        "total_open": maybe(2, 15),
        "notional_per_event_micro": maybe(900_000, 4_000_000),
        "orders_per_event_day": maybe(1, 4),
    }
    notional = limits["notional_per_event_micro"]
    allow = {Opposing.REFUSED: False, Opposing.HELD: "hold", Opposing.NETTED: True}[opposing]
    naive = limits | {
        "notional_per_event": None if notional is None else Fraction(notional, 10**6),
        "allow_opposing": allow,
    }
    rounding, minutes, age = dice.choice(["cent", "exchange"]), dice.choice([1, 1, 3]), maybe(3, 12)
    cash, every = dice.choice(["0.50", "3", "1000"]), dice.random() < 0.5
    script = random_script(seed)
    share, touch = dice.choice(["0.25", "1", "0"]), dice.random() < 0.2
    step = step_rules(lambda: Scripted(script, every=every), share=share, touch=touch)
    noted = {(origin + dice.randrange(-5, 70)) * MINUTE for _ in range(5)} | {c.settle_ts for c in contracts}
    return StepWorld(
        contracts,
        candles,
        rules_of(step, RiskLimits(opposing=opposing, **limits), rounding=rounding, minutes=minutes, age=age),
        Settings(
            Fraction(cash),
            rounding=rounding,
            step=minutes * MINUTE,
            max_age=None if age is None else age * MINUTE,
            limits=naive,
        ),
        sorted(noted),
        sorted((origin + dice.randrange(0, 60)) * MINUTE for _ in range(dice.randrange(4))),
        script,
        every,
        cash,
    )
