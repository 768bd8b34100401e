"""The one list of a run's files, which the workflow's rules and the web page read."""

from pathlib import Path

import pytest

from tests.workflow.equities_desk import CONFIG
from tests.workflow.harness import CHICAGO
from tradewinds.config import markets, resolve
from tradewinds.families import plan
from tradewinds.families.contract import RESULT
from tradewinds.results.run_files import APPENDED, EVERY_RUN, REPORT, SIMULATE

ROOT = Path(__file__).resolve().parents[2]
SESSIONS = {
    "market": "equities_intraday",
    "symbols": ["SPY"],
    "date_start_local": "2024-03-26",
    "date_end_local": "2024-03-28",
    "bars": {"source": "synthetic"},
}
CARRY = {
    "market": "funding_carry",
    "symbols": ["BTC/USDT:USDT"],
    "date_start_local": "2024-03-26",
    "date_end_local": "2024-03-28",
    "strategy": {"preset": "balanced"},
    "data": {"source": "synthetic"},
}
CONFIGS = {"kalshi_weather": CHICAGO, "equities_daily": CONFIG, "equities_intraday": SESSIONS, "funding_carry": CARRY}

families = pytest.mark.parametrize("family", [markets.family_of(name) for name in markets.NAMES], ids=markets.NAMES)


@families
def test_no_two_files_of_a_run_have_one_name_or_kind(family):
    files = (*EVERY_RUN, *family.run_files)
    for names in ([file.kind for file in files], [file.name for file in files]):
        assert len(set(names)) == len(names)
    assert all(file.kind.isidentifier() and "/" not in file.name and file.purpose for file in files)


@families
def test_every_file_of_a_run_has_the_rule_that_makes_it(family):
    assert {file.made_by for file in EVERY_RUN} == {SIMULATE, REPORT, APPENDED}
    own = {rule.name for rule in family.workflow_rules if rule.kind == RESULT}
    assert {file.made_by for file in family.run_files} == {SIMULATE, *own}


@families
def test_the_plan_names_what_is_made_after_the_replay(family, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bars.csv").write_text("symbol,date,open,high,low,close,volume\n")
    made = plan.run_plan(resolve.resolve(CONFIGS[family.name]))
    later = [f"{made.run_dir}/{file.name}" for file in family.run_files if file.made_by != SIMULATE]
    assert list(made.results) == later
