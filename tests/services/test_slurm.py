"""The workflow through profiles/slurm on a real Slurm of one node: same bytes as here, and what recovers from what."""

import csv
import datetime as dt
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.services.slurm import Slurm, slurm  # noqa: F401
from tests.services.small_world import Remote, here, server  # noqa: F401
from tests.workflow.harness import PATIENCE_SECONDS
from tradewinds.runner import RunOptions
from tradewinds.sweep_command import SweepOptions, sweep
from tradewinds.sweeps import chunks

QUICK = {"slurm-init-seconds-before-status-checks": 1, "seconds-between-status-checks": 1, "latency-wait": 10}
GRID = ("risk.min_ev_per_contract=0.05:0.15:0.05", "risk.max_contracts_per_market=2,5")


def in_the_cluster(folder: Path, server, cluster: Slurm) -> Remote:  # noqa: F811
    return Remote(folder, server, "slurm", QUICK, cluster.environment)


def started(desk: Remote) -> subprocess.Popen[str]:
    command = desk.command("run", "--config", "config.yaml", "--profile", "profile")
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=desk.folder, env=desk.environment(), **output)


def until(holds: Callable[[], object], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_whole_run_makes_the_same_bytes_as_here(here, server, slurm, tmp_path):  # noqa: F811
    before = len(server.requests)
    desk = in_the_cluster(tmp_path, server, slurm)
    done = desk.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert desk.results() == here.results()
    assert len(server.requests) - before == here.asked, "fetched here, each thing once"
    assert [comment.partition("_wildcards")[0] for comment in slurm.comments()] == [
        "rule_forecasts_forecast",  # both in one job
        "rule_replay_calibration_probabilities_report_simulate",
    ]
    again = desk.run()
    assert again.returncode == 0 and "nothing to be done" in again.stdout
    assert len(slurm.jobs()) == 2


def test_a_job_that_dies_a_drained_node_and_a_cancelled_run(here, server, slurm, tmp_path):  # noqa: F811
    asked = len(server.requests)
    desk = in_the_cluster(tmp_path, server, slurm)
    desk.bring(here)

    run = started(desk)
    until(lambda: slurm.jobs("RUNNING"), run)
    slurm.call("scancel", "--signal=KILL", "--full", *slurm.jobs("RUNNING"))
    said, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 5, said
    assert "Traceback" not in said and not list(tmp_path.glob("backtests/*/report.md"))

    slurm.drain()
    try:
        run = started(desk)
        until(lambda: slurm.jobs("PENDING"), run)
        for _ in range(2):  # at the second Ctrl-C it does not wait for jobs under way
            run.send_signal(signal.SIGINT)
            time.sleep(0.5)
        said, _ = run.communicate(timeout=PATIENCE_SECONDS)
        assert run.returncode == 130, said
        assert not slurm.jobs("PENDING", "RUNNING"), "a cancelled run leaves no job behind"
        run = started(desk)
        until(lambda: slurm.jobs("PENDING"), run)
    finally:
        slurm.resume()
    said, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 0, said
    assert desk.results() == here.results()
    assert len(server.requests) == asked, "nothing is fetched again"
    assert not list(tmp_path.glob("data/.words-*"))


def test_a_sweep_in_pieces_is_the_sweep_in_one_process(here, server, slurm, tmp_path, monkeypatch):  # noqa: F811
    """Two points to a job."""
    desk = in_the_cluster(tmp_path, server, slurm)
    desk.bring(here)
    options = SweepOptions(grid=GRID, split=dt.date(2025, 1, 2))
    found = {}
    for name, profile in (("pieces", "profile"), ("one", None)):
        monkeypatch.chdir(desk.folder)
        for variable, value in slurm.environment.items():
            monkeypatch.setenv(variable, value)
        events = 4
        monkeypatch.setattr(chunks, "JOB_SECONDS", events * (chunks.READ_SECONDS + 2.5 * chunks.REPLAY_SECONDS))
        before = slurm.jobs()
        sweep(Path("config.yaml"), options, RunOptions(fetch="never", profile=profile), Console(quiet=True))
        [folder] = Path("backtests/sweeps").iterdir()
        found[name] = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        submitted = len(slurm.jobs()) - len(before)
        assert submitted == (3 if profile else 0)
    assert found["pieces"] == found["one"]
    assert len(list(csv.reader(found["one"]["ranking.csv"].decode().splitlines()))) == 7
