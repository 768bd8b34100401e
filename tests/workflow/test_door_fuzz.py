"""Every door takes a few mutated inputs; the large run is `python -m tests.workflow.door_fuzz` (docs/architecture.md)."""

import pytest

from tests.workflow import door_fuzz

SEED, INPUTS = 20_261_126, 12


@pytest.fixture(scope="module")
def fuzz():
    with door_fuzz.own_folder():
        yield door_fuzz.Fuzz(SEED)


NAMES = [
    *("config", "config_of_shares", "config_of_minutes", "minutes_csv", "minutes_parquet", "validate"),
    *("universe", "actions", "bars_csv", "bars_parquet", "probabilities_csv", "probabilities_parquet"),
    *("import_markets", "import_candles", "import_climate", "guidance"),
    *(
        "readings",
        "order_books_csv",
        "order_books_parquet",
        "distributions_csv",
        "distributions_parquet",
        "listing",
        "series",
    ),
    *("candles_historical", "candles_event", "candles_batch", "climate", "chart", "chart_minutes"),
]


def test_every_door_is_named_here(fuzz):
    assert [*fuzz.doors] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_good_input_passes_and_no_mutated_one_is_a_bug(fuzz, name, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fuzz, "input_of", lambda name, number: fuzz.doors[name].good)
        assert fuzz.enter(name, 0) is None and fuzz.outcomes[name, 0] == 1
    problems = [(number, problem) for number in range(INPUTS) if (problem := fuzz.enter(name, number))]
    assert problems == []
    assert sum(count for (door, _), count in fuzz.outcomes.items() if door == name) == INPUTS + 1
