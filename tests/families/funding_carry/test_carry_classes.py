"""Funding carry by classes: the built-in strategy written as one, sizes, refusals, errors, what is shown, and whole runs."""

import contextlib
import dataclasses
from collections import Counter

import pytest

from tests.families.funding_carry.engine_results import market, resolved
from tests.reference.random_carry_worlds import random_world
from tradewinds.engine.carry.carry_loop import run_carry
from tradewinds.engine.carry.carry_market import RATE_UNIT, UNIT
from tradewinds.engine.carry.carry_rules import SimpleStrategy
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.engine.equity import check_points
from tradewinds.families.funding_carry.carry_panel import window_of
from tradewinds.families.funding_carry.report_words import reason_text
from tradewinds.families.funding_carry.run_rules import rules_of
from tradewinds.strategies.decisions import buy, limit, sell

WORLDS = 80


class Called:
    """A StepCaller of a strategy object."""

    every_decision_time = False

    def __init__(self, strategy):
        self.strategy = strategy

    def watched(self):
        return contextlib.nullcontext()

    def start(self):
        pass

    def decide(self, view):
        wishes = self.strategy.on_decision(view) or ()
        return [wishes] if hasattr(wishes, "_fields") else wishes

    def problem(self, what):
        return AssertionError(what)


def world_of(seed):
    """Records and rules of a random world."""
    made = random_world(seed)
    config = resolved(made.settings)
    rules, window = rules_of(config), window_of(config)
    records = [market(one, window) for one in sorted(made.world, key=lambda one: one.symbol)]
    return CarryMarkets(records, rules), rules


def called(markets, rules, strategy):
    """The result of a strategy object, whose books are checked."""
    made = run_carry(markets, dataclasses.replace(rules, stepwise=lambda: Called(strategy)))
    made.journal.check(made.start_cash, made.end_cash)
    check_points(made.equity, made.journal, made.start_cash)
    return made


class Simple:
    """The built-in funding_simple: opened from a rate on, closed below another, the highest rates first."""

    def __init__(self, rules):
        self.rules = rules

    def rate(self, perp):
        return round((perp.rate_8h if self.rules.per_8h else perp.rate) * RATE_UNIT)

    def on_decision(self, view):
        enter, leave = self.rules.strategy.enter * RATE_UNIT, self.rules.strategy.leave * RATE_UNIT
        sales, found = [], []
        for perp in view.changed:
            now = self.rate(perp)
            side = {"long_spot": 1, "short_spot": -1, "both": -1 if now < 0 else 1}[self.rules.direction]
            if perp.held:
                if (now if perp.held > 0 else -now) < leave and perp.payments >= self.rules.min_holding:
                    sales.append(sell(perp))
            elif side * now >= enter:
                found.append((-side * now, perp.ticker, "long_spot" if side == 1 else "short_spot"))
        return sales + [buy(ticker, side=side) for _, ticker, side in sorted(found)]


def without_reasons(rows):
    """Fills or positions without why they were made, which a class has its own words for."""
    own = {"strategy", "sale", "rate"}
    return [
        tuple(
            ("own" if value in own else value) for name, value in zip(row._fields, row, strict=True)
        )
        for row in rows
    ]


def test_the_built_in_strategy_as_a_class_makes_the_same_fills_to_the_last_unit():
    found = worlds = 0
    for seed in range(400):
        markets, rules = world_of(seed)
        if not isinstance(rules.strategy, SimpleStrategy) or rules.max_breakeven is not None:
            continue
        worlds += 1
        wanted, made = run_carry(markets, rules), called(markets, rules, Simple(rules))
        assert without_reasons(made.fills) == without_reasons(wanted.fills), seed
        assert without_reasons(made.positions) == without_reasons(wanted.positions), seed
        assert (made.payments, made.equity, made.end_cash) == (wanted.payments, wanted.equity, wanted.end_cash), seed
        own = {"ALREADY_HELD", "NO_SETTLEMENT"}
        assert [r for r in made.refusals if r.reason not in own] == wanted.refusals, seed
        found += len(made.fills)
        if worlds == WORLDS:
            break
    assert worlds == WORLDS and found > 5 * WORLDS
