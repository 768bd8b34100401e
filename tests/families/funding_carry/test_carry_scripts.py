"""Classes of funding carry and the naive engine's scripts make the same run of random worlds, to the last unit."""

import dataclasses
import os
import random
from collections import Counter
from fractions import Fraction

import pytest

from tests.families.funding_carry import engine_results
from tests.families.funding_carry.engine_results import product_results, refusals_without_stale
from tests.families.funding_carry.test_carry_classes import Called
from tests.reference.naive_carry_steps import NaiveCarrySteps
from tests.reference.random_carry_worlds import random_world
from tradewinds.engine.carry.carry_market import RATE_UNIT, UNIT
from tradewinds.strategies.decisions import buy, sell

WORLDS = int(os.environ.get("CARRY_SCRIPTS", "40"))
SIDES = {1: "long_spot", -1: "short_spot"}


def script_of(seed, log):
    """A function of what is visible, which draws its orders from the seed, and writes to `log` what it saw."""

    def script(t, perps, cash):
        log.append((t, perps, float(cash)))
        rng = random.Random(f"{seed} {t}")
        wishes = []
        for symbol, (_, held, _) in sorted(perps.items()):
            chance = rng.random()
            part = rng.choice([None, None, 3, 2])
            if chance < (0.25 if held else 0.05):
                wishes.append(("sell", symbol, part and rounded(abs(held) / part)))
            elif chance < 0.6:
                quantity, value = rng.choice(
                    [(None, None), (None, None), (Fraction(1, 8), None), (None, Fraction(200))]
                )
                wishes.append(("buy", symbol, rng.choice([1, 1, -1]), quantity, value))
        return wishes

    return script


def rounded(quantity):
    """A quantity with eight decimals."""
    return Fraction(round(quantity * UNIT), UNIT)


class Follows:
    """A strategy that follows a script."""

    def __init__(self, script):
        self.script = script

    def on_decision(self, view):
        perps = {
            perp.ticker: (
                Fraction(round(perp.rate_8h * RATE_UNIT), RATE_UNIT),
                rounded(perp.held),
                round(perp.payments),
            )
            for perp in view.changed
        }
        return [self.order(*wish) for wish in self.script(round(view.now), perps, view.cash)]

    @staticmethod
    def order(kind, symbol, *asked):
        if kind == "sell":
            return sell(symbol, asked[0] if asked[0] is None else float(asked[0]))
        direction, quantity, value = asked
        numbers = [None if number is None else float(number) for number in (quantity, value)]
        return buy(symbol, numbers[0], SIDES[direction], value=numbers[1])


def same_words(rows):
    """Rows of the naive engine with the reasons that a class's entries have."""
    own = {"rate": "strategy", "score": "strategy"}
    return [{**row, "reason": own.get(row["reason"], row["reason"])} for row in rows]


@pytest.mark.slow
def test_random_orders_agree_with_the_naive_engine(monkeypatch):
    reasons = Counter()
    for seed in range(WORLDS):
        made, seen, seen_naively = random_world(seed), [], []
        settings = {**made.settings, "risk": {**made.settings.get("risk", {}), "dynamic_sizing": {"enabled": False}}}
        naive = NaiveCarrySteps(made.world, settings, script_of(seed, seen_naively)).run()
        rules_of = engine_results.rules_of

        def called(config, rules_of=rules_of, seed=seed, seen=seen):
            return dataclasses.replace(rules_of(config), stepwise=lambda: Called(Follows(script_of(seed, seen))))

        with monkeypatch.context() as patch:
            patch.setattr(engine_results, "rules_of", called)
            ours = product_results(made.world, settings)
        assert [one for one in seen if one[1]] == [one for one in seen_naively if one[1]], seed
        assert ours["trades"] == same_words(naive["trades"]), seed
        for part in ("funding", "equity"):
            assert ours[part] == naive[part], (seed, part)
        refused, stale = refusals_without_stale(naive)
        assert sorted(ours["refusals"]) == sorted(refused) and ours["stale"] == stale, seed
        reasons.update(row["reason"] for row in ours["trades"])
        reasons.update(reason for *_, reason in refused)
    wanted = {
        "strategy",
        "sale",
        "rebalance",
        "liquidation",
        "backtest_end",
        "ALREADY_HELD",
        "NOTHING_HELD",
        "MAX_POSITIONS",
    }
    assert set(reasons) >= wanted, reasons
