"""When a service's host may be asked again, shared by all jobs of this machine: a pause, or a stop.

A pause is a wait that the service asked for: jobs wait it out. A stop is a ban of this address: jobs end with an error, since
a request during a ban makes it longer.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from tradewinds.sources.private_files import open_private

LONGEST_STOP_SECONDS = (
    4 * 86_400.0
)  # no service bans an address for longer; a later end is from a clock that was set back
LONGEST_PAUSE_SECONDS = 3600.0  # a later end is from before a reboot


class SharedStops:
    """The pause and the stop of one host.

    Args:
        folder: a private folder of the host.
        clock: the current instant of the system-wide monotonic clock, in which pauses are counted.
        wall_clock: Unix seconds, in which stops are counted: they outlast a reboot.
    """

    def __init__(self, folder: Path, clock: Callable[[], float], wall_clock: Callable[[], float] = time.time) -> None:
        self._pause, self._stop = folder / "pause", folder / "stop"
        self._clock, self._wall_clock = clock, wall_clock

    def pause(self, seconds: float) -> None:
        """Let all jobs wait for so many seconds from now on; a longer pause that is there stays."""
        _raise_to(self._pause, self._clock() + min(seconds, LONGEST_PAUSE_SECONDS))

    def paused_until(self) -> float:
        """Return the instant at which the pause ends, on the monotonic clock; 0 without one."""
        return _end_of(self._pause, self._clock(), LONGEST_PAUSE_SECONDS)

    def stop(self, seconds: float) -> float:
        """Let no job ask for so many seconds from now on, and return the end in Unix seconds."""
        end = self._wall_clock() + min(seconds, LONGEST_STOP_SECONDS)
        _raise_to(self._stop, end)
        return end

    def stopped_until(self) -> float:
        """Return the Unix seconds at which the stop ends; 0 if there is none or it is over."""
        return _end_of(self._stop, self._wall_clock(), LONGEST_STOP_SECONDS)


def _end_of(path: Path, now: float, longest: float) -> float:
    """Return the end that a file holds; 0 if it is over or cannot be one."""
    if not path.exists():
        return 0.0
    with open_private(path, "r+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        end = _number(handle.readline())
    return end if now < end <= now + longest else 0.0


def _raise_to(path: Path, end: float) -> None:
    """Store an end, unless a later one is there."""
    with open_private(path, "r+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        end = max(end, _number(handle.readline()))
        os.pwrite(handle.fileno(), f"{end:.6f}\n".encode(), 0)


def _number(line: str) -> float:
    """Return the number of a line; 0 if it holds none."""
    try:
        return float(line)
    except ValueError:
        return 0.0
