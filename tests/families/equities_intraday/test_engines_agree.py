"""The product's loop and the naive engine trade random worlds alike, to the last unit."""

import os

import pytest

from tests.families.equities_intraday.engine_results import engine_results
from tests.families.equities_intraday.naive_results import random_results

SEEDS = range(int(os.environ.get("ORB_WORLDS", "100")))


def comparable(found, scored):
    """Return trades and days in the form that both engines give.

    A target's shares are the naive engine's alone, a score means nothing without scoring, and a range without a bar has
    the volume 0 there and none here.
    """
    trades = []
    for trade in found["trades"]:
        targets = [target[0] if isinstance(target, tuple) else target for target in trade["targets"]]
        trades.append(trade | {"targets": targets, "score": trade["score"] if scored else None})
    days = {key: fields | {"volume": fields["volume"] or 0} for key, fields in found["days"].items()}
    return trades, days


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_both_engines_make_the_same_of_a_world(seed):
    world, naive = random_results(seed)
    engine = engine_results(world.bars, world.sessions, world.config, world.actions)
    scored = world.config["scoring"]["enabled"]
    trades, days = comparable(naive, scored)
    engine_trades, engine_days = comparable(engine, scored)
    # The product leaves out a day without a bar; the naive engine has a row without a range for it.
    assert engine_days == {key: fields for key, fields in days.items() if key in engine_days}
    assert all(days[key]["high"] is None for key in days.keys() - engine_days.keys())
    assert engine["breaks"] == naive["breaks"]
    assert engine_trades == trades
    assert engine["refusals"] == {reason: count for reason, count in naive["refusals"].items() if count}
    assert engine["cash"] == [list(cash.values()) for _, cash in naive["cash"]]
    assert engine["extra"] == naive["extra"]
