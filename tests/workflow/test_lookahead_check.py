"""`tradewinds lookahead-check` on the recorded month: nothing changes; what is missing and what leaks is said."""

import datetime as dt
import re

import pytest
import yaml

from tests import warm
from tests.workflow.harness import Desk
from tradewinds.cli import app
from tradewinds.families.kalshi_weather.forecasts import forecast_files


def lookahead_check(desk, *arguments):
    command = desk.command("lookahead-check", "--config", "config.yaml", *arguments)
    return warm.run(command, cwd=desk.folder, env=desk.environment(), capture_output=True, text=True, check=False)


def test_no_decision_of_the_month_changes(finished):
    before = {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")}
    asked = len(finished.server.requests)
    done = lookahead_check(finished, "--cuts", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(finished.server.requests) == asked, "the check fetches nothing"
    assert {path: path.stat().st_mtime_ns for path in finished.folder.rglob("*")} == before, "the check changes nothing"
    orders = int(re.search(r"no decision changed: ([\d,]+) orders and refusals", done.stdout)[1].replace(",", ""))
    assert orders > 100_000
    for number in (1, 2, 3):
        assert f"cut {number} of 3: 2025-05-" in done.stdout


def test_missing_files_are_exit_3_with_the_list(tmp_path):
    done = lookahead_check(Desk(tmp_path, None))
    assert done.returncode == 3
    assert "39 files" in done.stderr and "data/candles/kalshi/full_1m/KXHIGHCHI/2025-05-02.parquet" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"config.yaml"}, "nothing was made"


def test_a_leak_is_exit_5_with_what_changed(finished, tmp_path, monkeypatch, capsys):
    """A forecast that takes guidance twelve hours after its as-of time."""
    honest, late = forecast_files.read_history, {"local_time": "11:00", "days_before": 0}
    monkeypatch.setattr(
        forecast_files, "read_history", lambda *given, **rest: honest(*given, **rest | {"asof_policy": late})
    )
    (tmp_path / "data").symlink_to(finished.folder / "data")
    days = {"date_start_local": dt.date(2025, 5, 2), "date_end_local": dt.date(2025, 5, 4)}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(finished.config | days))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app.main(["lookahead-check", "--config", "config.yaml", "--cuts", "7"])
    assert ended.value.code == 5
    said = capsys.readouterr()
    assert re.search(r"config.yaml: \d+ decisions? changed with the future", said.err)
    assert re.search(r"KXHIGHCHI-25MAY0\d KXHIGHCHI-25MAY0\d-[BT][\d.]+ at 2025-05-0\dT[\d:]+Z: ", said.out)
    assert "Cause: guidance" in said.out or "Cause: climate reports" in said.out, said.out


READS = """
from pathlib import Path

import duckdb
from tradewinds.strategies.decisions import buy


class Strategy:
    def on_start(self, parameters):
        files = sorted(map(str, Path(parameters["folder"]).glob("KXHIGHCHI/2025-05-03.parquet")))
        rows = f"SELECT market_ticker, max(yes_ask_close) FROM read_parquet({files}) GROUP BY 1"
        self.last = dict(duckdb.sql(rows).fetchall())

    def on_decision(self, view):
        return [buy(one, 1) for one in view.changed if one.ask == one.ask and self.last.get(one.ticker, 0) > one.ask]
"""


def test_a_strategy_that_opens_the_data_itself_is_exit_5_with_the_file(finished, tmp_path, monkeypatch, capsys):
    """No copy changes what it reads there, so that every decision is the same each time."""
    (tmp_path / "data").symlink_to(finished.folder / "data")
    (tmp_path / "mine.py").write_text(READS)
    days = {"date_start_local": dt.date(2025, 5, 2), "date_end_local": dt.date(2025, 5, 4)}
    folder = "data/candles/kalshi/full_1m"
    own = {"strategy": {"name": "mine", "file": "mine.py", "parameters": {"folder": folder}}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(finished.config | days | own))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app.main(["lookahead-check", "--config", "config.yaml", "--cuts", "2"])
    said = " ".join(capsys.readouterr().err.split())
    assert ended.value.code == 5
    assert (
        f"mine.py: the strategy asked for more than it is given: it opened {folder}/KXHIGHCHI/2025-05-03.parquet."
        in said
    )
