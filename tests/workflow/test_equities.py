"""Daily equities through the command line, as a person runs them."""

import datetime as dt
import json
import re
import shutil
import sqlite3

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.unit.share_worlds import flat
from tests.workflow.equities_desk import FALLS, Shares, world, write_archive
from tests.workflow.harness import dead_links
from tradewinds.archive.server import running_server
from tradewinds.cli import app
from tradewinds.core import files
from tradewinds.families.equities_daily.strategies import mean_reversion
from tradewinds.families.equities_daily.symbol_page import price_plot
from tradewinds.results.report.run import read_run


@pytest.fixture(scope="module")
def finished(shares_run, tmp_path_factory):
    """Both strategies run: one from a config, one by flags. Not to be changed."""
    desk = Shares.copy_of(shares_run, tmp_path_factory.mktemp("shares") / "desk")
    desk.first_trades = desk.rows("trades.csv")
    other = desk.backtest("Breakout", "--initial-capital", "50000")
    assert other.returncode == 0, other.stdout + other.stderr
    return desk


def test_a_run_leaves_trades_metrics_report_and_rows(finished):
    (trade,) = finished.first_trades
    assert (trade["series_ticker"], trade["event_ticker"], trade["market_ticker"]) == ("XASX", "FALL", "FALL")
    assert (trade["side"], trade["qty"], trade["entry_price"], trade["model_prob_yes"]) == (
        "BUY",
        "1035",
        "9.65965",
        "",
    )
    assert (trade["reason_code"], trade["settled_result"]) == ("MEAN_REVERSION", "profit_target")
    folders = sorted(finished.folder.glob("backtests/*-*/"))
    assert len(folders) == 2
    for folder in folders:
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["currency"] == "AUD" and metrics["diagnostics"]["trading_days"] > 40
        assert metrics["end_balance_usd"] == pytest.approx(metrics["start_balance_usd"] + metrics["total_pnl_usd"])
        report = (folder / "report.md").read_text()
        for words in ("Prices are unadjusted", "buy and hold", "Exposure and holdings", "Trades on prices", "AUD"):
            assert words in report
        page = (folder / "report.html").read_text()
        assert '"kind": "history"' in page and '"bars": {"' in page
        assert 'href="#chart-0"' in page and not dead_links(page)
        assert (folder / "plots" / "prices_0.png").stat().st_size > 1000


def test_a_run_without_whole_bars_is_drawn_by_its_closes(finished, tmp_path):
    run = shutil.copytree(next(finished.folder.glob("backtests/*-*/")), tmp_path / "run")
    whole = price_plot(read_run(run), "prices", "FALL")
    assert set(whole.data["bars"]) == {"open", "high", "low", "close"}
    assert whole.data["bars"]["close"] == whole.data["lines"][0]["y"]
    closes = pq.read_table(run / "prices.parquet", columns=["symbol", "date", "close"])
    pq.write_table(closes, run / "prices.parquet")
    old = price_plot(read_run(run), "prices", "FALL")
    assert "bars" not in old.data and old.data["lines"][0]["y"] == whole.data["lines"][0]["y"]


def test_the_leaderboard_ranks_both_and_compare_puts_them_side_by_side(finished):
    rows = finished.json("leaderboard")
    assert {row["strategy"] for row in rows} == {"Mean Reversion", "Breakout"}
    assert all(row["market"] == "equities_daily" for row in rows)
    told = finished.json("compare", *(row["run_id"] for row in rows))
    assert told["common_days"]["days"] == 168 and all(n == 1 for n in told["common_days"]["num_trades"])
    assert told["metrics"]["annualised_return_pct"][0] is not None
    assert told["config_differences"]["strategy.name"] == [row["strategy"] for row in rows]
    by_folder = finished.json("compare", *(f"backtests/{row['run_id']}" for row in rows))
    assert by_folder["common_days"]["num_trades"] == told["common_days"]["num_trades"]
    versions = {row["name"]: row["version"] for row in finished.json("strategies")}
    assert versions["Mean Reversion"] == versions["Breakout"] == "1.0"


def test_shares_have_neither_probability_nor_expected_value_in_the_database(finished):
    with sqlite3.connect(f"{finished.folder}/backtests/tradewinds.db") as connection:
        query = "SELECT count(*) FROM backtest_trades WHERE model_prob_yes IS NULL AND ev_net_per_contract IS NULL"
        assert connection.execute(query).fetchone() == (2,)
        assert connection.execute("SELECT DISTINCT status FROM backtest_run").fetchall() == [("SUCCESS",)]


def test_asking_again_does_nothing_and_reproduce_agrees(finished):
    again = finished("run", "--config", "config.yaml")
    assert again.returncode == 0 and "nothing to be done" in again.stdout
    (folder,) = {path.parent for path in finished.folder.glob("backtests/*-*/trades.csv") if "FALL" in path.read_text()}
    same = finished("reproduce", str(folder))
    assert same.returncode == 0, same.stdout + same.stderr


def test_the_written_config_of_a_backtest_is_the_same_run(finished):
    (written,) = (finished.folder / "backtests" / "configs").glob("*.yaml")
    again = finished("run", "--config", str(written.relative_to(finished.folder)))
    assert again.returncode == 0 and "nothing to be done" in again.stdout


def nothing_loaded(desk):
    path = desk.folder / "backtests" / "tradewinds.db"
    if not path.exists():
        return True
    with sqlite3.connect(path) as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        return "backtest_runs" not in names or connection.execute("SELECT count(*) FROM backtest_runs").fetchone() == (
            0,
        )


def test_an_unknown_strategy_is_exit_2_with_the_known_names(tmp_path):
    desk = Shares(tmp_path, world())
    done = desk.backtest("Momentum")
    assert done.returncode == 2 and "unknown strategy 'Momentum'" in done.stderr
    assert "Breakout" in done.stderr and "Mean Reversion" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bars.csv", "config.yaml"]


def test_an_inactive_strategy_is_exit_2_and_says_how_to_activate_it(tmp_path):
    desk = Shares(tmp_path, world())
    assert desk("strategies", "disable", "Mean Reversion").returncode == 0
    done = desk.backtest("Mean Reversion")
    assert done.returncode == 2 and "tradewinds strategies enable 'Mean Reversion'" in done.stderr
    assert nothing_loaded(desk)
    assert desk("strategies", "enable", "Mean Reversion").returncode == 0
    assert desk.backtest("Mean Reversion", "--dry-run").returncode == 0


@pytest.mark.parametrize("by", ["backtest", "snakemake"])
def test_missing_bars_are_exit_3_per_symbol_and_leave_no_row(tmp_path, by):
    brief = flat(dt.date(2024, 2, 1), [5] * 4)
    desk = Shares(tmp_path, {**world(), "BRIEF": brief}, universe=["FALL", "BRIEF", "GONE"])
    if by == "snakemake":
        done = desk.snakemake()
        assert done.returncode == 1
    else:
        done = desk.backtest("Mean Reversion")
        assert done.returncode == 3, done.stderr
    told = done.stdout + done.stderr
    assert "BRIEF: too little history" in told and "GONE: no bars" in told and "FALL:" not in told
    assert nothing_loaded(desk) and not list(tmp_path.glob("backtests/*-*/metrics.json"))


def test_no_file_of_prices_is_exit_3(tmp_path):
    desk = Shares(tmp_path, world())
    (tmp_path / "bars.csv").unlink()
    done = desk("backtest", "--strategy", "Breakout", "--start", "2024-01-15", "--end", "2024-06-30")
    assert done.returncode == 3 and "bars.parquet" in done.stderr
    done = desk("run", "--config", "config.yaml", "--dry-run")
    assert done.returncode == 3 and "no file bars.csv" in done.stderr


def test_plain_snakemake_refuses_what_no_run_could_be_loaded_into_before_its_first_job(tmp_path):
    desk = Shares(tmp_path / "desk", world(), database={"url": "sqlite:///bars.csv"})
    done = desk.snakemake()
    assert done.returncode == 1 and "database.url: database sqlite:///bars.csv: cannot be read" in done.stderr
    assert not list(desk.folder.glob("data/candles")) and not (desk.folder / "backtests").exists()
    # a target that loads nothing needs no database
    assert desk.snakemake("inputs").returncode == 0 and list(desk.folder.glob("data/panels/*.parquet"))


def test_validate_check_and_dry_run_speak_of_bars(finished):
    assert "4 of 4 symbol-years of bars" in finished("validate", "--config", "config.yaml").stdout
    assert "all files are whole" in finished("check", "--config", "config.yaml").stdout
    planned = finished("run", "--config", "config.yaml", "--dry-run")
    assert planned.returncode == 0 and "symbol-years of bars" in planned.stdout


def test_no_decision_depends_on_what_comes_later(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")}
    done = finished("lookahead-check", "--config", "config.yaml", "--cuts", "6")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no decision changed: " in done.stdout and " entry signals, " in done.stdout, done.stdout
    assert {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")} == before, "the check changes nothing"


def test_lookahead_check_needs_bars_and_names_those_that_are_missing(tmp_path):
    done = Shares(tmp_path, world())("lookahead-check", "--config", "config.yaml")
    assert done.returncode == 3 and "tradewinds run makes them:\n  data/candles/daily/files-" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bars.csv", "config.yaml"]


def test_a_strategy_that_looks_ahead_is_exit_5_with_what_changed(finished, tmp_path, monkeypatch, capsys):
    """Signals of three closes later."""
    honest = mean_reversion.scores

    def leaky(bars, parameters):
        return np.append(honest(bars, parameters)[3:], [np.nan] * 3)

    monkeypatch.setattr(mean_reversion, "scores", leaky)
    for name in ("data", "bars.csv", "config.yaml"):
        (tmp_path / name).symlink_to(finished.folder / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app.main(["lookahead-check", "--config", "config.yaml", "--cuts", "25"])
    assert ended.value.code == 5
    said = capsys.readouterr()
    assert re.search(r"config.yaml: \d+ decisions changed with the future", said.err)
    assert re.search(
        r"FALL at 2024-01-\d\dT05:00:00Z: MEAN_REVERSION, score 0.0\d+; with the records after", said.out
    ), said.out
    assert "Cause: bars." in said.out


def test_sentences_for_people_name_the_currency(finished):
    done = finished(
        "sweep", "--config", "config.yaml", "--grid", "strategy.parameters.fall_pct=2,3", "--split", "2024-02-05"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"on, its P&L was -?[\d.,]+ AUD in ", done.stdout) and "USD" not in done.stdout
    runs = [row["run_id"] for row in finished.json("leaderboard")]
    assert "P&L, AUD" in done.stdout and "P&L on common days, AUD" in finished("compare", *runs).stdout
    for command in ("runs", "leaderboard"):
        listed = finished(command).stdout
        assert "P&L, AUD" in listed and "USD" not in listed, command


def test_bars_from_the_chart_api_are_fetched_once(tmp_path):
    write_archive(tmp_path / "archive")
    with running_server(tmp_path / "archive") as server:
        service = {"base_url": server.url_of("yahoo"), "requests_per_second": 500}
        bars = {"source": "yahoo", "suffix": ".AX"}
        desk = Shares(tmp_path / "desk", {}, bars=bars, yahoo=service)
        refused = desk("run", "--config", "config.yaml", "--no-fetch")
        assert refused.returncode == 3 and "data/candles/daily/yahoo/FALL.AX/2024.parquet" in refused.stderr
        done = desk.snakemake("inputs")
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(server.requests) == 4  # two symbols, two years
        (panel,) = (tmp_path / "desk/data/panels").glob("*.parquet")
        found = pq.read_table(panel)
        assert files.read_meta(panel)["names"] == ["FALL.AX", "RISE.AX"] and min(found["adj_close"].to_pylist()) > 0
        assert found.num_rows == sum(map(len, world().values()))
        again = desk.snakemake("inputs", "--config", "fetch=never")
        assert again.returncode == 0 and len(server.requests) == 4


def test_changed_prices_are_imported_and_replayed_anew(finished):
    """The last one of this file: it changes the folder."""
    before = [path.read_text() for path in sorted(finished.folder.glob("backtests/*-*/trades.csv"))]
    other = flat(dt.date(2024, 1, 1), [*FALLS[:25], "10.00", *FALLS[26:]])
    finished.write({**world(), "FALL": other})
    done = finished("run", "--config", "config.yaml", "--quiet")
    assert done.returncode == 0, done.stderr
    after = [path.read_text() for path in sorted(finished.folder.glob("backtests/*-*/trades.csv"))]
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
