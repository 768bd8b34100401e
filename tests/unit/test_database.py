"""Loading runs into SQLite: exact rows, replaced in one step, failures that say why, and questions people ask.

The same on a server is in tests/services/test_mariadb.py.
"""

import contextlib
import datetime as dt
import json
import sqlite3
from decimal import Decimal

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.unit.database_parts import DAY, write
from tradewinds.core.database_urls import masked, url_key
from tradewinds.core.errors import DatabaseError
from tradewinds.core.files import write_parquet
from tradewinds.database import queries, tables
from tradewinds.database.connect import expand, open_database
from tradewinds.database.load import load_run


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/deep/folder/t.db"


@pytest.fixture
def ask(tmp_path):
    def rows(query):
        with contextlib.closing(sqlite3.connect(tmp_path / "deep/folder/t.db", isolation_level=None)) as connection:
            return connection.execute(query).fetchall()

    return rows


def stored(url, name):
    """Rows as the library's own tables give them back."""
    with queries.reading(url) as connection:
        return [dict(row) for row in connection.execute(tables.metadata.tables[name].select()).mappings()]


def asked(question, url, *arguments, **filters):
    with queries.reading(url) as connection:
        return question(connection, *arguments, **filters)


def test_a_run_arrives_exactly_as_it_stands_in_its_files(tmp_path, url, ask):
    run = write(tmp_path / "run")
    assert load_run(tmp_path / "run", url) == 2
    files = pq.read_table(tmp_path / "run/trades.parquet").to_pylist()
    found = stored(url, "backtest_trades")
    for seq, (row, trade) in enumerate(zip(found, files, strict=True)):
        naive = {k: v.replace(tzinfo=None) if isinstance(v, dt.datetime) else v for k, v in trade.items()}
        of_fills = {"reference_price": None, "slippage": None}
        assert row == naive | of_fills | {"run_id": run, "seq": seq}
    assert {type(row["pnl"]) for row in found} == {Decimal}
    assert str(found[0]["model_prob_yes"]) == "0.333333333333" and str(found[1]["pnl"]) == "-0.371001"
    assert found[0]["ev_gross_per_contract"] == Decimal("-1E-12")
    [metrics] = stored(url, "backtest_metrics")
    assert (metrics["total_pnl_usd"], metrics["end_balance_usd"]) == (Decimal("0.257998"), Decimal("1000.257998"))
    told = json.loads((tmp_path / "run/metrics.json").read_text())
    assert (metrics["num_trades"], metrics["sharpe"], metrics["win_rate_pct"]) == (2, told["sharpe"], 50.0)
    [row] = stored(url, "backtest_runs")
    assert (row["status"], row["series"], row["date_end"], row["error"]) == ("SUCCESS", ["KXHIGHMIA"], DAY, None)
    assert row["metrics_json"] == json.loads((tmp_path / "run/metrics.json").read_text())
    assert ask("SELECT run_id FROM backtest_run") == [(run,)] and ask("SELECT count(*) FROM backtest_trade") == [(2,)]
    assert ask("SELECT count(*) FROM backtest_trades WHERE pnl > 0.5") == [(1,)], "amounts compare as numbers"


def test_loading_again_replaces_the_run_and_no_other(tmp_path, url, ask):
    one, other = write(tmp_path / "a", [0, 0, 0]), write(tmp_path / "b", [1_000_000], seed=1)
    for folder in ("a", "b", "a"):
        load_run(tmp_path / folder, url)
    assert write(tmp_path / "a", [1_000_000]) == one
    assert load_run(tmp_path / "a", url) == 1
    assert ask("SELECT run_id, count(*) FROM backtest_trades GROUP BY 1 ORDER BY 1") == sorted([(one, 1), (other, 1)])
    assert ask("SELECT count(*) FROM backtest_metrics") == [(2,)] and ask("SELECT name FROM strategies") == [
        ("ev_threshold",)
    ]
    write(tmp_path / "a", [])
    assert load_run(tmp_path / "a", url) == 0
    assert asked(queries.one_run, url, one)["status"] == "SUCCESS" and asked(queries.one_run, url, "none") is None


def refused_by_the_database(folder, ask):
    ask("CREATE TRIGGER refuse BEFORE INSERT ON backtest_metrics BEGIN SELECT RAISE(ABORT, 'no metrics today'); END")
    return "no metrics today"


def too_exact_for_sqlite(folder, ask):
    write(folder, [10**16 + 1])
    return "more than 15 digits; SQLite cannot keep it exactly"


def without_its_trades(folder, ask):
    (folder / "trades.parquet").unlink()
    return "the run has no trades.parquet"


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [refused_by_the_database, too_exact_for_sqlite, without_its_trades])
def test_a_failed_load_keeps_the_old_rows_and_says_why_until_it_works(tmp_path, url, ask, spoil):
    run = write(tmp_path / "run")
    load_run(tmp_path / "run", url)
    before = ask("SELECT * FROM backtest_trades")
    write(tmp_path / "run", [5])
    words = spoil(tmp_path / "run", ask)
    with pytest.raises(DatabaseError, match=words) as caught:
        load_run(tmp_path / "run", url)
    assert caught.value.exit_code == 6 and "INSERT" not in str(caught.value)
    [shown] = asked(queries.list_runs, url)
    assert (shown["run_id"], shown["status"]) == (run, "FAILED") and words in shown["error"]
    assert ask("SELECT * FROM backtest_trades") == before and asked(queries.leaderboard, url) == []
    ask("DROP TRIGGER IF EXISTS refuse")
    write(tmp_path / "run", [5])
    assert load_run(tmp_path / "run", url) == 1
    assert [(r["status"], r["error"]) for r in asked(queries.list_runs, url)] == [("SUCCESS", None)]


def without_its_books(folder):
    (folder / "journal.parquet").unlink()
    return "journal.parquet: the run has no journal.parquet. Run it again."


def a_fee_forgotten(folder):
    """The file of books lacks a row; its checksums are right."""
    table = pq.read_table(folder / "journal.parquet")
    write_parquet(folder / "journal.parquet", table.filter(pc.not_equal(table["kind"], "fee")), {})
    return (
        r"journal.parquet: the run's books do not add up: start balance 1000.0 and changes of cash 0.298000 come to "
        r"1000.298000, but metrics.json has an end balance of 1000.257998. A file of the run was changed"
    )


def another_balance(folder):
    path = folder / "metrics.json"
    path.write_text(path.read_text().replace("1000.257998", "1000.257999"))
    return "the run's books do not add up: .* come to 1000.257998, but metrics.json has an end balance of 1000.257999"


@pytest.mark.parametrize("spoil", [without_its_books, a_fee_forgotten, another_balance])
def test_a_run_whose_books_do_not_add_up_is_refused_and_the_database_left_as_it_is(tmp_path, url, ask, spoil):
    write(tmp_path / "run")
    load_run(tmp_path / "run", url)
    before = ask("SELECT * FROM backtest_runs"), ask("SELECT * FROM backtest_trades")
    words = spoil(tmp_path / "run")
    with pytest.raises(DatabaseError, match=words) as caught:
        load_run(tmp_path / "run", url)
    assert caught.value.exit_code == 6
    assert (ask("SELECT * FROM backtest_runs"), ask("SELECT * FROM backtest_trades")) == before


def test_runs_are_listed_latest_first_and_ranked_by_sharpe_with_none_last(tmp_path, url, ask):
    sharpes = {"a": -0.5, "b": None, "c": 10.0, "d": 9.0, "e": 99.0}
    runs = {}
    for seed, (name, sharpe) in enumerate(sharpes.items()):
        runs[name] = write(tmp_path / name, seed=seed, created=f"2025-07-0{seed + 1}T00:00:00Z", sharpe=sharpe)
        load_run(tmp_path / name, url)
    ask(f"UPDATE backtest_runs SET status = 'FAILED' WHERE run_id = '{runs['e']}'")
    assert [row["run_id"] for row in asked(queries.list_runs, url)] == [runs[name] for name in "edcba"]
    board = asked(queries.leaderboard, url)
    assert [row["run_id"] for row in board] == [runs[name] for name in "cdab"]
    assert (board[0]["strategy"], board[0]["num_trades"], board[0]["win_rate_pct"]) == ("ev_threshold", 2, 50.0)
    assert [row["artifact_path"] for row in asked(queries.list_runs, url)] == [
        (tmp_path / n).as_posix() for n in "edcba"
    ]


def test_the_leaderboard_gives_the_types_a_server_gives(tmp_path, url):
    write(tmp_path / "run")
    load_run(tmp_path / "run", url)
    [row] = asked(queries.leaderboard, url)
    assert (row["total_pnl_usd"], row["date_start"]) == (Decimal("0.257998"), DAY)


def test_a_run_of_an_unknown_market_is_refused(tmp_path, url):
    write(tmp_path / "run")
    manifest = tmp_path / "run/run_manifest.json"
    manifest.write_text(manifest.read_text().replace('"market": "kalshi_weather"', '"market": "tulips"'))
    with pytest.raises(DatabaseError, match=r"run: this Tradewinds knows no market 'tulips'\. Load the run with"):
        load_run(tmp_path / "run", url)
    assert not (tmp_path / "deep").exists(), "it is refused before a database is made"


def test_a_wrong_place_is_one_paragraph_and_exit_6(tmp_path, url):
    write(tmp_path / "run")
    load_run(tmp_path / "run", url)
    (tmp_path / "text").write_text("this is no database, " * 100)
    holder = sqlite3.connect(tmp_path / "deep/folder/t.db")
    holder.execute("BEGIN EXCLUSIVE")
    wrong = {
        f"sqlite:///{tmp_path}/text": "not a database.*name another one",
        f"sqlite:///{tmp_path}/text/t.db": "cannot be used|no such database yet",
        f"sqlite:///{tmp_path}/run": "The folder must exist and be writable",
        f"{url}?timeout=0.05": "Another program holds it",
        "backtests/t.db": "cannot be used.*For example sqlite:///",
        "nosql://me:s3cret@h/d": "cannot be used",
        "mysql+pymysql://me:s3c:r@et@h:port/d": "cannot be understood|cannot be used",
        "mysql+pymysql://me:${NOT_SET_ANYWHERE}@h/d": "NOT_SET_ANYWHERE is not set",
    }
    for place, words in wrong.items():
        for doing in (lambda u: load_run(tmp_path / "run", u), lambda u: asked(queries.list_runs, u)):
            with pytest.raises(DatabaseError, match=words) as caught:
                doing(place)
            assert caught.value.exit_code == 6 and "\n" not in str(caught.value)
            assert "s3c" not in str(caught.value), "never the password"
    holder.close()
    with pytest.raises(DatabaseError, match="the run cannot be read"):
        load_run(tmp_path / "nothing", url)


def test_passwords_are_starred_out_and_name_no_database(monkeypatch):
    assert masked("mysql+pymysql://me:s3:c/r@t@h:1/d?charset=utf8mb4") == "mysql+pymysql://me:***@h:1/d?charset=utf8mb4"
    assert masked("mysql://h/d?user=me&Password=s3cret&ssl=1") == "mysql://h/d?user=me&Password=***&ssl=1"
    for open_one in ("sqlite:////srv/a@b:c.db", "mysql://me@h/d", "sqlite:///backtests/tradewinds.db"):
        assert masked(open_one) == open_one
    same = {url_key(f"mysql://{who}h/d?password={p}") for who in ("", "me:a@", "you:b@c@") for p in "xy"}
    assert len(same) == 1 and url_key("mysql://me:a@h/e?password=x") not in same
    monkeypatch.setenv("DB_PASSWORD", "p@ss/w:rd")
    monkeypatch.setenv("DB_NAME", "my/d")
    url = expand("mysql+pymysql://me:${DB_PASSWORD}@h/${DB_NAME}")
    assert url == "mysql+pymysql://me:p%40ss%2Fw%3Ard@h/my/d"
    assert open_database(url).url.password == "p@ss/w:rd"
