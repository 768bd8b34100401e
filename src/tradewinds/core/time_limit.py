"""Limit the time that a user's own code may take: an endless loop in it must end with a message."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

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
            line = f", line {frame.f_lineno}" if frame else ""
            print(
                printable(f"{owner}{line}: it is still busy, and catches every error that would end it."),
                file=sys.stderr,
            )
            sys.stderr.flush()
            os._exit(exit_code)
        raise OutOfTime

    # the timer runs while the block does
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
