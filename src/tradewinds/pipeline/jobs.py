"""What every Snakemake job shares: its environment, its log, and how it fails.

Endpoints, rates and the permission to fetch define no bytes, so they do not travel through Snakemake's params (which
are recorded and trigger reruns) but through environment variables that the workflow exports when it is parsed.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
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

from tradewinds.config.markets import family_of
from tradewinds.core import imports
from tradewinds.core.environment import FAILURES, FETCH, SCRIPTS, SERVICES
from tradewinds.core.errors import INTERRUPTED, SimulationError, TradewindsError
from tradewinds.core.paths import workflow_root

ONE_THREAD = ("OPENBLAS_NUM_THREADS", "1")
TELL_SECONDS = 0.2
COLLECTED_AFTER = 100_000  # objects that may hold others, made and not freed: some ten megabytes

UNEXPECTED = 1
FILE_SYSTEM_REFUSES = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
)


def export_environment(config: Mapping[str, Any]) -> None:
    """Give the jobs of this workflow their endpoints, this Python first on the PATH, and this clone to import from.

    (With --sdm conda a job's Python is one that knows no tradewinds; an installed one is found where Snakemake is.)
    No job has matrices so large that threads would pay; starting them takes numpy half its import.
    """
    os.environ.setdefault(*ONE_THREAD)
    os.environ[SERVICES] = json.dumps(
        {name: config[name] for name in family_of(config["market"]).services}, sort_keys=True
    )
    os.environ[FETCH] = config["fetch"]
    os.environ[SCRIPTS] = str(workflow_root() / "scripts" / config["market"])
    _put_first("PATH", Path(sys.executable).parent)
    package = Path(__file__).resolve().parents[2]
    if package.name == "src":
        _put_first("PYTHONPATH", package)


def _put_first(variable: str, folder: Path) -> None:
    others = os.environ.get(variable, "").split(os.pathsep)
    if others[0] != str(folder):
        os.environ[variable] = os.pathsep.join([str(folder), *filter(None, others)])


SOURCES = {".py", ".c", ".csv", ".sql", ".j2", ".css", ".js"}


def code_digest(*parts: str) -> str:
    """SHA-256 over the sources of some of the package's folders or files: results follow the code that makes them."""
    package = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for part in parts:
        path = package / part
        files = sorted(f for f in path.rglob("*") if f.suffix in SOURCES) if path.is_dir() else [path]
        for file in files:
            digest.update(str(file.relative_to(package)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def log_to(path: str | Path) -> None:
    """Send the log of this process to a file (Snakemake's `log:` catches neither stdout nor logging by itself)."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )


def run_job(
    main: Callable[[], None],
    *,
    stage: str,
    log: str | Path,
    target: str | None = None,
    refused: type[TradewindsError] = SimulationError,
) -> None:
    """Run a job's main function; a failure becomes one paragraph, a failure record and an exit code.

    The traceback of an unexpected error goes to the log only. SIGTERM ends the job as Ctrl-C does, so that it tidies up.

    Args:
        main: the job's work.
        stage: its rule.
        log: the file of its log.
        target: the file that it makes, for its failure record.
        refused: the error whose exit code it has where the file system refuses to write.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        log_to(log)
        travel_light()
        main()
        for number in (signal.SIGTERM, signal.SIGINT):  # the work is done: a late stop must not make it look undone
            signal.signal(number, signal.SIG_IGN)
    except TradewindsError as error:
        logging.getLogger(stage).error("%s", error)
        _fail(stage, str(error), error.exit_code, target)
    except KeyboardInterrupt:
        _fail(stage, f"{stage} was interrupted.", INTERRUPTED, target)
    except OSError as error:
        if error.errno not in FILE_SYSTEM_REFUSES:
            _unexpected(stage, error, log, target)
        named = error.filename or target or "a file"
        remedy = "Make room or make it writable, and run the same command again: what is finished stays."
        _fail(stage, f"{named}: cannot be written ({os.strerror(error.errno)}). {remedy}", refused.exit_code, target)
    except Exception as error:  # the outermost frame of a process: reported as a bug, never turned into a result
        _unexpected(stage, error, log, target)


def own_files(config: Mapping[str, Any]) -> list[str]:
    """Files of the user's own that a config (resolved or not) names: prices, a universe, probabilities, a strategy …"""
    sections = {name: config.get(name) for name in ("bars", "universe", "probabilities", "strategy")}
    parts = [part for part in sections.values() if isinstance(part, Mapping)]
    named = [part.get(key) for part in parts for key in ("path", "file")]
    return [str(path) for path in (*named, config.get("actions")) if path is not None]


def enter_storage(job: Any) -> None:
    """Work where the job's files are, if that is not the working directory.

    Under a default storage provider Snakemake keeps the local copies of a job's files in a folder of its own, in which they
    have the paths of the plan. There the job goes, and its paths (of the `snakemake` object) become the plan's again. The
    user's own files are in no storage: links lead to them.
    """
    root, found, _ = str(job.log[0]).partition("/logs/")
    if not found:
        return
    for files in (job.input, job.output, job.log):
        files[:] = [str(path).removeprefix(f"{root}/") for path in files]
        for name, (start, end) in list(files._get_names()):
            files._set_name(name, start, end)
    for own in own_files(job.config):
        link = Path(root, own)
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            link.symlink_to(Path(own).resolve())
    os.chdir(root)


def travel_light() -> None:
    """For a process that has imported what it needs: keep that from costing time again.

    The collector of cycles need not look through modules, a seventh of a second each time, and need not look for cycles
    among results, of which there are none, after every 700 of them.
    """
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)
    atexit.register(gc.unfreeze)  # at the end modules are taken apart, by the collector
    _spare_pandas()


def _spare_pandas() -> None:
    """Keep pyarrow from importing pandas, a fifth of a second, for the first Python value that it makes its own (and dateutil,
    a fiftieth, for this one).

    It only wants to know that the value is none of theirs. What it has not found once it does not look for again, until
    somebody asks for pandas by name (`to_pandas`, `from_pandas`), as a user's strategy may.
    """
    import pyarrow as pa  # here, because a Snakefile that is parsed needs none

    with imports.without("pandas"), imports.without("dateutil"):
        pa.array([0])


def telling(stage: str) -> Callable[[int, int], None]:
    """A function that shows the run that watches how much of a job is done, and of how much; some times a second at most."""
    folder, last = os.environ.get(FAILURES), 0.0

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if folder and Path(folder).is_dir() and (now - last > TELL_SECONDS or done == total):
            last = now
            part = Path(folder, f"{stage}.part")
            part.write_text(json.dumps([done, total]), encoding="utf-8")
            part.replace(Path(folder, f"{stage}.progress"))

    return tell


def told(folder: str | Path, stage: str) -> tuple[int, int] | None:
    """What a job said with `telling`: done, total; None before its first word."""
    try:
        done, total = json.loads(Path(folder, f"{stage}.progress").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return done, total


def _unexpected(stage: str, error: Exception, log: str | Path, target: str | None) -> NoReturn:
    logging.getLogger(stage).error("%s", traceback.format_exc())
    message = f"{stage} stopped on an unexpected {type(error).__name__}: {error}. The log {log} has the details."
    _fail(stage, message, UNEXPECTED, target)


def _fail(stage: str, message: str, exit_code: int, target: str | None) -> NoReturn:
    folder = os.environ.get(FAILURES)
    if folder and Path(folder).is_dir():  # a job in a cluster may outlive the run that asked for it
        record = {"stage": stage, "message": message, "exit_code": exit_code}
        record |= {"target": target} if target else {}
        path = Path(folder, f"{uuid.uuid4().hex}.json")
        part = path.with_suffix(".part")  # a job can be killed while it writes: a record is whole or absent
        with contextlib.suppress(OSError):  # its disk may be full, too: what is printed stands in the workflow's log
            part.write_text(json.dumps(record), encoding="utf-8")
            part.replace(path)
    print(message, file=sys.stderr)
    sys.exit(exit_code)


def failures(folder: str | Path) -> list[dict[str, Any]]:
    """The failure records that jobs left in a folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.json"))]
