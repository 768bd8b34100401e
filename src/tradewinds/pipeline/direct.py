"""Make a run's results without Snakemake, when all that the replay reads is there and was found up to date.

Then the order of the jobs is known and each runs once, so there is nothing to schedule. The jobs are those of the workflow's
rules (result_jobs.py), one after the other in one process that the run forks: a job that crashes, or that is killed for want
of memory, ends that process alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradewinds.config.resolve import Config
from tradewinds.core.errors import INTERRUPTED
from tradewinds.core.signals import STOP_SIGNALS
from tradewinds.families.plan import Plan
from tradewinds.pipeline import jobs
from tradewinds.pipeline.result_jobs import ResultJob, result_jobs
from tradewinds.results.report.drawers import Drawers

_PARENT_DEATH_SIGNAL = 1  # of Linux's prctl: a process gets a signal when its parent dies


def remove_results(conf: Config, plan: Plan[Any]) -> None:
    """Remove what is there of a run's results, the last first: none of them may be taken for one of the next replay.

    Args:
        conf: resolved.
        plan: of the config.
    """
    for job in reversed(result_jobs(conf, plan)):
        remove_made(job)


def run_jobs(conf: Config, plan: Plan[Any], parent: int) -> None:
    """Make a run's results, in a process that was forked for it (runner.fork); none of them is there.

    Each job has its log, its progress and its failure record, as under Snakemake. What a job that fails has made is removed.

    Args:
        conf: resolved.
        plan: of the config; what the replay reads exists.
        parent: id of the process that forked this one. This one stops when that ends.

    Raises:
        SystemExit: a job failed; it has the job's exit code.
    """
    stop_with(parent)
    dispositions = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    with Drawers() as drawers:
        for job in result_jobs(conf, plan, drawers):
            print(f"{job.rule}: {', '.join(job.outputs)}", flush=True)
            for number, handler in dispositions.items():  # a job ignores signals once its work is done
                signal.signal(number, handler)
            try:
                jobs.run_job(_work(job), rule=job.rule, log=job.log, run_log=job.run_log, refused=job.refused)
            except SystemExit:
                remove_made(job)
                raise


def stop_with(parent: int) -> None:
    """Have this process get SIGTERM when its parent ends.

    Args:
        parent: id of the process that forked this one; if it has ended already, this one ends here.
    """
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(INTERRUPTED)


def _work(job: ResultJob) -> Callable[[], None]:
    """The work of a job, with its progress written for the run that watches."""
    return lambda: job.make(jobs.progress_writer(job.rule))


def remove_made(job: ResultJob) -> None:
    """Remove what a job makes."""
    for output in map(Path, job.outputs):
        if output.is_dir() and not output.is_symlink():
            shutil.rmtree(output, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                output.unlink()
