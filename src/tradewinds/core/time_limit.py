"""Limit the time that a user's own code may take: an endless loop in it must end with a message."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn, Self

from tradewinds.core.safe_text import printable

AGAIN_SECONDS = 1.0  # code that catches everything is interrupted again after so long,
MOST_INTERRUPTIONS = 5  # so often; then the process is ended


class OutOfTime(BaseException):
    """The time is over. It is no Exception, so that `except Exception` in the user's code does not swallow it."""


@contextlib.contextmanager
def limit(seconds: float, owner: str, exit_code: int) -> Iterator[None]:
    """Raise OutOfTime in the block if it takes longer than some seconds; without effect outside the main thread.

    Code that catches OutOfTime again and again cannot be ended by an error: the process prints why and ends.

    Args:
        seconds: above 0.
        owner: the user's file, for that message.
        exit_code: of the process in that case.

    Raises:
        OutOfTime: the block took too long.
    """
    # only the main thread receives signals
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    # raise in the block, a few times if need be
    interruptions = 0

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interruptions
        interruptions += 1
        if interruptions > MOST_INTERRUPTIONS:
            _end_process(owner, frame, exit_code)
        raise OutOfTime

    # the timer runs while the block does
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _always_0() -> int:
    """Return the number of a call that is known by its object alone."""
    return 0


def _end_process(owner: str, frame: FrameType | None, exit_code: int) -> NoReturn:
    """Print why, and end the process."""
    line = f", line {frame.f_lineno}" if frame else ""
    print(printable(f"{owner}{line}: it is still busy, and catches every error that would end it."), file=sys.stderr)
    sys.stderr.flush()
    os._exit(exit_code)


class CallWatch:
    """A limit of the time of each of many short calls, with one timer for all of them.

    In the block, `call` is set to an object of its own while a call lasts, and to None after it; that is all that a call costs.
    Calls in a row do not cost even that: `call` stays while they last, and `number` tells one from the next. A call that takes
    too long is ended by OutOfTime, as `limit` does it; outside the main thread the watch is without effect.

    Args:
        seconds: that a call may take, above 0.
        owner: the user's file, for the message of a process that cannot be ended by an error.
        exit_code: of the process in that case.

    Attributes:
        call: what the call under way is known by, another object than that of the call before; None: no call.
        number: tells calls apart while `call` stays the same.
    """

    def __init__(self, seconds: float, owner: str, exit_code: int) -> None:
        self._seconds, self._owner, self._exit_code = seconds, owner, exit_code
        self.call: object = None
        self.number: Callable[[], int] = _always_0
        self._seen: object = None
        self._seen_number = 0
        self._seen_at = 0.0
        self._interruptions = 0
        self._before: Any = None

    def __enter__(self) -> Self:
        """Start the timer."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGALRM, self._look)
            pause = min(AGAIN_SECONDS, self._seconds / 4)
            signal.setitimer(signal.ITIMER_REAL, pause, pause)
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the timer."""
        if threading.current_thread() is threading.main_thread():
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._before)
        self.call = self._seen = None

    def _look(self, number: int, frame: FrameType | None) -> None:
        """End the call that is under way, if it has taken too long since it was first seen."""
        call, number, now = self.call, self.number(), time.monotonic()
        if call is None or call is not self._seen or number != self._seen_number:
            self._seen, self._seen_number, self._seen_at = call, number, now
            return
        if now - self._seen_at < self._seconds:
            return
        self._interruptions += 1
        if self._interruptions > MOST_INTERRUPTIONS:
            _end_process(self._owner, frame, self._exit_code)
        raise OutOfTime
