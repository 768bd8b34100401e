"""The web server as its user starts it, and requests as nobody's browser would send them."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import warm

PATIENCE_SECONDS = 600  # no test depends on it: it ends one that would hang


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Web:
    """A server that runs; `ask` sends a target as it is, without tidying it."""

    process: subprocess.Popen[str]
    address: str
    host: str
    port: int

    def ask(self, target: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE_SECONDS)
        try:
            connection.putrequest(method, "/", skip_host="Host" in headers)
            connection._buffer[0] = f"{method} {target} HTTP/1.1".encode()  # as it is, also what is not allowed there
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def raw(self, request: bytes) -> bytes:
        """What comes back for some bytes."""
        with socket.create_connection((self.host, self.port), timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tradewinds.cli", "serve", *arguments]


@contextmanager
def served(url: str, folder: Path, *arguments: str, fork: bool = True) -> Iterator[Web]:
    """`tradewinds serve` over a database, on a free port; stopped in the end as by Ctrl-C.

    Args:
        url: of the database.
        folder: where it is started, and its log written.
        arguments: further ones of the command line.
        fork: it needs no start of its own (tests/warm); `process` is then no more than its client.
    """
    log = folder / "serve.log"
    started, environment = (
        command("--database", url, "--port", "0", *arguments),
        {**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    if fork:
        started, environment = warm.served(started, environment)
    with open(log, "w") as output:
        process = subprocess.Popen(
            started,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
    try:
        assert process.stdout
        line = process.stdout.readline()
        found = re.fullmatch(r"serving (http://(\S+):(\d+)/) · Ctrl-C stops\n", line)
        assert found, line + log.read_text()
        host = found[2].strip("[]")
        yield Web(process, found[1], "127.0.0.1" if host == "0.0.0.0" else host, int(found[3]))
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()
        assert process.stdout.read() == "", "one line is all it prints"
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
