"""What the headers of an answer say of a service's own count of requests, and of its clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime

from tradewinds.sources.allowances import Allowance
from tradewinds.sources.endpoint import ReceivedAnswer

_WHOLE_SECOND = 1.0  # a header with a date leaves out the parts of a second


def reported_counts(answer: ReceivedAnswer, allowances: Sequence[Allowance]) -> dict[str, int]:
    """Return what a service says has been spent, by name of the allowance; headers that are no count are left out.

    Args:
        answer: the answer.
        allowances: those that have a header.
    """
    found = {each.name: answer.headers.get(each.header, "").strip() for each in allowances}
    return {name: int(text) for name, text in found.items() if re.fullmatch("[0-9]{1,9}", text)}


def seconds_into_window(answer: ReceivedAnswer, seconds: float) -> float:
    """Return the longest time for which a window of the service's clock can have lasted when it answered.

    Windows begin at whole multiples of their length, as minutes of the clock do. The service's own clock counts, the header
    Date: this machine's may differ.

    Args:
        answer: the answer; without a readable date the whole length is returned.
        seconds: length of the window.
    """
    stated = stated_time(answer)
    return seconds if stated is None else min(seconds, stated.timestamp() % seconds + _WHOLE_SECOND)


def stated_time(answer: ReceivedAnswer) -> dt.datetime | None:
    """Return when a service says that it made an answer (header Date), in UTC; None without a readable date.

    Args:
        answer: the answer.
    """
    text = answer.headers.get("Date", "")
    try:
        stated = parsedate_to_datetime(text) if text.isascii() else None
    except (ValueError, OverflowError):
        stated = None
    return stated and stated.replace(tzinfo=stated.tzinfo or dt.UTC).astimezone(dt.UTC)
