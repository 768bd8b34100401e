"""The points of a sweep: exact values, stable order, draws from a seed, the ids of single runs, and refusals."""

import copy
import datetime as dt
import itertools
import re
import shlex
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.sweeps import grid
from tradewinds.sweeps.keys import label, not_swept

TODAY = dt.date(2026, 1, 1)
NINE = {
    "series_tickers": ["KXHIGHMIA", "KXHIGHCHI"],
    "date_start_local": dt.date(2025, 5, 1),
    "date_end_local": dt.date(2025, 5, 31),
    "asof_policy": {"local_time": "23:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 1,
    "execution_model": "taker",
    "risk": {"fixed_qty": 2},
    "output_dir": "backtests",
}
EV = "risk.min_ev_per_contract"
OWN = "def orders(quotes, parameters):\n    return ()\n"


def base(**changes):
    return resolve.resolve({**copy.deepcopy(NINE), **changes}, today=TODAY)


def points(*texts, **changes):
    return grid.grid_points(base(**changes), texts, source="x.yaml", today=TODAY)


def draws(*texts, count=20, seed=7, **changes):
    return grid.random_points(base(**changes), texts, count, seed, source="x.yaml", today=TODAY)


def values(*texts, **changes):
    return [tuple(point.settings.values()) for point in points(*texts, **changes)]


def column(text):
    return [value for (value,) in values(text)]


def refused(call, *arguments, **named):
    with pytest.raises(ConfigError) as caught:
        call(*arguments, **named)
    assert caught.value.exit_code == 2
    return str(caught.value)


@pytest.fixture
def own(tmp_path):
    """The strategy section of a user's strategy with two parameters, one of them in a section."""
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    return {"name": "mine", "file": str(file), "parameters": {"edge": 0.05, "exit": {"days": 3}}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{EV}=0.02:0.10:0.01", [0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1]),
        (f"{EV}=0.02:0.10:0.03", [0.02, 0.05, 0.08]),  # the end is not hit
        (f"{EV}=0.1:0.0:-0.05", [0.1, 0.05, 0.0]),
        (f" {EV} = 0.02 : 0.03 : .01 ", [0.02, 0.03]),
        (f"{EV}=1e-3:3e-3:1e-3", [0.001, 0.002, 0.003]),
        (f"{EV}=0.5:0.5:0.1", [0.5]),
        (f"{EV}=0.05", [0.05]),
        (f"{EV}=0.05,0,1", [0.05, 0, 1]),
        ("risk.fixed_qty=1:10:3", [1, 4, 7, 10]),
        ("risk.fixed_qty=5,1,5", [5, 1]),  # once is enough
        ("risk.fixed_qty=1,1.0,1e0", None),  # YAML reads 1e0 as text, in a file too
        ("risk.fixed_qty=3.0:4.0:1.0", [3, 4]),
        ("risk.max_contracts_per_market=null,5,~", [None, 5]),
        ("risk.allow_opposing=true,false", [True, False]),
        ("risk.sizing=kelly,fixed_qty", ["kelly", "fixed_qty"]),
        ("asof_policy.local_time=21:30,23:00", ["21:30", "23:00"]),  # a time, not the number 1290
        ('asof_policy.local_time="23:00"', ["23:00"]),
        ("asof_policy.local_time=06:00", ["06:00"]),
        ("probabilities.models=[GFS],[GFS, NAM]", [["GFS"], ["GFS", "NAM"]]),
        ("probabilities.publication_lag_hours.GFS=4:6:1", [4, 5, 6]),
        ("cadence_minutes=1,60", [1, 60]),
    ],
)
def test_values_are_those_that_are_written(text, expected):
    if expected is None:
        assert "not a whole number" in refused(points, text)
        return
    assert repr(column(text)) == repr(expected)  # true is not 1, and 1 is not 1.0


@given(st.integers(0, 300), st.integers(1, 60), st.integers(0, 700), st.integers(1, 6))
def test_a_range_is_exact_in_decimals(first, step, width, places):
    """Against a plain loop over decimals; added up as floats, many ranges would miss their end."""
    last = first + width
    texts = [format(Decimal(n).scaleb(-places), "f") for n in (first, last, step)]
    expected, at = [], Decimal(texts[0])
    while at <= Decimal(texts[1]):
        expected.append(float(str(at)))
        at += Decimal(texts[2])
    wide = base(strategy={"name": "ev_threshold"})
    wide["strategy"] |= {"file": "unused", "parameters": {"x": 0}}  # any value is allowed there
    axes = grid.parse_axes([f"strategy.parameters.x={':'.join(texts)}"], wide, "--grid", open_ranges=False)
    assert [axes[0].value(i) for i in range(axes[0].size)] == expected


def test_a_product_changes_the_last_key_fastest():
    texts = (f"{EV}=0.02:0.04:0.02", "risk.fixed_qty=1,2,3")
    assert values(*texts) == list(itertools.product([0.02, 0.04], [1, 2, 3]))
    assert list(points(*texts)[0].settings) == [EV, "risk.fixed_qty"]
    there, back = points(*texts), points(*reversed(texts))
    assert {p.run_id for p in there} == {p.run_id for p in back} and len(there) == 6


def written(raw, settings, folder):
    """A config file with some values written in, as a person would."""
    raw = copy.deepcopy(raw)
    for key, value in settings.items():
        *sections, name = key.split(".")
        section = raw
        for part in sections:
            section = section.setdefault(part, {})
        section[name] = value
    path = folder / "point.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


@pytest.mark.parametrize(
    "texts",
    [
        (f"{EV}=0.02:0.10:0.04", "risk.fixed_qty=1,2", "risk.max_contracts_per_event=null,20"),
        ("asof_policy.local_time=22:00,23:00", "asof_policy.days_before=0,1", "cadence_minutes=5"),
        ("risk.sizing=kelly,ev_proportional", "risk.kelly_fraction=0.1:0.3:0.1"),
        ("fees.rounding=cent,exchange", "candles.window_policy=TRADE_WINDOW_ONLY", "seed=0,1"),
    ],
)
def test_a_point_is_the_run_that_its_values_make_in_a_file(texts, tmp_path):
    for point in points(*texts):
        alone = resolve.load(written(NINE, point.settings, tmp_path), today=TODAY)
        assert resolve.run_id(alone) == point.run_id == resolve.run_id(point.config)
        assert alone == point.config


def test_a_drawn_point_is_the_run_that_its_values_make_in_a_file(tmp_path):
    for point in draws(f"{EV}=0.02:0.10", "risk.fixed_qty=1:50", "risk.allow_opposing=true,false"):
        assert resolve.run_id(resolve.load(written(NINE, point.settings, tmp_path), today=TODAY)) == point.run_id


def test_parameters_of_a_strategy_from_a_file_can_be_swept(own, tmp_path):
    texts = ("strategy.parameters.edge=0.01:0.03:0.01", "strategy.parameters.exit.days=1,true,off,late")
    found = points(*texts, strategy=own)
    assert [tuple(p.settings.values()) for p in found] == list(
        itertools.product([0.01, 0.02, 0.03], [1, True, False, "late"])
    )
    assert len({p.run_id for p in found}) == 12  # true is not 1
    for point in found:
        alone = resolve.load(written({**NINE, "strategy": own}, point.settings, tmp_path), today=TODAY)
        assert resolve.run_id(alone) == point.run_id


def test_the_value_that_the_config_has_is_the_run_that_the_config_has(own):
    strategy = own | {"parameters": {"flag": 1}}
    found = points("strategy.parameters.flag=true,1", "risk.fixed_qty=2", strategy=strategy)
    assert [p.settings["strategy.parameters.flag"] for p in found] == [True, 1]
    assert found[1].run_id == resolve.run_id(base(strategy=strategy)) != found[0].run_id


def test_the_base_stays_as_it_was_and_unchanged_sections_are_shared():
    conf = base()
    before = copy.deepcopy(conf)
    found = grid.grid_points(conf, ["risk.fixed_qty=1,2"], today=TODAY)
    assert conf == before
    assert found[0].config["kalshi"] is conf["kalshi"]
    assert found[0].config["risk"] is not conf["risk"]


def test_draws_are_within_their_ranges_and_different():
    found = draws(f"{EV}=0.02:0.10", "risk.fixed_qty=1:3", "risk.sizing=fixed_qty,kelly", count=200)
    assert len({p.run_id for p in found}) == 200
    columns = [set(column) for column in zip(*(p.settings.values() for p in found), strict=True)]
    assert all(0.02 <= value <= 0.1 and value == round(value, 5) for value in columns[0])
    assert columns[1:] == [{1, 2, 3}, {"fixed_qty", "kelly"}]
    assert len(columns[0]) > 150


def test_draws_are_pinned():
    """The same seed makes the same sweep next year, on any machine."""
    found = draws(f"{EV}=0.02:0.10", "risk.fixed_qty=1:50", count=3)
    assert [p.settings for p in found] == [
        {EV: 0.02058, "risk.fixed_qty": 41},
        {EV: 0.03365, "risk.fixed_qty": 10},
        {EV: 0.04414, "risk.fixed_qty": 41},
    ]


def test_a_draw_depends_on_seed_key_and_number_alone():
    texts = [f"{EV}=0.02:0.10", "risk.fixed_qty=1:50"]
    first = draws(*texts, count=30)
    assert draws(*texts, count=10) == first[:10]
    assert [p.run_id for p in draws(*reversed(texts), count=30)] == [p.run_id for p in first]
    more = draws(*texts, "risk.allow_opposing=true,false", count=30)
    assert [p.settings[EV] for p in more] == [p.settings[EV] for p in first]
    assert draws(*texts, count=30, seed=8) != first


@pytest.mark.parametrize(
    ("text", "digits"), [("0:1.0", 3), ("0.02:0.10", 5), ("0.02:0.04", 5), ("0.1000000:0.2", 7), ("0:1e-3", 6)]
)
def test_a_range_is_drawn_in_steps_of_a_thousandth_or_finer(text, digits):
    (axis,) = grid.parse_axes([f"{EV}={text}"], base(), "--range", open_ranges=True)
    first, last = map(Decimal, text.split(":"))
    assert axis.size == (last - first) * 10**digits + 1
    assert (axis.value(0), axis.value(axis.size - 1)) == (float(first), float(last))
    assert axis.value(1) == float(first + Decimal(1).scaleb(-digits))


def test_draws_come_out_of_steps_and_lists_and_can_exhaust_them():
    found = draws("risk.fixed_qty=1:10:3", "risk.max_contracts_per_event=null,5", count=8)
    assert {tuple(p.settings.values()) for p in found} == set(itertools.product([1, 4, 7, 10], [None, 5]))
    assert [p.settings["risk.fixed_qty"] for p in draws("risk.fixed_qty=4:4", count=1)] == [4]
    assert "only 8 different" in refused(draws, "risk.fixed_qty=1:10:3", "risk.max_contracts_per_event=null,5", count=9)
    assert "only 2 different" in refused(draws, "risk.fixed_qty=3,3.0,4", count=3)


def test_draws_are_uniform():
    found = draws(f"{EV}=0.0:1.0", "risk.fixed_qty=1:4", count=400)
    for counts, expected in (
        (Counter(int(p.settings[EV] * 4) for p in found), 100),
        (Counter(p.settings["risk.fixed_qty"] for p in found), 100),
        (Counter((p.settings[EV] < 0.5, p.settings["risk.fixed_qty"] < 3) for p in found), 100),  # and independent
    ):
        assert len(counts) >= 4 and all(abs(n - expected) < 30 for n in counts.values() if n > 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("risk.min_ev_per_contrac=1", "unknown key. Did you mean risk.min_ev_per_contract?"),
        ("min_ev_per_contract=1", "Did you mean risk.min_ev_per_contract?"),
        ("qty=1", "Did you mean risk.fixed_qty?"),
        ("a=1", "unknown key. `tradewinds schema` lists all keys."),
        ("zzzz=1", "`tradewinds schema` lists all keys."),
        ("risk=1", "this is a section, not a key. Name one of its keys: risk.start_balance_usd, risk.min_ev"),
        ("probabilities=1", "probabilities.trailing_days"),
        ("strategy.parameters=1", "section"),
        ("output_dir=a,b", "not swept: it changes no result."),
        ("kalshi.requests_per_second=1,2", "it changes no result"),
        ("series_tickers=[KXHIGHMIA],[KXHIGHCHI]", "the same events"),
        ("date_end_local=2025-05-10,2025-05-20", "the same markets"),
        ("on_missing.quotes=skip,fail", "the same events"),
        ("probabilities.source=gaussian,file", "its own config"),
        ("strategy.parameters.edge=1", "the strategy ev_threshold has no parameters of its own."),
        (f"{EV}=0.02:0.10", "has no step. Write 0.02:0.10:STEP; or draw from it: --random N --range"),
        (f"{EV}=0.02:0.10:0", "has a step of 0"),
        (f"{EV}=0.10:0.02:0.01", "is empty: no step leads to its end"),
        (f"{EV}=0.02:ten:0.01", "'0.02:ten:0.01' is no range of numbers. Write first:last:step."),
        (f"{EV}=0.02:1e999:0.01", "is no range of numbers"),
        (f"{EV}=", "is no KEY=VALUES"),
        ("risk.fixed_qty", "is no KEY=VALUES"),
        ("=1", "is no KEY=VALUES"),
        (f"{EV}=]", "is no list of values"),
        (f"{EV}=0.1],[0.2", "is no list of values"),
        (f"{EV}=,", "is no list of values"),
        ("risk.allow_opposing={a: 1}", "{'a': 1} is no single value"),
        ("risk.fixed_qty=1:3:0.5", "1.5 is a number, not a whole number."),
        ("risk.fixed_qty=0,1", "x.yaml, risk.fixed_qty: 0 is out of range"),
        ("risk.sizing=kely", "Did you mean kelly?"),
        ("asof_policy.local_time=24:00", "does not have the right form"),
        (f"{EV}=.nan", "finite"),
        ("probabilities.min_days=10,90", "is above trailing_days"),
        ("risk.start_balance_usd=1000.0000001", "more than 6 decimals"),
        ("strategy.name=mine", "unknown strategy 'mine'"),
        ("strategy.file=nowhere.py", "nowhere.py: there is no such file."),
    ],
)
def test_refusals_say_what_where_and_what_to_do(text, words):
    message = refused(points, text)
    assert words in message
    key = text.partition("=")[0]
    assert key in message or "KEY=VALUES" in message


def test_parameters_that_the_config_does_not_have_are_refused(own):
    assert "Did you mean strategy.parameters.edge?" in refused(points, "strategy.parameters.edgy=1", strategy=own)
    assert "with any value first" in refused(points, "strategy.parameters.zzz=1", strategy=own)
    assert "strategy.parameters.exit.days" in refused(points, "strategy.parameters.exit=1", strategy=own)


@pytest.mark.parametrize("key", sorted(not_swept("kalshi_weather")))
def test_what_is_not_swept_says_why(key):
    assert "this key is not swept: " in refused(points, f"{key}=1")


def test_every_other_key_of_the_schema_can_be_named():
    known = {name.split("=")[0] for name in refused(points, "risk=1").split("keys: ")[1].rstrip(".").split(", ")}
    assert known == {f"risk.{name}" for name in base()["risk"]}


def test_problems_name_the_point_and_come_together():
    message = refused(points, "risk.fixed_qty=0,1,2", "cadence_minutes=0,5")
    assert len(message.splitlines()) == 2  # each once, with the first point that has it
    assert message.count("(Point risk.fixed_qty=0, cadence_minutes=0.)") == 2
    assert "(Point risk.fixed_qty=2, cadence_minutes=0.)" in refused(points, "risk.fixed_qty=2", "cadence_minutes=5,0")
    many = refused(draws, f"{EV}=2.0:3.0")
    assert len(many.splitlines()) == grid.SHOWN_PROBLEMS


def test_a_range_in_which_nothing_is_allowed_ends():
    assert "is above trailing_days" in refused(
        draws, "probabilities.min_days=61:700", "probabilities.trailing_days=5:60"
    )


@pytest.mark.parametrize("texts", [("risk.fixed_qty=1", "risk.fixed_qty=2"), ("risk.fixed_qty=1,2",) * 3])
def test_a_key_is_given_once(texts):
    assert "--grid risk.fixed_qty: this key is given twice. Put all its values" in refused(points, *texts)


def test_parameters_may_be_nested_and_named_alike(own):
    strategy = own | {"parameters": {"a": {"b": 1}, "ab": 2}}
    assert len(points("strategy.parameters.a.b=1,2", "strategy.parameters.ab=1,2", strategy=strategy)) == 4


def test_absurd_counts_are_refused_at_once():
    message = refused(points, f"{EV}=0:1:0.000000001", "risk.fixed_qty=1:1000:1")
    assert (
        f"1,000,000,001,000 points ({EV}: 1,000,000,001 × risk.fixed_qty: 1,000); at most 100,000 are run." in message
    )
    assert "--random" in message
    for count in (0, -1, grid.MAX_POINTS + 1):
        assert "is not from 1 to 100,000" in refused(draws, f"{EV}=0.0:1.0", count=count)


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, "--grid: there is nothing to vary."),
        ({"random": 3}, "--range: there is nothing to vary."),
        ({"ranges": ["cadence_minutes=1:9"]}, "--range: it needs --random N."),
        ({"grid": ["cadence_minutes=1"], "ranges": ["risk.fixed_qty=1:9"]}, "--range: it needs --random N."),
        ({"grid": ["cadence_minutes=1"], "random": 3}, "Give its values as --range"),
    ],
)
def test_flags_that_contradict_each_other(flags, words):
    assert words in refused(grid.sweep_points, base(), **flags)


def test_the_flags_lead_to_a_grid_or_to_draws():
    assert grid.sweep_points(base(), grid=["risk.fixed_qty=1:3:1"], today=TODAY) == points("risk.fixed_qty=1:3:1")
    drawn = grid.sweep_points(base(), ranges=["risk.fixed_qty=1:90"], random=5, seed=3, today=TODAY)
    assert drawn == draws("risk.fixed_qty=1:90", count=5, seed=3)


def test_settings_in_words():
    settings = {"a.b": 0.05, "c": None, "d": True, "e": "late", "f": ["GFS"]}
    assert label(settings) == 'a.b=0.05, c=null, d=true, e=late, f=["GFS"]'


def test_the_examples_of_the_page_are_sweeps():
    root = Path(__file__).resolve().parents[2]
    page = (root / "docs/sweeps.md").read_text()
    commands = re.search(r"```sh\n(.*?)```", page, re.DOTALL)[1].replace("\\\n", " ").strip().splitlines()
    counts = []
    for command in commands:
        words = shlex.split(command)
        flags = {name: [value for flag, value in itertools.pairwise(words) if flag == name] for name in words}
        conf = resolve.load(root / flags["--config"][0])
        found = grid.sweep_points(
            conf,
            grid=flags.get("--grid", ()),
            ranges=flags.get("--range", ()),
            random=int(flags["--random"][0]) if "--random" in flags else None,
            seed=int(flags.get("--seed", ["0"])[0]),
        )
        counts.append(len(found))
    assert counts == [27, 200]


def test_a_default_that_a_config_leaves_out_is_a_point_all_the_same():
    """`mode: fixed` is what a config without a mode has: the same run, under the value that was asked for."""
    found = points("asof_policy.mode=fixed,latest")
    assert [point.settings for point in found] == [{"asof_policy.mode": "fixed"}, {"asof_policy.mode": "latest"}]
    assert found[0].run_id == resolve.run_id(base()) != found[1].run_id
