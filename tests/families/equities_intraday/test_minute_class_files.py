"""Runs of classes on minute bars on disk: files, report, pages, sweeps, errors, and the look-ahead check."""

import csv
import json
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.families.equities_intraday import orb_runs
from tests.families.equities_intraday.replayed_worlds import days
from tradewinds.audits import lookahead
from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.families.equities_intraday import family, replay
from tradewinds.families.equities_intraday.session_page import session_page
from tradewinds.families.equities_intraday.symbol_reports import write_symbol_reports
from tradewinds.results.report.run import read_run

ROOT = Path(__file__).resolve().parents[3]
SECTION = (ROOT / "docs/strategies.md").read_text().partition("\n## Classes of minute bars")[2].partition("\n## ")[0]
DOCUMENTED = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
TEMPLATE = (ROOT / "src/tradewinds/cli/templates/equities_intraday/my_minute_class.py").read_text()
PARAMETERS = {"minutes": 15, "multiple": 2, "fall": 0.001, "value": 20_000}
HEAD = "from tradewinds.strategies.decisions import buy, cancel, limit, sell, stop\n\n\nclass Strategy:\n"
COUNT = 19  # sessions, of which fifteen are history


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def own(text, parameters=PARAMETERS):
    """The section `strategy` of a file with a text."""
    Path("mine.py").write_text(text)
    return {"name": "mine", "file": "mine.py", "parameters": parameters}


def body(text):
    """A class whose on_decision is a text."""
    return HEAD + "    def on_decision(self, view):\n" + "".join(f"        {line}\n" for line in text.splitlines())


def run_file(tmp_path, text, report=True, **changes):
    """The folder of a run of a class, and its metrics."""
    folder = orb_runs.write(tmp_path, report=report, count=COUNT, strategy=own(text), **changes)
    return folder, json.loads((folder / "metrics.json").read_text())


def rows_of(path):
    """The rows of a CSV file."""
    with path.open() as handle:
        return list(csv.DictReader(handle))


def test_the_documented_classes_are_short_and_trade(tmp_path):
    assert len(DOCUMENTED) == 3
    exits = Counter()
    for text in (*DOCUMENTED, TEMPLATE):
        assert len(text.splitlines()) <= 32
        folder, metrics = run_file(tmp_path, text, report=False)
        trades = rows_of(folder / "trades.csv")
        assert metrics["num_trades"] == len(trades) >= 2
        assert {trade["reason_code"] for trade in trades} == {"STRATEGY"}
        exits.update(trade["settled_result"] for trade in trades)
    assert set(exits) >= {"stop", "sale", "resting_sale", "stop_sale"}


WITHOUT_R = body(
    """orders = []
for share in view.changed:
    if share.held and view.minute % 7 == 0:
        orders.append(sell(share))
    elif not share.held and view.minute % 5 == 0:
        orders.append(buy(share, 10, stop=share.close * 0.99 if share.ticker == view.markets[0].ticker else None))
return orders"""
)


def test_a_trade_without_a_stop_has_empty_columns_in_r_and_the_report_says_so(tmp_path):
    folder, metrics = run_file(tmp_path, WITHOUT_R, symbols=("AAA", "BBB"), governance={"max_signals_per_day": 1})
    trades, all_trades = rows_of(folder / "trades_r.csv"), rows_of(folder / "all_trades.csv")
    with_r = {row["trade_id"] for row in trades if row["symbol"] == trades[0]["symbol"]}
    named = ("r", "r_gross", "mae_r", "mfe_r", "stop", "risk_per_share")
    assert {bool(row[name]) == (row["trade_id"] in with_r) for row in (*trades, *all_trades) for name in named} == {
        True
    }
    assert {row[name] for row in trades for name in ("or_minutes", "or_high", "or_low", "targets")} == {""}
    # metrics in R are of the trades that have one, those in money of all
    rs = [Decimal(row["r"]) for row in trades if row["r"]]
    assert metrics["diagnostics"]["trades_without_r"] == len(trades) - len(rs) > 0 < len(rs)
    assert abs(Decimal(str(metrics["total_r"])) - sum(rs)) < Decimal("0.0001")
    assert metrics["worst_r"] == float(min(rs)) and metrics["num_trades"] == len(trades)
    wins = sum(Decimal(row["pnl"]) > 0 for row in all_trades)
    assert metrics["win_rate"] == wins / len(trades)
    assert sum(Decimal(row["pnl"]) for row in all_trades) == Decimal(str(metrics["total_pnl_usd"]))
    other = next(name for name in metrics["symbols"] if name != trades[0]["symbol"])
    assert [metrics["symbols"][other][key] for key in ("total_r", "average_r", "max_drawdown_r")] == [None] * 3
    # files, report, pages
    assert (
        pq.read_table(folder / f"symbols/{other}_equity.parquet")["cumulative_r"].null_count == COUNT - orb_runs.WARM_UP
    )
    table = pq.read_table(folder / "all_trades.parquet")
    assert table["r"].null_count == table["stop"].null_count == len(trades) - len(rs)
    report = (folder / "report.md").read_text()
    assert f"{len(trades) - len(rs):,} of {len(trades):,} trades had no stop, so no R" in report
    assert "mine on AAA" in report and "Opening ranges" not in report and "goes through" not in report
    assert "Settings of opening_range, which this strategy does not read: orb.min_atr_mult, orb.max_atr_mult" in report
    assert "A limit fills at its price where a bar's prices went through it" in report
    run = read_run(folder)
    for row in (trades[0], next(row for row in trades if not row["r"])):
        page = session_page(run, row["trade_id"], None)
        assert (" R, " in page.remark) == bool(row["r"])


def test_a_run_without_any_stop_has_no_figure_in_r(tmp_path):
    folder, metrics = run_file(tmp_path, DOCUMENTED[1], symbols=("AAA",), governance={"max_signals_per_day": 1})
    assert metrics["num_trades"] and metrics["win_rate"] is not None
    keys = ("total_r", "total_r_gross", "average_r", "median_r", "best_r", "worst_r", "max_drawdown_r", "or_valid_rate")
    assert {metrics[key] for key in keys} == {None} == {*metrics["total_r_by_policy"].values()}
    assert all(group["total_r"] is None for group in metrics["by_exit_reason"].values())
    report = (folder / "report.md").read_text()
    assert "No trade had a stop, so none has an R: figures are in USD alone." in report
    assert len(write_symbol_reports(folder)) == 1
    assert (
        "R by trade" not in report and "Sum of R by session" not in report and "P&L by half hour of the entry" in report
    )
    decisions = pq.read_table(folder / "decisions.parquet").to_pylist()
    assert len(decisions) == metrics["diagnostics"]["orders"]
    assert {row["side"] for row in decisions} == {"BUY", "SELL"}


def test_a_sweep_of_parameters_replays_the_class(tmp_path):
    _, metrics = run_file(tmp_path, DOCUMENTED[1], report=False)
    raw = orb_runs.raw_config(days(COUNT))
    configs = [
        resolve.resolve({**raw, "strategy": own(DOCUMENTED[1], PARAMETERS | {"fall": fall})}) for fall in (0.001, 0.9)
    ]
    assert family.FAMILY.parameters(configs[1])["fall"] == 0.9
    summaries = replay.simulate_many(configs, family.FAMILY.plan(configs[0]), 2)
    assert sum(summaries[0].pnl_micro) == round(metrics["total_pnl_usd"] * 10**6)
    assert len(summaries[0].pnl_micro) == metrics["num_trades"] and not len(summaries[1].pnl_micro)


# ---- what is wrong ----


def test_what_is_wrong_with_a_class_is_told_with_its_place():
    orb_runs.prepared(Path(), count=COUNT, strategy=own(body("return")))
    for text, words in (
        ("return view.future", "line 6: AttributeError: 'SessionView' object has no attribute 'future'"),
        ("return buy('NONE', 1)", "an order for 'NONE', which has had no bar"),
        ("return buy(view.markets[0], 1, 'NO')", "a side that is neither long nor short ('NO')"),
        ("return buy(view.markets[0])", "neither how much nor for how much money, nor a stop from which risk.sizing"),
        ("return limit(stop(buy(view.markets[0], 1), 5), 4)", "an order with a limit and a stop: give one of them"),
        ("return sell(view.markets[0])._replace(stop=3)", "a sale with a stop of its own"),
        ("return stop(buy(view.markets[0], 1), 0)", "a stop of 0, which is not above 0"),
        ("return buy(view.markets[0], value=-1)", "a value of -1"),
        ("return cancel('NONE')", "a cancellation for 'NONE', which has had no bar"),
        ("return stop(7, 1)", "stop needs an order from buy or sell, not int"),
        ("self.kept = getattr(self, 'kept', view)\nself.kept.minute", "line 7: ViewClosed: a view is read after its"),
        ("view.markets[0].close = 3", "AttributeError"),
        ("return 7", "TypeError"),
    ):
        conf = resolve.resolve(orb_runs.raw_config(days(COUNT), strategy=own(body(text))))
        replay.strategy_file.forget()
        with pytest.raises(SimulationError, match=re.escape(words)):
            replay.simulate_many([conf], family.FAMILY.plan(conf), 1)


@pytest.mark.parametrize(
    ("text", "strategy", "words"),
    [
        ("x = 1", {}, "has no class Strategy with a method on_decision"),
        ("class Strategy(", {}, "Python cannot read it"),
        (None, {}, "there is no such file"),
        (None, {"file": None}, "unknown strategy 'mine'. Known: opening_range. Your own one needs strategy.file."),
        (
            None,
            {"file": None, "name": "opening_range", "parameters": {"minutes": 5}},
            "strategy.parameters.minutes: opening_range has no parameters: its numbers are the sections orb, buffers",
        ),
    ],
)
def test_what_is_wrong_with_the_config_is_told_before_the_run(text, strategy, words):
    if text is not None:
        Path("mine.py").write_text(text)
    with pytest.raises(ConfigError, match=re.escape(words)):
        resolve.resolve(orb_runs.raw_config(days(COUNT), strategy={"name": "mine", "file": "mine.py"} | strategy))


def test_the_key_for_a_file_changes_no_run_id():
    raw = orb_runs.raw_config(days(COUNT))
    assert resolve.run_id(resolve.resolve(raw)) == resolve.run_id(resolve.resolve({**raw, "strategy": {"file": None}}))


# ---- the look-ahead check ----

HONEST = body(
    """orders = []
for share in view.changed:
    closes = view.closes(share, 20)
    if share.held and share.close > share.price * 1.001:
        orders.append(sell(share, 1 + abs(share.held) // 2))
    elif share.close < min(closes[:-1], default=0):
        orders.append(limit(buy(share, 100, stop=share.close * 0.98), share.close * 0.999, view.now + 900))
    elif share.close > max(closes[:-1], default=10**9):
        orders.append(stop(buy(share, side="short", stop=share.close * 1.01), share.close * 0.999))
return orders"""
)
LOOKS_AHEAD = body(
    """import sys
frame = sys._getframe()
while "part" not in frame.f_locals:
    frame = frame.f_back
session, bars, orders = frame.f_locals["session"], frame.f_locals["self"].bars, []
for share in view.changed:
    place = bars.symbols.index(share.ticker) * len(bars.days) + session
    later = bars.first_row[place] + view.bars_today(share)
    if later < bars.first_row[place + 1] and not share.held and bars.close[later] > share.close * 10**6 * 1.001:
        orders.append(buy(share, 10))
return orders"""
)


@pytest.mark.parametrize(("text", "finds"), [(HONEST, False), (LOOKS_AHEAD, True)], ids=["honest", "looks ahead"])
def test_the_look_ahead_check_finds_a_class_that_climbs_the_stack_and_passes_an_honest_one(text, finds):
    found, decisions = 0, 0
    for seed in (1,) if finds else (1, 2):
        conf, plan = orb_runs.prepared(Path(), seed=seed, count=COUNT, strategy=own(text))
        subject = family.FAMILY.lookahead(conf, plan)
        decisions += sum(what == "orders" for _, (_, what), _ in subject.decided)
        for report in lookahead.check(subject, cuts=3, seed=seed):
            found += len(report.changes)
            assert not report.changes or finds, f"seed {seed}, {report.cut}: {report.changes[0]}"
    assert decisions > 10 and bool(found) == finds
