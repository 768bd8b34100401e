"""The one polite HTTP client, for every service: paced, patient, exact, and loud when an answer is not what it should be.

What is tried again and what is not is data (the constants below). Decimals in JSON stay decimals.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

import requests

from tradewinds import __version__
from tradewinds.core.errors import FetchError
from tradewinds.sources.budget import Budget, Permission

logger = logging.getLogger(__name__)

RETRY_STATUS = frozenset({429, 500, 502, 503, 504})
RETRY_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
MOST_BYTES = 64 * 2**20  # the largest honest answers (a year of the blend's guidance, a full page of markets) are 5 MB
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_CAP_SECONDS = 30.0
NOTHING_THERE = b"Data doesn't exist for startDate"  # the chart API says so with status 400 of a time before a listing
THROTTLE_TEXT = b"Too many requests from your IP"  # the weather service says so with status 429 or 200

_SECRET = re.compile(r"(?i)((?:key|token|secret|signature|password)[^=&\s]*=)[^&\s]+")

_PIECE = 2**18
TRICKLE_TIMEOUTS = 10  # an answer may take this many timeouts in all

Signer = Callable[[str, str], Mapping[str, str]]
"""(method, path) → headers that sign a request."""


class NotFound(Exception):
    """The service answers 404, or says it in other words: it has no such thing (or has it elsewhere)."""


class _TryAgain(Exception):
    """A failure that may pass; `wait` is the service's own wish in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True)
class Answer:
    """A whole answer of a service."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Service:
    """How to talk to a service: the config's section of its name."""

    base_url: str
    requests_per_second: float
    max_connections: int
    timeout_seconds: float
    max_retries: int


class HttpClient:
    """GET requests to one service.

    `requests` and `retries` count what this client has sent.

    Args:
        service: where and how fast.
        budget: shared permission to send; `sleep` and `jitter` are replaced in tests.
        signer: adds authentication headers, if any.
    """

    def __init__(
        self,
        service: Service,
        *,
        budget: Budget | None = None,
        session: requests.Session | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        signer: Signer | None = None,
    ) -> None:
        self.service = service
        self.root = service.base_url.rstrip("/")
        self.budget = budget or Budget(self.root, service.requests_per_second, service.max_connections)
        self.session = session or requests.Session()
        self.session.headers.update({"User-Agent": f"tradewinds/{__version__}", "Accept-Language": "en"})
        self.sleep, self.jitter, self.signer = sleep, jitter, signer
        self.requests = self.retries = 0

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The decoded answer; numbers with a fraction are Decimal.

        Raises:
            NotFound: status 404.
            FetchError: refused, or still failing after all retries.
        """
        return self._get(path, params or {}, _decode_json)

    def get_text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The answer as text; raises as `get_json`."""
        text: str = self._get(path, params or {}, _decode_text)
        return text

    def _get(self, path: str, params: Mapping[str, Any], decode: Callable[[Answer], Any]) -> Any:
        last = _TryAgain("never tried")
        for attempt in range(self.service.max_retries + 1):
            if attempt:
                self.retries += 1
                self.sleep(self._backoff(attempt, last.wait))
            try:
                return self._send(path, params, decode, attempt)
            except _TryAgain as failure:
                last = failure
        raise FetchError(
            f"no usable answer after {self.service.max_retries + 1} tries; the last one: {last}.",
            where=f"GET {self._shown(path, params)}",
            remedy="Finished files are kept: run the same command again to go on where this stopped.",
        )

    def _backoff(self, attempt: int, wished: float | None) -> float:
        """Exponential with full jitter, never less than the service asks for."""
        ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** (attempt - 1))
        wait: float = ceiling * (0.5 + self.jitter() / 2)
        return max(wait, wished or 0.0)

    def _send(self, path: str, params: Mapping[str, Any], decode: Callable[[Answer], Any], attempt: int) -> Any:
        try:
            request, settings = self._prepare(path, params)
            with self.budget.slot() as permission:
                self.requests += 1
                started = time.perf_counter()
                try:
                    answer = self._answer(request, settings, permission)
                except RETRY_ERRORS as error:
                    self._log(path, params, type(error).__name__, started, attempt)
                    raise _TryAgain(_reason(error)) from None
        except requests.RequestException as error:
            where, remedy = f"GET {self._shown(path, params)}", "Check base_url in the config."
            raise FetchError(f"{type(error).__name__}.", where=where, remedy=remedy) from None
        self._log(path, params, str(answer.status), started, attempt)
        self._judge(answer, path, params)
        return decode(answer)

    def _prepare(self, path: str, params: Mapping[str, Any]) -> tuple[requests.PreparedRequest, dict[str, Any]]:
        """Everything that can be done before the permission to send, and need not delay the arrival after it."""
        request = self.session.prepare_request(requests.Request("GET", self.root + path, params=params))
        settings = self.session.merge_environment_settings(request.url, {}, stream=True, verify=None, cert=None)
        return request, {**settings}

    def _answer(self, request: requests.PreparedRequest, settings: dict[str, Any], permission: Permission) -> Answer:
        """Send and read to the end, but neither for ever nor without bound: a timeout alone bounds only each wait."""
        timeout = self.service.timeout_seconds
        deadline = time.monotonic() + TRICKLE_TIMEOUTS * timeout
        if self.signer:  # only now: a signature holds for a few seconds
            request.headers.update(self.signer("GET", urlsplit(str(request.url)).path))
        with self.session.send(request, timeout=timeout, allow_redirects=False, **settings) as response:
            permission.answered()
            body = bytearray()
            for piece in response.iter_content(_PIECE):
                body += piece
                if len(body) > MOST_BYTES:
                    raise _TryAgain(f"the answer is larger than {MOST_BYTES // 2**20} MB")
                if time.monotonic() > deadline:
                    raise _TryAgain(f"the answer trickles: not whole after {TRICKLE_TIMEOUTS * timeout:.0f} s")
            return Answer(response.status_code, response.headers, bytes(body))

    def _judge(self, answer: Answer, path: str, params: Mapping[str, Any]) -> None:
        """Sort an answer: fine, to be tried again, not there, or refused."""
        status = answer.status
        if status in RETRY_STATUS:
            raise _TryAgain(f"status {status} {_excerpt(answer)}", _retry_after(answer))
        if THROTTLE_TEXT in answer.body[:500]:
            raise _TryAgain("the service asks to slow down", 60.0)
        if status == 404 or (status == 400 and NOTHING_THERE in answer.body):
            raise NotFound(self._shown(path, params))
        if status != 200:
            where = f"GET {self._shown(path, params)}"
            target = f" to {answer.headers['Location']}" if "Location" in answer.headers else ""
            remedy = "Redirects are not followed: check base_url." if target else "The request is wrong or not allowed."
            raise FetchError(f"status {status}{target} {_excerpt(answer)}", where=where, remedy=remedy)

    def refuse(self, what: str, path: str, payload: Any) -> NoReturn:
        """An answer came whose content cannot be believed: keep a copy and say where it is."""
        text = payload if isinstance(payload, str) else json.dumps(payload, default=str, indent=1)
        name = hashlib.sha256(text.encode()).hexdigest()[:16]
        copy = Path("data/failed_responses") / f"{name}.txt"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text, encoding="utf-8")
        raise FetchError(
            f"the answer is not what it should be: {what}.",
            where=f"GET {self.root}{path}",
            remedy=f"Nothing was stored. A copy of the answer is in {copy}; the service may have changed.",
        )

    def _shown(self, path: str, params: Mapping[str, Any]) -> str:
        query = f"?{urlencode(params)}" if params else ""
        return _SECRET.sub(r"\1***", f"{self.root}{path}{query}")

    def _log(self, path: str, params: Mapping[str, Any], outcome: str, started: float, attempt: int) -> None:
        milliseconds = (time.perf_counter() - started) * 1000
        logger.info("GET %s %s %.0f ms try %d", self._shown(path, params), outcome, milliseconds, attempt + 1)


def _decode_json(answer: Answer) -> Any:
    try:
        return json.loads(answer.body, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        kind = answer.headers.get("Content-Type", "unknown type")
        raise _TryAgain(f"status 200 with broken JSON ({kind}, {len(answer.body)} bytes: {error})") from None


def _decode_text(answer: Answer) -> str:
    # both services write UTF-8; guessing the encoding of 5 MB would take longer than fetching it
    text = answer.body.decode("utf-8", errors="replace")
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        raise _TryAgain("status 200 with an HTML page")
    return text


def _excerpt(answer: Answer) -> str:
    text = " ".join(answer.body[:300].decode("utf-8", errors="replace").split())
    return f"({text[:160]})" if text else "(no body)"


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if "NameResolutionError" in repr(error):
        return "the host name cannot be resolved"
    return "the connection failed or broke off"


def _retry_after(answer: Answer) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
