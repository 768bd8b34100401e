"""One service, as the client sees it: where it is, how fast it may be asked, and what it says in words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
    """What one service says in words where others say it by the status.

    Attributes:
        throttled: an answer of any status that has this text at its start asks to slow down.
        nothing_there: an answer of status `nothing_there_status` that has this text means the same as 404.
        nothing_there_status: the status that goes with `nothing_there`.
    """

    throttled: bytes | None = None
    nothing_there: bytes | None = None
    nothing_there_status: int = 400

    def asks_to_slow_down(self, answer: ReceivedAnswer) -> bool:
        """Whether an answer says that too many requests came."""
        return self.throttled is not None and self.throttled in answer.body[:_START]

    def says_nothing_there(self, answer: ReceivedAnswer) -> bool:
        """Whether an answer says in words that there is no such thing."""
        if self.nothing_there is None or answer.status != self.nothing_there_status:
            return False
        return self.nothing_there in answer.body


NO_TEXTS = ServiceTexts()
"""For a service that says all by the status."""
