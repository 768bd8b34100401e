"""Make runs for a process that lives on, such as a notebook: tables first, the report by a second process (rest_of_run.py).

A folder's lock is held from the first file of a run until the last one is made, also by the second process while it works. So
another run in the folder waits, whichever of the two processes ends. If the second process is lost, the run has no verdict, and
the next run of the same config makes what is missing.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tradewinds import __version__
from tradewinds.config.places import PlaceOf
from tradewinds.config.resolve import Config
from tradewinds.core.errors import SimulationError, TradewindsError
from tradewinds.families.plan import Plan, due_files
from tradewinds.pipeline import rest_of_run, runner, verdicts
from tradewinds.pipeline.direct import remove_made, remove_results
from tradewinds.pipeline.job_logs import logged
from tradewinds.pipeline.preflight import preflight
from tradewinds.pipeline.recorded_failures import failures_recorded
from tradewinds.pipeline.rest_of_run import FinishedRun, RunToFinish
from tradewinds.pipeline.result_jobs import result_jobs
from tradewinds.pipeline.screen import Screen
from tradewinds.results.run_files import RUN_LOG, SIMULATE

Report = Callable[[str, int, int], None]  # progress: (rule, units done, units in all)
_AT_ONCE = (SIMULATE, verdicts.LOAD)  # the jobs whose results a program looks at; all others are made later


class FolderRuns:
    """The runs that this process makes in one working folder.

    Args:
        folder: the working folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._changed = threading.Condition()
        self._making = 0  # runs whose tables are being made
        self._unfinished: dict[str, RunToFinish] = {}
        self._failed: dict[str, TradewindsError] = {}
        self._held = contextlib.ExitStack()  # the folder's lock, if it is held
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def make(
        self,
        conf: Config,
        plan: Plan[Any],
        source: str,
        report: Report,
        place_of: PlaceOf,
        before: Callable[[], None],
        *,
        with_report: bool,
    ) -> bool | None:
        """Make a run's tables and load it, if all that it reads was found up to date; its report follows.

        Args:
            conf: resolved.
            plan: of the config.
            source: where the config is from, for the run's log.
            report: progress callback.
            place_of: says where a key of the config stands, for errors.
            before: called before the first job.
            with_report: whether the report is made, by the second process.

        Returns:
            True if the run was made, False if it was there, None if Snakemake has to decide.

        Raises:
            TradewindsError: a job failed; what it has made is removed.
        """
        if due_files(plan):
            return None
        with self._changed:
            self._changed.wait_for(lambda: plan.run_id not in self._unfinished)
            self._failed.pop(plan.run_id, None)
        with self._holding():
            own = verdicts.user_states(conf)
            asked = verdicts.question_of(conf, plan, own)
            if not verdicts.inputs_hold(asked):
                return None
            if verdicts.run_holds(asked):
                return False
            there = verdicts.tables_hold(asked)
            if there and not with_report:
                return False
            if not there and not verdicts.must_replay(asked):
                return None
            if not there:
                preflight(conf, plan, place_of, inputs=False).refuse()
            runner.refuse_unwritable([f"{plan.run_dir}/metrics.json", "logs/run.log"])
            before()
            if with_report:
                self._start()  # its imports take as long as the replay
            screen = Screen(quiet=True)
            screen.keep_in(Path(plan.run_dir, RUN_LOG))
            screen.record(f"tradewinds {__version__}: {source}, run {plan.run_id}")
            if not there:
                with failures_recorded(conf, plan):
                    _make_tables(conf, plan, report)
                verdicts.keep_tables(asked, _AT_ONCE)
            if with_report:
                self._hand_over(RunToFinish(conf, asked, _AT_ONCE))
            return True

    def is_unfinished(self, run_id: str) -> bool:
        """Whether the rest of a run is being made."""
        with self._changed:
            return run_id in self._unfinished

    def wait(self, run_id: str) -> None:
        """Wait until a run is finished.

        Raises:
            TradewindsError: the rest of it could not be made.
        """
        with self._changed:
            self._changed.wait_for(lambda: run_id not in self._unfinished)
            failed = self._failed.pop(run_id, None)
        if failed:
            raise failed

    def wait_for_all(self) -> None:
        """Wait until every run is finished and the folder is free; a failure stays for `wait`."""
        with self._changed:
            self._changed.wait_for(lambda: not self._unfinished and self._lock is None)

    def say_failures(self) -> None:
        """Print the failures that no one has asked for, when the process ends."""
        for run_id, error in self._failed.items():
            print(f"run {run_id}: {error}", file=sys.stderr)

    @contextlib.contextmanager
    def _holding(self) -> Any:
        """Hold the folder's lock while the block runs, and until no run is unfinished."""
        with self._changed:
            if self._lock is None:
                self._lock = self._held.enter_context(runner.folder_lock(_say))
            self._making += 1
        try:
            yield
        finally:
            with self._changed:
                self._making -= 1
                self._let_go()

    def _let_go(self) -> None:
        """End the second process and free the folder, if nothing is being made; called with `_changed` held."""
        if self._making or self._unfinished or self._lock is None:
            return
        self._end_process()
        fcntl.flock(self._lock, fcntl.LOCK_UN)  # closing is not enough where a forked process has the file, too
        self._held.close()
        self._lock = None
        self._changed.notify_all()

    def _end_process(self) -> None:
        """End the second process, if there is one; it has nothing to do."""
        if self._process:
            assert self._process.stdin
            # A process that this one has forked keeps the pipe open, so its end would not be seen.
            with contextlib.suppress(BrokenPipeError):
                pickle.dump(None, self._process.stdin)
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        """Start the second process, unless it works."""
        with self._changed:
            if self._process:
                return
            assert self._lock is not None
            command = [sys.executable, "-P", "-c", f"from {rest_of_run.__name__} import main; main()"]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=subprocess.DEVNULL,  # what goes wrong is in the jobs' logs
                pass_fds=[self._lock],
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C in a terminal is for this process
                env=_environment(),
            )
            threading.Thread(target=self._listen, args=(self._process,), daemon=True).start()

    def _hand_over(self, run: RunToFinish) -> None:
        """Give a run to the second process."""
        with self._changed:
            self._start()
            self._unfinished[run.asked.run_id] = run
            assert self._process and self._process.stdin
            try:
                pickle.dump(run, self._process.stdin)
                self._process.stdin.flush()
            except BrokenPipeError:
                self._unfinished.pop(run.asked.run_id)
                self._failed[run.asked.run_id] = _lost()

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        """Note what becomes of the runs of a second process, until it ends."""
        assert process.stdout
        try:
            with contextlib.suppress(EOFError, OSError, pickle.UnpicklingError), process.stdout:
                while True:
                    self._note(pickle.load(process.stdout))
        finally:
            with self._changed:
                if self._process is process:  # it was lost
                    self._failed |= {run_id: _lost() for run_id in self._unfinished}
                    self._unfinished.clear()
                    self._end_process()
                    self._let_go()
                    self._changed.notify_all()

    def _note(self, answer: FinishedRun) -> None:
        """Note what became of a run."""
        with self._changed:
            self._unfinished.pop(answer.run_id, None)
            if answer.error:
                self._failed[answer.run_id] = answer.error
            self._let_go()
            self._changed.notify_all()


def _make_tables(conf: Config, plan: Plan[Any], report: Report) -> None:
    """Replay a run and load it, with the jobs' logs.

    Args:
        conf: resolved.
        plan: of the config; what the replay reads exists.
        report: progress callback.

    Raises:
        TradewindsError: a job failed; what it has made is removed.
    """
    remove_results(conf, plan)
    for job in result_jobs(conf, plan):
        if job.rule not in _AT_ONCE:
            continue
        try:
            with logged(job):
                job.make(functools.partial(report, job.rule))
        except (TradewindsError, KeyboardInterrupt):
            remove_made(job)
            raise


def _environment() -> dict[str, str]:
    """The environment of the second process, which imports the package from where this one has it."""
    package = str(Path(__file__).resolve().parents[2])
    others = os.environ.get("PYTHONPATH", "")
    return {**os.environ, "PYTHONPATH": f"{package}{os.pathsep}{others}" if others else package}


def _lost() -> SimulationError:
    """The error of a run whose second process has ended too early."""
    remedy = "Its tables are there; run it again to get the rest."
    return SimulationError("the process that makes the report has ended too early.", remedy=remedy)


def _say(line: str) -> None:
    """Tell on the standard error output why a run waits."""
    print(line, file=sys.stderr)


_FOLDERS: dict[Path, FolderRuns] = {}
os.register_at_fork(after_in_child=_FOLDERS.clear)  # the second process and the lock are the parent's


def runs_here() -> FolderRuns:
    """The runs of this process in its present working folder."""
    folder = Path.cwd()
    if not _FOLDERS:
        atexit.register(_finish_all)
    return _FOLDERS.setdefault(folder, FolderRuns(folder))


def _finish_all() -> None:
    """Let every run be finished before the process ends."""
    for runs in _FOLDERS.values():
        runs.wait_for_all()
        runs.say_failures()
