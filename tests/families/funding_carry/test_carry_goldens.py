"""The product's loop gives the worked examples of the rules."""

import pytest

from tests.families.funding_carry.engine_results import product_results
from tests.reference.carry_golden_worlds import differences
from tests.reference.carry_goldens import GOLDENS


def comparable(golden):
    """Return an example without what the loop does not say: figures of metrics.json are made from its rows elsewhere."""
    expected = {part: wanted for part, wanted in golden.expected.items() if part != "metrics"}
    return type(golden)(golden.name, golden.world, golden.settings, expected)


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name.replace(" ", "_") for golden in GOLDENS])
def test_the_loop_gives_the_golden(golden):
    found = product_results(golden.world, golden.settings)
    stale = [(None, symbol, "STALE_PRICE") for symbol, count in found["stale"].items() for _ in range(count)]
    if stale and "refusals" in golden.expected:
        assert sorted(row[1:] for row in found["refusals"] + stale) == sorted(
            row[1:] for row in golden.expected["refusals"]
        )
        golden.expected.pop("refusals")
    assert differences(comparable(golden), found) == []
