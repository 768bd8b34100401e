"""Loading runs into a real MariaDB server: exact rows, one step, replacing, and errors without passwords."""

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pymysql
import pytest

from tests.services.mariadb import PASSWORD, Server, mariadb  # noqa: F401
from tests.unit.trade_books import books_of, bought
from tradewinds.config import resolve
from tradewinds.core.column_rows import ColumnRows
from tradewinds.core.errors import DatabaseError
from tradewinds.database.load import load_run
from tradewinds.engine.equity import Point
from tradewinds.engine.result import Decision, RunResult
from tradewinds.engine.run_trades import Trade, Trades
from tradewinds.families.kalshi_weather.climate_days import DAYS_PER_YEAR
from tradewinds.families.kalshi_weather.metrics import ForecastOutcome, score_metrics
from tradewinds.pipeline.simulate import about_run
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.manifest import evidence_of, write_manifest

T0 = int(dt.datetime(2025, 6, 1, 3, tzinfo=dt.UTC).timestamp())
EVENT = "KXHIGHMIA-25JUN01"


def a_trade(n: int, payout_micro: int) -> Trade:
    return Trade(
        series_ticker="KXHIGHMIA",
        event_ticker=EVENT,
        market_ticker=f"{EVENT}-B8{n}.5",
        station_id="KMIA",
        decision_ts=T0 + 60 * n,
        quote_ts=T0,
        side="BUY_YES",
        model_prob_yes_pico=500_000_000_001,
        ev_gross_pico=149_000_000_001,
        ev_net_total_pico=129_000_000_001,
        reason_code="EV_THRESHOLD",
        settled_result="yes" if payout_micro else "no",
        settled_ts=T0 + 86_400,
        position=bought(f"{EVENT}-B8{n}.5", T0 + 60 * n, T0 + 86_400, 1, 351_000, 20_000, payout_micro, leg="YES"),
    )


def write(folder: Path, payouts: list[int]) -> str:
    """A run of one trade per payout; returns its id."""
    conf = resolve.resolve(
        {
            "series_tickers": ["KXHIGHMIA"],
            "date_start_local": "2025-06-01",
            "date_end_local": "2025-06-01",
            "asof_policy": {"local_time": "23:00", "days_before": 1},
            "trade_window_policy": "market_close",
            "cadence_minutes": 1,
            "execution_model": "taker",
            "risk": {},
            "output_dir": "backtests",
        }
    )
    trades = [a_trade(n, payout) for n, payout in enumerate(payouts)]
    start, end = 1_000_000_000, 1_000_000_000 + sum(trade.pnl_micro for trade in trades)
    counts = {
        "events_attempted": 1,
        "events_traded": 1,
        "events_skipped": {},
        "rejections": {},
        "candles_missing_pct": 12.5,
    }
    result = RunResult(
        start_balance_micro=start,
        end_balance_micro=end,
        journal=books_of(trades),
        trades=Trades.of_rows(trades),
        equity=[Point(T0, "start", start, 0), Point(T0 + 86_400, "end", end, 0)],
        decisions=ColumnRows.of(Decision, []),
        diagnostics={**counts, "validations": {}, "quarantined": []},
        skipped=[],
        watermark=T0,
        start_ts=T0,
        end_ts=T0 + 86_400,
        family_metrics=score_metrics([ForecastOutcome(EVENT, f"{EVENT}-B80.5", 500_000_000_001, True)]),
        days_per_year=DAYS_PER_YEAR,
        around_the_clock=True,
    )
    run_id = resolve.run_id(conf)
    write_artifacts(folder, run_id, conf, result)
    write_manifest(folder, run_id, conf, about_run(conf), evidence_of([]), result.watermark)
    return run_id


@pytest.fixture
def url(mariadb: Server) -> str:  # noqa: F811
    mariadb.new_database("tradewinds")
    return mariadb.url("tradewinds")


def rows(server: Server, query: str) -> list[tuple]:
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute("USE tradewinds")
        cursor.execute(query)
        return list(cursor.fetchall())


def test_a_run_arrives_exactly_as_it_stands_in_its_files(tmp_path, url, mariadb):  # noqa: F811
    run = write(tmp_path, [1_000_000, 0])
    assert load_run(tmp_path, url) == 2
    found = rows(
        mariadb,
        "SELECT trade_id, decision_ts_utc, entry_price, ev_net_per_contract, pnl FROM backtest_trade ORDER BY seq",
    )
    files = pq.read_table(tmp_path / "trades.parquet").to_pylist()
    wanted = [
        (f["trade_id"], f["decision_ts_utc"].replace(tzinfo=None), f["entry_price"], f["ev_net_per_contract"], f["pnl"])
        for f in files
    ]
    assert found == wanted
    assert found[0][2:] == (Decimal("0.351"), Decimal("0.129000000001"), Decimal("0.629"))
    assert rows(mariadb, "SELECT run_id, status FROM backtest_run") == [(run, "SUCCESS")]
    sharpe = json.loads((tmp_path / "metrics.json").read_text())["sharpe"]
    assert rows(mariadb, "SELECT total_pnl_usd, num_trades, sharpe FROM backtest_metrics") == [
        (Decimal("0.258"), 2, sharpe)
    ]
    assert rows(mariadb, "SELECT run_id FROM v_backtest_leaderboard") == [(run,)]


def test_loading_again_replaces_the_run(tmp_path, url, mariadb):  # noqa: F811
    write(tmp_path, [1_000_000, 0, 0])
    load_run(tmp_path, url)
    write(tmp_path, [1_000_000])
    assert load_run(tmp_path, url) == 1
    assert rows(mariadb, "SELECT COUNT(*) FROM backtest_trades") == [(1,)]
    assert rows(mariadb, "SELECT COUNT(*) FROM backtest_metrics") == [(1,)]
    assert rows(mariadb, "SELECT COUNT(*) FROM strategies") == [(1,)]


def test_a_failed_load_keeps_the_old_trades_and_says_why(tmp_path, url, mariadb):  # noqa: F811
    write(tmp_path, [1_000_000, 0])
    load_run(tmp_path, url)
    refusal = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no metrics today'"  # after the trades were replaced
    rows(mariadb, f"CREATE TRIGGER refuse BEFORE INSERT ON backtest_metrics FOR EACH ROW {refusal}")
    write(tmp_path, [1_000_000])
    with pytest.raises(DatabaseError, match="no metrics today"):
        load_run(tmp_path, url)
    [(status, error)] = rows(mariadb, "SELECT status, error FROM backtest_runs")
    assert status == "FAILED"
    assert "no metrics today" in error
    assert rows(mariadb, "SELECT COUNT(*) FROM backtest_trades") == [(2,)]
    rows(mariadb, "DROP TRIGGER refuse")
    assert load_run(tmp_path, url) == 1
    assert rows(mariadb, "SELECT status, error FROM backtest_runs") == [("SUCCESS", None)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("tester:", "nobody:"), "[Cc]heck user and password"),
        (("/tradewinds", "/elsewhere"), "Access denied|Unknown database"),
        (("127.0.0.1", "127.0.0.2"), "host and port"),
    ],
)
def test_errors_say_what_to_do_and_never_the_password(tmp_path, url, change, says):
    write(tmp_path, [0])
    with pytest.raises(DatabaseError, match=says) as caught:
        load_run(tmp_path, url.replace(*change))
    assert caught.value.exit_code == 6
    assert PASSWORD not in str(caught.value)
    assert quote(PASSWORD, safe="") not in str(caught.value)


def test_the_password_may_come_from_the_environment(tmp_path, url, monkeypatch):
    write(tmp_path, [0])
    monkeypatch.setenv("TEST_DB_PASSWORD", PASSWORD)
    assert load_run(tmp_path, url.replace(quote(PASSWORD, safe=""), "${TEST_DB_PASSWORD}")) == 1
    with pytest.raises(DatabaseError, match="NOT_SET_ANYWHERE is not set"):
        load_run(tmp_path, url.replace(quote(PASSWORD, safe=""), "${NOT_SET_ANYWHERE}"))


def test_the_server_is_ours_alone(mariadb):  # noqa: F811
    with pytest.raises(pymysql.OperationalError, match="1045"):
        pymysql.connect(host="127.0.0.1", port=mariadb.port, user="nobody", password="x")
