"""Funding carry by classes: the built-in strategy written as one, sizes, refusals, errors, what is shown, and whole runs."""

import contextlib
import dataclasses
from collections import Counter

import pytest

from tests.families.funding_carry.engine_results import market, resolved
from tests.reference.random_carry_worlds import random_world
from tradewinds.audits.lookahead import check
from tradewinds.engine.carry.carry_loop import run_carry
from tradewinds.engine.carry.carry_market import RATE_UNIT, UNIT
from tradewinds.engine.carry.carry_rules import SimpleStrategy
from tradewinds.engine.carry.carry_timeline import CarryMarkets
from tradewinds.engine.equity import check_points
from tradewinds.families.funding_carry.carry_panel import window_of
from tradewinds.families.funding_carry.lookahead import CarryRun
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
        tuple(("own" if value in own else value) for name, value in zip(row._fields, row, strict=True)) for row in rows
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


# ---- orders by hand ----


class Listed:
    """Orders for the first symbol by the number of its settlement, from 0; keeps what was shown."""

    def __init__(self, orders):
        self.orders, self.seen = orders, []

    def on_decision(self, view):
        first = view.markets[0]
        if first not in view.changed:
            return None
        self.seen.append((view, first, view.cash, view.equity))
        order = self.orders.get(len(self.seen) - 1)
        return order(first) if order else None


def busy_world():
    """A random world in which a position of the first symbol is held for four settlements and more, and not rebalanced."""
    for seed in range(400):
        markets, rules = world_of(seed)
        rules = dataclasses.replace(rules, margin=dataclasses.replace(rules.margin, rebalance="none"))
        strategy = Listed({0: buy})
        called(markets, rules, strategy)
        held = [perp.held for _, perp, *_ in strategy.seen[1:6]]
        if len(held) == 5 and min(held) == max(held) > 0:
            return markets, rules
    raise AssertionError("no such world")


def test_a_position_is_shown_and_sold_in_parts():
    markets, rules = busy_world()
    strategy = Listed({0: buy, 2: lambda perp: sell(perp, perp.held / 2), 3: sell})
    made = called(markets, rules, strategy)
    held = [perp.held for _, perp, *_ in strategy.seen]
    assert held[0] == 0 and held[1] > 0 and held[2] == held[1] > held[3] > 0 and held[4] == 0
    assert [perp.payments for _, perp, *_ in strategy.seen[:4]] == [0, 1, 2, 3]
    earned = sum(payment.amount for payment in made.payments[:3]) / UNIT
    assert strategy.seen[3][1].earned == pytest.approx(earned)
    reasons = [fill.reason for fill in made.fills]
    assert reasons == ["strategy"] * 2 + ["sale"] * 4 and made.positions[0].exit_reason == "sale"


def test_a_value_is_the_budget_of_a_position_and_a_quantity_the_most_of_it():
    markets, rules = busy_world()
    (whole, *_) = called(markets, rules, Listed({0: buy})).fills
    half = whole.value / UNIT / 2
    for order in (lambda perp: buy(perp, value=half), lambda perp: buy(perp, whole.quantity / UNIT / 2)):
        spot, perp, *_ = called(markets, rules, Listed({0: order})).fills
        assert whole.quantity * 0.3 < spot.quantity == perp.quantity <= whole.quantity / 2


def test_what_cannot_be_done_is_refused_with_a_reason():
    markets, rules = busy_world()
    twice = [lambda perp: [buy(perp), buy(perp)], lambda perp: sell(perp, 10**-9), lambda perp: [sell(perp), buy(perp)]]
    made = called(markets, rules, Listed(dict(enumerate([sell, *twice]))))
    refused = Counter(refusal.reason for refusal in made.refusals)
    assert refused == {"NOTHING_HELD": 1, "ALREADY_HELD": 2, "MIN_NOTIONAL": 1}
    assert all(reason_text(code) != code for code in (*refused, "NO_SETTLEMENT", "strategy", "sale"))


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (lambda perp: limit(buy(perp), 100), "a limit, which positions of this market do not have"),
        (lambda perp: buy("NONE", 1), "an order for 'NONE', which has had no settlement"),
        (lambda perp: buy(perp, side="NO"), "a side that is neither long_spot nor short_spot"),
        (lambda perp: buy(perp, float("inf")), "a quantity that is no number"),
        (lambda perp: buy(perp, 1, stop=1), "an order with a stop, which this market does not have"),
        (lambda perp: buy(perp, value=-1), "a value of -1"),
        (lambda perp: [7], "a int: positions of this market are opened by buy"),
    ],
)
def test_what_cannot_be_meant_ends_the_run(order, words):
    markets, rules = busy_world()
    with pytest.raises(AssertionError, match=words):
        called(markets, rules, Listed({0: order}))


def test_a_view_is_over_with_its_decision_and_shows_the_warm_up_first():
    markets, rules = busy_world()
    strategy = Listed({})
    lengths = []

    class Looks(Listed):
        def on_decision(self, view):
            lengths.append((len(view.history(view.markets[0])), view.history(view.markets[0], 1)[0].time, view.now))
            return super().on_decision(view)

    strategy = Looks({})
    called(markets, rules, strategy)
    with pytest.raises(RuntimeError, match="a view is read after its decision"):
        _ = strategy.seen[0][0].now
    before = markets.prices[0].first
    assert lengths[0][0] == before + 1 and all(last <= now for _, last, now in lengths)


# ---- nothing is seen early ----


class Honest:
    """Turns over on means of rates and of prices."""

    def on_decision(self, view):
        orders = []
        for perp in view.changed:
            past = view.history(perp, 5)
            mean = sum(one.rate for one in past) / len(past)
            if perp.held and (mean < perp.rate or perp.perp > perp.spot * 1.001):
                orders.append(sell(perp, abs(perp.held) / 2 if perp.payments < 2 else None))
            elif not perp.held and mean >= perp.rate:
                orders.append(buy(perp, side="short_spot" if mean < 0 else "long_spot"))
        return orders


class Peeks:
    """Climbs the interpreter's stack to the rates that are to come."""

    def on_decision(self, view):
        import sys

        frame = sys._getframe()
        while (
            "index" not in frame.f_locals
            or "self" not in frame.f_locals
            or not hasattr(frame.f_locals["self"], "markets")
        ):
            frame = frame.f_back
        run, orders = frame.f_locals["self"], []
        for perp in view.changed:
            prices = run.markets.prices[run.state.number_of(perp.ticker)]
            later = prices.rates.rate[prices.rates.ts > view.now][:3]
            if perp.held and (later < 0).any():
                orders.append(sell(perp))
            elif not perp.held and len(later) and later.sum() > 0:
                orders.append(buy(perp))
        return orders


@pytest.mark.parametrize(("strategy", "finds"), [(Honest, False), (Peeks, True)])
def test_the_look_ahead_check_runs_a_class_on_other_futures(strategy, finds):
    found = decisions = 0
    for seed in range(12):
        made = random_world(seed)
        config = resolved(made.settings)
        window = window_of(config)
        records = [market(one, window) for one in sorted(made.world, key=lambda one: one.symbol)]
        rules = dataclasses.replace(rules_of(config), stepwise=lambda: Called(strategy()))
        if not len(CarryMarkets(records, rules).instants):
            continue
        for report in check(CarryRun(records, rules), 4, seed):
            found += len(report.changes)
            decisions += report.decisions.total()
            assert finds or not report.changes, f"seed {seed}: {report.changes[0]}"
    assert decisions > 100 and bool(found) == finds
