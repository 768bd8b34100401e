"""The workers of a run (resident_worker.py): started by Snakemake's main process, and gone with it.

The jobs' shell commands find them by the path of a socket, in the environment variable TRADEWINDS_WORKERS.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tradewinds.core.environment import SCRIPTS, WORKERS
from tradewinds.core.temporary import remove_abandoned

FEWEST_JOBS = 3  # starting the workers takes the CPU time of two jobs without them
LONGEST_ADDRESS = 100  # bytes of a socket's path; the least that a system allows is 103
_PREFIX = "tradewinds-jobs-"
_SECONDS = 5.0  # that idle workers may take to end; one at work ends later, by itself


def start(scripts: Sequence[str], count: int) -> None:
    """Start workers for the jobs of this workflow. Jobs that come before the workers are ready wait for them.

    Call it in Snakemake's main process, after `jobs.export_environment`.

    Args:
        scripts: names of the scripts that they run, in the folder of the family's scripts.
        count: how many of the jobs may run at once.
    """
    folder = _folder()
    address = str(folder / "jobs")
    paths = [os.path.join(os.environ[SCRIPTS], f"{name}.py") for name in scripts]  # noqa: PTH118 (as scripts/job.py does)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with listener:
        listener.bind(address)
        listener.listen(max(count, socket.SOMAXCONN))
        handle = listener.fileno()
        command = [
            sys.executable,
            "-P",
            "-m",
            "tradewinds.pipeline.resident_worker",
            str(handle),
            str(folder),
            str(count),
        ]
        parent = subprocess.Popen([*command, *paths], stdin=subprocess.PIPE, pass_fds=[handle])
    os.environ[WORKERS] = address
    atexit.register(_end, parent, folder)


def _folder() -> Path:
    """Make a folder for the socket that only this user can enter; those of killed runs are removed."""
    place = Path(tempfile.gettempdir())
    if len(os.fsencode(place)) + len(_PREFIX) + 30 > LONGEST_ADDRESS:
        place = Path("/tmp")
    remove_abandoned(_PREFIX, place)
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))


def _end(parent: subprocess.Popen[bytes], folder: Path) -> None:
    """Let the workers end with this process."""
    assert parent.stdin
    parent.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        parent.wait(_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
