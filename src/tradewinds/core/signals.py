"""Stop signals: SIGTERM and SIGHUP end a process as Ctrl-C does, by a KeyboardInterrupt in its main thread.

So `with` and `finally` blocks do their work whichever of them comes: a closed terminal, `timeout`, a service manager.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Signals that come together are one wish to stop: `timeout` sends SIGTERM twice, a service manager SIGTERM and SIGHUP.
TOGETHER_SECONDS = 0.3

_last = [-TOGETHER_SECONDS]


def interrupt_on_stop_signals() -> None:
    """Let SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt in this process.

    An ignored SIGINT or SIGHUP stays ignored: that is what a shell's background job and `nohup` ask for.
    """
    for number in STOP_SIGNALS:
        if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, once for signals that come together."""
    now = time.monotonic()
    together, _last[0] = now - _last[0] < TOGETHER_SECONDS, now
    if not together:
        raise KeyboardInterrupt


@contextlib.contextmanager
def stop_signals_held() -> Iterator[None]:
    """Hold stop signals back while the block runs; the first that came takes effect after it.

    For short work that must not be left half done, such as settling rows of a database.
    """
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):  # None: set by a program that is not Python
            signal.signal(number, lambda received, frame: came.append(received))
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler not in (signal.SIG_IGN, None):
                signal.signal(number, handler)
    if came:
        signal.raise_signal(came[0])
