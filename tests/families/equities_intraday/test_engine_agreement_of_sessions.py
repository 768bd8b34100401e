"""The engine of bar sessions and the naive one agree on everything, on random sessions under random configs."""

import os

import pytest

from tests.families.equities_intraday.engine_results import engine_results
from tests.families.equities_intraday.naive_results import naive_results
from tests.families.equities_intraday.random_sessions import random_world

CHUNK = 100
WORLDS = int(os.environ.get("ORB_WORLDS", "200"))
COMPARED = ("trades", "refusals", "days", "breaks")


def trade_of(trade, is_scored):
    """Return a trade of the naive engine as the product tells it: prices of targets, a score of 0 where none is asked."""
    return trade | {"targets": [price for price, _ in trade["targets"]], "score": trade["score"] if is_scored else 0}


def day_of(day):
    """Return a day without what only one of the engines tells."""
    return {name: value for name, value in day.items() if name != "relative_volume"} | {"volume": day["volume"] or 0}


def told_alike(found, is_scored):
    """Return results without differences of form."""
    days = {key: day_of(day) for key, day in found["days"].items() if day["reason"] or day["high"] is not None}
    return found | {"days": days, "trades": [trade_of(trade, is_scored) for trade in found["trades"]]}


def differences(seed):
    """Return what differs between the two engines in a random world."""
    world = random_world(seed)
    is_scored = world.config["scoring"]["enabled"]
    inputs = (world.bars, world.sessions, world.config, world.actions)
    found, naive = (told_alike(results(*inputs), is_scored) for results in (engine_results, naive_results))
    wrong = [name for name in COMPARED if found[name] != naive[name]]
    wrong += [name for name in found["extra"] if found["extra"][name] != naive["extra"][name]]
    cash = [sorted(accounts.values()) for _, accounts in naive["cash"]]
    return wrong + ["cash"] * ([sorted(row) for row in found["cash"]] != cash)


@pytest.mark.parametrize("first", range(0, WORLDS, CHUNK))
def test_both_engines_agree(first):
    wrong = {seed: found for seed in range(first, first + CHUNK) if (found := differences(seed))}
    assert not wrong
