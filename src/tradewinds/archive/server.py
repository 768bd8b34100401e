"""The replay server: an archive served as the exchange's REST API and the weather service's, on this machine.

Everything from the HTTP client on is then the production path. `GET /_replay/requests` and `GET /_replay/faults` (no part
of either service) tell how many requests each path has seen, and how many faults of each kind were injected.
"""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tradewinds.archive.archive import Archive
from tradewinds.archive.faults import Answer, FaultPlan
from tradewinds.families.equities_daily import archive_routes
from tradewinds.families.kalshi_weather.archive import exchange_routes, weather_routes
from tradewinds.families.kalshi_weather.archive.served_data import ServedData

Middleware = Callable[["Handler", str], bool]
"""Called before a request is answered; True means it has dealt with the request itself."""


@dataclass(frozen=True)
class Seen:
    """One request as the server saw it.

    `at` is the monotonic clock at its arrival, in seconds; `status` is 0 when it got no answer; `fault` is the kind of
    the injected fault, or "".
    """

    at: float
    path: str
    query: str
    status: int
    fault: str = ""


@dataclass
class ArchiveServer:
    """A running server; `requests` grows as it answers."""

    archive: Archive
    data: ServedData
    http: ThreadingHTTPServer
    log: Path | None = None
    max_requests_per_second: float | None = None
    middleware: Middleware | None = None
    fault_plan: FaultPlan | None = None
    requests: list[Seen] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    arrivals: collections.deque[float] = field(default_factory=collections.deque)

    @property
    def root(self) -> str:
        """URL of the weather service's root."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def kalshi_url(self) -> str:
        """URL of the exchange's API root."""
        return self.root + exchange_routes.PREFIX

    @property
    def faults(self) -> collections.Counter[str]:
        """Faults injected so far, by kind."""
        return self.fault_plan.counts if self.fault_plan else collections.Counter()

    def refuses(self, now: float) -> bool:
        """Whether a request arriving now is one too many for the second before it.

        A refused request does not count: the exchange has no penalty window.
        """
        if self.max_requests_per_second is None:
            return False
        with self.lock:
            while self.arrivals and self.arrivals[0] <= now - 1:
                self.arrivals.popleft()
            if len(self.arrivals) + 1 > self.max_requests_per_second:
                return True
            self.arrivals.append(now)
            return False

    def note(self, seen: Seen) -> None:
        """Remember an answered request, and log it."""
        with self.lock:
            self.requests.append(seen)
            if self.log:
                with open(self.log, "a", encoding="utf-8") as lines:
                    lines.write(json.dumps(seen.__dict__) + "\n")

    def counts(self) -> dict[str, int]:
        """Requests seen, per path."""
        with self.lock:
            return dict(collections.Counter(seen.path for seen in self.requests))


class Handler(BaseHTTPRequestHandler):
    """Answers GET; HTTP/1.1 so that clients keep their connection."""

    protocol_version = "HTTP/1.1"
    server_version = "tradewinds-replay"
    disable_nagle_algorithm = True
    replay: ArchiveServer
    kalshi: exchange_routes.KalshiRoutes
    fault = ""
    seen: tuple[float, str, str] | None = None  # arrival, path and query of the request at hand, until it is noted

    def do_GET(self) -> None:
        """Count, refuse if too fast, answer."""
        arrived = time.monotonic()
        url = urlsplit(self.path)
        if url.path in ("/_replay/requests", "/_replay/faults"):
            told = self.replay.faults if url.path == "/_replay/faults" else self.replay.counts()
            self.seen = None
            self.send(200, "application/json", json.dumps(told))
            return
        self.fault, self.seen = "", (arrived, url.path, url.query)
        if self.replay.refuses(arrived):
            self.send(429, "application/json", '{"error":"too many requests"}')
        elif not any(dealt(self, url.path) for dealt in (self.replay.middleware, self.replay.fault_plan) if dealt):
            self.send(*self.answer(url.path, dict(parse_qsl(url.query))))
        self.note(0)

    def note(self, status: int) -> None:
        """Remember a request once: before its answer leaves, so that who has the answer finds the request counted."""
        if self.seen:
            self.replay.note(Seen(*self.seen, status, self.fault))
            self.seen = None

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """The answer of the service that a path belongs to."""
        if path.startswith(exchange_routes.PREFIX + "/"):
            status, body = self.kalshi.answer(path.removeprefix(exchange_routes.PREFIX), query)
            return status, "application/json", json.dumps(body, separators=(",", ":"))
        if path == "/json/cli.py":
            status, body = weather_routes.cli(self.replay.archive, query)
            return (
                (status, "application/json", json.dumps(body)) if status == 200 else (status, "text/plain", str(body))
            )
        if path == "/cgi-bin/request/mos.py":
            return weather_routes.mos(self.replay.archive, query)
        if path.startswith(archive_routes.PREFIX):
            status, body = archive_routes.answer(self.replay.archive, path, query)
            return status, "application/json", json.dumps(body)
        return 404, "text/plain", "not found"

    def send(self, status: int, content_type: str, body: str, *, missing: int = 0) -> None:
        """Send an answer; one with its last bytes `missing` ends the connection, as an answer that breaks off does."""
        payload = body.encode()
        self.note(status)
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload[: len(payload) - missing])
        self.close_connection |= missing > 0

    def log_message(self, format: str, *args: Any) -> None:
        """Silence the base class; requests are noted by the server."""


class _Http(ThreadingHTTPServer):
    """Threads per connection; closing it also ends the connections that clients keep."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._kept: set[socket.socket] = set()
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._kept.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._kept.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        for connection in list(self._kept):
            with contextlib.suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that went away is no error
            super().handle_error(request, client_address)


def make_server(
    archive: str | Path,
    *,
    port: int = 0,
    cutoff: dt.date | None = None,
    overlap_days: int = 7,
    max_requests_per_second: float | None = None,
    log: Path | None = None,
    middleware: Middleware | None = None,
    faults: FaultPlan | None = None,
) -> ArchiveServer:
    """A server bound to 127.0.0.1 (port 0: a free one), not yet answering.

    Raises:
        ConfigError: the folder is no archive.
    """
    opened = Archive(archive)
    data = ServedData(opened, exchange_routes.cutoff_of(cutoff) if cutoff else None, overlap_days)
    handler = type("BoundHandler", (Handler,), {})
    server = ArchiveServer(
        archive=opened,
        data=data,
        http=_Http(("127.0.0.1", port), handler),
        log=log,
        max_requests_per_second=max_requests_per_second,
        middleware=middleware,
        fault_plan=faults,
    )
    handler.replay, handler.kalshi = server, exchange_routes.KalshiRoutes(data)  # type: ignore[attr-defined]
    return server


@contextlib.contextmanager
def running_server(archive: str | Path, **settings: Any) -> Iterator[ArchiveServer]:
    """A server that answers while the block runs; settings as `make_server`."""
    server = make_server(archive, **settings)
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.http.shutdown()
        server.http.server_close()
        thread.join()


def serve_forever(archive: str | Path, **settings: Any) -> None:
    """Serve until interrupted; settings as `make_server`."""
    with running_server(archive, **settings) as server:
        print(
            f"serving {archive}: kalshi.base_url {server.kalshi_url} · iem.base_url {server.root} · Ctrl-C stops",
            flush=True,
        )
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
