"""Random worlds of the opening range: they reach every rule, and what the naive engine makes of them adds up."""

from collections import Counter
from fractions import Fraction

import pytest

from tests.families.equities_intraday.naive_results import naive_results, random_results
from tests.families.equities_intraday.random_sessions import random_world

SEEDS = range(100)
REFUSALS = {
    "NO_OPENING_RANGE", "OR_INCOMPLETE", "ATR_WARMUP", "OR_INVALID", "DOJI", "FILTER_WARMUP", "FILTER_PRICE",
    "FILTER_VOLUME", "FILTER_ATR", "FILTER_REL_VOLUME", "FILTER_RANK", "TIME_CUTOFF", "SESSION_END", "MAX_SIGNALS",
    "LOCKOUT", "DAILY_LOSS", "SCORE", "BAD_STOP", "MAX_POSITIONS", "SIZE_ZERO", "LIQUIDITY",
}  # fmt: skip
EXITS = {"target", "stop", "breakeven_stop", "trailing_stop", "time_stop", "session_end"}
QUARANTINE = {
    "DUPLICATE", "MISSING_PRICE", "NON_POSITIVE_PRICE", "OHLC_ORDER", "NEGATIVE_VOLUME", "OFF_MINUTE", "NO_SESSION",
    "ZERO_VOLUME",
}  # fmt: skip


@pytest.fixture(scope="module")
def outcomes():
    return [random_results(seed) for seed in SEEDS]


@pytest.mark.slow
def test_the_worlds_reach_every_reason(outcomes):
    refusals, exits, quarantined, extra = Counter(), Counter(), Counter(), Counter()
    for _, found in outcomes:
        refusals.update(found["refusals"])
        exits.update(leg[2] for trade in found["trades"] for leg in trade["legs"])
        extra.update({name: found["extra"][name] for name in ("ambiguous_bars", "stale_exits")})
        for reasons in found["all_quarantined"].values():
            quarantined.update(reasons)
    assert set(refusals) == REFUSALS
    assert set(exits) == EXITS
    assert set(quarantined) == QUARANTINE
    assert min(extra.values()) > 0


def test_the_worlds_reach_every_pair_of_modes(outcomes):
    seen = {
        (world.config["entry"]["mode"], world.config["trade"]["intrabar"])
        for world, found in outcomes
        if found["trades"]
    }
    stops = {world.config["trade"]["stop_mode"] for world, found in outcomes if found["trades"]}
    assert len(seen) == 9
    assert len(stops) == 6


def test_a_world_is_the_same_for_the_same_seed():
    assert random_world(7) == random_world(7) != random_world(8)


def test_money_shares_and_prices_add_up(outcomes):
    trades = 0
    for world, found in outcomes:
        balance = Fraction(world.config["risk"]["start_balance"])
        accounts = 1 if world.config["risk"]["account"] == "shared" else len(world.bars)
        assert found["extra"]["cash"] == accounts * balance + sum(trade["pnl"] for trade in found["trades"])
        for trade in found["trades"]:
            trades += 1
            direction = trade["direction"]
            assert sum(leg[0] for leg in trade["legs"]) == trade["quantity"]
            for _, raw, _ in trade["legs"]:
                assert direction * (trade["worst"] - raw) <= 0 <= direction * (trade["best"] - raw)
            assert trade["risk"] == direction * (trade["raw"] - trade["stop"]) > 0
    assert trades > 300


@pytest.mark.slow
def test_optimism_differs_from_pessimism_only_with_an_ambiguous_bar():
    different = 0
    for seed in range(12):
        outcomes = []
        for policy in ("pessimistic", "path", "optimistic"):
            world = random_world(seed, trade__intrabar=policy)
            outcomes.append(naive_results(world.bars, world.sessions, world.config, world.actions))
        if any(found["trades"] != outcomes[0]["trades"] for found in outcomes):
            different += 1
            assert all(found["extra"]["ambiguous_bars"] > 0 for found in outcomes)
    assert different > 0
