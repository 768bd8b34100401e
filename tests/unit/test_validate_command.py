"""How `tradewinds validate` shows what a family finds in its data, and when it fails."""

import io

import pytest
from rich.console import Console

from tradewinds.cli import app, validate
from tradewinds.config import markets, resolve
from tradewinds.core import files
from tradewinds.families.contract import Findings, ValidationCount, ValidationFailure
from tradewinds.families.equities_daily import schemas
from tradewinds.families.plan import run_plan

SHARES = """
market: equities_daily
universe: [ALPHA, BRAVO]
date_start_local: 2021-01-04
date_end_local: 2021-06-30
strategy: {name: "Mean Reversion"}
bars: {source: synthetic}
"""
COUNTS = (
    ValidationCount("in_order", "rows are in order", judged=7, failed=5),
    ValidationCount("fee_in_bounds", "every fee is small", judged=None, failed=None),
)
FAILURES = [ValidationFailure("in_order", f"EVENT{n}", f"[bold]row {n}") for n in range(5)]


def shown(findings):
    console = Console(file=io.StringIO(), width=80)
    validate._show(console, findings)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_notes_counts_and_the_first_failures_of_each_validation():
    lines = shown(Findings(["1 of 2 files are there."], COUNTS, FAILURES, "5 event(s) fail."))
    assert lines[0] == "1 of 2 files are there."
    assert "│ in_order │ 7 │ 5 │ rows are in order │" in lines
    assert "│ fee_in_bounds │ — │ — │ every fee is small (judged in every run) │" in lines
    assert lines[-4:] == [*(f"in_order: EVENT{n}: [bold]row {n}" for n in range(3)), "in_order: and 2 more"]
    assert "5 event(s) fail." not in "".join(lines), "the verdict is the error's"


def test_a_family_without_validations_shows_its_notes_alone():
    assert shown(Findings(["3 row(s) quarantined: NO_PRICE"])) == ["3 row(s) quarantined: NO_PRICE"]


@pytest.fixture
def shares(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(SHARES)
    return "config.yaml"


def outcome(capsys, *arguments):
    with pytest.raises(SystemExit) as done:
        app.main(list(arguments))
    return done.value.code, *capsys.readouterr()


def test_shares_say_which_bars_are_there_and_what_of_them_is_quarantined(shares, capsys):
    conf = resolve.load(shares)
    first, *_ = run_plan(conf).files.bars
    files.write_parquet(first, schemas.BARS.empty_table(), {"quarantined": {"OHLC_ORDER": 1200}})
    code, out, err = outcome(capsys, "validate", "--config", shares)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].startswith("config.yaml is valid: run ") and lines[0].endswith(
        ", 2 symbols, strategy Mean Reversion."
    )
    assert lines[1:] == [
        f"1 of {len(run_plan(conf).files.bars)} symbol-years of bars are there.",
        "1,200 rows quarantined: OHLC_ORDER",
    ]


def test_a_verdict_is_exit_5_with_its_remedy(shares, capsys, monkeypatch):
    family = markets.family_of("equities_daily")
    found = Findings([], COUNTS, FAILURES, "5 event(s) fail.", "Look at them.")
    monkeypatch.setattr(type(family), "validate", lambda *_: found)
    code, out, err = outcome(capsys, "validate", "--config", shares)
    assert (code, err) == (5, "config.yaml: 5 event(s) fail. Look at them.\n") and "in_order: and 2 more" in out
    monkeypatch.setattr(type(family), "validate", lambda *_: Findings([], COUNTS, FAILURES))
    assert outcome(capsys, "validate", "--config", shares)[0] == 0, "failures that are only to warn"
