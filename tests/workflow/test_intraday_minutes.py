"""Minute bars through the command line: from the chart API, from a file, and what is said when there are none."""

import datetime as dt
import os
import sys

import numpy as np
import pyarrow as pa
import pytest
import yaml

from tests import warm
from tests.families.equities_intraday.minute_worlds import bars, local, plain
from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tradewinds.archive.archive import ArchiveWriter
from tradewinds.archive.server import running_server
from tradewinds.families.equities_intraday.archive_routes import ARCHIVED_MINUTES, add_minutes
from tradewinds.families.equities_intraday.fetch.minute_reach import is_over
from tradewinds.reference_data.exchange_calendar import calendar_of

CONFIG = {
    "market": "equities_intraday",
    "symbols": ["SPY"],
    "scoring": {"enabled": False},
    "orb": {"enable_validity_filter": False},
}


class MinuteDesk:
    """A working folder with a config."""

    def __init__(self, folder, **changes):
        self.folder = folder
        (folder / "config.yaml").write_text(yaml.safe_dump({**CONFIG, **changes}))

    def __call__(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
        return warm.run(
            [sys.executable, "-m", "tradewinds.cli", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )


@pytest.fixture
def last_sessions(tmp_path, monkeypatch):
    """The calendar and the indices of the last five sessions that are over."""
    monkeypatch.chdir(tmp_path)
    now = dt.datetime.now(dt.UTC)
    calendar = calendar_of("XNYS", now.date())
    span = calendar.between(now.date() - dt.timedelta(days=20), now.date())
    return calendar, [index for index in range(span.start, span.stop) if is_over(calendar, index, now)][-5:]


def test_the_last_sessions_come_from_the_chart_api_and_nothing_is_asked_twice(tmp_path, last_sessions):
    calendar, sessions = last_sessions
    ts = np.concatenate([np.arange(calendar.open_ts[i], calendar.close_ts[i], 60) for i in sessions])
    price = 500 + np.sin(np.arange(len(ts)) / 40)
    table = pa.table(
        {"ts": ts, "open": price, "high": price + 0.2, "low": price - 0.2, "close": price, "volume": [900] * len(ts)},
        schema=ARCHIVED_MINUTES,
    )
    add_minutes(ArchiveWriter(tmp_path / "archive"), "SPY", table, {"timezone": "America/New_York", "currency": "USD"})
    with running_server(tmp_path / "archive") as server:
        desk = MinuteDesk(
            tmp_path,
            date_start_local=calendar.date(sessions[0]).isoformat(),
            date_end_local=calendar.date(sessions[-1]).isoformat(),
            bars={"source": "yahoo", "warmup_sessions": 3},
            yahoo={"base_url": server.url_of("yahoo"), "requests_per_second": 100},
        )
        done = desk("run", "--config", "config.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        asked = len(server.requests)
        again = desk("run", "--config", "config.yaml")
        assert again.returncode == 0 and asked == len(server.requests) > 0
    found = desk("validate", "--config", "config.yaml")
    assert f"{len(ts):,} session bars of 1 symbol on 5 sessions" in found.stdout, found.stdout + found.stderr


def test_sessions_beyond_the_reach_are_exit_3_before_anything_is_fetched(tmp_path):
    desk = MinuteDesk(tmp_path, date_start_local="2024-07-01", date_end_local="2024-07-03", bars={"source": "yahoo"})
    for command in (("run", "--config", "config.yaml"), ("run", "--config", "config.yaml", "--dry-run")):
        done = desk(*command)
        assert (
            done.returncode == 3 and "2024-07-01, 2024-07-02, 2024-07-03" in done.stderr and "synthetic" in done.stderr
        )
    assert not (tmp_path / "data/candles").exists()


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (local(bars(), "%Y-%m-%d %H:%M", header="date,open,high,low,close,volume"), 2, "09:30 on 2 of 2 days"),
        (plain(symbol="QQQ"), 3, "no bar of SPY. Symbols of these files: QQQ"),
        ("", 3, "this file has no bars"),
    ],
)
def test_a_file_that_will_not_do_is_a_paragraph_and_an_exit_code(tmp_path, text, code, message):
    (tmp_path / "SPY.csv").write_text(text)
    source = {"source": "files", "path": "SPY.csv"}
    desk = MinuteDesk(tmp_path, date_start_local="2024-03-08", date_end_local="2024-03-11", bars=source)
    done = desk("run", "--config", "config.yaml")
    assert done.returncode == code and message in done.stderr, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_dry_run_and_validate_write_nothing(tmp_path):
    (tmp_path / "SPY.csv").write_text(plain())
    source = {"source": "files", "path": "SPY.csv"}
    desk = MinuteDesk(tmp_path, date_start_local="2024-03-08", date_end_local="2024-03-11", bars=source)
    before = sorted(tmp_path.rglob("*"))
    for command in (("run", "--dry-run"), ("validate",)):
        done = desk(*command, "--config", "config.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert sorted(tmp_path.rglob("*")) == before


def test_a_label_that_the_rows_contradict_is_a_warning_on_the_terminal(tmp_path):
    ends = local(bars(), "%Y-%m-%d %H:%M", header="date,open,high,low,close,volume", shift=1)
    (tmp_path / "SPY.csv").write_text(ends)
    source = {"source": "files", "path": "SPY.csv", "timezone": "America/New_York", "label": "start"}
    desk = MinuteDesk(tmp_path, date_start_local="2024-03-08", date_end_local="2024-03-11", bars=source)
    for _ in range(2):  # also where the bars were imported by an earlier run
        done = desk("run", "--config", "config.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        words = "warning: SPY.csv: the stamps look like the end of each bar, although bars.label is start"
        assert words in done.stderr and "First stamp of a day: 09:31 on 2 of 2" in done.stderr
