"""The request budget of one service, shared by all jobs of this machine, across processes.

Each fetch job is its own process, so a limiter that lives in one process cannot keep the rate of all of them. The budget
is a small folder per service. One locked file holds the instants of the last requests; one locked file per
connection bounds how many requests are under way. The kernel frees the locks of a killed job. Instants are of the
system-wide monotonic clock, so setting the wall clock back changes nothing.

The limit is on arrivals at the server, which the client cannot see. The client knows two bounds: a request arrives no earlier
than its permission plus the way there, and no later than the beginning of its answer less the way back. A window is therefore
counted from the beginning of an answer to the permission of the request that would be one too many, and both ways together
may be taken off it. Taken off are three quarters of the shortest round trip seen, as there may be shorter ones.

Below the budget each process has a ceiling of its own (the `ratelimit` package). It counts the permissions that the budget
gives this process, in windows a little shorter than the budget's, so it delays nothing that a whole file permits. A
file that is lost, or cut short by a job with another rate, permits more; then the ceiling keeps the average rate of each
process (docs/decisions/0005-a-ceiling-for-each-process.md).

Beside the rate there may be allowances (allowances.py): so much weight within a minute, say. A request that waits for its
allowance lets others go first, whose allowances permit them. A pause that a service asked for holds for all jobs.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ratelimit import RateLimitException, limits

from tradewinds.sources.allowances import NO_COSTS, Allowance, Allowances
from tradewinds.sources.private_files import make_private, open_private, private_folder
from tradewinds.sources.shared_stops import SharedStops

# Clocks and sleeps are not exact to the last digit, so the window is a little longer than the service's.
WINDOW_MARGIN = 1.005
# A request arrives some time between the permission and the first byte of its answer. One that is not answered within this
# time is taken to have arrived by then, so that a slow service is still asked at its full rate.
LATEST_ARRIVAL_SECONDS = 0.25
# The share of the shortest round trip seen that every round trip is assumed to take.
SURE_OF_ROUND_TRIP = 0.75
# After a late start the next requests may follow closer than evenly, but never as a burst.
CLOSEST = 0.6
# Requests that arrived so long ago count in no window of more than one request (these last a second, and the margin).
KEPT_SECONDS = 1.1
_POLL_SECONDS = 0.01
_WAITING_SECONDS = 1.0  # between two looks at an allowance that is spent, or at a pause
_ROUNDING = 1e-6

logger = logging.getLogger(__name__)


@dataclass
class _SentRequests:
    """The last requests of all jobs to a service.

    Attributes:
        fastest: the shortest round trip in seconds.
        sent: when each of the last requests was permitted.
        arrived: when each of them had arrived at the latest.
    """

    fastest: float = math.inf
    sent: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)

    @classmethod
    def parse(cls, text: str, now: float) -> _SentRequests:
        """The requests that a line holds; none if the line is torn, foreign or from before a reboot.

        Args:
            text: the line.
            now: the current instant; later permissions are left out.
        """
        try:
            fastest, *stamps = (float(word) for word in text.split())
        except ValueError:
            return cls()
        pairs = [
            (s, a) for s, a in zip(stamps[::2], stamps[1::2], strict=False) if 0 <= s <= now + _ROUNDING and s <= a
        ]
        pairs = [(s, min(a, s + LATEST_ARRIVAL_SECONDS)) for s, a in pairs]
        return cls(fastest if fastest >= 0 else math.inf, [s for s, _ in pairs], [a for _, a in pairs])

    def line(self, keep: int, now: float) -> bytes:
        """The line to store.

        Other jobs may ask the same service at another rate. A window of more than one request lasts a second, so what arrived
        in the last KEPT_SECONDS stays for all of them, and the last request for those with longer windows.

        Args:
            keep: how many of the requests that arrived last this job needs itself, whenever that was.
            now: the current instant.
        """
        pairs = sorted(zip(self.sent, self.arrived, strict=True), key=lambda pair: pair[1])
        pairs = [pair for n, pair in enumerate(pairs) if n >= len(pairs) - keep or pair[1] > now - KEPT_SECONDS]
        return " ".join([f"{self.fastest:.6f}", *(f"{s:.6f} {a:.6f}" for s, a in pairs)]).encode() + b"\n"


class Permission:
    """One request that may be sent now.

    Args:
        budget: the budget that permits it.
        sent: the instant of the permission.
    """

    def __init__(self, budget: Budget, sent: float) -> None:
        self._budget, self._sent, self._open = budget, sent, True

    @property
    def sent(self) -> float:
        """The instant of the permission."""
        return self._sent

    def answered(self) -> None:
        """Tell the budget that the answer begins, so the request has arrived and its round trip is known."""
        self._close(answered=True)

    def _close(self, *, answered: bool) -> None:
        if self._open:
            self._open = False
            self._budget._note_arrival(self._sent, answered=answered)


class Budget:
    """Permit requests to one service, one at a time, within a rate and a number of connections.

    Args:
        base_url: the service; all URLs with its host and port share one budget.
        requests_per_second: the limit at the server.
        max_connections: the most requests under way.
        allowances: what else the service counts.
        folder: where budgets are kept; by default a folder of this user of this machine (`private_folder`).
        clock: the current instant in seconds, the same for all jobs.
        sleep: waits so many seconds.

    Raises:
        ConfigError: the folder can be read or written by other users, or could have been made by one.
    """

    def __init__(
        self,
        base_url: str,
        requests_per_second: float,
        max_connections: int,
        *,
        allowances: Sequence[Allowance] = (),
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        host = urlsplit(base_url).netloc.rpartition("@")[2]
        name = hashlib.sha256(host.encode()).hexdigest()[:16]
        self.folder = make_private((folder or private_folder()) / name)
        self.per_window = max(1, int(requests_per_second))
        self.window = self.per_window / requests_per_second * WINDOW_MARGIN
        self.spacing = CLOSEST / requests_per_second
        self.max_connections = max_connections
        self.clock, self.sleep = clock, sleep
        self.allowances = Allowances(self.folder, allowances, WINDOW_MARGIN, LATEST_ARRIVAL_SECONDS)
        self.stops = SharedStops(self.folder, clock)
        # The ceiling counts a permission at the instant that the file has for it, so a pause of the process between two
        # readings of the clock cannot make the ceiling stricter than the budget.
        self._now = clock()
        ceiling = limits(calls=self.per_window, period=self.per_window / requests_per_second, clock=lambda: self._now)
        self._permit: Callable[[_SentRequests], float] = ceiling(self._note_permission)

    @contextlib.contextmanager
    def slot(self, costs: Mapping[str, int] = NO_COSTS) -> Iterator[Permission]:
        """Wait for a connection, for the rate and for the allowances, and permit one request.

        The block sends the request and calls `answered` on the permission when the answer begins.

        Args:
            costs: what the request weighs, by name of the allowance.
        """
        with self._connection():
            permission = Permission(self, self._wait_for_turn(costs))
            try:
                yield permission
            finally:
                permission._close(answered=False)

    def note_reported(self, reported: Mapping[str, int], sent: float, since_start: Mapping[str, float]) -> None:
        """Note what the service says this address has spent, so that all jobs keep in step with its count.

        Args:
            reported: by name of the allowance: what it has counted in its window of the clock.
            sent: the instant at which the request was permitted that was answered so.
            since_start: by name: how long that window had lasted when the service answered; seconds.
        """
        with open_private(self.folder / "turn", "a") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            for name, spent in reported.items():
                beyond = self.allowances.note_reported(name, spent, sent - since_start[name], self.clock())
                if beyond:
                    logger.info("%s: the service has counted %d, %d more than these jobs sent", name, spent, beyond)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[None]:
        """Hold one of the connections while the block runs; wait for one if all are held."""
        with contextlib.ExitStack() as files:  # closing a file also unlocks it
            names = [self.folder / f"connection-{n}" for n in range(self.max_connections)]
            handles = [files.enter_context(open_private(name, "a")) for name in names]
            while not any(_try_lock(handle.fileno()) for handle in handles):
                self.sleep(_POLL_SECONDS)
            yield

    def _wait_for_turn(self, costs: Mapping[str, int]) -> float:
        """Wait until pause, allowances and rate let a request go, note it for all jobs, and return its instant."""
        while True:
            with open_private(self.folder / "turn", "a") as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                now = self.clock()
                ready = max(self.stops.paused_until(), self.allowances.ready_at(costs, now))
                if ready <= now:
                    sent = self._wait_for_rate()
                    self.allowances.note(costs, sent)
                    return sent
            self.sleep(min(ready - now, _WAITING_SECONDS))

    def _wait_for_rate(self) -> float:
        """Wait until the rate lets a request go, note it in the file of requests, and return its instant."""
        while True:
            with self._shared_requests() as requests:
                self._now = self.clock()
                wait = self._ready_at(requests) - self._now
                if wait <= 0:
                    try:
                        return self._permit(requests)
                    except RateLimitException as refusal:  # the file has lost requests of this process
                        wait = refusal.period_remaining
            # an answer that begins meanwhile may make this wait shorter
            self.sleep(min(wait, _POLL_SECONDS))

    def _note_permission(self, requests: _SentRequests) -> float:
        """Note for all jobs a request that goes now, and return its instant."""
        requests.sent.append(self._now)
        requests.arrived.append(self._now + LATEST_ARRIVAL_SECONDS)
        return self._now

    def _note_arrival(self, sent: float, *, answered: bool) -> None:
        """Note for all jobs that a request has arrived by now, with its round trip if it was answered."""
        with self._shared_requests() as requests:
            elapsed = self.clock() - sent
            if answered:
                requests.fastest = min(requests.fastest, elapsed)
            way = SURE_OF_ROUND_TRIP * requests.fastest if answered else 0.0
            stamp = round(sent, 6)
            if stamp in requests.sent:  # otherwise so many went since that it no longer matters
                requests.arrived[requests.sent.index(stamp)] = sent + min(elapsed - way, LATEST_ARRIVAL_SECONDS)

    @contextlib.contextmanager
    def _shared_requests(self) -> Iterator[_SentRequests]:
        """Lock the shared file of requests while the block runs, and store what the block leaves in it."""
        with open_private(self.folder / "stamps", "r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            now = self.clock()
            requests = _SentRequests.parse(handle.readline(), now)
            before = requests.line(self.per_window, now)
            yield requests
            if (line := requests.line(self.per_window, now)) != before:
                # one write over what was there: a job that is killed at any point leaves the old line or the new one
                os.pwrite(handle.fileno(), line, 0)

    def _ready_at(self, requests: _SentRequests) -> float:
        """The instant at which the next request may go: a window after enough others arrived, and not right after the last."""
        after_last = max(requests.sent) + self.spacing if requests.sent else 0.0
        if len(requests.arrived) < self.per_window:
            return after_last
        return max(after_last, sorted(requests.arrived)[-self.per_window] + self.window)


def _try_lock(fileno: int) -> bool:
    """Lock an open file if no other process holds it; return whether it is locked now."""
    try:
        fcntl.flock(fileno, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
