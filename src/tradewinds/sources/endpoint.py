"""One service, as the client sees it: where it is, how fast it may be asked, and what it says in words of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_START = 500  # bytes at the start of an answer in which a throttle's text stands


@dataclass(frozen=True)
class ReceivedAnswer:
    """A whole answer of a service.

    Attributes:
        status: the HTTP status.
        headers: the headers.
        body: all bytes of the body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Endpoint:
    """Where a service is and how fast it may be asked: the section of the config that has its name.

    Attributes:
        base_url: the root of its paths.
        requests_per_second: the most requests in a second, over all jobs of this machine.
        max_connections: the most requests under way, over all jobs of this machine.
        timeout_seconds: how long the client waits for the next bytes.
        max_retries: how often a failed request is sent again.
    """

    base_url: str
    requests_per_second: float
    max_connections: int
    timeout_seconds: float
    max_retries: int


@dataclass(frozen=True)
class ServiceTexts:
    """What one service says in words where others say it by the status, and what its statuses mean beyond the usual.

    Attributes:
        throttled: an answer of any status that has this at its start asks to slow down: a text, or a pattern.
        nothing_there: an answer of status `nothing_there_status` that has this text means the same as 404.
        nothing_there_status: the status that goes with `nothing_there`.
        busy_seconds: how long to wait after an answer that says too many requests came, and not for how long to wait. Such a
            wait, and one that the service asks for, then hold for all jobs and in their whole length. None: only the job
            itself waits.
        stops: statuses that mean that this address is shut out, with the seconds for which it is if the service does not say.
        remedies: what to do about a status that is not tried again.
    """

    throttled: bytes | re.Pattern[bytes] | None = None
    nothing_there: bytes | None = None
    nothing_there_status: int = 400
    busy_seconds: float | None = None
    stops: Mapping[int, float] = field(default_factory=dict)
    remedies: Mapping[int, str] = field(default_factory=dict)

    def asks_to_slow_down(self, answer: ReceivedAnswer) -> bool:
        """Whether an answer says that too many requests came."""
        start = answer.body[:_START]
        if isinstance(self.throttled, bytes):
            return self.throttled in start
        return self.throttled is not None and self.throttled.search(start) is not None

    def says_nothing_there(self, answer: ReceivedAnswer) -> bool:
        """Whether an answer says in words that there is no such thing."""
        if self.nothing_there is None or answer.status != self.nothing_there_status:
            return False
        return self.nothing_there in answer.body


NO_TEXTS = ServiceTexts()
"""For a service that says all by the status."""
