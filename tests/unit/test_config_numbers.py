"""Numbers of a config, with very many digits, very small or very large: each works, or is refused with its key (exit 2)."""

import contextlib
import copy
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.reference.worlds import make_world
from tests.unit import share_runs
from tests.workflow import equities_desk
from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import replay
from tradewinds.families.plan import run_plan

DIGITS = [
    0.1234567890123456,
    1 / 3,
    0.0123456789012345678,
    1 - 2**-53,
    1 + 2**-52,
    17.123456789012345,
    49.99999999999999,
]
TINY = [5e-324, 1e-300, 1e-19, 1e-18, 1e-17, 1e-12, 1e-7]
LARGE = [10**9, 10**15, 2**63 - 1, 2**63, 10**30, 1e300]
NUMBERS = st.one_of(st.sampled_from(DIGITS + TINY + LARGE), st.floats(0, 1), st.floats(0, 1e9), st.integers(0, 10**12))


def paths_of(node, path=()):
    """Key paths of all numbers of a schema."""
    for branch in node.get("oneOf", ()):
        yield from paths_of(branch, path)
    for key, sub in node.get("properties", {}).items():
        kinds = sub.get("type", ())
        if {"number", "integer"} & {*([kinds] if isinstance(kinds, str) else kinds)}:
            yield (*path, key)
        yield from paths_of(sub, (*path, key))


def with_number(config, path, value):
    """A copy of a config with another number; sections are made where the config has none."""
    changed = copy.deepcopy(config)
    node = changed
    for key in path[:-1]:
        node[key] = node.get(key) or {}
        node = node[key]
    node[path[-1]] = value
    return changed


def accepted(config, path):
    """The resolved config; None if it is refused, by a message that names the key."""
    try:
        return resolve.resolve(config)
    except ConfigError as error:
        assert path[-1] in str(error), error
        assert error.exit_code == 2
        return None


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    """A small world of events: it trades, and its weather is not asked for."""
    return make_world(tmp_path_factory.mktemp("events"), 3)


EVENT_PATHS = sorted(set(paths_of(resolve.schema("kalshi_weather"))))
SHARE_PATHS = sorted(set(paths_of(resolve.schema("equities_daily"))))


@pytest.mark.slow
@settings(max_examples=150)
@given(st.sampled_from(EVENT_PATHS), NUMBERS, st.sampled_from(["fixed_qty", "kelly", "ev_proportional"]))
@example(("risk", "kelly_fraction"), 1e-18, "kelly")
@example(("risk", "kelly_fraction"), 5e-324, "kelly")
@example(("risk", "max_volume_share"), 0.12345678901234567, "fixed_qty")
@example(("risk", "max_volume_share"), 1e-19, "fixed_qty")
def test_any_number_of_a_config_of_events_works_or_is_refused(events, path, value, sizing):
    raw, *files = events.inputs
    if "pooled" in path:
        raw = {**raw, "probabilities": {"source": "pooled", "pooled": {"fixed": {"b": 1, "c": 0}}}}
    raw = with_number(with_number(raw, ("risk", "sizing"), sizing), path, value)
    config = accepted({key: str(item) if key.startswith("date_") else item for key, item in raw.items()}, path)
    if config is not None and path[0] != "probabilities":  # the world's are in its files
        replay.replay_events(config, *files, climate=events.climate)


@pytest.fixture(scope="module")
def shares(tmp_path_factory):
    """A folder with bars of shares and the panel that is made of them, which no number of a config changes."""
    folder = tmp_path_factory.mktemp("shares")
    share_runs.write(folder, equities_desk.world())
    return folder


@pytest.mark.slow
@settings(max_examples=40)
@given(st.sampled_from(SHARE_PATHS), NUMBERS)
@example(("risk", "max_volume_share"), 5e-324)
@example(("costs", "slippage_pct"), 49.99999999999999)
def test_any_number_of_a_config_of_shares_works_or_is_refused(shares, path, value):
    raw = with_number({**share_runs.CONFIG, "universe": sorted(equities_desk.world())}, path, value)
    with contextlib.chdir(shares):
        config = accepted(raw, path)
        if config is not None:
            made = run_plan(config)
            Path(made.run_dir).mkdir(parents=True, exist_ok=True)
            markets.family_of("equities_daily").replay(config, made, 1, lambda done, total: None)


@pytest.mark.parametrize("value", [0.0123456789012, 1e-13])
def test_an_expected_value_has_twelve_decimals_at_most(events, value):
    assert resolve.resolve(with_number(events.config, ("risk", "min_ev_per_contract"), 0.012345678901))
    with pytest.raises(ConfigError, match=r"risk\.min_ev_per_contract: \S+ has more than 12 decimals"):
        resolve.resolve(with_number(events.config, ("risk", "min_ev_per_contract"), value))


@pytest.mark.parametrize("key", ["kelly_fraction", "max_volume_share"])
def test_a_share_says_how_many_decimals_it_may_have(events, key):
    raw = with_number(events.config, ("risk", key), 1e-19)
    with pytest.raises(ConfigError, match=rf"risk\.{key}: 1e-19 has more than 18 decimals"):
        resolve.resolve(raw)
