"""Routes: how a family of markets answers from an archive, in place of the services that its jobs call.

A family offers its routes (`Family.archive_routes`, families/contract.py); the server of archives looks up the route of a
request's path and knows nothing more of it. A route may also name faults that only its answers can have.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from tradewinds.archive.archive import Archive
from tradewinds.config import markets

JSON, TEXT = "application/json", "text/plain"

Query = Mapping[str, str]
_NO_QUERY: Query = {}


class Answer(NamedTuple):
    """An answer to one request.

    Attributes:
        status: the HTTP status.
        content_type: the value of the header of that name.
        body: bytes, or text that is sent as UTF-8.
        headers: further headers.
    """

    status: int
    content_type: str
    body: str | bytes
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def payload(self) -> bytes:
        """The bytes of the body."""
        return self.body.encode() if isinstance(self.body, str) else self.body


Spoil = Callable[[Answer, str, Query], Answer | None]
"""(good answer, path, query) -> the answer with a fault; None if this answer cannot have the fault."""


class RouteFault(NamedTuple):
    """A fault that only some routes can have.

    Attributes:
        spoil: makes the answer with the fault from the good one.
        weight: how often the fault comes; the faults of any route have about 1.
    """

    spoil: Spoil
    weight: float = 1.0


def no_faults(path: str) -> Mapping[str, RouteFault]:
    """No fault beyond those of any route."""
    return {}


@dataclass(frozen=True)
class Route:
    """What a server of archives answers to the requests of some paths.

    Attributes:
        service: the section of the config whose service is replaced.
        answer: (path, query) -> the answer. Of a posted JSON object the query has the members that are texts or numbers.
        base_path: what the service's URL has after host and port.
        faults: path -> the faults that only this route can have, by kind.
        url_key: the key of the section that has this URL.
        keeps_clock: whether the answers have nothing that was not known at the clock of the archive, if it has one.
    """

    service: str
    answer: Callable[[str, Query], Answer]
    base_path: str = ""
    faults: Callable[[str], Mapping[str, RouteFault]] = no_faults
    url_key: str = "base_url"
    keeps_clock: bool = False


class RouteTable:
    """The routes of a server, by path.

    Args:
        routes: a path ending in "/" stands for all paths below it, another one for itself. Behind a path may stand
            "?name=value": the requests whose query has it.
    """

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.routes = routes
        self.base_paths = {(route.service, route.url_key): route.base_path for route in routes.values()}

    def route_of(self, path: str, query: Query = _NO_QUERY) -> Route:
        """The route of a request; if several fit, the one that says most of it. Else one that answers 404."""
        fits = (key for key in self.routes if _fits(key, path, query))
        longest = max(fits, key=len, default=None)
        return _NOWHERE if longest is None else self.routes[longest]


def _fits(key: str, path: str, query: Query) -> bool:
    """Whether a route's key stands for a request."""
    wanted, _, condition = key.partition("?")
    name, _, value = condition.partition("=")
    is_path = path == wanted or (wanted.endswith("/") and path.startswith(wanted))
    return is_path and (not condition or query.get(name) == value)


_NOWHERE = Route("", lambda path, query: Answer(404, TEXT, "not found"))


def _no_clock(path: str, query: Query) -> Answer:
    """Refuse a request whose answer could tell what was not known at the server's clock."""
    return Answer(501, TEXT, "this server has a clock (--now), and this service is not served as it was known then")


def routes_of_families(archive: Archive, cutoff: dt.date | None) -> RouteTable:
    """The routes of all families of markets over an archive.

    Args:
        archive: an archive; it may have data of one family only.
        cutoff: the first date of a service's recent data, where the service keeps older data apart.

    Raises:
        ValueError: two families want the same path, or give the same service two addresses.
    """
    found: dict[str, Route] = {}
    for family in map(markets.family_of, markets.NAMES):
        for path, route in family.archive_routes(archive, cutoff).items():
            if path in found:
                raise ValueError(f"two families answer {path}")
            found[path] = route if archive.clock is None or route.keeps_clock else replace(route, answer=_no_clock)
    table = RouteTable(found)
    for route in found.values():
        if route.base_path != table.base_paths[route.service, route.url_key]:
            raise ValueError(f"{route.service} has two addresses")
    return table


def json_answer(status: int, shown: Any) -> Answer:
    """An answer that shows an object as JSON, without spaces."""
    return Answer(status, JSON, json.dumps(shown, separators=(",", ":")))
