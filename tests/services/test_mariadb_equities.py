"""Daily equities against a real MariaDB server: runs of shares beside each other, and refusals that leave no row."""

import pytest

from tests.services.mariadb import PASSWORD, Server, mariadb  # noqa: F401
from tests.unit.share_worlds import flat
from tests.workflow.equities_desk import FALLS, Shares, world


def rows(server: Server, database: str, query: str):
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute(f"USE {database}")
        cursor.execute(query)
        return cursor.fetchall()


@pytest.fixture(scope="module")
def desk(mariadb: Server, tmp_path_factory):  # noqa: F811
    """One folder and one database for all tests of this file, which build upon each other."""
    mariadb.new_database("shares")
    made = Shares(tmp_path_factory.mktemp("shares"), world(), database={"url": mariadb.url("shares")})
    made.server, made.database = mariadb, "shares"
    return made


def test_refusals_leave_no_row(desk):
    assert desk.backtest("Momentum").returncode == 2
    assert desk("strategies", "disable", "Breakout", "--config", "config.yaml").returncode == 0
    refused = desk.backtest("Breakout")
    assert refused.returncode == 2 and "strategies enable Breakout" in refused.stderr
    desk.write({**world(), "BRIEF": flat(world()["FALL"][30].date, [5] * 4)})
    missing = desk.backtest("Mean Reversion", "--universe", "FALL,GONE,BRIEF")
    assert (
        missing.returncode == 3 and "BRIEF: too little history" in missing.stderr and "GONE: no bars" in missing.stderr
    )
    desk.write(world())
    assert rows(desk.server, desk.database, "SELECT count(*) FROM backtest_runs") == ((0,),)
    assert desk("strategies", "enable", "Breakout", "--config", "config.yaml").returncode == 0
    assert PASSWORD not in refused.stderr + missing.stderr


def test_both_strategies_are_ranked_and_compared(desk):
    for name in ("Mean Reversion", "Breakout"):
        done = desk.backtest(name)
        assert done.returncode == 0, done.stdout + done.stderr
    found = rows(desk.server, desk.database, "SELECT strategy, status FROM backtest_run ORDER BY strategy")
    assert found == (("Breakout", "SUCCESS"), ("Mean Reversion", "SUCCESS"))
    query = "SELECT market_ticker, side, settled_result, model_prob_yes, pnl FROM backtest_trade ORDER BY market_ticker"
    fall, rise = rows(desk.server, desk.database, query)
    assert fall[:4] == ("FALL", "BUY", "profit_target", None) and rise[0] == "RISE"
    ranked = desk.json("leaderboard", "--config", "config.yaml")
    assert len(ranked) == 2
    assert "P&L, AUD" in desk("leaderboard", "--config", "config.yaml").stdout
    told = desk.json("compare", *(row["run_id"] for row in ranked), "--config", "config.yaml")
    assert told["common_days"]["num_trades"] == [1, 1]
    assert sum(map(float, told["common_days"]["pnl_usd"])) == pytest.approx(float(fall[4] + rise[4]))


def test_a_run_succeeds_with_its_trades_or_not_at_all(desk):
    """A server that cannot take the trades: the run is FAILED, never SUCCESS without them."""
    with desk.server.root() as connection, connection.cursor() as cursor:
        cursor.execute(f"USE {desk.database}")
        cursor.execute("CREATE TRIGGER full BEFORE INSERT ON backtest_trades FOR EACH ROW SIGNAL SQLSTATE '45000'")
    desk.write({**world(), "FALL": flat(world()["FALL"][0].date, [*FALLS[:25], "10.00", *FALLS[26:]])})
    failed = desk.backtest("Mean Reversion")
    assert failed.returncode == 6
    assert sorted(rows(desk.server, desk.database, "SELECT status FROM backtest_runs")) == [("FAILED",), ("SUCCESS",)]
    assert rows(desk.server, desk.database, "SELECT count(*) FROM backtest_trades") == ((2,),)
