"""The product's loop and the naive engine make the same run of random worlds, to the last unit.

CARRY_WORLDS sets how many worlds; the first is CARRY_FIRST.
"""

import os
from fractions import Fraction

import pytest

from tests.families.funding_carry.engine_results import product_results, refusals_without_stale
from tests.reference.naive_carry_replay import replay
from tests.reference.random_carry_worlds import random_world
from tradewinds.core.errors import SimulationError

COUNT, FIRST = int(os.environ.get("CARRY_WORLDS", "120")), int(os.environ.get("CARRY_FIRST", "0"))
BATCH = 20
MOST = Fraction(2**63, 10**8)  # books with eight decimals hold no quantity of this size


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FIRST, FIRST + COUNT, BATCH))
def test_both_engines_make_the_same_run(first):
    for seed in range(first, min(first + BATCH, FIRST + COUNT)):
        made = random_world(seed)
        world, settings = made.world, made.settings
        naive = replay(world, settings)
        if max((row["qty"] for row in naive["trades"]), default=0) >= MOST:
            with pytest.raises(SimulationError, match="92 billion"):
                product_results(world, settings)
            continue
        ours = product_results(world, settings)
        for part in ("trades", "positions", "funding", "equity"):
            assert len(ours[part]) == len(naive[part]), (seed, part)
            for row, (mine, other) in enumerate(zip(ours[part], naive[part], strict=True)):
                assert mine == other, (seed, part, row)
        refused, stale = refusals_without_stale(naive)
        assert sorted(ours["refusals"]) == sorted(refused), seed
        assert ours["stale"] == stale, seed
        assert ours["gaps"] == naive["metrics"]["funding_gaps"], seed
        assert ours["mark_source"] == naive["metrics"]["mark_source"], seed
