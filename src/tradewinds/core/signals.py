"""Stop signals: SIGTERM and SIGHUP end a process as Ctrl-C does, by a KeyboardInterrupt in its main thread.

So `with` and `finally` blocks do their work whichever of them comes: a closed terminal, `timeout`, a service manager.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Signals that come together are one wish to stop: `timeout` sends SIGTERM twice, a service manager SIGTERM and SIGHUP.
TOGETHER_SECONDS = 0.3
AGAIN_SECONDS = 0.05  # after which a signal is sent again whose KeyboardInterrupt Python dropped

_NEVER = -TOGETHER_SECONDS
_last: list[tuple[float, int]] = [(_NEVER, signal.SIGINT)]  # when the last signal came, and its number


def interrupt_on_stop_signals() -> None:
    """Let SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt in this process.

    An ignored SIGINT or SIGHUP stays ignored: that is what a shell's background job and `nohup` ask for. Python drops an
    exception that is raised while it calls a `__del__` or the callback of a weak reference (its imports have such callbacks);
    a signal that comes then is sent again a moment later.
    """
    for number in STOP_SIGNALS:
        if number == signal.SIGTERM or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
    if not isinstance(sys.unraisablehook, _SendAgain):
        sys.unraisablehook = _SendAgain(sys.unraisablehook)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, once for signals that come together."""
    (before, _), now = _last[0], time.monotonic()
    _last[0] = (now, number)
    if now - before >= TOGETHER_SECONDS:
        raise KeyboardInterrupt


class _SendAgain:
    """A `sys.unraisablehook` that sends the last stop signal again if Python dropped its KeyboardInterrupt.

    Args:
        otherwise: the hook for other exceptions.
    """

    def __init__(self, otherwise: Callable[[Any], object]) -> None:
        self._otherwise = otherwise

    def __call__(self, dropped: Any) -> None:
        """Answer for an exception that Python dropped."""
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            self._otherwise(dropped)
        elif not sys.is_finalizing():  # else the process ends anyway
            # Not at once: the handler would run in here, where its exception would be dropped, too.
            number = _last[0][1]
            _last[0] = (_NEVER, number)
            again = threading.Timer(AGAIN_SECONDS, signal.pthread_kill, (threading.main_thread().ident, number))
            again.daemon = True
            again.start()


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
