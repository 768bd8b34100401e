"""A clock that goes wrong on purpose, for one strategy file: what it imports of `time` and `datetime` tells another time."""

from __future__ import annotations

import datetime as dt
import sys
import time
import types
from collections.abc import Callable
from typing import Any

_STEP_SECONDS = 1000 * 86_400 + 12_345  # another year, month, weekday and time of the day


class WrongClock:
    """What a file is given in place of `time` and `datetime`; right until `go_on` is called.

    Args:
        path: of the file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._seconds = 0
        self._modules = {"time": self._time(), "datetime": self._datetime()}

    def go_on(self) -> None:
        """Be wrong by another few years."""
        self._seconds += _STEP_SECONDS

    def importing(self, original: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function behind `import` that gives the file these modules.

        Args:
            original: the function that was there before.
        """

        def imported(
            name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0
        ) -> Any:  # the names and the order of __import__
            of = sys._getframe(1).f_globals if globals is None else globals
            if name in self._modules and of.get("__file__") == self._path:
                return self._modules[name]
            return original(name, globals, locals, fromlist, level)

        return imported

    def _time(self) -> types.ModuleType:
        """`time`, with another time."""

        def at(seconds: float | None) -> float:
            return time.time() + self._seconds if seconds is None else seconds

        return _with(
            time,
            time=lambda: time.time() + self._seconds,
            time_ns=lambda: time.time_ns() + self._seconds * 10**9,
            gmtime=lambda seconds=None: time.gmtime(at(seconds)),
            localtime=lambda seconds=None: time.localtime(at(seconds)),
            ctime=lambda seconds=None: time.ctime(at(seconds)),
            strftime=lambda form, *t: time.strftime(form, *(t or (time.localtime(at(None)),))),
        )

    def _datetime(self) -> types.ModuleType:
        """`datetime`, whose classes have another now and today."""
        clock = self

        # what the true classes made is an instance of these, too
        class AnyOfThem(type):
            """Instances of the true class are instances of the other one, too."""

            def __instancecheck__(cls, instance: object) -> bool:
                return isinstance(instance, cls.__mro__[1])

        # the classes, but for what they say of now
        class Datetime(dt.datetime, metaclass=AnyOfThem):
            """A datetime with another now."""

            @classmethod
            def now(cls, tz: dt.tzinfo | None = None) -> Any:
                """Return another now."""
                return dt.datetime.now(tz) + dt.timedelta(seconds=clock._seconds)

            @classmethod
            def utcnow(cls) -> Any:
                """Return another now, UTC without a zone."""
                return cls.now(dt.UTC).replace(tzinfo=None)

            @classmethod
            def today(cls) -> Any:
                """Return another now, local."""
                return cls.now()

        class Date(dt.date, metaclass=AnyOfThem):
            """A date with another today."""

            @classmethod
            def today(cls) -> Any:
                """Return another today."""
                return Datetime.now().date()

        return _with(dt, datetime=Datetime, date=Date)


def _with(module: types.ModuleType, **names: Any) -> types.ModuleType:
    """Return a module with some names replaced."""
    copy = types.ModuleType(module.__name__, module.__doc__)
    copy.__dict__.update({**vars(module), **names})
    return copy
