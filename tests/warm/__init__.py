"""Run the interpreter's command lines without waiting for its imports: `run` is `subprocess.run` for `[sys.executable, …]`.

Most of what a command costs is the import of its packages: nine tenths for a list and for Snakemake. So all processes of a test
session share a server that has imported them, and a command is a fork of it (server.py). It has its own arguments, environment,
folder, files and exit code, and so have the interpreters that it starts. What a test says about the start itself, about signals
or about the tree of processes, it says with `subprocess`.

Most of what is left of a run's cost are its pictures, and many tests make the same run: forks draw a plot once in a session
(drawn_once.py). Tests that compare pictures of two runs draw each: fixture `drawn_anew`.
"""

import fcntl
import functools
import os
import subprocess
import sys
import time
from pathlib import Path

import hatch_build
from tests.warm.place import place

ROOT = Path(__file__).resolve().parents[2]


def run(command: list[str], *, env: dict[str, str] | None = None, **how) -> subprocess.CompletedProcess:
    """`subprocess.run` of a command line; one that begins with this interpreter is a fork of the server."""
    command, env = served(command, env)
    return subprocess.run(command, env=env, **how)  # noqa: PLW1510 (the caller says it)


def served(command: list[str], env: dict[str, str] | None = None) -> tuple[list[str], dict[str, str] | None]:
    """The command line and environment by which a command that begins with this interpreter is a fork of the server."""
    if command[0] != sys.executable:
        return command, env
    known = variables()
    return [known.get("WARM_PYTHON", sys.executable), *command[1:]], {**(os.environ if env is None else env), **known}


@functools.cache
def variables() -> dict[str, str]:
    """The environment variables by which commands find the server, started at the first call; none without a compiler."""
    compiler = hatch_build.compiler()
    if sys.platform != "linux" or not compiler:
        return {}
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"{os.getpid()}-{time.time_ns()}"
    folder = Path(f"/tmp/warm-{os.geteuid()}-{session}")  # a socket's path is short
    folder.mkdir(mode=0o700, exist_ok=True)
    python, address, alive = folder / "bin/python", folder / "socket", folder / "alive"
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.exists():
            (folder / "bin").mkdir()
            subprocess.run(
                [*compiler, "-O2", "-o", str(python), str(Path(__file__).with_name("warm_python.c"))], check=True
            )
            (folder / "bin/python3").symlink_to(python)
            os.mkfifo(alive)
        # The server's input ends with the last process that holds this pipe, however that ends; it is never closed here.
        held = os.open(alive, os.O_RDWR)
        if not address.exists():
            start(address, held)
    return {
        "WARM_PYTHON": str(python),
        "WARM_PYTHON_REAL": sys.executable,
        "WARM_PYTHON_SOCKET": str(address),
        "WARM_PYTHON_PLACE": place(),
    }


def start(address: Path, held: int) -> None:
    """Start the server, and wait until it serves.

    Args:
        address: its socket, in a folder that it removes when it ends.
        held: a pipe that this process has open for reading and writing.
    """
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KALSHI_", "TRADEWINDS_"))
    }
    clean |= {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "tests.warm.server", str(address)]
    with open(f"/proc/self/fd/{held}", "rb", buffering=0) as reading:  # the server itself must not hold the pipe
        # no Popen: the server may outlive this process, and nothing waits for it
        server = os.posix_spawn(command[0], command, clean, file_actions=[(os.POSIX_SPAWN_DUP2, reading.fileno(), 0)])
    while not address.exists():
        assert os.waitpid(server, os.WNOHANG) == (0, 0), "the server ended before it served"
        time.sleep(0.02)
