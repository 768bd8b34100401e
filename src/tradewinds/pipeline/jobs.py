"""What every Snakemake job shares: its environment, its log, its progress, and how it fails.

Endpoints, rates and the permission to fetch change no byte of a result. So they do not travel through Snakemake's params, which
are recorded and trigger reruns, but through environment variables that the workflow exports when it is parsed.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import gc
import hashlib
import json
import logging
import os
import signal
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from tradewinds.config import markets
from tradewinds.core import imports, signals
from tradewinds.core.environment import FETCH, MESSAGES, ON_MISSING, SCRIPTS, SERVICES, WORKERS
from tradewinds.core.errors import INTERRUPTED, SimulationError, TradewindsError
from tradewinds.core.masked_logs import MaskingFormatter
from tradewinds.core.paths import workflow_root
from tradewinds.core.safe_text import printable
from tradewinds.core.url_secrets import masked

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "1")
PROGRESS_SECONDS = 0.2  # between two writes of a job's progress
COLLECTED_AFTER = 100_000  # container objects made and not freed, before the garbage collector runs: some ten megabytes

JOBS_LOCK = "data/.jobs.lock"
"""Held by each job that works; relative to the working directory."""

UNEXPECTED = 1  # exit code of a job that hit a bug
_held: list[int] = []  # the open files whose locks this process holds
# Errors of the file system that the user can mend; any other OSError is a bug.
FILE_SYSTEM_REFUSES = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
)


def export_environment(config: Mapping[str, Any]) -> None:
    """Set the environment variables that the jobs of this workflow read.

    They name the services' endpoints and rates, whether fetching is allowed, what to do about missing data, the folder of the
    family's scripts, this Python (first on the PATH) and, in a clone, this package (first on the PYTHONPATH).

    With --sdm conda a job runs under a Python that has no tradewinds installed; so it gets this clone's. An installed
    tradewinds is found beside Snakemake.

    Args:
        config: resolved.
    """
    # No job has matrices so large that threads would pay, and starting threads takes half of numpy's import time.
    os.environ.setdefault(*ONE_THREAD)
    os.environ[SERVICES] = json.dumps(
        {name: config[name] for name in markets.family_of(config["market"]).services}, sort_keys=True
    )
    os.environ[FETCH] = config["fetch"]
    os.environ[ON_MISSING] = json.dumps(config.get("on_missing", {}), sort_keys=True)
    os.environ[SCRIPTS] = str(workflow_root() / "scripts" / config["market"])
    os.environ.pop(WORKERS, None)  # of a run that this one is part of: this run's own come later (worker_pool.py)
    _put_first("PATH", Path(sys.executable).parent)
    package = Path(__file__).resolve().parents[2]
    if package.name == "src":
        _put_first("PYTHONPATH", package)


def _put_first(variable: str, folder: Path) -> None:
    """Put a folder at the front of a list of folders in an environment variable, once."""
    others = os.environ.get(variable, "").split(os.pathsep)
    if others[0] != str(folder):
        os.environ[variable] = os.pathsep.join([str(folder), *filter(None, others)])


SOURCES = {".py", ".c", ".csv", ".sql", ".j2", ".css", ".js"}


def code_digest(*parts: str) -> str:
    """Digest the sources of some of the package's folders or files, so that results follow the code that makes them.

    Args:
        parts: folders or files, relative to the package's folder.

    Returns:
        16 hexadecimal digits of a SHA-256 over relative paths and contents.
    """
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for part in parts:
        for name in _sources(f"{package}/", part):
            with open(f"{package}/{name}", "rb") as file:
                digest.update(name.encode() + b"\0" + file.read())
    return digest.hexdigest()[:16]


def _sources(package: str, part: str) -> list[str]:
    """List the sources in a folder or of a file by their paths relative to the package, which ends with a slash.

    They are in order of their folders' and their own names. A run asks a dozen times for a hundred files, and `pathlib` is slow
    at that.
    """
    if not os.path.isdir(package + part):  # noqa: PTH112
        return [part]
    found = [
        f"{folder}/{name}".removeprefix(package)
        for folder, _, names in os.walk(package + part)
        for name in names
        if os.path.splitext(name)[1] in SOURCES  # noqa: PTH122
    ]
    return sorted(found, key=lambda path: path.split("/"))


def log_to(path: str | Path, run_log: str | Path | None = None) -> None:
    """Send the log of this process to a new file: all of Tradewinds, and of other packages what is not for debugging.

    Snakemake's `log:` names a file and redirects neither stdout nor logging into it.

    Args:
        path: the file.
        run_log: a second file, the log of a run, to which the same lines are appended with their time in UTC; None for none.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    own = logging.FileHandler(path, mode="w", encoding="utf-8")
    own.setFormatter(MaskingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handlers: list[logging.Handler] = [own]
    if run_log:
        Path(run_log).parent.mkdir(parents=True, exist_ok=True)
        appended = logging.FileHandler(run_log, mode="a", encoding="utf-8")
        formatter = MaskingFormatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        appended.setFormatter(formatter)
        handlers.append(appended)
    logging.basicConfig(handlers=handlers, level=logging.INFO, force=True)
    logging.getLogger("tradewinds").setLevel(logging.DEBUG)


def run_job(
    main: Callable[[], None],
    *,
    rule: str,
    log: str | Path,
    target: str | None = None,
    refused: type[TradewindsError] = SimulationError,
    run_log: str | Path | None = None,
) -> None:
    """Run a job's main function; a failure becomes one paragraph, a failure record and an exit code.

    The traceback of an unexpected error goes to the log only. SIGTERM and SIGHUP end the job as Ctrl-C does, so that temporary
    files are removed. While it works the job holds the jobs' lock of the working directory.

    Args:
        main: the job's work.
        rule: name of the job's rule.
        log: path of the job's log.
        target: the file that the job makes, for its failure record.
        refused: the error whose exit code the job has if the file system refuses to write.
        run_log: the log of the run whose folder the job writes, to which the job's log is appended, too; None for other jobs.
    """
    signals.interrupt_on_stop_signals()
    try:
        log_to(log, run_log)
        hold_folder()
        tune_garbage_collector()
        main()
        # The work is done: a signal that arrives now must not make it look undone.
        for number in signals.STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
    except TradewindsError as error:
        logging.getLogger(rule).error("%s", error)
        _fail(rule, str(error), error.exit_code, target, masked(error.where))
    except KeyboardInterrupt:
        _fail(rule, f"{rule} was interrupted.", INTERRUPTED, target)
    except OSError as error:
        if error.errno not in FILE_SYSTEM_REFUSES:
            _unexpected(rule, error, log, target)
        named = error.filename or target or "a file"
        remedy = "Make room or make it writable, and run the same command again: what is finished stays."
        _fail(rule, f"{named}: cannot be written ({os.strerror(error.errno)}). {remedy}", refused.exit_code, target)
    except Exception as error:  # the outermost frame of a process: reported as a bug, never turned into a result
        _unexpected(rule, error, log, target)


def hold_folder() -> None:
    """Hold the jobs' lock of the working directory, together with other jobs, until this process ends or leaves its job.

    A job may outlive the run that started it. Then the next run waits for it (`runner.folder_lock`).
    """
    with contextlib.suppress(FileNotFoundError):  # a copy of a bucket's files (`enter_storage`) has no lock
        _held.append(os.open(JOBS_LOCK, os.O_RDONLY))  # inherited by no program that the job starts
        fcntl.flock(_held[-1], fcntl.LOCK_SH)


def leave_job() -> None:
    """Close the log of a job that has ended and free its lock: in a process that does several jobs."""
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)
    while _held:
        os.close(_held.pop())


def enter_storage(job: Any) -> None:
    """Change into the folder of the job's files, if that is not the working directory.

    Under a default storage provider Snakemake keeps local copies of a job's files below a folder of its own, at the plan's
    paths. The job changes into that folder, and the paths in the `snakemake` object become those of the plan again. The
    user's own files are in no storage, so the folder gets links to them.

    Args:
        job: the `snakemake` object of a script.
    """
    root, found, _ = str(job.log[0]).partition("/logs/")
    if not found:  # the log's path begins with logs/, as in the plan: no storage provider
        return
    # Input, output and log as the plan names them.
    for files in (job.input, job.output, job.log):
        files[:] = [str(path).removeprefix(f"{root}/") for path in files]
        for name, (start, end) in list(files._get_names()):
            files._set_name(name, start, end)
    for own in markets.family_of(markets.market_of(job.config)).user_files(job.config):
        link = Path(root, own)
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # another job of the same workflow has made it
            link.symlink_to(Path(own).resolve())
    os.chdir(root)


def tune_garbage_collector() -> None:
    """Freeze imported modules and raise the garbage collector's threshold.

    A full collection takes about 0.14 s, since it looks through all modules, and would run often: after every 700 new objects,
    although jobs make no reference cycles. Call it once a process has imported what it needs; further calls do nothing.
    """
    if gc.get_threshold()[0] == COLLECTED_AFTER:
        return
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
    atexit.register(gc.unfreeze)  # Python takes modules apart at exit, and needs the collector to do it
    _skip_pandas_import()


def _skip_pandas_import() -> None:
    """Make pyarrow's first conversion of a Python value without importing pandas (0.2 s) and dateutil (0.02 s).

    pyarrow imports both to find out whether the value is one of theirs. If it does not find them it does not try again, until
    the program itself calls `to_pandas` or `from_pandas`, as a user's strategy may.
    """
    import pyarrow as pa  # here: parsing the Snakefile imports this module and needs no pyarrow

    with imports.hide_package("pandas"), imports.hide_package("dateutil"):
        pa.array([0])


def progress_writer(rule: str) -> Callable[[int, int], None]:
    """Return a function that writes a job's progress for the run that watches it.

    It writes nothing in a job that plain Snakemake started, and at most once in PROGRESS_SECONDS otherwise.

    Args:
        rule: name of the job's rule.

    Returns:
        A function of (units done, units in all).
    """
    folder, last = os.environ.get(MESSAGES), 0.0

    def write(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if folder and Path(folder).is_dir() and (now - last > PROGRESS_SECONDS or done == total):
            last = now
            part = Path(folder, f"{rule}.part")
            part.write_text(json.dumps([done, total]), encoding="utf-8")
            part.replace(Path(folder, f"{rule}.progress"))

    return write


def read_progress(folder: str | Path, rule: str) -> tuple[int, int] | None:
    """Read what a job's `progress_writer` wrote last.

    Args:
        folder: the run's messages folder (runner.messages_folder).
        rule: name of the job's rule.

    Returns:
        (units done, units in all); None if the job has written nothing yet.
    """
    try:
        done, total = json.loads(Path(folder, f"{rule}.progress").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return done, total


def _unexpected(rule: str, error: Exception, log: str | Path, target: str | None) -> NoReturn:
    """End the job because of a bug: the traceback goes to the log."""
    logging.getLogger(rule).error("%s", traceback.format_exc())
    message = masked(f"{rule} stopped on an unexpected {type(error).__name__}: {error}. The log {log} has the details.")
    _fail(rule, message, UNEXPECTED, target)


def _fail(rule: str, message: str, exit_code: int, target: str | None, where: str = "") -> NoReturn:
    """End the job: print the message, and leave a failure record for the run that watches."""
    folder = os.environ.get(MESSAGES)
    if folder and Path(folder).is_dir():  # a job in a cluster may outlive the run that started it
        record = {"rule": rule, "message": message, "exit_code": exit_code}
        record |= {name: value for name, value in {"target": target, "where": where}.items() if value}
        path = Path(folder, f"{uuid.uuid4().hex}.json")
        part = path.with_suffix(".part")  # a job can be killed while it writes: a record is whole or absent
        with contextlib.suppress(OSError):  # this disk may be full, too; the printed message is in the workflow's log
            part.write_text(json.dumps(record), encoding="utf-8")
            part.replace(path)
    print(printable(message), file=sys.stderr)
    sys.exit(exit_code)


def failures(folder: str | Path) -> list[dict[str, Any]]:
    """Read the failure records that jobs left in a folder.

    Returns:
        Mappings with the keys rule, message, exit_code and, where there is one, target (the file that the job makes) and where
        (the place of the error, with which the message begins).
    """
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.json"))]
