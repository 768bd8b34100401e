"""The naive opening-range engine gives the worked examples of the rules."""

import pytest

from tests.families.equities_intraday.naive_results import naive_results
from tests.families.equities_intraday.orb_goldens import GOLDENS, differences


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name.replace(" ", "_") for golden in GOLDENS])
def test_the_naive_engine_gives_the_golden(golden):
    found = naive_results(golden.world(), golden.sessions(), golden.config())
    assert differences(golden, found) == []
