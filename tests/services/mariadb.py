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
from urllib.parse import quote

import pymysql
import pytest

START_SECONDS = 600  # a busy machine
USER, PASSWORD = "tester", "p@ss:w/rd"  # characters that a URL must quote
HOW_TO_GET_IT = "no mariadbd on this machine; Debian: apt-get install mariadb-server (scripts/services.sh does it)"


@dataclass
class Server:
    """A server in a folder of its own; `root` opens an administrator's connection over its socket."""

    folder: Path
    port: int
    flush: int = 0  # --innodb-flush-log-at-trx-commit: 1 survives what a kill -9 does to it
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.folder / "s"

    def start(self) -> None:
        """Start it on what is in its folder, and wait until it answers."""
        found = programs()
        assert found
        log = self.folder / "log"
        settings = [f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={self.socket}", "--skip-name-resolve"]
        settings += [f"--pid-file={self.folder / 'pid'}", f"--innodb-flush-log-at-trx-commit={self.flush}"]
        settings += ["--innodb-buffer-pool-size=32M"]
        with open(log, "ab") as output:
            command = [found[0], *_common(self.folder), *settings]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        _wait(self, self.process, log)

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        assert self.process
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        """In order; also one that was killed."""
        if self.process:
            self.process.terminate()
            self.process.wait(timeout=START_SECONDS)

    def url(self, database: str, user: str = USER, password: str = PASSWORD) -> str:
        return f"mysql+pymysql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

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


class NotStarted(Exception):
    """A server did not come up; says what its log says."""


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if _listens(server.socket):
            return
        time.sleep(0.05)
    raise NotStarted(f"mariadbd did not start:\n{log.read_text(errors='replace')[-2000:]}")


def programs() -> tuple[str, str] | None:
    """Paths of the server and of what makes its data folder, if they are installed."""
    daemon, installer = _program("mariadbd"), _program("mariadb-install-db")
    return (daemon, installer) if daemon and installer else None


def _common(folder: Path) -> list[str]:
    # A server that starts deletes the temporary tables of all others in the same folder.
    (folder / "tmp").mkdir(exist_ok=True)
    return ["--no-defaults", f"--datadir={folder / 'data'}", f"--tmpdir={folder / 'tmp'}", *_as_root()]


def make_server(folder: Path, flush: int = 0) -> Server:
    """A new server, started; the caller stops it."""
    found = programs()
    assert found
    quick = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    made = subprocess.run([found[1], *_common(folder), *quick], capture_output=True, text=True, check=False)
    if made.returncode:
        raise NotStarted(f"{found[1]} made no data folder:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
    server = Server(folder, _free_port(), flush)
    try:
        server.start()
    except NotStarted:
        server.stop()
        raise
    return server


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for the whole test session."""
    if programs() is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(HOW_TO_GET_IT)
    server = make_server(tmp_path_factory.mktemp("mariadb"))
    try:
        yield server
    finally:
        server.stop()
