"""A MariaDB server of the tests' own: a plain process in a temporary folder, on a free port of 127.0.0.1.

It is stopped at the end; no other server is used or touched. Without `mariadbd` tests skip and say how to get it; in CI
(CI=true) they fail.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest

START_SECONDS = 60
USER, PASSWORD = "tester", "p@ss:w/rd"  # characters that a URL must quote
HOW_TO_GET_IT = "no mariadbd on this machine; Debian: apt-get install mariadb-server (scripts/services.sh does it)"


@dataclass
class Server:
    """A running server; `root` opens an administrator's connection over its socket."""

    port: int
    socket: Path

    def root(self) -> pymysql.Connection:
        return pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)

    def new_database(self, name: str) -> None:
        with self.root() as connection, connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            cursor.execute(f"GRANT ALL ON {name}.* TO %s@'%%' IDENTIFIED BY %s", (USER, PASSWORD))


def _program(name: str) -> str | None:
    return shutil.which(
        name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin" + os.pathsep + "/usr/local/sbin"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _as_root() -> list[str]:
    return ["--user=root"] if os.geteuid() == 0 else []


def _listens(path: Path) -> bool:
    """Ask the socket itself: a refused pymysql.connect leaves its own socket open."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _listens(server.socket):
            return
        time.sleep(0.05)
    pytest.fail(f"mariadbd did not start:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole test session."""
    daemon, installer = _program("mariadbd"), _program("mariadb-install-db")
    if daemon is None or installer is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(HOW_TO_GET_IT)
    folder = tmp_path_factory.mktemp("mariadb")
    data, log = folder / "data", folder / "log"
    server = Server(_free_port(), folder / "s")
    common = ["--no-defaults", f"--datadir={data}", *_as_root()]
    quick = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run([installer, *common, *quick], check=True, capture_output=True)
    settings = [f"--port={server.port}", "--bind-address=127.0.0.1", f"--socket={server.socket}", "--skip-name-resolve"]
    settings += [f"--pid-file={folder / 'pid'}", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]
    with open(log, "wb") as output:
        process = subprocess.Popen([daemon, *common, *settings], stdout=output, stderr=output)
    try:
        _wait(server, process, log)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)
