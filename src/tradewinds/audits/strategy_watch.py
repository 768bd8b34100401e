"""What a user's strategy asks for beyond what it is given: data files, programs, connections, the clock, random numbers.

The look-ahead check changes the records that a run is made of. A strategy that reads the data files itself would see the true
future in every copy, and decide the same each time. So while the check runs, the strategy is watched: opening one of the run's
files is noted, by Python's audit events for what Python opens, and by inotify (Linux) for what a library or a program opens.
Its clock goes wrong by years between two replays, so that a decision that depends on today's date comes out differently.
"""

from __future__ import annotations

import builtins
import os
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any, Self

import numpy as np

from tradewinds.audits.file_opens import FileOpens
from tradewinds.audits.wrong_clock import WrongClock
from tradewinds.families import strategy_file

# Audit events with a path as their first argument, and those by which a strategy leaves the process.
_OPENS = ("open", "sqlite3.connect")
_PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn")
_CONNECTIONS = ("socket.connect", "socket.getaddrinfo", "urllib.Request")

_active: list[StrategyWatch] = []
_hooked: list[bool] = []


class StrategyWatch:
    """Watches a strategy's file while runs are made; use it as a context, before the strategy is loaded.

    Args:
        strategy: path of the strategy's file, as the config names it; None: there is none, and nothing is watched.
        data: paths of the run's data, of its results and its database: files, and folders with all that is in them.
    """

    def __init__(self, strategy: str | None, data: Iterable[str]) -> None:
        self.strategy = strategy
        own = None if strategy is None else os.path.realpath(strategy)
        self._data = {real: path for path in data if (real := os.path.realpath(path)) != own}
        self._clock = WrongClock(strategy or "")
        self._opens: FileOpens | None = None
        self._noted: dict[str, None] = {}
        self._import = builtins.__import__

    def __enter__(self) -> Self:
        """Begin to watch, load the strategy once to see what its loading opens, and have it loaded anew by the run."""
        if self.strategy is None:
            return self
        if not _hooked:  # an audit hook cannot be taken back
            _hooked.append(True)
            sys.addaudithook(_audit)
        _active.append(self)
        self._import = builtins.__import__
        builtins.__import__ = self._clock.importing(self._import)
        self._opens = FileOpens(self._data)
        strategy_file.forget()
        try:
            strategy_file.module_of(self.strategy, strategy_file.LOAD_SECONDS)
        except BaseException:  # the file cannot be loaded
            self.__exit__()
            raise
        self.note_opens()
        strategy_file.forget()
        return self

    def __exit__(self, *error: object) -> None:
        """Watch no longer; the strategy is loaded anew by whatever comes next."""
        if self.strategy is None:
            return
        _active.remove(self)
        builtins.__import__ = self._import
        if self._opens:
            self._opens.close()
        strategy_file.forget()

    @property
    def noted(self) -> list[str]:
        """What the strategy asked for, as parts of a sentence: "it opened data/…"."""
        return list(self._noted)

    def other_circumstances(self) -> None:
        """Let the strategy's clock go wrong by years, and the random numbers of the process be others."""
        if self.strategy is not None:
            self._clock.go_on()
            random.seed()
            np.random.seed()  # a strategy may use the old generator

    def load_anew(self) -> None:
        """Have the strategy's file loaded anew, so that it reads again what it read for the run before."""
        strategy_file.forget()

    def forget_opens(self) -> None:
        """Forget what was opened up to now: the check itself has read the run's files to change copies of them."""
        if self._opens:
            self._opens.names()

    def note_opens(self) -> None:
        """Note what was opened since `forget_opens`; only the strategy can have done it."""
        for path in self._opens.names() if self._opens else ():
            self._note_path(path)

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note an audit event, if the strategy's code is on the stack."""
        if event in _OPENS:
            path = arguments[0]
            if isinstance(path, str | bytes | os.PathLike) and self._is_calling():
                self._note_path(os.fsdecode(path))
        elif event in _PROGRAMS and self._is_calling():
            self._noted["it started a program"] = None
        elif event in _CONNECTIONS and self._is_calling():
            self._noted["it opened a connection"] = None

    def _note_path(self, path: str) -> None:
        """Note that a file was opened, if it is of the run's data."""
        real = os.path.realpath(path)
        while True:
            if real in self._data:
                self._noted[f"it opened {self._data[real]}"] = None
                return
            if (parent := str(Path(real).parent)) == real:
                return
            real = parent

    def _is_calling(self) -> bool:
        """Whether code of the strategy's file is on the stack of this thread."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self.strategy:
                return True
            frame = frame.f_back
        return False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    """Pass an audit event of the process on to those who watch."""
    for watch in _active:
        watch.heard(event, arguments)
