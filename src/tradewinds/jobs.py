"""What every Snakemake job shares: its environment, its log, and how it fails.

Endpoints, rates and the permission to fetch define no bytes, so they do not travel through Snakemake's params (which
are recorded and trigger reruns) but through environment variables that the workflow exports when it is parsed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import sys
import traceback
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tradewinds.errors import TradewindsError
from tradewinds.paths import workflow_root

SERVICES = "TRADEWINDS_SERVICES"
FETCH = "TRADEWINDS_FETCH"
SCRIPTS = "TRADEWINDS_SCRIPTS"
FAILURES = "TRADEWINDS_FAILURES"

UNEXPECTED = 1


def export_environment(config: Mapping[str, Any]) -> None:
    """Give the jobs of this workflow their endpoints and this Python first on the PATH."""
    os.environ[SERVICES] = json.dumps({name: config[name] for name in ("kalshi", "iem")}, sort_keys=True)
    os.environ[FETCH] = config["fetch"]
    os.environ[SCRIPTS] = str(workflow_root() / "scripts")
    here = str(Path(sys.executable).parent)
    if os.environ.get("PATH", "").split(os.pathsep)[0] != here:
        os.environ["PATH"] = here + os.pathsep + os.environ.get("PATH", "")


def code_digest(*parts: str) -> str:
    """SHA-256 over the sources of some of the package's folders or files: results follow the code that makes them."""
    package = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for part in parts:
        path = package / part
        files = sorted(path.rglob("*.py")) + sorted(path.rglob("*.sql")) if path.is_dir() else [path]
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


def run_job(main: Callable[[], None], *, stage: str, log: str | Path) -> None:
    """Run a job's main function; a failure becomes one paragraph, a failure record and an exit code.

    The traceback of an unexpected error goes to the log only. SIGTERM ends the job as Ctrl-C does, so that it tidies up.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log_to(log)
    try:
        main()
    except TradewindsError as error:
        logging.getLogger(stage).error("%s", error)
        _fail(stage, str(error), error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # the outermost frame of a process: reported as a bug, never turned into a result
        logging.getLogger(stage).error("%s", traceback.format_exc())
        _fail(
            stage,
            f"{stage} stopped on an unexpected {type(error).__name__}: {error}. The log {log} has the details.",
            UNEXPECTED,
        )


def _fail(stage: str, message: str, exit_code: int) -> None:
    folder = os.environ.get(FAILURES)
    if folder:
        record = {"stage": stage, "message": message, "exit_code": exit_code}
        Path(folder, f"{uuid.uuid4().hex}.json").write_text(json.dumps(record), encoding="utf-8")
    print(message, file=sys.stderr)
    sys.exit(exit_code)
