"""`tradewinds orb` before anything runs: how its words are read, what it refuses, and with which exit code."""

import datetime as dt
import itertools

import pytest

from tradewinds.cli.app import main
from tradewinds.cli.orb import SECTIONS, spread, symbols_of
from tradewinds.config import resolve
from tradewinds.families.equities_intraday.family import FAMILY

DAYS = ("--start", "2025-01-02", "--end", "2025-01-10")


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """Call the command in an empty folder; returns its exit code and message, and checks that nothing was written."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments, rules=None):
        if rules is not None:
            (tmp_path / "my.yaml").write_text(rules)
            arguments = (*arguments, "--config", "my.yaml")
        before = {path.name for path in tmp_path.iterdir()}
        with pytest.raises(SystemExit) as ended:
            main(["orb", *arguments])
        assert {path.name for path in tmp_path.iterdir()} - before <= {"data"}  # the calendar may be kept there
        return ended.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("words", "symbols"),
    [
        (["--symbols", "SPY", "QQQ", "--start", "x"], ["QQQ", "SPY"]),
        (["--symbols", "spy,qqq"], ["QQQ", "SPY"]),
        (["--symbols", "SPY", "--symbols", "QQQ", "SPY"], ["QQQ", "SPY"]),
        (["-v", "--symbols", "BRK.B,", "A"], ["A", "BRK.B"]),
    ],
)
def test_all_words_up_to_the_next_option_are_symbols(words, symbols):
    line = spread(words)
    assert symbols_of([value for flag, value in itertools.pairwise(line) if flag == "--symbols"]) == symbols
    others = [word for word in words if word.startswith("-") and word != "--symbols"]
    assert [word for word in line if word.startswith("-") and word != "--symbols"] == others


def test_a_word_after_another_option_is_no_symbol(refused):
    code, says = refused("--symbols", "SPY", *DAYS, "--synthetic", "QQQ")
    assert code == 2 and "QQQ" in says


@pytest.mark.parametrize("key", sorted(set(resolve.schema(FAMILY.name)["properties"]) - set(SECTIONS)))
def test_the_file_of_rules_holds_nothing_else(refused, key):
    code, says = refused("--symbols", "SPY", *DAYS, "--synthetic", rules=f"orb: {{base_minutes: 5}}\n{key}: 1\n")
    assert code == 2 and f"my.yaml, line 2, {key}:" in says and "tradewinds run --config my.yaml" in says


@pytest.mark.parametrize(
    ("arguments", "rules", "code", "words"),
    [
        (("--symbols", ",", *DAYS, "--synthetic"), None, 2, ["--symbols: no symbol is given."]),
        (("--symbols", "SPY", *DAYS, "--synthetic", "--bars", "x.csv"), None, 2, ["--bars and --synthetic contradict"]),
        (("--symbols", "SPY", *DAYS, "--timezone", "UTC"), None, 2, ["--timezone", "Give --bars FILE"]),
        (("--symbols", "SPY", "--start", "1.2.2025", "--end", "2025-01-10"), None, 2, ["--start", "YYYY-MM-DD"]),
        (("--symbols", "SPY", "--start", "2025-01-04", "--end", "2025-01-05", "--synthetic"), None, 2, ["no session"]),
        (("--symbols", "SPY", "--start", "2025-01-10", "--end", "2025-01-02", "--synthetic"), None, 2, ["is after"]),
        (("--symbols", "SPY", *DAYS, "--synthetic"), "orb: {base_minuts: 5}", 2, ["my.yaml, line 1", "base_minutes"]),
        (("--symbols", "SPY", *DAYS, "--synthetic"), "orb: 5", 2, ["my.yaml, line 1, orb"]),
        (
            ("--symbols", "SPY", *DAYS, "--synthetic", "--validate-or"),
            "orb: {on_gap: skip}",
            2,
            ["on_gap", "contradict"],
        ),
        (("--symbols", "SPY", *DAYS, "--synthetic", "--cache-dir", "a*b"), None, 2, ["cache_dir", "plain name"]),
        (("--symbols", "SPY", *DAYS, "--bars", "none.parquet"), None, 3, ["none.parquet"]),
        (("--symbols", "SPY", "--start", "2024-03-26", "--end", "2025-04-01"), None, 3, ["--synthetic"]),
    ],
)
def test_what_it_refuses_it_refuses_in_one_paragraph(refused, arguments, rules, code, words):
    found, says = refused(*arguments, rules=rules)
    assert found == code, says
    assert all(word in says for word in words) and "Traceback" not in says, says


def test_an_empty_section_has_its_defaults(refused):
    """The rules are taken, so the first thing that is missing is the file of bars."""
    code, says = refused("--symbols", "SPY", *DAYS, "--bars", "none.csv", rules="orb:\ntrade:\n")
    assert code == 3 and "none.csv" in says


def test_where_bars_are_kept_changes_no_result(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = {
        "market": "equities_intraday",
        "symbols": ["SPY"],
        "date_start_local": dt.date(2025, 1, 2),
        "date_end_local": dt.date(2025, 1, 3),
        "bars": {"source": "synthetic"},
    }
    here, there = (FAMILY.plan(resolve.resolve(raw | more)) for more in ({}, {"cache_dir": "./else/where"}))
    assert here.run_id == there.run_id
    assert {path.split("/candles/")[0] for path in here.files.bars} == {"data"}
    assert {path.split("/candles/")[0] for path in there.files.bars} == {"else/where"}
    assert there.files.panel.startswith("else/where/panels/")
