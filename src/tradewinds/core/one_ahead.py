"""Work in a thread of its own, one piece after the other, while the caller prepares the next piece."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

# Python's own are ten times as long, for which a thread that comes back from compiled code would wait.
_SWITCH_SECONDS = 0.0005


class _Turns:
    """How many blocks of `quick_turns` are under way in this process, and what held before the first of them."""

    def __init__(self) -> None:
        self.lock, self.blocks, self.before = threading.Lock(), 0, 0.0


_turns = _Turns()


@contextlib.contextmanager
def quick_turns() -> Iterator[None]:
    """Let Python's threads take turns more often; as before when the last block of any thread is done."""
    with _turns.lock:
        if not _turns.blocks:
            _turns.before = sys.getswitchinterval()
            sys.setswitchinterval(_SWITCH_SECONDS)
        _turns.blocks += 1
    try:
        yield
    finally:
        with _turns.lock:
            _turns.blocks -= 1
            if not _turns.blocks:
                sys.setswitchinterval(_turns.before)


class OneAhead:
    """Does pieces of work in the order in which they are given; no more than one waits or runs at a time.

    An error of a piece is raised where the caller next starts one, or at the end. If the caller itself has failed meanwhile,
    that of the earlier piece is the one that is raised, as if everything had been done in turn. A KeyboardInterrupt waits only
    for the piece that runs.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._running: Future[None] | None = None

    def __enter__(self) -> OneAhead:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait for what was started, and end the thread."""
        try:
            if kind is None or issubclass(kind, Exception):
                self.finish()
        finally:
            self._thread.shutdown()

    def start(self, work: Callable[[], None]) -> None:
        """Start a piece of work, once the one before is done.

        Args:
            work: calls no code of a user, which must run where a KeyboardInterrupt can end it.
        """
        self.finish()
        self._running = self._thread.submit(work)

    def finish(self) -> None:
        """Wait until everything that was started is done."""
        running, self._running = self._running, None
        if running is not None:
            running.result()
