"""The request budget of one service, shared by all jobs of this machine, across processes.

Each fetch job is its own process, so a limiter that lives in one process (the `ratelimit` package's decorator, say)
limits nothing here. The budget is a small folder per service: one locked file holds the instants of the
last requests; one locked file per connection bounds how many are under way. The kernel frees the locks of a killed
job. Instants are read off the system-wide monotonic clock, so setting the wall clock back changes nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

# A request may reach the server a few hundredths of a second later than it was stamped, and no 1-second window there may
# hold one too many: the window kept here is that much longer.
WINDOW_MARGIN = 1.03
# After a late start the next requests may follow closer than evenly, but never as a burst.
CLOSEST = 0.6
_POLL_SECONDS = 0.01


class Budget:
    """Hands out permissions to send one request.

    Args:
        base_url: the service; all URLs with its host and port share one budget.
        requests_per_second: the limit at the server; `max_connections`: requests under way at once.
        folder: where budgets are kept (default: one folder per user of this machine).
    """

    def __init__(
        self,
        base_url: str,
        requests_per_second: float,
        max_connections: int,
        *,
        folder: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        host = urlsplit(base_url).netloc
        base = folder or Path(tempfile.gettempdir()) / f"tradewinds-{os.getuid()}"
        self.folder = base / hashlib.sha256(host.encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.per_window = max(1, int(requests_per_second))
        self.window = self.per_window / requests_per_second * WINDOW_MARGIN
        self.spacing = CLOSEST / requests_per_second
        self.max_connections = max_connections
        self.clock, self.sleep = clock, sleep

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Wait for a connection and for the rate; the block sends one request."""
        with self._connection():
            self._wait_for_turn()
            yield

    @contextlib.contextmanager
    def _connection(self) -> Iterator[None]:
        with contextlib.ExitStack() as files:  # closing a file also unlocks it
            names = [self.folder / f"connection-{n}" for n in range(self.max_connections)]
            handles = [files.enter_context(open(name, "a")) for name in names]
            while not any(_try_lock(handle.fileno()) for handle in handles):
                self.sleep(_POLL_SECONDS)
            yield

    def _wait_for_turn(self) -> None:
        """Hold the turn's lock until this request may go, then stamp it: the stamp is as late as can be."""
        with open(os.open(self.folder / "stamps", os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            stamps = self._believable(handle.readline())  # what follows it was there before
            wait = self._ready_at(stamps) - self.clock()
            if wait > 0:
                self.sleep(wait)
            line = " ".join(f"{stamp:.6f}" for stamp in [*stamps, self.clock()][-self.per_window :])
            # one write over what was there: a job that is killed at any point leaves the old line or the new one
            os.pwrite(handle.fileno(), line.encode() + b"\n", 0)

    def _ready_at(self, stamps: list[float]) -> float:
        """When the next request may go: a window after the one that would be too many, and not on the last one's heels."""
        after_last = stamps[-1] + self.spacing if stamps else 0.0
        full = len(stamps) >= self.per_window
        return max(after_last, stamps[-self.per_window] + self.window if full else 0.0)

    def _believable(self, text: str) -> list[float]:
        """The stamps in a line; torn or foreign ones, or ones from before a reboot, are forgotten."""
        try:
            stamps = sorted(float(word) for word in text.split())
        except ValueError:
            return []
        return [stamp for stamp in stamps if 0 <= stamp <= self.clock()]


def _try_lock(fileno: int) -> bool:
    try:
        fcntl.flock(fileno, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
