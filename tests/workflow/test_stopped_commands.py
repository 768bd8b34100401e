"""SIGTERM and SIGHUP end every command that works for long as Ctrl-C does: exit 130, no worker left, nothing half written.

Each is stopped at an event: while jobs fetch (a request waits for its answer), or while a replay asks the user's strategy.
"""

import contextlib
import signal
import subprocess
import threading

import psutil
import pytest

from tests.services.small_world import archive
from tests.workflow.harness import PATIENCE_SECONDS, Desk, wait_until
from tradewinds.archive.server import running_server

DATES = {"series_tickers": ["KXHIGHCHI"], "date_start_local": "2024-12-30", "date_end_local": "2024-12-31"}
SIGNALS = ["SIGTERM", "SIGHUP"]
# It says that it is asked, and waits, while a file lies beside it; its orders do not depend on that.
STRATEGY = """
import os, time
from pathlib import Path
from tradewinds.strategies.user_file import NO, NONE, YES, Orders
import numpy as np

HOLD, HELD = Path("hold"), Path("held")

def orders(quotes, parameters):
    if HOLD.exists():
        HELD.touch()
        while HOLD.exists():
            time.sleep(0.01)
    side = np.where(quotes.quoted(NO), NO, np.where(quotes.quoted(YES), YES, NONE))
    return Orders(side, quantity=parameters.get("quantity", 1), priority=0)
"""
SWEEP = ("sweep", "--config", "config.yaml", "--grid", "risk.max_contracts_per_market=2,5")


def stopped(desk, arguments, is_there, name):
    """Send a signal to a command at an event; what it says. No process of it is left."""
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with desk.started(desk.command(*arguments), **streams) as process:
        wait_until(is_there, process)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.Signals[name])
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        try:
            _, left = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        finally:
            for one in family:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.kill()
    assert process.returncode == 130, said
    assert "run the same command to go on" in said and "Traceback" not in said and not left
    return said


def files_of(folder):
    """What is in each file that is neither a log nor a lock."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    apart = (".snakemake", "logs", ".run.lock", ".jobs.lock")
    return {path: path.read_bytes() for path in found if not set(path.parts) & set(apart) and path.name != "held"}


@pytest.fixture
def held(tmp_path):
    """A desk whose candle requests wait until the test is over, and an event that the first of them sets."""
    asked, over = threading.Event(), threading.Event()

    def wait(handler, path):
        if path.endswith("/candlesticks"):
            asked.set()
            over.wait(PATIENCE_SECONDS)
        return False

    with running_server(archive(tmp_path / "archive"), middleware=wait) as server:
        server.http.handle_error = lambda *arguments: None  # clients go away
        try:
            yield Desk(tmp_path / "desk", server, **DATES), asked
        finally:
            over.set()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (SWEEP, "SIGTERM"),
        ((*SWEEP, "--profile", "default"), "SIGHUP"),
        (("calibrate", "--config", "config.yaml"), "SIGTERM"),
    ],
    ids=["sweep", "sweep --profile", "calibrate"],
)
def test_a_command_that_fetches_stops(held, arguments, name):
    desk, asked = held
    stopped(desk, arguments, asked.is_set, name)
    assert not desk.candle_files() and not desk.leftovers()
    assert not [path for path in desk.folder.glob("backtests/sweeps/**/*") if path.name.endswith(".config.yaml")]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run of a strategy that can be held; only stopped commands work in its folder afterwards."""
    folder = tmp_path_factory.mktemp("done")
    with running_server(archive(folder / "archive")) as server:
        mine = {"name": "mine", "file": "mine.py"}
        desk = Desk(folder / "desk", server, strategy=mine, **DATES)
        (desk.folder / "mine.py").write_text(STRATEGY)
        run = desk.run()
        assert run.returncode == 0, run.stderr
    return desk


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("command", ["sweep", "lookahead-check", "reproduce"])
def test_a_command_that_replays_stops(done, command, name, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    run = str(done.run_folder().relative_to(done.folder)) if command == "reproduce" else ""
    arguments = {
        "sweep": (*SWEEP, "--no-fetch"),
        "lookahead-check": ("lookahead-check", "--config", "config.yaml"),
        "reproduce": ("reproduce", run),
    }[command]
    (done.folder / "hold").touch()
    before = files_of(done.folder)
    try:
        stopped(done, arguments, (done.folder / "held").exists, name)
        assert files_of(done.folder) == before and not list(tmp_path.iterdir())
    finally:
        for file in ("hold", "held"):
            (done.folder / file).unlink(missing_ok=True)
