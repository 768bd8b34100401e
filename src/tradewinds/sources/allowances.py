"""Allowances of a service, shared by all jobs of this machine: so much weight within so many seconds.

Some services count requests by what they cost, over a minute or several, beside their rate of a second. A locked file for each
allowance holds the instants and weights of the requests in its window. A process also remembers its own requests, so that a
file that is lost permits no process more than the allowance.

A service may count by minutes of the clock: no minute of the clock holds more than the longest window that slides. What a
service says it has counted (a header of its answers) is noted too, so that requests of other programs count.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tradewinds.sources.private_files import open_private

NO_COSTS: Mapping[str, int] = {}

Spent = list[tuple[float, int]]
"""(instant, weight) of requests, in order."""


@dataclass(frozen=True)
class Allowance:
    """What a service permits of one kind of requests.

    Attributes:
        name: what is counted; requests name it with their weight.
        most: the sum of weights that it permits in the window.
        seconds: length of the window.
        header: header of an answer that says how much this address has spent since the window of the clock began; "" for none.
    """

    name: str
    most: int
    seconds: float
    header: str = ""


class Allowances:
    """What has been spent of a service's allowances. The caller holds a lock that lets one process in at a time.

    Args:
        folder: a private folder of the service.
        allowances: what the service permits.
        margin: a window is longer by this factor.
        latest_arrival: seconds after its permission by which a request has reached the service.
    """

    def __init__(self, folder: Path, allowances: Sequence[Allowance], margin: float, latest_arrival: float) -> None:
        self._known = {each.name: each for each in allowances}
        self._windows = {each.name: each.seconds * margin + latest_arrival for each in allowances}
        self._paths = {
            name: folder / f"allowance-{hashlib.sha256(name.encode()).hexdigest()[:16]}" for name in self._known
        }
        self._own: dict[str, Spent] = {name: [] for name in self._known}

    def ready_at(self, costs: Mapping[str, int], now: float) -> float:
        """Return the instant at which requests of these costs may go; `now` or earlier if they may go now.

        Args:
            costs: weight by name of the allowance. One that is larger than the allowance waits for an empty window.
            now: the current instant.
        """
        ready = 0.0
        for name, weight in costs.items():
            spent, most = self._spent(name, now), self._known[name].most
            # the earliest instant at which so much has left the window that the weight fits
            excess = sum(cost for _, cost in spent) + min(weight, most) - most
            for at, cost in spent:
                if excess <= 0:
                    break
                excess -= cost
                ready = max(ready, at + self._windows[name])
        return ready

    def note(self, costs: Mapping[str, int], now: float) -> None:
        """Note a request that goes now, for all jobs.

        Args:
            costs: weight by name of the allowance.
            now: the instant of its permission.
        """
        for name, weight in costs.items():
            spent = [*self._spent(name, now), (round(now, 6), weight)]
            self._own[name] = [*self._own[name], spent[-1]]
            line = " ".join(f"{at:.6f} {cost}" for at, cost in spent).encode() + b"\n"
            with open_private(self._paths[name], "r+") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX)
                # one write over what was there: a job that is killed at any point leaves the old line or the new one
                os.pwrite(handle.fileno(), line, 0)

    def note_reported(self, name: str, spent: int, since: float, now: float) -> int:
        """Note what a service says was spent beyond what these jobs have, for all jobs: other programs spend, too.

        Args:
            name: the allowance.
            spent: what the service has counted since its window began.
            since: an instant at or before the beginning of that window; what these jobs spent after it is in `spent`.
            now: the current instant.

        Returns:
            How much was noted; 0 if these jobs know of at least as much.
        """
        known = sum(cost for at, cost in self._spent(name, now) if at >= since)
        beyond = max(0, min(spent, self._known[name].most) - known)
        if beyond:
            self.note({name: beyond}, now)
        return beyond

    def _spent(self, name: str, now: float) -> Spent:
        """Return the requests of an allowance's window: those in the file, and this process's own."""
        with open_private(self._paths[name], "r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            found = _parse(handle.readline(), now)
        start = now - self._windows[name]
        self._own[name] = [each for each in self._own[name] if each[0] > start]
        in_file = set(found)
        lost = [each for each in self._own[name] if each not in in_file]
        return sorted(each for each in [*found, *lost] if each[0] > start)


def _parse(line: str, now: float) -> Spent:
    """Return the requests that a line holds; none if it is torn, foreign or from before a reboot."""
    words = line.split()
    try:
        pairs = [(float(at), int(cost)) for at, cost in zip(words[::2], words[1::2], strict=True)]
    except ValueError:
        return []
    return [(at, cost) for at, cost in pairs if 0 <= at <= now + 1e-6 and cost >= 0]
