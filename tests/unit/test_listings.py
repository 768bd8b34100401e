"""What `tradewinds runs`, `leaderboard`, `compare` and `strategies` show, as tables, JSON and CSV; and what they refuse."""

import csv
import io
import json
import sqlite3

import pytest
from rich.console import Console

from tests.unit.database_parts import write
from tests.unit.schema_parts import tell
from tradewinds.cli import app, listing
from tradewinds.database.load import load_run

URL = "sqlite:///backtests/tradewinds.db"
SHARPES = {"a": -0.5, "b": None, "c": 10.0}


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command as a user does: exit code, output, error."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(SystemExit) as done:
            app.main([str(argument) for argument in arguments])
        return done.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def runs(call):
    """Three loaded runs by name: ids."""
    found = {}
    for seed, (name, sharpe) in enumerate(SHARPES.items()):
        made = {"seed": seed, "created": f"2025-07-0{seed + 1}T00:00:00Z", "sharpe": sharpe}
        found[name] = write(call.folder / name, [1_000_000] * (seed + 1) + [0], **made)
        load_run(name, URL)
    tell(URL, f"UPDATE backtest_runs SET status = 'FAILED', error = 'disk [red]full' WHERE run_id = '{found['a']}'")
    return found


@pytest.fixture(autouse=True)
def _folder(call, tmp_path):
    call.folder = tmp_path


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_without_a_database_it_says_so_kindly_and_makes_none(call, tmp_path):
    for command in (["runs"], ["leaderboard", "--json"], ["compare", "a", "b"]):
        code, out, err = call(*command)
        assert (code, out) == (6, "") and err.count("\n") == 1
        assert "there is no such database yet. tradewinds run makes it" in err
    assert list(tmp_path.iterdir()) == []
    code, out, _ = call("strategies")
    assert code == 0 and "ev_threshold" in out and list(tmp_path.iterdir()) == []


def test_runs(call, runs):
    code, out, _ = call("runs")
    assert code == 0 and "3 runs" in out and "disk [red]full" in out and "\x1b" not in out
    shown = [line.split()[0] for line in out.splitlines() if " ev_threshold " in line]
    assert shown == [runs[name][:8] for name in "cba"]
    code, out, _ = call("runs", "--json")
    found = json.loads(out)
    assert [row["run_id"] for row in found] == [runs[name] for name in "cba"]
    assert found[0]["created_at_utc"] == "2025-07-03T00:00:00Z" and found[0]["date_start"] == "2025-06-01"
    assert (found[0]["total_pnl_usd"], found[0]["series"], found[2]["error"]) == (
        1.515996,
        ["KXHIGHMIA"],
        "disk [red]full",
    )
    code, out, _ = call("runs", "--csv")
    assert [row["run_id"] for row in rows_of(out)] == [runs[name] for name in "cba"]
    assert (rows_of(out)[0]["total_pnl_usd"], rows_of(out)[1]["sharpe"]) == ("1.515996", "")


def test_runs_are_filtered_and_paged(call, runs):
    wanted = {
        ("--status", "failed"): "a",
        ("--status", "SUCCESS"): "cb",
        ("--series", "KXHIGHMIA"): "cba",
        ("--series", "KXHIGHM"): "",
        ("--series", "%"): "",
        ("--strategy", "ev_threshold", "--limit", "2"): "cb",
        ("--strategy", "other"): "",
    }
    for options, names in wanted.items():
        _, out, _ = call("runs", "--json", *options)
        assert [row["run_id"] for row in json.loads(out)] == [runs[name] for name in names], options
    assert "… and 2 more" in call("runs", "--limit", "1")[1]
    assert call("runs", "--strategy", "other")[1] == "0 runs. Runs have ev_threshold.\n"
    assert call("runs", "--strategy", "EV-Threshold")[1] == "0 runs. Did you mean ev_threshold?\n"
    assert call("runs", "--series", "KXHIGHMA")[1] == "0 runs. Did you mean KXHIGHMIA?\n"
    assert call("runs", "--status", "RUNNING")[1] == "0 runs\n"


def test_runs_show_the_settings_in_which_they_differ(call, runs):
    rows = json.loads(call("runs", "--json", "--differ")[1])
    assert len({json.dumps(row["settings"], sort_keys=True) for row in rows}) > 1
    assert all(set(row["settings"]) == set(rows[0]["settings"]) for row in rows)
    key, value = next(iter(rows[0]["settings"].items()))
    shown = call("runs", "--differ")[1]
    assert f"{rows[0]['run_id'][:8]}: " in shown and f"{key}: {value}" in shown
    assert "settings" not in json.loads(call("runs", "--json")[1])[0]
    assert call("runs", "--csv", "--differ")[1].splitlines()[0].endswith("error,name,note,reason,settings")


def test_leaderboard(call, runs):
    _, out, _ = call("leaderboard", "--json")
    assert [row["run_id"] for row in json.loads(out)] == [runs["c"], runs["b"]], "a run without Sharpe is last"
    tell(URL, "UPDATE backtest_runs SET status = 'SUCCESS'")
    for sort, names in {"pnl": "cba", "sharpe": "cab", "drawdown": "bca", "trades": "cba"}.items():
        tell(URL, f"UPDATE backtest_metrics SET max_drawdown_usd = 5 WHERE run_id = '{runs['a']}'")
        tell(URL, f"UPDATE backtest_metrics SET max_drawdown_usd = 1 WHERE run_id = '{runs['c']}'")
        _, out, _ = call("leaderboard", "--csv", "--sort", sort)
        assert [row["run_id"] for row in rows_of(out)] == [runs[name] for name in names], sort
    _, out, _ = call("leaderboard", "--limit", "1")
    assert "Successful runs by sharpe" in out and runs["c"][:8] in out and runs["b"][:8] not in out
    code, out, err = call("leaderboard", "--sort", "beauty")
    assert code == 2 and "One of sharpe, sortino, pnl" in err


def test_compare_shows_figures_settings_and_the_days_they_share(call, runs):
    code, out, _ = call("compare", runs["a"][:6], "c", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["runs"] == [runs["a"], runs["c"]]
    assert found["metrics"]["total_pnl_usd"] == [0.257998, 1.515996] and found["metrics"]["sharpe"] == [-0.5, 10.0]
    assert found["config_differences"] == {"seed": [0, 2]}
    shared = {"first": "2025-06-01", "last": "2025-06-01", "days": 1}
    assert found["common_days"] == shared | {"num_trades": [2, 4], "pnl_usd": [0.257998, 1.515996]}
    _, out, _ = call("compare", runs["a"], runs["b"], runs["c"])
    assert "P&L on common days, USD 0.26 0.89 1.52" in " ".join(out.split()) and "seed" in out
    _, out, _ = call("compare", "b", "c", "--csv", "--database", "sqlite:///nowhere.db")
    by_what = {row["what"]: row for row in rows_of(out)}
    assert by_what["common_days.pnl_usd"] == {
        "what": "common_days.pnl_usd",
        runs["b"]: "0.886997",
        runs["c"]: "1.515996",
    }


def test_days_outside_the_common_ones_do_not_count(call, runs):
    """The second run covers another day, whose trade is left out; a third one shares no day with the first."""
    manifest = call.folder / "c/run_manifest.json"
    told = json.loads(manifest.read_text())
    told["config"]["date_end_local"] = "2025-06-02"
    manifest.write_text(json.dumps(told))
    import pyarrow as pa
    import pyarrow.parquet as pq

    trades = pq.read_table(call.folder / "c/trades.parquet")
    at = trades.schema.get_field_index("event_ticker")
    events = ["KXHIGHMIA-25JUN02", *trades.column("event_ticker").to_pylist()[1:]]
    pq.write_table(trades.set_column(at, "event_ticker", pa.array(events)), call.folder / "c/trades.parquet")
    found = json.loads(call("compare", "a", "c", "--json")[1])
    assert found["common_days"]["num_trades"] == [2, 3] and found["common_days"]["pnl_usd"] == [0.257998, 0.886997]
    assert found["config_differences"]["date_end_local"] == ["2025-06-01", "2025-06-02"]
    told["config"] |= {"date_start_local": "2025-06-02"}
    manifest.write_text(json.dumps(told))
    assert json.loads(call("compare", "a", "c", "--json")[1])["common_days"]["days"] == 0
    assert "They share no day." in call("compare", "a", "c")[1]


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_on_a_terminal(call, runs, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr(listing, "console", lambda: Console(highlight=False, markup=False, width=width))
    said = {
        ("runs",): ("ev_threshold", "KXHIGHMIA", "2025-06-01", "SUCCESS", "Sharpe"),
        ("leaderboard", "--sort", "brier"): ("ev_threshold", "2025-06-01", "P&L, USD", "1.52", "Brier", "0.4444"),
        ("compare", runs["a"], runs["b"], runs["c"]): ("exposure_time_avg_minutes", "1,438.5"),
        ("strategies",): ("ev_threshold", "yes"),
    }
    for command, words in said.items():
        _, out, _ = call(*command)
        assert not [word for word in words if word not in out] and (command[0] == "compare" or "…" not in out), command
        assert max(map(len, out.splitlines())) <= width, command
    assert ("Sortino" in call("leaderboard")[1]) == (width == 120)


@pytest.fixture
def two_currencies(call):
    """Loaded runs of an account in AUD (as a run of shares may have it) and of one in USD; ids."""
    found = {}
    for seed, currency in enumerate(("AUD", "USD")):
        found[currency] = write(call.folder / currency, seed=seed, max_drawdown_usd=1234.5 * (seed + 1))
        if currency == "AUD":
            manifest = call.folder / currency / "run_manifest.json"
            made = json.loads(manifest.read_text())
            made["config"] |= {"market": "equities_daily", "risk": {"currency": "AUD"}}
            manifest.write_text(json.dumps(made))
        load_run(currency, URL)
    return found


def words_of(output):
    return " ".join(output.split())


@pytest.mark.parametrize("width", [80, 120])
def test_titles_name_the_currency_of_the_account(call, two_currencies, width, monkeypatch):
    monkeypatch.setattr(listing, "console", lambda: Console(highlight=False, markup=False, width=width))
    gone = two_currencies["USD"]
    tell(URL, f"UPDATE backtest_runs SET status = 'FAILED' WHERE run_id = '{gone}'")
    assert "P&L, AUD" in call("leaderboard")[1]
    by_drawdown = call("leaderboard", "--sort", "drawdown")[1]
    assert "drawdown, AUD" in by_drawdown and "USD" not in by_drawdown
    tell(URL, f"DELETE FROM backtest_metrics WHERE run_id = '{gone}'")
    tell(URL, f"UPDATE backtest_runs SET metrics_json = NULL WHERE run_id = '{gone}'")
    assert "P&L, AUD" in call("runs")[1], "a run without amounts is in no currency"
    found = words_of(call("compare", "AUD", "AUD")[1])
    assert "max_drawdown, AUD 1,234.50 1,234.50" in found and "P&L on common days, AUD" in found and "usd" not in found


def test_a_list_of_several_currencies_names_that_of_each_amount(call, two_currencies):
    for command in ("runs", "leaderboard"):
        out = call(command)[1]
        of = {name: next(line for line in out.splitlines() if run[:8] in line) for name, run in two_currencies.items()}
        assert "0.26 AUD" in of["AUD"] and "0.26 USD" in of["USD"] and "P&L," not in out, command
    assert "1,234.50 AUD" in of["AUD"] and "2,469.00 USD" in of["USD"] and "drawdown," not in out
    compared = words_of(call("compare", two_currencies["USD"], two_currencies["AUD"])[1])
    assert "max_drawdown 2,469.00 USD 1,234.50 AUD" in compared and "P&L on common days 0.26 USD 0.26 AUD" in compared
    assert "sharpe" in compared and "roi_pct" in compared
    for command in ("runs", "leaderboard"):
        assert [set(row) & {"currency"} for row in rows_of(call(command, "--csv")[1])] == [set(), set()]
    assert "total_pnl_usd" in json.loads(call("compare", *two_currencies.values(), "--json")[1])["metrics"]


def test_amounts_of_a_family_that_this_version_lacks_are_in_no_currency(call, two_currencies):
    tell(URL, "UPDATE backtest_runs SET market = 'tulips' WHERE market = 'equities_daily'")
    for command in ("runs", "leaderboard"):
        code, out, _ = call(command)
        assert code == 0 and " 0.26 " in out and "0.26 USD" in out and "AUD" not in out, command
    tell(URL, "UPDATE backtest_runs SET market = 'tulips'")
    assert "P&L  " in call("leaderboard")[1]


def test_compare_refuses_what_is_no_run(call, runs):
    tell(URL, f"UPDATE backtest_runs SET metrics_json = NULL WHERE run_id = '{runs['b']}'")
    wanted = {
        ("c",): "two runs at least",
        ("c", "nothing"): "nothing: no run begins so",
        ("c", ""): "3 runs begin so",
        ("c", runs["b"]): "never loaded to its end",
        ("c", "%"): "no run begins so",
        ("c", "a", "--json", "--csv"): "contradict",
        ("c", "a", "--config", "x.yaml", "--database", URL): "both name a database",
    }
    for arguments, words in wanted.items():
        code, out, err = call("compare", *arguments)
        assert (code, out) == (2, "") and words in err, arguments


def of_events(out):
    [row] = [row for row in json.loads(out) if row["name"] == "ev_threshold"]
    return row


def test_a_strategy_is_switched_off_and_on(call, runs):
    code, out, _ = call("strategies", "--json")
    row = of_events(out)
    assert (row["name"], row["is_active"], row["runs"], row["registered"]) == ("ev_threshold", True, 3, True)
    assert call("strategies", "disable", "ev_threshold")[0] == 0
    as_csv = {row["name"]: row["is_active"] for row in rows_of(call("strategies", "--csv")[1])}
    assert as_csv["ev_threshold"] == "False"
    load_run("a", URL)
    assert of_events(call("strategies", "--json")[1])["is_active"] is False, "a load does not switch it on"
    assert call("strategies", "enable", "ev_threshold")[0] == 0
    assert of_events(call("strategies", "--json")[1])["is_active"] is True
    code, _, err = call("strategies", "enable", "nobody")
    assert code == 2 and "there is no strategy 'nobody'" in err
    assert call("strategies", "--json", "disable", "ev_threshold")[0] == 2


def test_a_built_in_strategy_is_switched_off_before_its_first_run(call, tmp_path):
    assert call("strategies", "disable", "ev_threshold")[0] == 0
    assert of_events(call("strategies", "--json")[1])["is_active"] is False
    (tmp_path / "config.yaml").write_text(json.dumps(_config()))
    code, _, err = call("run", "--config", "config.yaml", "--no-fetch")
    assert code == 2 and "strategy ev_threshold: it is inactive" in err and "strategies enable ev_threshold" in err
    assert call("strategies", "enable", "ev_threshold", "--config", "config.yaml")[0] == 0
    assert call("run", "--config", "config.yaml", "--no-fetch")[0] == 3, "now it lacks nothing but data"


def _config():
    from tests.workflow.harness import CHICAGO

    return CHICAGO | {"date_end_local": "2025-05-03"}


def test_a_reader_changes_nothing(call, runs):
    file = call.folder / "backtests/tradewinds.db"
    before = file.read_bytes()
    for command in (["runs"], ["leaderboard"], ["compare", runs["a"], runs["c"]], ["strategies"]):
        assert call(*command)[0] == 0
    assert file.read_bytes() == before and [p.name for p in file.parent.iterdir()] == [file.name]
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE tradewinds_schema SET version_num = '9999'")
    connection.close()
    code, _, err = call("runs")
    assert code == 6 and "of a newer Tradewinds" in err and err.count("\n") == 1


def test_help_says_what_is_read_and_written(call):
    for command, words in {
        "runs": "Reads the database. Changes nothing.",
        "leaderboard": "Changes nothing.",
        "compare": "Changes nothing.",
        "strategies": "`disable` write",
        "reproduce": "Writes into a temporary folder only",
        "run": "--log-file",
    }.items():
        code, out, _ = call(command, "--help")
        assert code == 0 and words in " ".join(out.split()), command
