"""The section on liquidity of funding carry: capped rows are runs with the limit, by either name of the key."""

import copy
from fractions import Fraction

import pytest

from tests.families.funding_carry.engine_results import product_run, resolved
from tests.reference.random_carry_worlds import random_world
from tradewinds.core.text import number
from tradewinds.families.funding_carry.replay import CarryStudy, liquidity_of
from tradewinds.families.funding_carry.run_rules import rules_of

SEEDS = range(8)


def with_limit(settings, section, share):
    """Settings with one limit of volume, at one of its names."""
    changed = copy.deepcopy(settings)
    for name in ("risk", "execution"):
        changed.setdefault(name, {})["max_volume_share"] = share if name == section else None
    return changed


def study_of(world, settings):
    """What the replay reads, and the run."""
    markets, made = product_run(world, settings)
    return resolved(settings), CarryStudy(markets, {}), made


def net(world, settings):
    return number(sum(one.net for one in product_run(world, settings)[1].positions), 8)


@pytest.mark.parametrize("section", ["risk", "execution"])
def test_a_capped_row_is_the_run_with_that_limit(section):
    changed = 0
    for seed in SEEDS:
        case = random_world(seed)
        settings = with_limit(case.settings, section, None)
        found = liquidity_of(*study_of(case.world, settings))["liquidity"]
        for row in found["capped"]:
            limited = with_limit(settings, section, row["volume_share"])
            assert net(case.world, limited) == row["total_pnl_usd"], seed
        changed += len({row["total_pnl_usd"] for row in found["capped"]}) > 1
    assert changed >= 2


def test_the_lower_of_both_names_holds():
    settings = random_world(1).settings
    both = with_limit(settings, "risk", 0.05)
    both["execution"]["max_volume_share"] = 0.2
    swapped = with_limit(settings, "risk", 0.2)
    swapped["execution"]["max_volume_share"] = 0.05
    for one in (both, swapped, with_limit(settings, "risk", 0.05), with_limit(settings, "execution", 0.05)):
        assert rules_of(resolved(one)).size.max_volume_share == Fraction(1, 20)
    assert rules_of(resolved(with_limit(settings, "risk", None))).size.max_volume_share is None
