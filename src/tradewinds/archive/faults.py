"""Faults of an archive's server: what goes wrong on a long backfill, chosen from a seed.

A fault depends on the seed, the request and how often the request was seen, never on the order in which requests arrive. So
the same seed gives the same faults again. The kinds here can happen to the answer of any route; a route may name more
(`Route.faults`), which change what it answers.
"""

from __future__ import annotations

import collections
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from tradewinds.archive.routes import JSON, TEXT, Answer, Query, Route, RouteFault

MOST_IN_A_ROW = 3  # then a request gets a good answer, so that the default of 6 retries always suffices
STALL_SECONDS = 35.0  # longer than the default timeout of any service

_HTML = "text/html"
_PAGE = "<!DOCTYPE html>\n<html><head><title>Just a moment…</title></head><body>We will be back soon.</body></html>\n"

TOO_MANY_REQUESTS = Answer(429, JSON, '{"error":"too many requests"}')

INSTEAD: dict[str, Answer] = {
    "429": TOO_MANY_REQUESTS,
    "500_json": Answer(500, JSON, '{"error":{"code":"internal_server_error","message":"internal server error"}}'),
    "500_text": Answer(500, TEXT, "upstream connect error or disconnect/reset before headers"),
    "502_json": Answer(502, JSON, '{"message":null}'),
    "502_html": Answer(502, _HTML, _PAGE),
    "503_json": Answer(503, JSON, '{"error":{"code":"service_unavailable","message":"service unavailable"}}'),
    "503_text": Answer(503, TEXT, ""),
    "200_html": Answer(200, _HTML, _PAGE),
    "200_empty": Answer(200, JSON, ""),
    "200_nested": Answer(200, JSON, "[" * 200_000),
    "200_nonsense": Answer(200, JSON, "\x00ÿ\ufffd" * 250_000),
}
"""Kinds of faults that answer something else, whatever was asked."""

WEIGHTS: dict[str, float] = {
    **dict.fromkeys((*INSTEAD, "short_body", "dropped", "stalled", "truncated"), 1.0),
    **dict.fromkeys(("200_nested", "200_nonsense"), 0.5),  # these three cost time
    "stalled": 0.1,
}
"""The kinds that any route can have, with how often they come."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one request.

    Attributes:
        kind: its name.
        answer: what is sent; None if the connection ends without an answer.
        missing_bytes: how many of the answer's last bytes are not sent before the connection ends.
        silent_seconds: how long the server is silent before it ends the connection.
    """

    kind: str
    answer: Answer | None = None
    missing_bytes: int = 0
    silent_seconds: float = 0.0


class FaultPlan:
    """Decide for each request whether it goes wrong and how, and count the faults.

    Args:
        rate: share of requests that go wrong, 0 to 1.
        seed: the same seed gives the same faults.
        stall_seconds: how long a stalled connection is silent; more than the client's timeout.

    Attributes:
        counts: faults so far, by kind.
    """

    def __init__(self, rate: float, seed: int = 0, *, stall_seconds: float = STALL_SECONDS) -> None:
        self.rate, self.seed, self.stall_seconds = rate, seed, stall_seconds
        self.counts: collections.Counter[str] = collections.Counter()
        self._lock = threading.Lock()
        self._history: dict[str, tuple[int, int]] = {}  # request -> (times seen, faults in a row up to now)

    def decide(self, request: str, weights: Mapping[str, float]) -> str | None:
        """Choose the fault of a request that is seen once more.

        Args:
            request: its path and query.
            weights: the kinds of faults that it can have, with how often they come.

        Returns:
            The kind; None for a good answer.
        """
        with self._lock:
            seen, row = self._history.get(request, (0, 0))
            dice = random.Random(f"{self.seed} {seen} {request}")
            wrong = row < MOST_IN_A_ROW and dice.random() < self.rate
            self._history[request] = (seen + 1, row + 1 if wrong else 0)
        return dice.choices([*weights], [*weights.values()])[0] if wrong else None

    def fault_of(self, request: str, path: str, query: Query, route: Route) -> Fault | None:
        """The fault of a request that is seen once more.

        Args:
            request: its path and query, as they came.
            path: its path.
            query: its query.
            route: the route that answers it.

        Returns:
            The fault, which is counted; None for a good answer, also where the answer cannot have the kind that was chosen.
        """
        own = route.faults(path)
        kind = self.decide(request, WEIGHTS | {name: fault.weight for name, fault in own.items()})
        fault = None if kind is None else self._fault(kind, path, query, route, own)
        if fault is not None:
            with self._lock:
                self.counts[fault.kind] += 1
        return fault

    def _fault(self, kind: str, path: str, query: Query, route: Route, own: Mapping[str, RouteFault]) -> Fault | None:
        """A fault of this kind; None where the answer to this request cannot have it."""
        if kind in INSTEAD:
            return Fault(kind, INSTEAD[kind])
        if kind in ("dropped", "stalled"):
            return Fault(kind, silent_seconds=self.stall_seconds if kind == "stalled" else 0.0)
        good = route.answer(path, query)
        if kind == "short_body":
            return Fault(kind, good, missing_bytes=len(good.payload) // 2 + 1)
        spoilt = _truncated(good) if kind == "truncated" else own[kind].spoil(good, path, query)
        return None if spoilt is None else Fault(kind, spoilt)


def _truncated(answer: Answer) -> Answer | None:
    """JSON cut in the middle; Content-Length agrees with the cut, so only the JSON is broken."""
    if answer.status != 200 or answer.content_type != JSON:
        return None
    return answer._replace(body=answer.body[: len(answer.body) // 2])
