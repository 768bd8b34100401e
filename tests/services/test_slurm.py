"""The workflow through profiles/slurm on a real Slurm of one node: same bytes as here, and what recovers from what."""

import contextlib
import csv
import datetime as dt
import functools
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from rich.console import Console

from tests import warm
from tests.services.slurm import Slurm, slurm  # noqa: F401
from tests.services.small_world import Remote, here, server  # noqa: F401
from tests.workflow import harness
from tests.workflow.harness import PATIENCE_SECONDS
from tradewinds.cli.sweep import SweepOptions, carry_out_sweep
from tradewinds.pipeline import workflow_guard
from tradewinds.pipeline.runner import RunOptions, WorkflowFailed
from tradewinds.sweeps import chunks

QUICK = {"slurm-init-seconds-before-status-checks": 1, "seconds-between-status-checks": 1, "latency-wait": 10}
wait_until = functools.partial(harness.wait_until, pause=0.03)  # each look starts a program of Slurm's
GRID = ("risk.min_ev_per_contract=0.05:0.15:0.05", "risk.max_contracts_per_market=2,5")


def in_the_cluster(folder: Path, server, cluster: Slurm) -> Remote:  # noqa: F811
    return Remote(folder, server, "slurm", QUICK, cluster.environment)


@pytest.fixture
def start(slurm: Slurm) -> Iterator[Callable[[Remote], subprocess.Popen[str]]]:  # noqa: F811
    """Start runs; of those that a failed test leaves, and of their jobs, nothing goes on."""
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with contextlib.ExitStack() as running:
        running.callback(slurm.cancel_all)

        def begin(desk: Remote) -> subprocess.Popen[str]:
            command = desk.command("run", "--config", "config.yaml", "--profile", "profile")
            desk.more |= warm.variables()  # the jobs of a run are some forty interpreters
            return running.enter_context(
                desk.started([desk.more.get("WARM_PYTHON", command[0]), *command[1:]], **output)
            )

        yield begin


def kill_first(cluster: Slurm, over: threading.Event) -> str:
    """Kill a job that runs, and return its id; one that was finished before the signal came was not killed."""
    while not over.is_set():
        for job in cluster.jobs("RUNNING")[:1]:
            cluster.call("scancel", "--signal=KILL", "--full", job)
            wait_until(lambda job=job: job not in cluster.jobs("RUNNING", "COMPLETING"))
            if job not in cluster.jobs("COMPLETED"):
                return job
        over.wait(0.05)
    pytest.fail("the sweep ended, and no job of it was killed")


def test_a_whole_run_with_its_node_drained_meanwhile_makes_the_same_bytes_as_here(here, server, slurm, start, tmp_path):  # noqa: F811
    before = len(server.requests)
    desk = in_the_cluster(tmp_path, server, slurm)
    run = start(desk)
    wait_until(lambda: slurm.jobs("RUNNING"), run)
    with slurm.node("DRAIN"):
        wait_until(lambda: slurm.jobs("PENDING"), run)
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


def test_a_node_that_fails_a_cancelled_run_and_a_job_that_is_queued_again(here, server, slurm, start, tmp_path):  # noqa: F811
    asked = len(server.requests)
    desk = in_the_cluster(tmp_path, server, slurm)
    desk.bring(here)

    run = start(desk)
    wait_until(lambda: slurm.jobs("RUNNING"), run)
    [lost] = slurm.jobs("RUNNING")
    slurm.call("scontrol", "update", f"JobId={lost}", "Requeue=0")  # as where JobRequeue=0
    with slurm.node("DOWN"):
        said, _ = run.communicate(timeout=PATIENCE_SECONDS)
        assert run.returncode == 5, said
        assert "group replay" in said and "DUE TO NODE FAILURE" in said and "Traceback" not in said
        assert not list(tmp_path.glob("backtests/*/report.md"))

        run = start(desk)
        wait_until(lambda: slurm.jobs("PENDING"), run)
        for _ in range(2):  # at the second Ctrl-C it does not wait for jobs under way
            run.send_signal(signal.SIGINT)
            time.sleep(0.5)  # two signals at once are one, and then the second step comes by itself: it ends the same
        said, _ = run.communicate(timeout=PATIENCE_SECONDS)
        assert run.returncode == 130, said
        wait_until(lambda: not slurm.jobs("PENDING", "RUNNING"))  # a cancelled run leaves no job behind
        [log] = tmp_path.glob("logs/run/*.log")
        assert workflow_guard._SLURM_RUN.search(log.read_bytes()), (
            "the guard cancels what Snakemake forgets by this name"
        )
        run = start(desk)
        wait_until(lambda: slurm.jobs("PENDING"), run)
    wait_until(lambda: slurm.jobs("RUNNING"), run)
    with slurm.node("DOWN"):
        wait_until(lambda: slurm.jobs("PENDING"), run)
    [again] = slurm.jobs("PENDING")
    slurm.call("scontrol", "update", f"JobId={again}", "StartTime=now")  # Slurm itself takes two minutes
    said, _ = run.communicate(timeout=PATIENCE_SECONDS)
    if run.returncode == 5:  # the job's state was asked for between its failure and its place in the queue
        assert "DUE TO NODE FAILURE" in said
        slurm.cancel_all()
        run = start(desk)
        said, _ = run.communicate(timeout=PATIENCE_SECONDS)
    assert run.returncode == 0, said
    assert desk.results() == here.results()
    assert len(server.requests) == asked, "nothing is fetched again"
    assert not list(tmp_path.glob("data/.messages-*"))


@pytest.mark.usefixtures("start")
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
        carry_out_sweep(Path("config.yaml"), options, RunOptions(fetch="never", profile=profile), Console(quiet=True))
        return len(slurm.jobs()) - len(before)

    def files() -> dict[str, bytes]:
        [folder] = Path("backtests/sweeps").iterdir()
        return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}

    over = threading.Event()
    with ThreadPoolExecutor(1) as beside:
        killed = beside.submit(kill_first, slurm, over)
        try:
            with pytest.raises(WorkflowFailed) as failed:
                submitted("profile")
        finally:
            over.set()
    assert failed.value.exit_code == 5 and f"sweep_chunk: SLURM-job '{killed.result()}' failed" in str(failed.value)
    assert submitted("profile") == 1, "of three pieces, the one that is missing"
    pieces = files()
    assert submitted(None) == 0
    assert pieces == files()
    assert len(list(csv.reader(pieces["ranking.csv"].decode().splitlines()))) == 7
