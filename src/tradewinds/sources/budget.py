"""The request budget of one service, shared by all jobs of this machine, across processes.

Each fetch job is its own process, so a limiter that lives in one process (the `ratelimit` package's decorator, say)
limits nothing here. The budget is a small folder per service: one locked file holds the instant at which the next
request may start; one locked file per connection bounds how many are under way. The kernel frees the locks of a killed
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

# Requests leave evenly spaced, a little further apart than the limit asks: a request may reach the server a few
# hundredths of a second later than it was stamped, and no 1-second window there may hold one too many.
SPACING_MARGIN = 1.03
_POLL_SECONDS = 0.01
_LONGEST_BELIEVED_SECONDS = 120.0


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
        self.spacing = SPACING_MARGIN / requests_per_second
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
        with open(self.folder / "next", "a+", encoding="ascii") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            handle.seek(0)
            wait = self._ready_at(handle.read()) - self.clock()
            if wait > 0:
                self.sleep(wait)
            handle.truncate(0)
            handle.write(f"{self.clock() + self.spacing:.6f}")

    def _ready_at(self, text: str) -> float:
        """The stamp in the file; a torn or foreign one, or one from before a reboot, never blocks for long."""
        try:
            stamp = float(text)
        except ValueError:
            return 0.0
        return stamp if stamp <= self.clock() + max(self.spacing, _LONGEST_BELIEVED_SECONDS) else 0.0


def _try_lock(fileno: int) -> bool:
    try:
        fcntl.flock(fileno, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
