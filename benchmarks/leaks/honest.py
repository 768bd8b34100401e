"""Honest strategies drawn from a seed: files of both forms, and the project's own strategies with random settings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.leaks.event_leaks import with_strategy
from benchmarks.leaks.funding_class_leaks import run_of_text as carry_run_of_text
from benchmarks.leaks.minute_class_leaks import run_of_text as minute_run_of_text
from benchmarks.leaks.planted import Build, unwatched
from benchmarks.leaks.share_class_leaks import run_of_text
from tests.families.equities_daily import test_lookahead as shares
from tests.families.equities_intraday import test_orb_lookahead as openings
from tests.families.funding_carry import test_carry_lookahead as carry
from tests.reference.raw_worlds import make_inputs
from tradewinds.families.contract import Subject
from tradewinds.families.kalshi_weather.lookahead.subject import EventsRun


class Honest(NamedTuple):
    """A strategy that knows nothing too early.

    Attributes:
        family: market family.
        form: of the strategy.
        build: makes its run.
        seed: of strategy and world.
    """

    family: str
    form: str
    build: Build
    seed: int


CLASS = """
import random
import statistics
from collections import deque
from datetime import datetime, timezone
from tradewinds.strategies.decisions import buy, limit, sell

DRAWN = random.Random({seed})
BOUNDS = [DRAWN.uniform(0.1, 0.9) for _ in range(4)]


class Strategy:
    def on_start(self, parameters):
        self.seen, self.calls, self.drawn = {{}}, 0, random.Random({seed})

    def on_decision(self, view):
        orders = []
        self.calls += 1
        hour = datetime.fromtimestamp(view.now, timezone.utc).hour
        for market in view.changed:
            if not market.ask == market.ask:
                continue
            past = self.seen.setdefault(market.ticker, deque(maxlen={length}))
            past.append(market.ask)
            held = market.yes_held
            if {condition}:
                orders.append({order})
        return orders
"""
CONDITIONS = (
    "market.ask < statistics.mean(past) - {x:.3f}",
    "len(past) > 3 and market.ask > max(list(past)[:-1])",
    "market.probability == market.probability and market.ask < market.probability - {x:.3f}",
    "hour % {n} == 0 and market.ask < {y:.2f}",
    "self.drawn.random() < {y:.2f}",
    "len(view.history(market.ticker, {n})) == {n} and view.history(market.ticker, {n})[0].ask > market.ask",
    "self.calls % {n} == 0 and BOUNDS[0] < market.ask",
    "view.cash > 100 and market.ask < BOUNDS[hour % 4]",
)
ORDERS = (
    "buy(market, {n})",
    "sell(market, 1) if held and market.bid > market.yes_price else buy(market, 1)",
    "limit(buy(market, {n}), market.ask - 0.01, view.now + 1800) if market.ask > 0.05 else buy(market, 1)",
)
FUNCTION = """
import numpy as np
from tradewinds.strategies.user_file import NO, NONE, YES, Orders


def orders(quotes, parameters):
    yes = quotes.quoted(YES) & (quotes.yes_ask < {a}) & (quotes.p_pico > {b})
    no = quotes.quoted(NO) & (quotes.no_ask < {c}) & ~yes
    edge = quotes.p_pico // 10**6 - quotes.yes_ask
    return Orders(np.where(yes, YES, np.where(no, NO, NONE)), 1 + (np.abs(edge) > {d}), edge)
"""


def class_text(seed: int) -> str:
    """Return a class drawn from a seed."""
    rng = random.Random(seed)
    drawn = {"x": rng.uniform(0, 0.1), "y": rng.uniform(0.2, 0.8), "n": rng.randint(1, 4)}
    parts = rng.sample(CONDITIONS, rng.choice([1, 1, 2]))
    condition = rng.choice([" and ", " or "]).join(f"({part.format(**drawn)})" for part in parts)
    order = rng.choice(ORDERS).format(**drawn)
    return CLASS.format(seed=seed, length=rng.randint(2, 30), condition=condition, order=order)


def function_text(seed: int) -> str:
    """Return a function drawn from a seed."""
    rng = random.Random(seed)
    prices = {name: rng.randrange(100_000, 900_000) for name in "ac"}
    return FUNCTION.format(**prices, b=rng.randrange(10**11, 6 * 10**11), d=rng.randrange(10_000, 200_000))


SHARE_CLASS = """
import statistics
from tradewinds.strategies.decisions import buy, limit, sell, stop


class Strategy:
    def on_start(self, parameters):
        self.calls = 0

    def on_decision(self, view):
        self.calls += 1
        orders = []
        for share in view.changed:
            past = view.closes(share, {length})
            if share.held and ({leave}):
                orders.append(sell(share))
            elif not share.held and len(past) == {length} and ({enter}):
                orders.append({order})
        return orders
"""
ENTERS = (
    "share.close < statistics.mean(past) * {x:.3f}",
    "share.close > max(past[:-1])",
    "self.calls % {n} == 0 and view.volumes(share, 1)[0] > 100_000",
    "view.date.weekday() == {n} and share.close > view.opens(share, 1)[0]",
)
LEAVES = (
    "share.close > share.price * 1.03",
    "(view.date - share.entry_date).days > {n}",
    "share.close < min(past[:-1])",
)


def share_class_text(seed: int) -> str:
    """Return a class of daily shares drawn from a seed."""
    rng = random.Random(seed)
    drawn = {"x": rng.uniform(0.96, 1.02), "n": rng.randint(1, 4)}
    enter, leave = rng.choice(ENTERS).format(**drawn), rng.choice(LEAVES).format(**drawn)
    order = rng.choice(
        ["buy(share, value=5_000)", "buy(share, 10)", "limit(buy(share, value=4_000), share.close * 0.99)"]
    )
    return SHARE_CLASS.format(length=rng.randint(2, 20), enter=enter, leave=leave, order=order)


CARRY_CLASS = """
import statistics
from collections import Counter
from tradewinds.strategies.decisions import buy, sell


class Strategy:
    def on_start(self, parameters):
        self.calls = Counter()

    def on_decision(self, view):
        orders = []
        for perp in view.changed:
            self.calls[perp.ticker] += 1
            past = view.rates(perp, {length})
            if perp.held and ({leave}):
                orders.append(sell(perp))
            elif not perp.held and ({enter}):
                orders.append({order})
        return orders
"""
CARRY_ENTERS = (
    "statistics.mean(past) > {x:.6f}",
    "perp.rate_8h >= max(past) and len(past) > 1",
    "self.calls[perp.ticker] % {n} == 0",
    "perp.perp > perp.spot and view.cash > 100",
)
CARRY_LEAVES = (
    "statistics.mean(past) < 0",
    "perp.payments >= {n} and perp.rate < {x:.6f}",
    "view.now - perp.entered > {n} * 86400",
    "perp.earned < 0",
)


def carry_class_text(seed: int) -> str:
    """Return a class of funding carry drawn from a seed."""
    rng = random.Random(seed)
    drawn = {"x": rng.uniform(0, 0.0003), "n": rng.randint(1, 4)}
    enter, leave = rng.choice(CARRY_ENTERS).format(**drawn), rng.choice(CARRY_LEAVES).format(**drawn)
    order = rng.choice(
        ["buy(perp)", "buy(perp, value=500)", 'buy(perp, side="short_spot" if past[0] < 0 else "long_spot")']
    )
    return CARRY_CLASS.format(length=rng.randint(1, 9), enter=enter, leave=leave, order=order)


MINUTE_ENTERS = (
    "share.close < statistics.mean(past) * {x:.4f}",
    "share.close > max(past[:-1])",
    "view.minute % {n} == 0 and view.volumes(share, 1)[0] > 1000",
    "view.minutes_left > 30 and self.calls % {n} == 0",
    "view.bars_today(share) > 5 and share.close > max(view.highs(share, view.bars_today(share))[:-1])",
)
MINUTE_LEAVES = (
    "abs(share.close / share.price - 1) > 0.002",
    "view.now - share.entered > {n} * 600",
    "share.close < min(past[:-1])",
)
MINUTE_ORDERS = (
    "buy(share, value=5_000)",
    "buy(share, stop=share.close * 0.995)",
    'buy(share, 10, "short", stop=share.close * 1.004)',
    "limit(buy(share, 20), share.close * 0.999, view.now + 1200)",
    "stop(buy(share, 20, stop=share.close * 0.99), share.close * 1.001)",
)


def minute_class_text(seed: int) -> str:
    """Return a class of minute bars drawn from a seed."""
    rng = random.Random(seed)
    drawn = {"x": rng.uniform(0.997, 1.001), "n": rng.randint(2, 5)}
    parts = [rng.choice(some).format(**drawn) for some in (MINUTE_ENTERS, MINUTE_LEAVES, MINUTE_ORDERS)]
    return SHARE_CLASS.format(length=rng.randint(2, 30), enter=parts[0], leave=parts[1], order=parts[2])


def strategies() -> Iterator[Honest]:
    """Yield the strategies."""

    def own(text: Callable[[int], str], seed: int) -> Build:
        return with_strategy(lambda inputs, leaky: text(seed))

    def of_shares(seed: int) -> Build:
        return lambda world, leaky: run_of_text(share_class_text(seed), world)

    def of_carry(seed: int) -> Build:
        return lambda world, leaky: carry_run_of_text(carry_class_text(seed), world)

    def of_minutes(seed: int) -> Build:
        return lambda world, leaky: minute_run_of_text(minute_class_text(seed), world)

    def projects(make: Callable[[int], Subject | None]) -> Build:
        return lambda seed, leaky: unwatched(lambda: make(seed))

    def daily(seed: int) -> Subject:
        rng = random.Random(seed)
        parameters = {"volume_bars": rng.randint(2, 12), "min_close": rng.choice([0.01, 1, 5])}
        name = rng.choice(shares.STRATEGIES)
        return shares.run_of(
            seed, strategy={"name": name, "parameters": parameters}, fill=rng.choice(["next_open", "same_close"])
        )

    def events(seed: int) -> Subject:
        return EventsRun(make_inputs(Path.cwd(), seed, None))

    def openings_of(seed: int) -> Subject:
        rng = random.Random(seed)
        risk: dict[str, Any] = {"max_volume_share": rng.choice([None, 0.1, 0.01])}
        return openings.run_of(seed, entry={"mode": rng.choice(["stop", "close_confirm", "or_close"])}, risk=risk)

    for number in range(30):
        yield Honest("kalshi_weather", "a file: class", own(class_text, 5000 + number), 300 + number)
    for number in range(40):
        yield Honest("equities_daily", "a file: class", of_shares(7000 + number), 1 + number)
    for number in range(20):
        yield Honest("kalshi_weather", "a file: function", own(function_text, 6000 + number), 400 + number)
    for number in range(30):
        yield Honest("equities_intraday", "a file: class", of_minutes(9000 + number), 1 + number)
    for number in range(30):
        yield Honest("funding_carry", "a file: class", of_carry(8000 + number), 600 + number)
    kinds: tuple[tuple[str, Callable[[int], Subject | None], int], ...] = (
        ("kalshi_weather", events, 10),
        ("equities_daily", daily, 50),
        ("equities_intraday", openings_of, 20),
        ("funding_carry", carry.run_of, 90),
    )
    for family, make, count in kinds:
        for number in range(count):
            yield Honest(family, "the project's own", projects(make), 500 + number)
