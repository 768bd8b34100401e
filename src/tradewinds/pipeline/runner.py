"""Run the workflow: one Snakemake process, watched through the files it makes.

Progress is read off the file system, where a file exists only once it is complete, and not from what Snakemake prints; its
output goes to a log file.
"""

from __future__ import annotations

import contextlib
import fcntl
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.context import ForkProcess
from pathlib import Path
from typing import Any, TextIO

from tradewinds.config import markets, resolve
from tradewinds.config.resolve import Config
from tradewinds.core.environment import HOLDS_FOLDER, MESSAGES
from tradewinds.core.errors import INTERRUPTED, ConfigError, SimulationError, TradewindsError
from tradewinds.core.near_names import meant
from tradewinds.core.paths import workflow_root
from tradewinds.pipeline import failed_jobs, jobs, workflow_guard
from tradewinds.pipeline.jobs import JOBS_LOCK

POLL_SECONDS = 0.2
STOP_SECONDS = 10.0  # that a job may take to stop, before it is killed
NOTHING_TO_DO = "Nothing to be done"
# In Snakemake's log: a job that failed on another machine, with its executor's message.
FAILED_ELSEWHERE = re.compile(
    r"Error in rule (\w+):\n *message: (.*?) *For further error details see the cluster|message: Error in (group \w+)"
)
# In Snakemake's log: the end of a failed job's own log, between two lines.
SHOWN_LOG = re.compile(r"^={80}\n(.*?)\n={80}$", re.MULTILINE | re.DOTALL)

Watcher = Callable[[], None]


class WorkflowFailed(TradewindsError):
    """One or more jobs failed.

    Args:
        message: one paragraph per distinct failure.
        exit_code: the lowest of those of the jobs that failed.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; no option changes a result.

    Attributes:
        fetch: `never` or `auto`; None for what the config says.
        max_parallel_events: how many event jobs run at once; None for what the config says.
        profile: name of a shipped Snakemake profile, or a folder; None for `default`.
        name: what to call the run; None leaves its name as it is.
        note: what to remember of it; None leaves its note as it is.
    """

    fetch: str | None = None
    max_parallel_events: int | None = None
    profile: str | None = None
    name: str | None = None
    note: str | None = None


def snakemake_command(
    config_path: Path, conf: Config, options: RunOptions, fetch: str, targets: Iterable[str] = ()
) -> list[str]:
    """Return the command line of Snakemake for a run.

    Args:
        config_path: the config's file.
        conf: the resolved config.
        options: how the run is carried out.
        fetch: `never` or `auto`.
        targets: files or rules to make; none for all of the run.

    Raises:
        ConfigError: there is no such profile, or the profile keeps the data in a bucket.
    """
    # A job of a service takes a core while it waits for answers, so there are as many cores as such jobs may run at once.
    limits = _limits(conf, options.max_parallel_events)
    cores = max(*limits.values(), os.cpu_count() or 1)
    root = workflow_root()
    command = [sys.executable, "-m", "snakemake", *targets, "--snakefile", str(root / "Snakefile")]
    command += ["--configfile", str(config_path), "--config", f"fetch={fetch}"]

    # The profile: where jobs run, and how many at once.
    profile = _profile(options.profile)
    settings = _settings(profile)
    if "default-storage-provider" in settings:
        remedy = "Use snakemake itself: --workflow-profile with this profile (`tradewinds docs scaling`)."
        raise ConfigError(f"the data of {profile} are in a bucket, not here.", where="--profile", remedy=remedy)
    local = settings.get("executor", "local") == "local"
    here = "--cores" if local else "--local-cores"  # --cores would limit the cluster to as many as here
    command += ["--workflow-profile", str(profile), here, str(cores), "--nolock"]
    if local:  # jobs that compute: one per real core, for the sake of time and memory
        limits |= {"computing": os.cpu_count() or 1}
    command += ["--resources", *(f"{name}={count}" for name, count in limits.items())]
    return command


def _limits(conf: Config, parallel: int | None) -> dict[str, int]:
    """Return how many jobs of each of the workflow's resources may run at once."""
    limits = {}
    for section, service in markets.family_of(conf["market"]).services.items():
        limits[service.resource] = conf[section]["max_connections"]
        if service.parallel:
            limits[service.parallel] = parallel or conf[section]["max_connections"]
    return limits


def _profile(name: str | None) -> Path:
    """Return the folder of a profile by its name or path."""
    shipped = workflow_root() / "profiles" / (name or "default")
    profile = shipped if shipped.is_dir() else Path(name or "default")
    if not profile.is_dir():
        known = sorted(path.name for path in (workflow_root() / "profiles").iterdir())
        remedy = f"{meant(str(name), known)} Shipped: {', '.join(known)}; or give a folder.".strip()
        raise ConfigError(f"there is no profile {name!r}.", where="--profile", remedy=remedy)
    return profile


def _settings(profile: Path) -> dict[str, Any]:
    """Read a profile's settings from the files that Snakemake reads."""
    files = [file for name in ("config.yaml", "profile.yaml") if (file := profile / name).is_file()]
    return {key: value for file in files for key, value in resolve.read(file)[0].items()}


@contextlib.contextmanager
def folder_lock(waiting: Callable[[str], None]) -> Iterator[int]:
    """Hold the working directory for one run; a second run waits here.

    The locks are the kernel's, which frees those of killed processes. There are two. The run's is held by the run, its guard
    and Snakemake; each job holds the jobs' one with others (`jobs.run_job`), so a job that outlives all three keeps the
    next run waiting.

    Args:
        waiting: called with the reason if this run has to wait.

    Yields:
        The file descriptor of the run's lock, for processes that inherit it.

    Raises:
        ConfigError: the directory cannot be written to.
    """
    try:
        Path("data").mkdir(exist_ok=True)
        handle = open("data/.run.lock", "w")  # noqa: SIM115 (closed below; only an error of opening is caught)
        of_jobs = open(JOBS_LOCK, "w")  # noqa: SIM115
    except OSError as error:
        remedy = "Run in a folder that you may write to and that has room."
        raise ConfigError(f"cannot be written ({error.strerror}).", where=f"{Path.cwd()}/data", remedy=remedy) from None
    with handle, of_jobs:
        _lock(handle, lambda: waiting("another run is working in this folder; waiting for it to end."))
        _lock(
            of_jobs,
            lambda: waiting("jobs of a run that was killed are working in this folder; waiting for them to end."),
        )
        fcntl.flock(of_jobs, fcntl.LOCK_UN)  # from here on it is for this run's own jobs
        yield handle.fileno()


def _lock(handle: TextIO, waiting: Callable[[], None]) -> None:
    """Lock an open file; `waiting` is called before a wait."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(handle, fcntl.LOCK_EX)


@contextlib.contextmanager
def messages_folder(profile: str | None) -> Iterator[str]:
    """Make a folder in which the jobs of a run write their progress and their failure records, and remove it afterwards.

    It is a temporary folder of this machine, since the disk of the working directory may be full. Under a profile it lies in
    data/: jobs may run on other machines, which see only the working directory. Folders that killed runs left in data/ are
    removed; the caller holds the folder's lock, so no other run uses them.

    Args:
        profile: the run's Snakemake profile; None for the default one.
    """
    for left in Path("data").glob(".messages-*"):
        shutil.rmtree(left, ignore_errors=True)
    here = None if profile in (None, "default") else Path("data").resolve()
    with tempfile.TemporaryDirectory(dir=here, prefix=".messages-", ignore_cleanup_errors=True) as folder:
        yield folder


def refuse_unwritable(paths: Iterable[str]) -> None:
    """Refuse a run whose files could not be written, before anything is done.

    Args:
        paths: files that the run writes.

    Raises:
        ConfigError: the folder of a file, or the nearest existing one above it, may not be written to.
    """
    for folder in map(Path, sorted({os.path.dirname(path) for path in paths})):  # noqa: PTH120 (10,000 paths)
        nearest = next(place for place in (folder, *folder.parents, Path()) if place.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            problem = "is read-only or belongs to another user" if nearest.is_dir() else "is no folder"
            remedy = "Make it writable, or run in another folder."
            raise ConfigError(
                f"{folder}/ cannot be written: {nearest} {problem}.", where="files of the run", remedy=remedy
            )


def run_workflow(command: list[str], log: Path, watch: Watcher, messages: Path, lock: int) -> bool:
    """Run Snakemake to its end, under a guard (workflow_guard.py).

    Args:
        command: its command line.
        log: file for its output.
        watch: called several times a second, and once at the end.
        messages: folder in which jobs leave their failure records.
        lock: file descriptor of the folder's lock.

    Returns:
        Whether there was anything to do.

    Raises:
        WorkflowFailed: a job failed; the message has one paragraph per distinct failure.
        KeyboardInterrupt: the user stopped the run; Snakemake and its jobs have ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", workflow_guard.__file__, str(lock), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, MESSAGES: str(messages), HOLDS_FOLDER: "1", "XDG_CACHE_HOME": _cache_folder(messages)},
            pass_fds=[lock],
            start_new_session=True,
        )
        try:
            while not _ended(process, POLL_SECONDS):
                watch()
        except BaseException:
            _stop(process)
            raise
        finally:
            assert process.stdin
            with contextlib.suppress(BrokenPipeError):  # a wish to stop that came too late is still in the buffer
                process.stdin.close()
        watch()
        output.seek(0)
        text = output.read()
        if process.returncode:
            raise _failure(jobs.failures(messages), text, log)
    return NOTHING_TO_DO not in text


def can_fork() -> bool:
    """Whether this process may fork one that works: on Linux, with one thread."""
    return sys.platform == "linux" and threading.active_count() == 1


def fork(work: Callable[[], None], log: Path, messages: Path) -> ForkProcess:
    """Start a forked process that does a run's work. Call it while this process has one thread.

    Args:
        work: what that process does; it writes failure records as jobs do, and exits with a job's exit code.
        log: file for its output.
        messages: folder in which jobs leave their failure records.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    process = multiprocessing.get_context("fork").Process(target=_log_work, args=(work, log, messages))
    process.start()
    return process


def attend(process: ForkProcess, log: Path, watch: Watcher, messages: Path) -> None:
    """Wait until a forked process ends.

    Args:
        process: from `fork`.
        log: file with its output.
        watch: called several times a second, and once at the end.
        messages: folder in which jobs leave their failure records.

    Raises:
        WorkflowFailed: a job failed.
        KeyboardInterrupt: the user stopped the run; the process has ended.
    """
    try:
        while process.is_alive():
            process.join(POLL_SECONDS)
            watch()
    except BaseException:
        while process.is_alive():  # Ctrl-C has reached it, too; a signal to this process alone has not
            process.terminate()
            with contextlib.suppress(KeyboardInterrupt):
                process.join(STOP_SECONDS)
                process.kill()
        raise
    watch()
    if process.exitcode:
        raise _failure(jobs.failures(messages), log.read_text(encoding="utf-8"), log)


def _log_work(work: Callable[[], None], log: Path, messages: Path) -> None:
    """Do a run's work with its output in a log file, and nothing on its standard input."""
    with open(log, "w", encoding="utf-8") as output, open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.stdout, sys.stderr = open(1, "w", encoding="utf-8"), open(2, "w", encoding="utf-8")  # noqa: SIM115
    os.environ[MESSAGES] = str(messages)
    work()


def _cache_folder(messages: Path) -> str:
    """The user's folder for caches, in which Snakemake makes one; in the run's own messages folder if it cannot be written.

    A container's user may have no home.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 (without a home pathlib raises)
    with contextlib.suppress(OSError):
        if Path(cache).is_absolute():
            snakemake_own = Path(cache, "snakemake")
            snakemake_own.mkdir(parents=True, exist_ok=True)
            if os.access(snakemake_own, os.W_OK | os.X_OK):
                return cache
    return str(messages / "cache")


def _ended(process: subprocess.Popen[bytes], seconds: float | None = None) -> bool:
    """Wait until a process ends, at most so many seconds; whether it has ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a guard to stop its workflow, and return when none of its jobs works any more.

    Another Ctrl-C asks for the next step of stopping, which comes by itself a little later (workflow_guard.py).
    """
    assert process.stdin
    while process.returncode is None:
        with contextlib.suppress(BrokenPipeError):  # it ends at this moment
            process.stdin.write(b".")
            process.stdin.flush()
        with contextlib.suppress(KeyboardInterrupt):
            process.wait()


def _failure(records: list[dict[str, Any]], text: str, log: Path) -> WorkflowFailed:
    """Return the error of a workflow that failed: the jobs' failure records or, without any, the end of Snakemake's log.

    Raises:
        KeyboardInterrupt: a job was interrupted.
    """
    if any(record["exit_code"] == INTERRUPTED for record in records):
        raise KeyboardInterrupt
    if records:
        messages = failed_jobs.paragraphs(records)
        shown, rest = messages[:10], len(messages) - 10
        more = [f"… and {rest} more failures; see {log}."] if rest > 0 else []
        return WorkflowFailed("\n".join(shown + more), min(record["exit_code"] for record in records))
    lost = _lost(text)
    if lost:
        remedy = f"The same command goes on where it stopped, once the cluster is well; {log} has more."
        ended = f"a job ended in the cluster before it could say why. {lost} {remedy}"
        return WorkflowFailed(ended, SimulationError.exit_code)
    tail = "\n".join(line for line in text.splitlines()[-15:] if line.strip())
    return WorkflowFailed(
        f"the workflow stopped before a job could say why; the end of {log}:\n{tail}", SimulationError.exit_code
    )


def _lost(text: str) -> str:
    """Collect Snakemake's messages on jobs that ended on another machine without a failure record; "" if there are none."""
    failed = [f"{rule or group}: {said}".strip(" :") for rule, said, group in FAILED_ELSEWHERE.findall(text)]
    last = [shown.strip().splitlines()[-1] for shown in SHOWN_LOG.findall(text) if failed and shown.strip()]
    return " ".join(line.rstrip(".") + "." for line in list(dict.fromkeys(failed + last))[:10])
