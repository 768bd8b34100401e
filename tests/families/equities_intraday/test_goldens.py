"""The engine of bar sessions gives the worked examples of the rules."""

import pytest

from tests.families.equities_intraday.engine_results import engine_results
from tests.families.equities_intraday.orb_goldens import GOLDENS, differences


@pytest.mark.parametrize("golden", GOLDENS, ids=[golden.name.replace(" ", "_") for golden in GOLDENS])
def test_the_engine_gives_the_golden(golden):
    found = engine_results(golden.world(), golden.sessions(), golden.config())
    found["quarantined"] = golden.quarantined  # what is thrown away is another module's
    assert differences(golden, found) == []
