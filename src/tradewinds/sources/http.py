"""The HTTP client for every service: it keeps the service's rate, retries what may pass, and refuses wrong answers.

What is tried again is listed in the constants below; what one service says in words of its own is handed in (ServiceTexts).
Numbers with a fraction in JSON become Decimal.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlencode, urlsplit

import requests

from tradewinds import __version__
from tradewinds.core import strict
from tradewinds.core.errors import FetchError, RefusedAnswer
from tradewinds.core.safe_text import printable, shortened
from tradewinds.core.url_secrets import masked, masked_url
from tradewinds.sources.budget import Budget, Permission
from tradewinds.sources.deadline import session_with_deadline
from tradewinds.sources.endpoint import NO_TEXTS, Endpoint, ReceivedAnswer, ServiceTexts
from tradewinds.sources.failed_requests import excerpt, in_words, reason, retry_after, tls_refusal

logger = logging.getLogger(__name__)

RETRY_STATUS = frozenset({429, 500, 502, 503, 504})
RETRY_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
MOST_BYTES = 64 * 2**20  # the largest honest answers are 5 MB
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_CAP_SECONDS = 30.0
THROTTLE_SECONDS = 60.0  # the wait after an answer whose text asks to slow down
MOST_SAID = 400  # characters of a reason for not believing an answer, which quotes from it
RETRY_AFTER_CAP_SECONDS = 60.0  # the longest wait that a service's Retry-After is granted
TRICKLE_TIMEOUTS = 10  # a try may take this many timeouts in all

_PIECE = 2**18  # bytes that are read at a time

Signer = Callable[[str, str], Mapping[str, str]]
"""(method, path) -> headers that sign a request."""


class NotFound(Exception):
    """The service has no such thing, or has it elsewhere: status 404, or a text that means the same."""


class _TryAgain(Exception):
    """A failure that may pass.

    Attributes:
        wait: the seconds that the service asks the client to wait, if it does.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class HttpClient:
    """Send GET requests to one service.

    Args:
        endpoint: where the service is and how fast it may be asked.
        texts: what the service says in words of its own.
        signer: makes the headers that authenticate a request, if the service needs them.
        budget: the shared permission to send; by default that of the service's host.
        sleep: waits so many seconds.
        jitter: draws from [0, 1), for the waits between tries.

    Attributes:
        requests: how many requests this client has sent.
        retries: how many of them repeat a failed one.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        texts: ServiceTexts = NO_TEXTS,
        signer: Signer | None = None,
        budget: Budget | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint, self.texts, self.signer = endpoint, texts, signer
        self.root = endpoint.base_url.rstrip("/")
        self.budget = budget or Budget(self.root, endpoint.requests_per_second, endpoint.max_connections)
        self.session, self.connections = session_with_deadline()
        self.session.headers.update({"User-Agent": f"tradewinds/{__version__}", "Accept-Language": "en"})
        self.sleep, self.jitter = sleep, jitter
        self.requests = self.retries = 0

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The decoded JSON of an answer; numbers with a fraction are Decimal.

        Args:
            path: below the service's root.
            params: the query.

        Raises:
            NotFound: the service has no such thing.
            FetchError: the request was refused, or still fails after all retries.
        """
        return self._get(path, params or {}, _decode_json)

    def get_text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The text of an answer.

        Args:
            path: below the service's root.
            params: the query.

        Raises:
            NotFound: the service has no such thing.
            FetchError: the request was refused, or still fails after all retries.
        """
        text: str = self._get(path, params or {}, _decode_text)
        return text

    def _get(self, path: str, params: Mapping[str, Any], decode: Callable[[ReceivedAnswer], Any]) -> Any:
        """Send a request until its answer can be decoded, at most `max_retries` times again."""
        last = _TryAgain("never tried")
        for attempt in range(self.endpoint.max_retries + 1):
            if attempt:
                self.retries += 1
                wait = self._backoff(attempt, last.wait)
                if last.wait:
                    logger.warning("the service asks to wait %.0f s: waiting %.0f s", last.wait, wait)
                self.sleep(wait)
            try:
                return self._send(path, params, decode, attempt)
            except _TryAgain as failure:
                last = failure
        raise FetchError(
            f"no usable answer after {self.endpoint.max_retries + 1} tries; the last one: {last}.",
            where=f"GET {self._shown(path, params)}",
            remedy="Finished files are kept: run the same command again to go on where this stopped.",
        )

    def _backoff(self, attempt: int, wished: float | None) -> float:
        """Seconds to wait before a retry: exponential with jitter, and never less than the service asks for."""
        ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** (attempt - 1))
        wait: float = ceiling * (0.5 + self.jitter() / 2)
        return max(wait, min(wished or 0.0, RETRY_AFTER_CAP_SECONDS))

    def _send(self, path: str, params: Mapping[str, Any], decode: Callable[[ReceivedAnswer], Any], attempt: int) -> Any:
        """Send a request once, log it, and decode its answer."""
        try:
            request, settings = self._prepare(path, params)
            with self.budget.slot() as permission:
                self.requests += 1
                started = time.perf_counter()
                try:
                    answer = self._answer(request, settings, permission)
                except RETRY_ERRORS as error:
                    self._log(path, params, type(error).__name__, started, attempt)
                    if refusal := tls_refusal(error):
                        where = f"GET {self._shown(path, params)}"
                        raise FetchError(refusal[0], where=where, remedy=refusal[1]) from None
                    raise _TryAgain(reason(error)) from None
        except requests.RequestException as error:
            remedy = "Check base_url in the config, and the proxies in the environment."
            what, where = f"no request can be made of it ({in_words(error)}).", f"GET {self._shown(path, params)}"
            raise FetchError(what, where=where, remedy=remedy) from None
        self._log(path, params, str(answer.status), started, attempt)
        self._judge(answer, path, params)
        return self._decoded(decode, answer, path)

    def _decoded(self, decode: Callable[[ReceivedAnswer], Any], answer: ReceivedAnswer, path: str) -> Any:
        """Decode an answer; keep a copy of one that must not be believed."""
        try:
            return decode(answer)
        except strict.UnbelievableJson as error:
            self.refuse(str(error), path, answer.body.decode())

    def _prepare(self, path: str, params: Mapping[str, Any]) -> tuple[requests.PreparedRequest, dict[str, Any]]:
        """The request and the connection's settings, made before the permission to send.

        What is done after the permission would delay the arrival at the service.
        """
        request = self.session.prepare_request(requests.Request("GET", self.root + path, params=params))
        settings = self.session.merge_environment_settings(request.url, {}, stream=True, verify=None, cert=None)
        return request, {**settings}

    def _answer(
        self, request: requests.PreparedRequest, settings: dict[str, Any], permission: Permission
    ) -> ReceivedAnswer:
        """Send a request and read its answer to the end, within limits of size and time.

        A timeout alone bounds only each wait for more bytes.
        """
        timeout, seconds = self.endpoint.timeout_seconds, TRICKLE_TIMEOUTS * self.endpoint.timeout_seconds
        if self.signer:  # only now: a signature holds for a few seconds
            request.headers.update(self.signer("GET", urlsplit(str(request.url)).path))
        with self.connections.deadline(seconds) as passed:
            try:
                with self.session.send(request, timeout=timeout, allow_redirects=False, **settings) as response:
                    permission.answered()
                    body = bytearray()
                    for piece in response.iter_content(_PIECE):
                        body += piece
                        if len(body) > MOST_BYTES:
                            raise _TryAgain(f"the answer is larger than {MOST_BYTES // 2**20} MB")
            except requests.RequestException:
                if not passed.is_set():
                    raise
            if passed.is_set():  # also where an answer without a length seems to have ended
                raise _TryAgain(f"the answer trickles: not whole after {seconds:g} s")
            return ReceivedAnswer(response.status_code, response.headers, bytes(body))

    def _judge(self, answer: ReceivedAnswer, path: str, params: Mapping[str, Any]) -> None:
        """Return for an answer of status 200; else raise what the answer means.

        Raises:
            _TryAgain: the failure may pass.
            NotFound: the service has no such thing.
            FetchError: the service refuses the request.
        """
        status = answer.status
        if status in RETRY_STATUS:
            wished = retry_after(answer)
            asked = f"; the service asks to wait {wished:.0f} s" if wished else ""
            if wished and wished > RETRY_AFTER_CAP_SECONDS:
                asked += f", of which {RETRY_AFTER_CAP_SECONDS:.0f} s are granted before each try"
            raise _TryAgain(f"status {status} {excerpt(answer)}{asked}", wished)
        if self.texts.asks_to_slow_down(answer):
            raise _TryAgain("the service asks to slow down", THROTTLE_SECONDS)
        if status == 404 or self.texts.says_nothing_there(answer):
            raise NotFound(self._shown(path, params))
        if status != 200:
            where = f"GET {self._shown(path, params)}"
            target = (
                f" to {shortened(printable(answer.headers['Location'], lines=False))}"
                if "Location" in answer.headers
                else ""
            )
            remedy = "Redirects are not followed: check base_url." if target else "The request is wrong or not allowed."
            raise FetchError(f"status {status}{target} {excerpt(answer)}", where=where, remedy=remedy)

    def refuse(self, what: str, path: str, payload: Any) -> NoReturn:
        """Keep a copy of an answer that cannot be right, and raise an error that says where the copy is.

        Args:
            what: what is wrong with it.
            path: what was asked for, below the service's root.
            payload: the answer, decoded or as text.

        Raises:
            RefusedAnswer: always.
        """
        text = payload if isinstance(payload, str) else json.dumps(payload, default=str, indent=1)
        data = text.encode(errors="backslashreplace")
        copy = Path("data/failed_responses") / f"{hashlib.sha256(data).hexdigest()[:16]}.txt"
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        refused = RefusedAnswer(
            f"the answer is not what it should be: {shortened(printable(what, lines=False), MOST_SAID)}.",
            where=f"GET {self._shown(path, {})}",
            remedy=f"Nothing was stored. A copy of the answer is in {copy}; the service may have changed.",
        )
        refused.copy = copy.as_posix()
        raise refused

    def _shown(self, path: str, params: Mapping[str, Any]) -> str:
        """The URL of a request, for people: without secrets."""
        query = f"?{urlencode(params)}" if params else ""
        return masked(f"{masked_url(self.root)}{path}{query}")

    def _log(self, path: str, params: Mapping[str, Any], outcome: str, started: float, attempt: int) -> None:
        milliseconds = (time.perf_counter() - started) * 1000
        logger.info("GET %s %s %.0f ms try %d", self._shown(path, params), outcome, milliseconds, attempt + 1)


def _decode_json(answer: ReceivedAnswer) -> Any:
    """The JSON of an answer; one that is broken off may come whole the next time.

    Raises:
        UnbelievableJson: it is whole, but must not be believed.
        _TryAgain: it is broken.
    """
    try:
        return strict.load_json(answer.body)
    except strict.UnbelievableJson:
        raise
    except (ValueError, RecursionError) as error:
        kind = answer.headers.get("Content-Type", "unknown type")
        raise _TryAgain(f"status 200 with broken JSON ({kind}, {len(answer.body)} bytes: {error})") from None


def _decode_text(answer: ReceivedAnswer) -> str:
    """The text of an answer; an HTML page is an error of a server in between, which may pass."""
    # the services write UTF-8; guessing the encoding of 5 MB would take longer than fetching it
    text = answer.body.decode("utf-8", errors="replace")
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        raise _TryAgain("status 200 with an HTML page")
    return text
