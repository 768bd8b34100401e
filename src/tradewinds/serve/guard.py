"""Checks of every request before the application sees it, and headers of every answer.

A server on 127.0.0.1 has no password, so a web page elsewhere must not reach it through its reader's browser: by a name that
resolves to this machine (DNS rebinding: the Host header is checked), by a form (nothing but GET and HEAD is answered), or
by showing or reading it (frame-ancestors, same-origin policies, no CORS).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})


def is_api(path: str) -> bool:
    """Whether an address is of the API, whose answers programs read."""
    return path.startswith("/api/") or path == "/openapi.json"


class Guard:
    """An application around the application, which refuses requests and adds headers.

    Args:
        app: the application.
        host: the address at which the server listens.
    """

    def __init__(self, app: ASGIApp, host: str) -> None:
        self.app = app
        self.open_to_all = _is_wildcard(host)
        self.names = LOCAL | {host.lower(), *([socket.gethostname().lower()] if self.open_to_all else [])}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on as a GET and add headers to its answer; the server leaves out the body of a HEAD."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self._refusal(scope) or _without_blanks(scope) or self.app
        await answer(dict(scope, method="GET"), receive, send_guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._is_ours(_name_of(hosts[0])):
            return PlainTextResponse("This server answers to its own address only.\n", 400)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Nothing can be changed here.\n", 405, {"Allow": "GET, HEAD"})
        return None

    def _is_ours(self, name: str) -> bool:
        """Whether no other web site can have a name: it is this machine's, or an IP address."""
        return name in self.names or (self.open_to_all and _is_address(name))


def _without_blanks(scope: Scope) -> Response | None:
    """A redirect to the address without empty parameters, which forms send; None if there are none."""
    if is_api(scope["path"]):
        return None
    given = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    kept = [(name, value) for name, value in given if value.strip()]
    return None if kept == given else RedirectResponse(f"?{urlencode(kept)}", 303)


def _name_of(host: str) -> str:
    """A Host header without its port and the brackets of IPv6; "" if it is none."""
    found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([^\[\]:]+))(?::\d*)?", host.lower())
    return (found[1] or found[2]) if found else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_wildcard(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def is_local(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    return host in LOCAL or (_is_address(host) and ipaddress.ip_address(host).is_loopback)
