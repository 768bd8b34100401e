"""What the body of an answer of status 200 holds: JSON, text or bytes. What is broken may come whole the next time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tradewinds.core import strict
from tradewinds.sources.endpoint import ReceivedAnswer


class TryAgain(Exception):
    """A failure that may pass.

    Attributes:
        wait: the seconds that the service asks the client to wait, if it does.
    """

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def decode_json(answer: ReceivedAnswer) -> Any:
    """The JSON of an answer; one that is broken off may come whole the next time.

    Raises:
        UnbelievableJson: it is whole, but must not be believed.
        TryAgain: it is broken.
    """
    try:
        return strict.load_json(answer.body)
    except strict.UnbelievableJson:
        raise
    except (ValueError, RecursionError) as error:
        kind = answer.headers.get("Content-Type", "unknown type")
        raise TryAgain(f"status 200 with broken JSON ({kind}, {len(answer.body)} bytes: {error})") from None


def decode_text(answer: ReceivedAnswer) -> str:
    """The text of an answer; an HTML page is an error of a server in between, which may pass."""
    # the services write UTF-8; guessing the encoding of 5 MB would take longer than fetching it
    text = answer.body.decode("utf-8", errors="replace")
    if text.lstrip()[:15].lower().startswith(("<!doctype", "<html")):
        raise TryAgain("status 200 with an HTML page")
    return text


def whole_bytes(is_whole: Callable[[bytes], bool]) -> Callable[[ReceivedAnswer], bytes]:
    """Return a function that gives the bytes of an answer, and raises TryAgain if they are not whole.

    Args:
        is_whole: whether bytes look like what was asked for.
    """

    def decode(answer: ReceivedAnswer) -> bytes:
        if not is_whole(answer.body):
            kind = answer.headers.get("Content-Type", "unknown type")
            raise TryAgain(f"status 200 with something else ({kind}, {len(answer.body)} bytes)")
        return answer.body

    return decode
