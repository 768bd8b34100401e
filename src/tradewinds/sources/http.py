"""The HTTP client for every service: it keeps the service's rate, retries what may pass, and refuses wrong answers.

What is tried again is listed in the constants here and in answer_meaning.py; what one service says in words of its own is
handed in (ServiceTexts). Numbers with a fraction in JSON become Decimal.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlencode, urlsplit

import requests

from tradewinds import __version__
from tradewinds.core import strict
from tradewinds.core.errors import FetchError, RefusedAnswer
from tradewinds.core.safe_text import printable, shortened
from tradewinds.core.url_secrets import masked, masked_url
from tradewinds.sources.allowances import NO_COSTS, Allowance
from tradewinds.sources.answer_meaning import AnswerJudge
from tradewinds.sources.answer_meaning import NotFound as NotFound  # for those who ask
from tradewinds.sources.budget import Budget, Permission
from tradewinds.sources.deadline import Connected, session_with_deadline
from tradewinds.sources.decoding import TryAgain, decode_json, decode_text, whole_bytes
from tradewinds.sources.endpoint import NO_TEXTS, Endpoint, ReceivedAnswer, ServiceTexts
from tradewinds.sources.failed_requests import in_words, reason, tls_refusal
from tradewinds.sources.reported_counts import reported_counts, seconds_into_window, stated_time

logger = logging.getLogger(__name__)

RETRY_ERRORS = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
MOST_BYTES = 64 * 2**20  # the largest honest answers are 20 MB
BACKOFF_FIRST_SECONDS = 0.5
BACKOFF_CAP_SECONDS = 30.0
MOST_SAID = 400  # characters of a reason for not believing an answer, which quotes from it
TRICKLE_TIMEOUTS = 10  # a try may take this many timeouts in all

_PIECE = 2**18  # bytes that are read at a time

Signer = Callable[[str, str], Mapping[str, str]]
"""(method, path) -> headers that sign a request."""


class _Asked(NamedTuple):
    """One request.

    Attributes:
        path: below the service's root.
        params: the query.
        body: what is posted, as JSON; None for a GET.
        costs: what it weighs, by name of the allowance.
    """

    path: str
    params: Mapping[str, Any]
    body: Any
    costs: Mapping[str, int]

    @property
    def method(self) -> str:
        """GET, or POST for a request with a body."""
        return "GET" if self.body is None else "POST"


class HttpClient:
    """Send requests to one service: GET, and POST of questions that change nothing.

    Args:
        endpoint: where the service is and how fast it may be asked.
        texts: what the service says in words of its own.
        allowances: what the service counts beside the rate.
        signer: makes the headers that authenticate a request, if the service needs them.
        budget: the shared permission to send; by default that of the service's host.
        connected: connections of an earlier client of the service, which are used on; None for new ones.
        sleep: waits so many seconds.
        jitter: draws from [0, 1), for the waits between tries.

    Attributes:
        requests: how many requests this client has sent.
        retries: how many of them repeat a failed one.
        answered_at: when the service says that its last answer was made (header Date); None before any, or if it does not say.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        texts: ServiceTexts = NO_TEXTS,
        allowances: Sequence[Allowance] = (),
        signer: Signer | None = None,
        budget: Budget | None = None,
        connected: Connected | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.endpoint, self.texts, self.signer = endpoint, texts, signer
        self.root = endpoint.base_url.rstrip("/")
        self.budget = budget or Budget(
            self.root, endpoint.requests_per_second, endpoint.max_connections, allowances=allowances
        )
        self.reported = [each for each in allowances if each.header]
        self.judge = AnswerJudge(texts, self.budget.stops)
        self.session, self.connections = connected or session_with_deadline()
        self.session.cookies.clear()  # of an earlier client of the same connections
        self.session.headers.update({"User-Agent": f"tradewinds/{__version__}", "Accept-Language": "en"})
        self.sleep, self.jitter = sleep, jitter
        self.requests = self.retries = 0
        self.answered_at: dt.datetime | None = None

    def no_later(self, now: dt.datetime) -> dt.datetime:
        """Return the earlier one of two clocks: an instant of this machine, and the service's at its last answer.

        What a service does not know yet must not count as complete because this machine's clock is ahead of it, or because a
        server of an archive shows another time.

        Args:
            now: of this machine.
        """
        return now if self.answered_at is None else min(now, self.answered_at)

    def get_json(self, path: str, params: Mapping[str, Any] | None = None, costs: Mapping[str, int] = NO_COSTS) -> Any:
        """The decoded JSON of an answer; numbers with a fraction are Decimal.

        Args:
            path: below the service's root.
            params: the query.
            costs: what the request weighs, by name of the allowance.

        Raises:
            NotFound: the service has no such thing.
            FetchError: the request was refused, or still fails after all retries.
        """
        return self._get(_Asked(path, params or {}, None, costs), decode_json)

    def post_json(self, path: str, body: Any, costs: Mapping[str, int] = NO_COSTS) -> Any:
        """The decoded JSON of the answer to a question that is posted as JSON; it is asked again as a GET is.

        Args:
            path: below the service's root.
            body: the question.
            costs: what the request weighs, by name of the allowance.

        Raises:
            NotFound: the service has no such thing.
            FetchError: the request was refused, or still fails after all retries.
        """
        return self._get(_Asked(path, {}, body, costs), decode_json)

    def get_text(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The text of an answer.

        Args:
            path: below the service's root.
            params: the query.

        Raises:
            NotFound: the service has no such thing.
            FetchError: the request was refused, or still fails after all retries.
        """
        text: str = self._get(_Asked(path, params or {}, None, NO_COSTS), decode_text)
        return text

    def get_bytes(self, path: str, params: Mapping[str, Any] | None, is_whole: Callable[[bytes], bool]) -> bytes:
        """The bytes of an answer.

        Args:
            path: below the service's root.
            params: the query.
            is_whole: whether the bytes look like what is asked for; if not, the request is tried again.

        Raises:
            NotFound: the service has no such thing.
            FetchError: the request was refused, or still fails after all retries.
        """
        body: bytes = self._get(_Asked(path, params or {}, None, NO_COSTS), whole_bytes(is_whole))
        return body

    def _get(self, asked: _Asked, decode: Callable[[ReceivedAnswer], Any]) -> Any:
        """Send a request until its answer can be decoded, at most `max_retries` times again."""
        last = TryAgain("never tried")
        for attempt in range(self.endpoint.max_retries + 1):
            if attempt:
                self.retries += 1
                wait = self._backoff(attempt, last.wait)
                if last.wait:
                    logger.warning("the service asks to wait %.0f s: waiting %.0f s", last.wait, wait)
                self.sleep(wait)
            try:
                return self._send(asked, decode, attempt)
            except TryAgain as failure:
                last = failure
        raise FetchError(
            f"no usable answer after {self.endpoint.max_retries + 1} tries; the last one: {last}.",
            where=self._shown(asked),
            remedy="Finished files are kept: run the same command again to go on where this stopped.",
        )

    def _backoff(self, attempt: int, wished: float | None) -> float:
        """Seconds to wait before a retry: exponential with jitter, and never less than the service asks for."""
        ceiling = min(BACKOFF_CAP_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** (attempt - 1))
        wait: float = ceiling * (0.5 + self.jitter() / 2)
        return max(wait, min(wished or 0.0, self.judge.longest_wait))

    def _send(self, asked: _Asked, decode: Callable[[ReceivedAnswer], Any], attempt: int) -> Any:
        """Send a request once, log it, and decode its answer."""
        try:
            request, settings = self._prepare(asked)
            self.judge.refuse_stopped(self._shown(asked))
            with self.budget.slot(asked.costs) as permission:
                self.judge.refuse_stopped(
                    self._shown(asked)
                )  # another job may have been shut out while this one waited
                self.requests += 1
                started = time.perf_counter()
                try:
                    answer = self._answer(request, settings, permission)
                except RETRY_ERRORS as error:
                    self._log(asked, type(error).__name__, started, attempt)
                    if refusal := tls_refusal(error):
                        raise FetchError(refusal[0], where=self._shown(asked), remedy=refusal[1]) from None
                    raise TryAgain(reason(error)) from None
        except requests.RequestException as error:
            remedy = "Check base_url in the config, and the proxies in the environment."
            what = f"no request can be made of it ({in_words(error)})."
            raise FetchError(what, where=self._shown(asked), remedy=remedy) from None
        self._log(asked, str(answer.status), started, attempt)
        self.answered_at = stated_time(answer)
        if counts := reported_counts(answer, self.reported):
            ages = {each.name: seconds_into_window(answer, each.seconds) for each in self.reported}
            self.budget.note_reported(counts, permission.sent, ages)
        self.judge.judge(answer, self._shown(asked), self._url(asked.path, asked.params))
        return self._decoded(decode, answer, asked.path)

    def _decoded(self, decode: Callable[[ReceivedAnswer], Any], answer: ReceivedAnswer, path: str) -> Any:
        """Decode an answer; keep a copy of one that must not be believed."""
        try:
            return decode(answer)
        except strict.UnbelievableJson as error:
            self.refuse(str(error), path, answer.body.decode())

    def _prepare(self, asked: _Asked) -> tuple[requests.PreparedRequest, dict[str, Any]]:
        """The request and the connection's settings, made before the permission to send.

        What is done after the permission would delay the arrival at the service.
        """
        made = requests.Request(asked.method, self.root + asked.path, params=asked.params, json=asked.body)
        request = self.session.prepare_request(made)
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
            request.headers.update(self.signer(str(request.method), urlsplit(str(request.url)).path))
        with self.connections.deadline(seconds) as passed:
            try:
                with self.session.send(request, timeout=timeout, allow_redirects=False, **settings) as response:
                    permission.answered()
                    body = bytearray()
                    for piece in response.iter_content(_PIECE):
                        body += piece
                        if len(body) > MOST_BYTES:
                            raise TryAgain(f"the answer is larger than {MOST_BYTES // 2**20} MB")
            except requests.RequestException:
                if not passed.is_set():
                    raise
            if passed.is_set():  # also where an answer without a length seems to have ended
                raise TryAgain(f"the answer trickles: not whole after {seconds:g} s")
            return ReceivedAnswer(response.status_code, response.headers, bytes(body))

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
            where=f"GET {self._url(path, {})}",
            remedy=f"Nothing was stored. A copy of the answer is in {copy}; the service may have changed.",
        )
        refused.copy = copy.as_posix()
        raise refused

    def _shown(self, asked: _Asked) -> str:
        """A request, for people: without secrets."""
        body = "" if asked.body is None else f" {json.dumps(asked.body)}"
        return f"{asked.method} {self._url(asked.path, asked.params)}{masked(body)}"

    def _url(self, path: str, params: Mapping[str, Any]) -> str:
        """The URL of a request, for people: without secrets."""
        query = f"?{urlencode(params)}" if params else ""
        return masked(f"{masked_url(self.root)}{path}{query}")

    def _log(self, asked: _Asked, outcome: str, started: float, attempt: int) -> None:
        milliseconds = (time.perf_counter() - started) * 1000
        logger.info("%s %s %.0f ms try %d", self._shown(asked), outcome, milliseconds, attempt + 1)
