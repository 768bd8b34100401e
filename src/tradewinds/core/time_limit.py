"""Limit the time that a user's own code may take: an endless loop in it must end with a message."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

AGAIN_SECONDS = 1.0  # code that catches everything is interrupted again after so long


class OutOfTime(BaseException):
    """The time is over. It is no Exception, so that `except Exception` in the user's code does not swallow it."""


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in the block if it takes longer than some seconds; without effect outside the main thread.

    Args:
        seconds: above 0.

    Raises:
        OutOfTime: the block took too long.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
