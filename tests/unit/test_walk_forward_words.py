"""A walk-forward in words: what is said of the gap to hindsight, of idle folds, of failures, of one fold."""

import dataclasses
import datetime as dt
import io
import json

import numpy as np
import pytest
from rich.console import Console

from tradewinds.cli import walk_forward as command
from tradewinds.results.report.markdown import markdown
from tradewinds.sweeps.chained_equity import chained
from tradewinds.sweeps.folds import FoldDates
from tradewinds.sweeps.outcomes import PointOutcome, whole_figures
from tradewinds.sweeps.stability import stability
from tradewinds.sweeps.walk_forward import Fold, WalkForward
from tradewinds.sweeps.walk_forward_files import WalkForwardOptions, summary, walk_forward_id, write
from tradewinds.sweeps.walk_forward_report import page, sentences

FIRST, DAY = dt.date(2025, 5, 1), 86_400
SETTINGS = [
    {"risk.fixed_qty": 1, "asof_policy.local_time": "=1"},
    {"risk.fixed_qty": 5, "asof_policy.local_time": "=1"},
]


def outcome(number, *dollars):
    """A test of one day after another from 2025-05-(1 + number) on, with these results by day."""
    ts = DAY * (20_209 + number + np.arange(len(dollars) + 1))
    equity = 10**9 + np.concatenate([[0], np.cumsum(np.array(dollars) * 10**6)]).astype(np.int64)
    pnl = np.array([amount * 10**6 for amount in dollars if amount], np.int64)
    return PointOutcome({}, "a", ts, equity, ts[: len(pnl)], pnl, 365, True)


def fold(number, test, pick=0, **changes):
    dates = [FIRST + dt.timedelta(days=number + days) for days in (-4, -1, 0, len(test.equity_ts) - 2)]
    train = whole_figures(outcome(0, 1, 2, 3))
    rest = {"run_id": f"run{number}", "traded": 2, "place": (1, 2), "correlation": 0.5, "failed": 0, **changes}
    return Fold(FoldDates(number, *dates), pick, train=train, test=whole_figures(test), **rest)


def walk(tests, hindsight, picks=None, **changes):
    picks = picks or [0] * len(tests)
    folds = [fold(number, test, pick) for number, (test, pick) in enumerate(zip(tests, picks, strict=True), start=1)]
    found = {
        "by": "pnl",
        "settings": SETTINGS,
        "folds": folds,
        "chain": chained(tests),
        "best": 1,
        "best_whole": whole_figures(outcome(0, 9)),
        "best_chain": chained(hindsight) if hindsight else None,
        "stability": stability(picks, SETTINGS),
        "correlation": None,
    }
    return WalkForward(**{**found, **changes})


def said(found, anchored=False):
    return sentences(found, (4, 2), anchored, "AUD")


@pytest.mark.parametrize(
    ("hindsight", "words"),
    [
        ([10, 0], "it made 10.00 AUD, 4.00 more than the picks."),
        ([5, 1], "it made 6.00 AUD, the same as the picks."),
        ([1, 1], "it made 2.00 AUD, 4.00 less than the picks."),
    ],
)
def test_the_gap_is_what_hindsight_adds(hindsight, words):
    found = walk([outcome(1, 5, 0), outcome(3, 2, -1)], [outcome(1, *hindsight), outcome(3, 0, 0)])
    assert words in said(found) and "risk.fixed_qty=5" in said(found)
    content = summary(found, WalkForwardOptions([], 4, 2), name="x", currency="AUD", verdict="v", code="c")
    assert content["in_sample_best"]["pnl_gap_usd"] == sum(hindsight) - 6
    assert content["out_of_sample"]["pnl_usd"] == 6 and content["consistency"]["positive_share"] == 1


def test_one_fold_is_spoken_of_as_one():
    text = said(walk([outcome(1, 5, 0)], [outcome(1, 0, 0)]), anchored=True)
    assert text.startswith("1 fold of at least 4 training days and 2 test days, 2 points in each")
    assert "1 of 1 fold made money" in text and "From one fold" not in text


def test_what_is_odd_is_said():
    found = walk([outcome(1, 5, 0), outcome(3, 0, 0)], None, unused_days=3)
    folds = [dataclasses.replace(found.folds[0], failed=1), dataclasses.replace(found.folds[1], traded=0)]
    text = said(dataclasses.replace(found, folds=folds))
    for words in (
        "In the training of fold 2 no point made a trade",
        "The test of fold 2 has no trade.",
        "1 replay of training dates failed",
        "The last 3 days make no whole test",
        "it fails on the dates of a test",
        "1 of 2 folds made money",
    ):
        assert words in text


def test_every_fold_is_in_the_table_the_page_and_the_files(tmp_path):
    found = walk([outcome(1, 5, 0), outcome(3, -2, 1)], [outcome(1, 1, 0), outcome(3, 0, 0)], picks=[0, 1])
    console = Console(file=io.StringIO(), width=100)
    command._show_folds(console, found, "AUD")
    shown = console.file.getvalue()
    assert "2025-05-02" in shown and "-1.00" in shown and "P&L," in shown and "AUD" in shown
    content = summary(found, WalkForwardOptions([], 4, 2), name="x", currency="AUD", verdict="v", code="c")
    made = page(found, "v", "AUD", "my.yaml")
    write(tmp_path / "walk", found, content, made)
    write(tmp_path / "walk", found, content, made)  # in place of the one that was there
    assert [path.name for path in tmp_path.iterdir()] == ["walk"]
    assert json.loads((tmp_path / "walk/walk_forward.json").read_text()) == content
    rows = (tmp_path / "walk/folds.csv").read_text().splitlines()
    assert len(rows) == 3 and "'=1" in rows[1]  # no formula for a spreadsheet
    assert (tmp_path / "walk/equity.csv").read_text().splitlines()[-1] == "2025-05-06T00:00:00Z,2,1004.00"
    text = markdown(made)
    assert text.count("\n| 1 |") == 1 and text.count("\n| 2 |") == 1 and "plots/equity.png" in text


def test_an_id_follows_from_the_points_the_lengths_and_the_metric():
    from tradewinds.sweeps.grid import SweepPoint

    points = [SweepPoint({"a": 1}, {}, "one"), SweepPoint({"a": 2}, {}, "two")]
    base = WalkForwardOptions(["a=1,2"], 4, 2)
    others = [{"train": 5}, {"test": 3}, {"metric": "pnl"}, {"anchored": True}]
    ids = {walk_forward_id(points, dataclasses.replace(base, **other)) for other in others}
    ids |= {walk_forward_id(points, base), walk_forward_id(points[::-1], base), walk_forward_id(points[:1], base)}
    assert len(ids) == 7
    assert walk_forward_id(points, base) == walk_forward_id(points, dataclasses.replace(base, grid=["a=1:2:1"]))
