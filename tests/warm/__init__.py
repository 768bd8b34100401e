"""Run the interpreter's command lines without waiting for its imports: `run` is `subprocess.run` for `[sys.executable, …]`.

Most of what a command costs is the import of its packages: nine tenths for a list and for Snakemake. So each test process has
a server that has imported them, and a command is a fork of it (server.py). It has its own arguments, environment, folder, files
and exit code, and so have the interpreters that it starts. What a test says about the start itself, about signals or about the
tree of processes, it says with `subprocess`.
"""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import hatch_build
from tests.warm.place import place

ROOT = Path(__file__).resolve().parents[2]


def run(command: list[str], *, env: dict[str, str] | None = None, **how) -> subprocess.CompletedProcess:
    """`subprocess.run` of a command line; one that begins with this interpreter is a fork of the server."""
    if command[0] != sys.executable:
        return subprocess.run(command, env=env, **how)  # noqa: PLW1510 (the caller says it)
    known = variables()
    shown = {**(os.environ if env is None else env), **known}
    return subprocess.run([known.get("WARM_PYTHON", sys.executable), *command[1:]], env=shown, **how)  # noqa: PLW1510


@functools.cache
def variables() -> dict[str, str]:
    """The environment variables by which commands find the server, started at the first call; none without a compiler."""
    compiler = hatch_build.compiler()
    if sys.platform != "linux" or not compiler:
        return {}
    folder = Path(tempfile.mkdtemp(prefix="warm-", dir="/tmp"))  # a socket's path is short
    (folder / "bin").mkdir()
    python, address = folder / "bin/python", folder / "socket"
    subprocess.run([*compiler, "-O2", "-o", str(python), str(Path(__file__).with_name("warm_python.c"))], check=True)
    (folder / "bin/python3").symlink_to(python)
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "KALSHI_", "TRADEWINDS_"))
    }
    clean |= {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-m", "tests.warm.server", str(address)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, env=clean, cwd=folder)
    atexit.register(end, os.getpid(), server, folder)
    while not address.exists():
        assert server.poll() is None, "the server ended before it served"
        time.sleep(0.02)
    return {
        "WARM_PYTHON": str(python),
        "WARM_PYTHON_REAL": sys.executable,
        "WARM_PYTHON_SOCKET": str(address),
        "WARM_PYTHON_PLACE": place(),
    }


def end(owner: int, server: subprocess.Popen, folder: Path) -> None:
    """End the server with the process that started it."""
    if os.getpid() == owner:
        server.stdin.close()
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)
