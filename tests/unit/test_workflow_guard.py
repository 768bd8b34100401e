"""The guard of a workflow cancels the run's jobs in a Slurm cluster, whether or not Snakemake still knows them."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.harness import PATIENCE_SECONDS
from tradewinds.pipeline import workflow_guard

# Says that it submits jobs, then does nothing until it is interrupted, and forgets its jobs.
SUBMITS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda number, frame: None)
try:
    print("{said}", flush=True)
    print("ready", file=sys.stderr, flush=True)
    while True:
        signal.pause()
except KeyboardInterrupt:
    sys.exit(1)
"""
RUN = "SLURM run ID: mine_5c1f"


def guarded(folder: Path, said: str, asked: int, scancel: str = 'echo "$@" >> cancelled') -> tuple[int, str]:
    """Stop a guarded command, and return the guard's exit code and the log."""
    program = folder / "scancel"
    program.write_text(f"#!/bin/sh\n{scancel}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    log = folder / "log"
    with open(log, "w+", encoding="utf-8") as output, open(folder / "lock", "w") as lock:
        command = [sys.executable, "-P", workflow_guard.__file__, str(lock.fileno()), sys.executable, "-c"]
        guard = subprocess.Popen(
            [*command, SUBMITS.format(said=said)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.PIPE,
            pass_fds=[lock.fileno()],
            cwd=folder,
            env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        )
        assert guard.stdin and guard.stderr
        assert guard.stderr.readline() == b"ready\n"
        guard.stdin.write(b"." * asked)
        guard.stdin.flush()
        guard.communicate(timeout=PATIENCE_SECONDS)
    return guard.returncode, log.read_text(encoding="utf-8")


def test_the_jobs_of_an_interrupted_run_are_cancelled_by_their_name(tmp_path):
    code, _ = guarded(tmp_path, f"{RUN}\\nJob 4 has been submitted\\n{RUN}", asked=2)
    assert code == 1
    assert (tmp_path / "cancelled").read_text() == "--name=mine_5c1f\n"


def test_without_a_cluster_nothing_is_cancelled(tmp_path):
    code, _ = guarded(tmp_path, "Building DAG of jobs", asked=2)
    assert code == 1
    assert not (tmp_path / "cancelled").exists()


@pytest.mark.parametrize("scancel", ["exit 3", "kill -9 $$"])
def test_a_cluster_that_does_not_answer_is_told_with_what_to_do(tmp_path, scancel):
    code, log = guarded(tmp_path, RUN, asked=2, scancel=scancel)
    assert code == 1
    assert "may still be in the cluster" in log and log.rstrip().endswith("scancel --name=mine_5c1f")
