"""What exchanges do about too many requests, and about countries that they do not serve, for the server of archives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence

from tradewinds.archive.archive import Archive
from tradewinds.archive.routes import TEXT, Answer, Query, json_answer
from tradewinds.families.funding_carry.archive import served_perps

TRAPS = "perp/traps.json"  # of an archive: which services are restricted, which files have a wrong checksum
IGNORED_WAITS = 3  # requests during a wait that was asked for; the next one is a ban
BAN_SECONDS = 120


class ServedLimit:
    """Count weight by windows of the clock.

    Args:
        most: weight in a window.
        seconds: length of a window.
    """

    def __init__(self, most: int, seconds: int) -> None:
        self.most, self.seconds = most, seconds
        self._window, self._spent = 0, 0
        self._lock = threading.Lock()

    def wait_for(self, weight: int) -> int:
        """Count a request, and return the seconds until it would fit; 0 if it fits."""
        now = served_perps.now_ms() // 1000
        with self._lock:
            if now // self.seconds != self._window:
                self._window, self._spent = now // self.seconds, 0
            self._spent += weight
            return (self._window + 1) * self.seconds - now if self._spent > self.most else 0

    def spent(self) -> int:
        """Return the weight that was counted in the running window."""
        now = served_perps.now_ms() // 1000
        with self._lock:
            return self._spent if now // self.seconds == self._window else 0


class Patience:
    """Refuse what is too much with 429, and ban an address that goes on asking with 418."""

    def __init__(self) -> None:
        self._until, self._ignored, self._banned_until = 0, 0, 0
        self._lock = threading.Lock()

    def answer(self, limits: Sequence[tuple[ServedLimit, int]]) -> Answer | None:
        """Return the refusal of a request; None if it may be answered.

        Args:
            limits: the limits that it counts in, with its weight in each.
        """
        now = served_perps.now_ms() // 1000
        with self._lock:
            if now < self._banned_until:
                return banned(self._banned_until - now)
            # during a wait that was asked for, requests are counted as ignoring it
            if now < self._until:
                self._ignored += 1
                if self._ignored > IGNORED_WAITS:
                    self._banned_until = now + BAN_SECONDS
                    return banned(BAN_SECONDS)
                return too_many(self._until - now)
            wait = max((limit.wait_for(weight) for limit, weight in limits), default=0)
            if not wait:
                return None
            self._until, self._ignored = now + wait, 0
            return too_many(wait)


def too_many(seconds: int) -> Answer:
    """The answer to one request too many."""
    said = "Too much request weight used; please use WebSocket Streams for live updates to avoid polling the API."
    return json_answer(429, {"code": -1003, "msg": said})._replace(headers={"Retry-After": str(seconds)})


def banned(seconds: int) -> Answer:
    """The answer to a banned address."""
    said = f"Way too much request weight used; IP banned until {served_perps.now_ms() + seconds * 1000}."
    return json_answer(418, {"code": -1003, "msg": said})._replace(headers={"Retry-After": str(seconds)})


def restricted() -> Answer:
    """The answer to a country that is not served."""
    said = "Service unavailable from a restricted location according to 'b. Eligibility' in the terms."
    return json_answer(451, {"code": 0, "msg": said})


def traps_of(archive: Archive) -> Mapping[str, Sequence[str]]:
    """Return the traps of an archive: `restricted` names services, `wrong_checksum` names zip files; empty for none."""
    path = archive.folder / TRAPS
    found: Mapping[str, Sequence[str]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def guarded(
    answer: Callable[[str, Query], Answer], service: str, traps: Mapping[str, Sequence[str]]
) -> Callable[[str, Query], Answer]:
    """Return a function that answers, unless the traps restrict the service or the archive has not all that is asked for."""

    def guard(path: str, query: Query) -> Answer:
        if service in traps.get("restricted", ()):
            return restricted()
        try:
            return answer(path, query)
        except served_perps.BeyondArchive as error:
            return Answer(416, TEXT, str(error))

    return guard
