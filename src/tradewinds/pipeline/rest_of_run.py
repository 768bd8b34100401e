"""The process that makes what is left of runs once their tables are there: the family's own results, and the report.

`main` reads runs from the standard input and answers on the standard output, both pickled. The process inherits the working
folder's lock, so no other run makes files while it works. It ends with its input: with the process that started it, however
that ended, also in the middle of its work; each file is whole or absent.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, NoReturn

from tradewinds.config.resolve import Config
from tradewinds.core.errors import INTERRUPTED, SimulationError, TradewindsError
from tradewinds.core.signals import interrupt_on_stop_signals
from tradewinds.families.plan import run_plan
from tradewinds.pipeline import jobs, verdicts
from tradewinds.pipeline.direct import remove_made
from tradewinds.pipeline.job_logs import logged
from tradewinds.pipeline.result_jobs import ResultJob, result_jobs
from tradewinds.pipeline.verdicts import Question

PARENT_SECONDS = 1.0  # between two looks whether the process that started this one is there


class RunToFinish(NamedTuple):
    """A run whose tables are there.

    Attributes:
        conf: its resolved config.
        asked: what it asked when it began; its verdict is kept under this.
        made_before: the rules whose results are there.
    """

    conf: Config
    asked: Question
    made_before: Sequence[str]


class FinishedRun(NamedTuple):
    """What became of a run.

    Attributes:
        run_id: of the run.
        error: why the rest of it could not be made; None if it was.
    """

    run_id: str
    error: TradewindsError | None


def finish(run: RunToFinish) -> None:
    """Make what is left of a run, and keep the verdict that it is complete.

    Raises:
        TradewindsError: a job failed; what it has made is removed.
    """
    plan = run_plan(run.conf)
    made = {path for rule in run.made_before for path in run.asked.made[rule]}
    for job in result_jobs(run.conf, plan):
        if made.issuperset(job.outputs):
            continue
        try:
            with logged(job):
                _make(job)
        except (TradewindsError, KeyboardInterrupt):
            remove_made(job)
            raise
    # The workflow loads after the report; its rule must not find the receipt older than the report.
    Path(verdicts.receipt_path(run.conf, plan)).touch()
    verdicts.keep_run(run.asked, made_here=True)


def _make(job: ResultJob) -> None:
    """Do a job; the traceback of an unexpected error goes to its log."""
    try:
        job.make(lambda done, total: None)
    except TradewindsError as error:
        logging.getLogger(f"tradewinds.{job.rule}").error("%s", error)
        raise
    except Exception:  # reported as a bug by `_answer`
        logging.getLogger(f"tradewinds.{job.rule}").exception("unexpected")
        raise


def _answer(run: RunToFinish) -> FinishedRun:
    """Finish a run and say what became of it."""
    try:
        finish(run)
    except TradewindsError as error:
        return FinishedRun(run.asked.run_id, error)
    except OSError as error:
        what = f"the rest of the run could not be written ({error.strerror})."
        remedy = "Make room or make it writable, and run it again: what is finished stays."
        return FinishedRun(
            run.asked.run_id, SimulationError(what, where=str(error.filename or "a file"), remedy=remedy)
        )
    except Exception as error:  # the outermost frame of a process: reported as a bug, never turned into a result
        what = f"the rest of the run stopped on an unexpected {type(error).__name__}: {error}. This is a bug."
        return FinishedRun(run.asked.run_id, SimulationError(what, remedy="The logs of its jobs have the details."))
    return FinishedRun(run.asked.run_id, None)


def _receive(source: BinaryIO, runs: queue.SimpleQueue[RunToFinish | None], done: threading.Event) -> None:
    """Put the runs that come into a queue; at the end of the input stop the work, unless all of it is done.

    Args:
        source: the standard input; None in it says that no more runs come.
        runs: the queue; None at its end.
        done: set while no run is being finished.
    """
    try:
        while True:
            run: RunToFinish | None = pickle.load(source)
            runs.put(run)
            if run is None:
                return
    except (EOFError, OSError, pickle.UnpicklingError):
        runs.put(None)
        if not done.is_set():
            _thread.interrupt_main(signal.SIGTERM)


def _next(runs: queue.SimpleQueue[RunToFinish | None], parent: int) -> RunToFinish | None:
    """Wait for the next run; None if no more come, or the process that started this one is gone.

    A process that the parent has forked keeps the other end of the input open after it.

    Args:
        runs: the queue.
        parent: id of the process that started this one.
    """
    while os.getppid() == parent:
        with contextlib.suppress(queue.Empty):
            return runs.get(timeout=PARENT_SECONDS)
    return None


def main() -> NoReturn:
    """Finish the runs that come, until no more come, and end the process."""
    interrupt_on_stop_signals()
    jobs.tune_garbage_collector()
    runs: queue.SimpleQueue[RunToFinish | None] = queue.SimpleQueue()
    parent, done = os.getppid(), threading.Event()
    done.set()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, runs, done), daemon=True).start()
    code = 0
    try:
        import tradewinds.results.report.pictures  # noqa: F401 (its libraries are imported while the run is replayed)

        while run := _next(runs, parent):
            done.clear()
            answer = _answer(run)
            done.set()
            pickle.dump(answer, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    except (KeyboardInterrupt, BrokenPipeError):
        code = INTERRUPTED
    os._exit(code)  # the thread waits for its input, and would keep the interpreter from ending
