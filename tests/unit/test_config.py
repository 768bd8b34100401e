"""The config: defaults, refusals that name file, line, key and remedy, digest and run id."""

import copy
import datetime as dt
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.config import problems, resolve
from tradewinds.core import yaml_text
from tradewinds.core.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
TODAY = dt.date(2026, 1, 1)
NINE = {
    "series_tickers": ["KXHIGHMIA", "KXHIGHCHI"],
    "date_start_local": dt.date(2025, 5, 1),
    "date_end_local": dt.date(2025, 5, 31),
    "asof_policy": {"local_time": "23:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 1,
    "execution_model": "taker",
    "risk": {},
    "output_dir": "backtests",
}


def resolved(**changes):
    return resolve.resolve({**copy.deepcopy(NINE), **changes}, today=TODAY)


def refused(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        resolve.load(path, today=TODAY)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_nine_fields_suffice_and_defaults_are_the_designs():
    conf = resolved()
    assert conf["market"] == "kalshi_weather"
    assert conf["strategy"] == {"name": "ev_threshold", "file": None, "parameters": None}
    assert conf["probabilities"]["source"] == "gaussian"
    assert conf["risk"]["start_balance_usd"] == 1000
    assert conf["risk"]["min_ev_per_contract"] == 0.05
    assert (conf["risk"]["sizing"], conf["risk"]["fixed_qty"]) == ("fixed_qty", 1)
    assert conf["fees"] == {"rounding": "cent"}
    assert conf["candles"] == {"window_policy": "FULL_MARKET_WINDOW", "period_interval_minutes": 1}
    assert conf["on_missing"] == {"quotes": "skip", "probabilities": "skip", "validation": "skip"}
    assert conf["fetch"] == "auto"
    assert conf["kalshi"] == {
        "base_url": "https://external-api.kalshi.com/trade-api/v2",
        "requests_per_second": 3,
        "max_connections": 4,
        "timeout_seconds": 30,
        "max_retries": 6,
    }
    assert conf["iem"]["requests_per_second"] == 0.25 and conf["iem"]["max_connections"] == 1
    assert conf["database"] == {"url": "sqlite:///backtests/tradewinds.db"}
    assert conf["seed"] == 0


def test_absent_limits_do_not_bind():
    limits = [key for key in resolved()["risk"] if key.startswith("max_")]
    assert len(limits) == 6 and all(resolved()["risk"][key] is None for key in limits)


@pytest.mark.parametrize("key", sorted(NINE))
def test_each_of_the_nine_is_required(key):
    raw = {name: value for name, value in NINE.items() if name != key}
    with pytest.raises(ConfigError, match=rf"{key}: this key is missing"):
        resolve.resolve(raw, today=TODAY)


def key_paths(node, prefix=()):
    for key, sub in node.get("properties", {}).items():
        yield (*prefix, key), sub
        yield from key_paths(sub, (*prefix, key))
    for branch in node.get("oneOf", ()):
        yield from key_paths(branch, prefix)


PATHS = dict(key_paths(resolve.schema("kalshi_weather")))


def put(raw, path, value):
    for key in path[:-1]:
        raw = raw.setdefault(key, {})
    raw[path[-1]] = value


def base_for(path):
    raw = copy.deepcopy(NINE)
    if path[0] == "probabilities" and path[-1] == "path":
        raw["probabilities"] = {"source": "file", "path": "p.csv"}
    elif path[:2] == ("probabilities", "pooled"):
        raw["probabilities"] = {"source": "pooled"}
        if path[2:3] == ("fixed",):
            raw["probabilities"]["pooled"] = {"fixed": {"b": 1, "c": 0}}
    elif path[0] == "probabilities":
        raw["probabilities"] = {"source": "gaussian"}
    elif path[0] == "strategy":
        raw["strategy"] = {"name": "ev_threshold"}
    return raw


@pytest.mark.parametrize("path", sorted(PATHS), ids=".".join)
def test_every_key_refuses_a_wrong_type(path):
    raw = base_for(path)
    put(raw, path, 7 if path[-1] in ("path", "parameters") else {"nested": ["nonsense"]})
    with pytest.raises(ConfigError, match=path[-1]):
        resolve.resolve(raw, today=TODAY)


@pytest.mark.parametrize("path", sorted(PATHS), ids=".".join)
def test_every_key_misspelt_is_refused_with_its_right_name(path):
    raw = base_for(path)
    value = NINE.get(path[0]) if len(path) == 1 else None
    for key in path[:-1]:
        raw.setdefault(key, {})
    put(raw, (*path[:-1], path[-1] + "z"), value)
    with pytest.raises(ConfigError, match=rf"unknown key\. Did you mean {path[-1]}\?"):
        resolve.resolve(raw, today=TODAY)


RANGED = [
    (path, bound + step)
    for path, sub in sorted(PATHS.items())
    for name, step in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1))
    if (bound := sub.get(name)) is not None
]


@pytest.mark.parametrize(("path", "value"), RANGED, ids=str)
def test_every_range_is_kept(path, value):
    raw = base_for(path)
    put(raw, path, value)
    with pytest.raises(ConfigError, match=path[-1]):
        resolve.resolve(raw, today=TODAY)


def test_every_key_is_described_and_every_object_closed():
    def walk(node, name):
        if node.get("type") == "object" or "properties" in node:
            closed = node.get("additionalProperties") is False or all(
                branch["additionalProperties"] is False for branch in node["oneOf"]
            )
            assert closed, name
        for key, sub in node.get("properties", {}).items():
            assert len(sub["description"]) > 10, f"{name}.{key}"
            walk(sub, f"{name}.{key}")

    walk(resolve.schema("kalshi_weather"), "config")


def test_a_message_names_file_line_key_and_remedy(tmp_path):
    text = yaml.safe_dump(NINE, sort_keys=False) + "cadence_minuts: 2\n"
    message = refused(tmp_path, text)
    line = text.splitlines().index("cadence_minuts: 2") + 1
    assert f"x.yaml, line {line}, cadence_minuts: unknown key. Did you mean cadence_minutes?" in message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"date_start_local": "2025-06-01"}, "date_start_local: 2025-06-01 is after"),
        ({"date_end_local": "2026-01-02"}, "in the future"),
        ({"date_end_local": "2025-13-40"}, "not a date"),
        ({"date_end_local": 20250531}, "not text"),
        ({"series_tickers": ["KXHIGHCHX"]}, "Did you mean KXHIGHCHI"),
        ({"series_tickers": []}, "is empty"),
        ({"series_tickers": ["KXHIGHNY", "KXHIGHNY"]}, "names something twice"),
        ({"asof_policy": {"local_time": 1380, "days_before": 1}}, "in quotes"),
        ({"asof_policy": {"local_time": "24:00", "days_before": 1}}, "right form"),
        ({"risk": {"start_balance_usd": float("inf")}}, "start_balance_usd"),
        ({"risk": {"min_ev_per_contract": float("nan")}}, "finite"),
        ({"risk": {"start_balance_usd": 0.0000001}}, "6 decimals"),
        ({"risk": {"fixed_qty": True}}, "truth value"),
        ({"probabilities": {"source": "file"}}, "probabilities.path: this key is missing"),
        ({"probabilities": {"source": "oracle"}}, "Allowed: gaussian, file"),
        ({"probabilities": {"source": "gaussian", "path": "x"}}, "unknown key"),
        ({"probabilities": {"source": "gaussian", "min_days": 90, "trailing_days": 30}}, "above trailing_days"),
    ],
)
def test_refusals(change, words):
    with pytest.raises(ConfigError) as caught:
        resolved(**change)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("series_tickers: [A\nx: 1", "not valid YAML"),
        ("- a\n- b\n", "a mapping of keys"),
        ("", "a mapping of keys"),
        ("seed: 1\nseed: 2\n", "line 2, seed: this key is given twice"),
        ("seed: 1\ndate_end_local: 2025-02-30\n", "line 2: a value cannot be read"),
    ],
)
def test_bad_yaml(tmp_path, text, words):
    assert words in refused(tmp_path, text)


NESTED = """
risk: {fixed_qty: 1,
  kelly_fraction: }
series_tickers:
  -
  - KXHIGHCHI  # a city
  - [a,
     b]
  - x: 1
    y: |
      two
      lines
? a key
: &it {p: 1}
merged: {<<: *it, q: 2}
"""
SPOILT = ["a: [A\nx: 1", "a:\n\t- 1\n", "a: 1\n b: c: d\n", "a: *b\n", "a: 'x\n", "a: 1\n---\nb: 2\n", "a: !!x/y 1\n"]


@pytest.mark.slow
@pytest.mark.skipif(yaml_text.LOADER is yaml.SafeLoader, reason="PyYAML was built without its C parser")
@pytest.mark.parametrize("text", [NESTED, *(p.read_text() for p in sorted((ROOT / "config").rglob("*.yaml"))), *SPOILT])
def test_both_parsers_find_the_same_values_lines_and_faults(monkeypatch, text):
    def told():
        try:
            return problems.parse_yaml(text, "x.yaml")
        except ConfigError as error:
            return str(error)

    fast = told()
    monkeypatch.setattr(yaml_text, "LOADER", yaml.SafeLoader)
    assert fast == told() and isinstance(fast, str) == (text in SPOILT)


def test_missing_file():
    with pytest.raises(ConfigError, match="no such config file"):
        resolve.load("nowhere.yaml")


def test_resolving_leaves_its_argument_alone_and_is_stable():
    raw = copy.deepcopy(NINE)
    once = resolve.resolve(raw, today=TODAY)
    assert raw == NINE
    assert resolve.resolve(once, today=TODAY) == once


@pytest.mark.parametrize(
    "change",
    [
        {"output_dir": "elsewhere"},
        {"database": {"url": "sqlite:///x.db"}},
        {"kalshi": {"base_url": "http://127.0.0.1:1/trade-api/v2", "requests_per_second": 9}},
        {"iem": {"max_connections": 2}},
        {"fetch": "never"},
        {"risk": {"start_balance_usd": 1000.0, "max_contracts_per_market": None}},
        {"seed": 0},
    ],
)
def test_what_changes_no_result_changes_no_run_id(change):
    assert resolve.run_id(resolved(**change)) == resolve.run_id(resolved())


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"risk": {"fixed_qty": 2}}, {"series_tickers": ["KXHIGHMIA"]}, {"cadence_minutes": 5}]
)
def test_another_question_is_another_run(change):
    assert resolve.run_id(resolved(**change)) != resolve.run_id(resolved())


def test_run_id_is_pinned():
    """The same question has the same run next year: a change here breaks every reader's links."""
    before_the_blend = {"source": "gaussian", "models": ["GFS", "NAM"]}
    assert resolve.run_id(resolved(probabilities=before_the_blend)) == "9d8d9e3e-d4fa-501b-9bfb-3726c510c54c"
    assert resolve.run_id(resolved()) == "ffd00156-b557-50a3-bde7-5ff3c478017f"


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers() | st.text() | st.none()))
def test_digest_ignores_key_order(mapping):
    assert resolve.digest(mapping) == resolve.digest(dict(reversed(mapping.items())))


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_every_shipped_config_is_valid(path):
    resolve.load(path)
