"""The server of archives: on this machine it answers what an outside service would, from an archive.

What is asked of it goes through the same HTTP client as a real fetch. The answers are the families' (`archive_routes` of
families/contract.py). `GET /_replay/requests` counts the requests of each path, `GET /_replay/faults` the injected faults of
each kind, `GET /_replay/clock` what the server's clock shows; none is part of any service.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tradewinds.archive.archive import Archive
from tradewinds.archive.clock import ServerClock
from tradewinds.archive.faults import TOO_MANY_REQUESTS, Fault, FaultPlan
from tradewinds.archive.routes import TEXT, Answer, RouteTable, json_answer, routes_of_families
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import instant

REQUESTS, FAULTS, CLOCK = "/_replay/requests", "/_replay/faults", "/_replay/clock"

Middleware = Callable[["ArchiveHandler", str], bool]
"""(handler, path) -> whether it has answered the request itself; called before the request is answered."""


@dataclass(frozen=True)
class SeenRequest:
    """One request as the server saw it.

    Attributes:
        at: its arrival on the monotonic clock, in seconds.
        path: its path.
        query: its query, as it came.
        status: of the answer; 0 if there was none.
        fault: the kind of the injected fault, or "".
    """

    at: float
    path: str
    query: str
    status: int
    fault: str = ""


@dataclass
class ArchiveServer:
    """A server of one archive.

    Attributes:
        archive: what is served.
        routes: who answers which path.
        http: the HTTP server underneath.
        log: a file to which every request is appended as a line of JSON.
        max_requests_per_second: above this rate the answer is 429.
        middleware: may answer a request in the server's place.
        fault_plan: decides which requests go wrong.
        requests: the requests so far, in the order of their answers.
        lock: held while requests are noted and counted.
        arrivals: the requests of the last second that were not refused, on the monotonic clock.
    """

    archive: Archive
    routes: RouteTable
    http: ThreadingHTTPServer
    log: Path | None = None
    max_requests_per_second: float | None = None
    middleware: Middleware | None = None
    fault_plan: FaultPlan | None = None
    requests: list[SeenRequest] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    arrivals: collections.deque[float] = field(default_factory=collections.deque)

    @property
    def root(self) -> str:
        """The server's URL, without a path."""
        return f"http://127.0.0.1:{self.http.server_address[1]}"

    @property
    def urls(self) -> Mapping[str, str]:
        """`base_url` of every service that is served and has one, by its section of the config."""
        return {
            service: self.root + path for (service, key), path in self.routes.base_paths.items() if key == "base_url"
        }

    def url_of(self, service: str, url_key: str = "base_url") -> str:
        """A URL of one service, by its section of the config and the section's key."""
        return self.root + self.routes.base_paths[service, url_key]

    def served(self) -> Sequence[tuple[str, str]]:
        """Return the services, as (section of the config, key of its URL), that the server answers for."""
        if self.archive.clock is None:
            return list(self.routes.base_paths)
        keeping = {(route.service, route.url_key) for route in self.routes.routes.values() if route.keeps_clock}
        return [service for service in self.routes.base_paths if service in keeping]

    @property
    def faults(self) -> collections.Counter[str]:
        """Faults injected so far, by kind."""
        return self.fault_plan.counts if self.fault_plan else collections.Counter()

    def refuses(self, now: float) -> bool:
        """Whether a request is one too many for the second before it.

        A refused request does not count towards the rate, so refusals bring no penalty.

        Args:
            now: its arrival on the monotonic clock, in seconds.
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

    def note(self, seen: SeenRequest) -> None:
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

    def about(self, path: str) -> Mapping[str, object]:
        """Answer a question about the server itself.

        Args:
            path: REQUESTS, FAULTS or CLOCK.
        """
        if path == CLOCK:
            clock = self.archive.clock
            return (
                {"now_utc": instant(clock.now()), "speed": clock.speed} if clock else {"now_utc": None, "speed": None}
            )
        return self.faults if path == FAULTS else self.counts()


class ArchiveHandler(BaseHTTPRequestHandler):
    """Answer the GET and POST requests of one connection.

    HTTP/1.1, so that clients keep their connection.

    Attributes:
        server_of_archive: the server whose requests these are.
        fault: the kind of the injected fault of the request at hand, or "".
        pending: arrival, path and query of the request at hand, until it is noted.
    """

    protocol_version = "HTTP/1.1"
    server_version = "tradewinds-archive"
    disable_nagle_algorithm = True
    server_of_archive: ArchiveServer
    fault = ""
    pending: tuple[float, str, str] | None = None

    def do_GET(self) -> None:
        """Answer a request: about the server itself, with a refusal, a fault, or what the archive has."""
        arrived = time.monotonic()
        url, server = urlsplit(self.path), self.server_of_archive
        # questions about the server are no requests to a service: neither noted nor refused
        if url.path in (REQUESTS, FAULTS, CLOCK):
            self.pending = None
            self._send(json_answer(200, server.about(url.path)))
            return
        self.fault, self.pending = "", (arrived, url.path, url.query)
        if server.refuses(arrived):
            self._send(TOO_MANY_REQUESTS)
        elif server.middleware is None or not server.middleware(self, url.path):
            self._answer(url.path, dict(parse_qsl(url.query)))
        self.note(0)  # a request without an answer

    def do_POST(self) -> None:
        """Answer a question that is posted as a JSON object: its members are the query, as those of a GET are."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = json.loads(body)
            members = {name: str(value) for name, value in asked.items() if isinstance(value, str | int | float)}
        except (ValueError, AttributeError):
            self.send(400, TEXT, "no JSON object")
            return
        self.path = f"{urlsplit(self.path).path}?{urlencode(members)}"
        self.do_GET()

    def _answer(self, path: str, query: dict[str, str]) -> None:
        """Answer from the archive, or with the fault that the plan has for the request."""
        server = self.server_of_archive
        route = server.routes.route_of(path, query)
        fault = server.fault_plan.fault_of(self.path, path, query, route) if server.fault_plan else None
        if fault is None:
            self._send(route.answer(path, query))
        else:
            self._fail(fault)

    def _fail(self, fault: Fault) -> None:
        """Send the answer of a fault, or end the connection without one."""
        self.fault = fault.kind
        if fault.answer is not None:
            self._send(fault.answer, fault.missing_bytes)
            return
        time.sleep(fault.silent_seconds)
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client has closed the connection already
            self.connection.shutdown(socket.SHUT_RDWR)

    def note(self, status: int) -> None:
        """Remember the request at hand, once.

        It is called before the answer leaves, so that a client that has the answer finds the request counted.

        Args:
            status: of the answer; 0 for none.
        """
        if self.pending:
            self.server_of_archive.note(SeenRequest(*self.pending, status, self.fault))
            self.pending = None

    def send(self, status: int, content_type: str, body: str | bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send an answer.

        Args:
            status: the HTTP status.
            content_type: the value of the header of that name.
            body: bytes, or text that is sent as UTF-8.
            headers: further headers.
        """
        self._send(Answer(status, content_type, body, headers or {}))

    def _send(self, answer: Answer, missing_bytes: int = 0) -> None:
        """Send an answer without so many of its last bytes, which are promised; then the connection ends."""
        payload = answer.payload
        self.note(answer.status)
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(payload)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload[: len(payload) - missing_bytes])
        self.close_connection |= missing_bytes > 0

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the value of the header Date: the server's clock, if it has one.

        Args:
            timestamp: another instant to write, in Unix seconds.
        """
        clock = self.server_of_archive.archive.clock
        return super().date_time_string(clock.now() if timestamp is None and clock else timestamp)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the server notes its requests itself."""


class _Http(ThreadingHTTPServer):
    """A thread per connection; closing the server also ends the connections that clients keep."""

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
            with contextlib.suppress(OSError):  # the client has closed the connection already
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that went away is no error
            super().handle_error(request, client_address)


def make_server(
    archive: str | Path,
    *,
    port: int = 0,
    cutoff: dt.date | None = None,
    max_requests_per_second: float | None = None,
    log: Path | None = None,
    middleware: Middleware | None = None,
    faults: FaultPlan | None = None,
    clock: ServerClock | None = None,
) -> ArchiveServer:
    """A server on 127.0.0.1 that does not answer yet.

    Args:
        archive: the archive's folder.
        port: 0 for a free one.
        cutoff: the first date of a service's recent data, where the service keeps older data apart.
        max_requests_per_second: above this rate the answer is 429.
        log: a file to which every request is appended as a line of JSON.
        middleware: may answer a request in the server's place.
        faults: decides which requests go wrong.
        clock: what was known when it shows is served; None serves all that the archive has.

    Raises:
        ConfigError: the folder is no archive, or the port is taken.
    """
    opened = Archive(archive, clock)
    handler = type("BoundHandler", (ArchiveHandler,), {})
    server = ArchiveServer(
        archive=opened,
        routes=routes_of_families(opened, cutoff),
        http=_listening(port, handler),
        log=log,
        max_requests_per_second=max_requests_per_second,
        middleware=middleware,
        fault_plan=faults,
    )
    handler.server_of_archive = server  # type: ignore[attr-defined]
    return server


def _listening(port: int, handler: type[ArchiveHandler]) -> _Http:
    """An HTTP server at a port of 127.0.0.1.

    Raises:
        ConfigError: the port is taken, or this user may not listen there.
    """
    try:
        return _Http(("127.0.0.1", port), handler)
    except OSError as error:
        remedy = "--port 0 picks a free port; --port P takes another."
        raise ConfigError(f"cannot listen ({error.strerror}).", where=f"127.0.0.1:{port}", remedy=remedy) from None


@contextlib.contextmanager
def running_server(archive: str | Path, **settings: Any) -> Iterator[ArchiveServer]:
    """Serve an archive while the block runs.

    Args:
        archive: the archive's folder.
        settings: as `make_server` has them.
    """
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
    """Print the URLs of all services and serve an archive until Ctrl-C.

    Args:
        archive: the archive's folder.
        settings: as `make_server` has them.
    """
    with running_server(archive, **settings) as server:
        urls = " · ".join(f"{service}.{key} {server.url_of(service, key)}" for service, key in server.served())
        if clock := server.archive.clock:
            urls = f"{urls} · as known at {instant(clock.now())}, {clock.speed:g} s a second"
        with contextlib.suppress(KeyboardInterrupt):  # also one that comes as soon as the line is there
            print(f"serving {archive}: {urls} · Ctrl-C stops", flush=True)
            threading.Event().wait()
