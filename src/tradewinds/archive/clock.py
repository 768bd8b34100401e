"""The clock of an archive's server: it serves what was known then, and nothing of later."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable


class ServerClock:
    """A clock that begins at an instant of the past and runs at a speed.

    Args:
        start: its first instant.
        speed: seconds of it in a second of real time; 0 for a clock that stands still until it is set.
        monotonic: the real time in seconds.
    """

    def __init__(self, start: dt.datetime, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.speed, self._monotonic = speed, monotonic
        self._lock = threading.Lock()
        self._began, self._start = monotonic(), start.timestamp()

    def now(self) -> int:
        """Return the clock's instant in whole Unix seconds, rounded down."""
        with self._lock:
            return int(self._start + (self._monotonic() - self._began) * self.speed)

    def move_to(self, instant: dt.datetime) -> None:
        """Set the clock; it runs on from there.

        Args:
            instant: what it shows now. A server has no memory of what it showed before, so it may be earlier, too.
        """
        with self._lock:
            self._began, self._start = self._monotonic(), instant.timestamp()

    @property
    def moment(self) -> dt.datetime:
        """The clock's instant."""
        return dt.datetime.fromtimestamp(self.now(), dt.UTC)
