"""A run that is stopped or killed ends its workflow with it, and settles its rows."""

import contextlib
import os
import signal
import subprocess
import threading

import psutil
import pytest

from tests.services.small_world import archive
from tests.workflow.harness import PATIENCE_SECONDS, Desk
from tradewinds.archive.server import running_server

EVENT = {"series_tickers": ["KXHIGHCHI"], "date_start_local": "2024-12-30", "date_end_local": "2024-12-31"}


@pytest.fixture
def held(tmp_path):
    """A server that lets candle requests wait until the test is over, and an event that the first of them sets."""
    asked, over = threading.Event(), threading.Event()

    def wait(handler, path):
        if path.endswith("/candlesticks"):
            asked.set()
            over.wait(PATIENCE_SECONDS)
        return False

    with running_server(archive(tmp_path / "archive"), middleware=wait) as server:
        server.http.handle_error = lambda *arguments: None  # clients go away
        try:
            yield server, asked
        finally:
            over.set()


@pytest.mark.parametrize("numbers", ["SIGTERM", "SIGHUP", "SIGTERM SIGTERM", "SIGKILL"])
def test_no_job_outlives_its_run(held, tmp_path, numbers):
    server, asked = held
    desk = Desk(tmp_path / "desk", server, **EVENT)
    run = subprocess.Popen(
        desk.command("run", "--config", "config.yaml"),
        cwd=desk.folder,
        env=desk.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    family = []
    try:
        assert asked.wait(PATIENCE_SECONDS)
        family = psutil.Process(run.pid).children(recursive=True)
        assert len(family) >= 3, "guard, Snakemake and a job"
        for name in numbers.split():
            os.kill(run.pid, signal.Signals[name])
        _, said = run.communicate(timeout=PATIENCE_SECONDS)
        _, left = psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
        assert not left
    finally:
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        run.kill()
        run.wait()
    if numbers == "SIGKILL":
        assert run.returncode == -signal.SIGKILL
    else:
        assert run.returncode == 130 and "run the same command to go on" in said
        assert desk.checkpoints() == {}, "nothing was finished, and nothing stays RUNNING"
    assert not desk.candle_files()
