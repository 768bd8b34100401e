"""What the status and the text of an answer mean: data, nothing there, try again, or an end."""

from __future__ import annotations

from typing import NoReturn

from tradewinds.core.errors import FetchError
from tradewinds.core.safe_text import printable, shortened
from tradewinds.sources.decoding import TryAgain
from tradewinds.sources.endpoint import ReceivedAnswer, ServiceTexts
from tradewinds.sources.failed_requests import excerpt, retry_after, time_of
from tradewinds.sources.shared_stops import SharedStops

RETRY_STATUS = frozenset({429, 500, 502, 503, 504})
THROTTLE_SECONDS = 60.0  # the wait after an answer whose text asks to slow down
RETRY_AFTER_CAP_SECONDS = 60.0  # the longest wait that a service's Retry-After is granted
SHARED_WAIT_SECONDS = 330.0  # the longest wait of all jobs; what a service asks for beyond it ends the job

_SHUT_OUT = "the service has shut this address out"


class NotFound(Exception):
    """The service has no such thing, or has it elsewhere: status 404, or a text that means the same."""


class AnswerJudge:
    """Say what the answers of one service mean.

    Args:
        texts: what the service says in words of its own.
        stops: the pause and the stop of its host.
    """

    def __init__(self, texts: ServiceTexts, stops: SharedStops) -> None:
        self.texts, self.stops = texts, stops

    @property
    def longest_wait(self) -> float:
        """The longest wait, in seconds, that is granted before a request is sent again."""
        return RETRY_AFTER_CAP_SECONDS if self.texts.busy_seconds is None else SHARED_WAIT_SECONDS

    def refuse_stopped(self, shown: str) -> None:
        """Raise FetchError while this address is shut out.

        Args:
            shown: the request, for people.
        """
        if end := self.stops.stopped_until():
            raise _stopped(_SHUT_OUT, end, shown)

    def judge(self, answer: ReceivedAnswer, shown: str, url: str) -> None:
        """Return for an answer of status 200; else raise what the answer means.

        Args:
            answer: the answer.
            shown: the request, for people.
            url: its URL, for people.

        Raises:
            TryAgain: the failure may pass.
            NotFound: the service has no such thing.
            FetchError: the service refuses the request.
        """
        status = answer.status
        # what concerns this address, then what may pass, then what is not there
        if status in self.texts.stops:
            end = self.stops.stop(retry_after(answer) or self.texts.stops[status])
            raise _stopped(f"status {status} {excerpt(answer)}: {_SHUT_OUT}", end, shown)
        throttled = self.texts.asks_to_slow_down(answer)
        if self.texts.busy_seconds is not None and (status == 429 or throttled):
            self._pause_all(answer, shown)
        if status in RETRY_STATUS:
            wished = retry_after(answer)
            said = f"; the service asks to wait {wished:.0f} s" if wished else ""
            if wished and wished > self.longest_wait:
                said += f", of which {self.longest_wait:.0f} s are granted before each try"
            raise TryAgain(f"status {status} {excerpt(answer)}{said}", wished)
        if throttled:
            raise TryAgain("the service asks to slow down", THROTTLE_SECONDS)
        if status == 404 or self.texts.says_nothing_there(answer):
            raise NotFound(url)
        if status != 200:
            self._refuse(answer, shown)

    def _pause_all(self, answer: ReceivedAnswer, shown: str) -> NoReturn:
        """Let all jobs wait as long as a service asks that counts the requests of an address.

        Raises:
            FetchError: the wait is too long to be waited out; no job asks before its end.
            TryAgain: else.
        """
        said = f"status {answer.status} {excerpt(answer)}"
        wished = retry_after(answer) or self.texts.busy_seconds or THROTTLE_SECONDS
        if wished > SHARED_WAIT_SECONDS:
            raise _stopped(f"{said}: the service asks to wait", self.stops.stop(wished), shown)
        self.stops.pause(wished)
        raise TryAgain(f"{said}: the service asks all jobs to wait {wished:.0f} s", wished)

    def _refuse(self, answer: ReceivedAnswer, shown: str) -> NoReturn:
        """Raise the error of a status that is not tried again."""
        target = ""
        if "Location" in answer.headers:
            target = f" to {shortened(printable(answer.headers['Location'], lines=False))}"
        usual = "Redirects are not followed: check base_url." if target else "The request is wrong or not allowed."
        remedy = self.texts.remedies.get(answer.status, usual)
        raise FetchError(f"status {answer.status}{target} {excerpt(answer)}", where=shown, remedy=remedy)


def _stopped(what: str, end: float, shown: str) -> FetchError:
    """Return the error that says until when the service is not asked any more.

    Args:
        what: what the service said.
        end: in Unix seconds.
        shown: the request, for people.
    """
    remedy = "Finished files are kept: run the same command again after that. Asking earlier makes the wait longer."
    return FetchError(f"{what} until {time_of(end)}.", where=shown, remedy=remedy)
