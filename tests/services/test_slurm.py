"""The workflow through profiles/slurm on a real Slurm of one node: same bytes as here, and what recovers from what."""

import csv
import datetime as dt
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from tests.services.slurm import Slurm, slurm  # noqa: F401
from tests.services.small_world import Remote, here, server  # noqa: F401
from tests.workflow.harness import PATIENCE_SECONDS
from tradewinds.cli.sweep import SweepOptions, carry_out
from tradewinds.pipeline.runner import RunOptions, WorkflowFailed
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


def kill_first(cluster: Slurm) -> str:
    """The job that was killed as soon as one ran."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (running := cluster.jobs("RUNNING")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    cluster.call("scancel", "--signal=KILL", "--full", running[0])
    return running[0]


def test_a_whole_run_with_its_node_drained_meanwhile_makes_the_same_bytes_as_here(here, server, slurm, tmp_path):  # noqa: F811
    before = len(server.requests)
    desk = in_the_cluster(tmp_path, server, slurm)
    run = started(desk)
    until(lambda: slurm.jobs("RUNNING"), run)
    with slurm.node("DRAIN"):
        until(lambda: slurm.jobs("PENDING"), run)
        assert len(slurm.jobs()) == 2 and len(slurm.jobs("COMPLETED")) == 1, "what ran there was finished"
    said, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 0, said
    assert desk.results() == here.results()
    assert len(server.requests) - before == here.asked, "fetched here, each thing once"
    assert [comment.partition("_wildcards")[0] for comment in slurm.comments()] == [
        "rule_forecasts_forecast",  # both in one job
        "rule_replay_calibration_probabilities_report_simulate",
    ]
    again = desk.run()
    assert again.returncode == 0 and "nothing to be done" in again.stdout
    assert len(slurm.jobs()) == 2


def test_a_node_that_fails_a_cancelled_run_and_a_job_that_is_queued_again(here, server, slurm, tmp_path):  # noqa: F811
    asked = len(server.requests)
    desk = in_the_cluster(tmp_path, server, slurm)
    desk.bring(here)

    run = started(desk)
    until(lambda: slurm.jobs("RUNNING"), run)
    [lost] = slurm.jobs("RUNNING")
    slurm.call("scontrol", "update", f"JobId={lost}", "Requeue=0")  # as where JobRequeue=0
    with slurm.node("DOWN"):
        said, _ = run.communicate(timeout=PATIENCE_SECONDS)
        assert run.returncode == 5, said
        assert "group replay" in said and "DUE TO NODE FAILURE" in said and "Traceback" not in said
        assert not list(tmp_path.glob("backtests/*/report.md"))

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
    until(lambda: slurm.jobs("RUNNING"), run)
    with slurm.node("DOWN"):
        until(lambda: slurm.jobs("PENDING"), run)
    [again] = slurm.jobs("PENDING")
    slurm.call("scontrol", "update", f"JobId={again}", "StartTime=now")  # Slurm itself takes two minutes
    said, _ = run.communicate(timeout=PATIENCE_SECONDS)
    if run.returncode == 5:  # the job's state was asked for between its failure and its place in the queue
        assert "DUE TO NODE FAILURE" in said
        slurm.cancel_all()
        run = started(desk)
        said, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 0, said
    assert desk.results() == here.results()
    assert len(server.requests) == asked, "nothing is fetched again"
    assert not list(tmp_path.glob("data/.messages-*"))


def test_a_sweep_goes_on_after_a_killed_job_and_is_the_same(here, server, slurm, tmp_path, monkeypatch):  # noqa: F811
    """Two points to a job."""
    desk = in_the_cluster(tmp_path, server, slurm)
    desk.bring(here)
    monkeypatch.chdir(desk.folder)
    for variable, value in slurm.environment.items():
        monkeypatch.setenv(variable, value)
    events = 4
    monkeypatch.setattr(chunks, "JOB_SECONDS", events * (chunks.READ_SECONDS + 2.5 * chunks.REPLAY_SECONDS))

    def submitted(profile: str | None) -> int:
        before = slurm.jobs()
        options = SweepOptions(grid=GRID, split=dt.date(2025, 1, 2))
        carry_out(Path("config.yaml"), options, RunOptions(fetch="never", profile=profile), Console(quiet=True))
        return len(slurm.jobs()) - len(before)

    def files() -> dict[str, bytes]:
        [folder] = Path("backtests/sweeps").iterdir()
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    with ThreadPoolExecutor(1) as beside, pytest.raises(WorkflowFailed) as failed:
        killed = beside.submit(kill_first, slurm)
        submitted("profile")
    assert failed.value.exit_code == 5 and f"sweep_chunk: SLURM-job '{killed.result()}' failed" in str(failed.value)
    assert submitted("profile") == 1, "of three pieces, the one that is missing"
    pieces = files()
    assert submitted(None) == 0
    assert pieces == files()
    assert len(list(csv.reader(pieces["ranking.csv"].decode().splitlines()))) == 7
