"""Errors that a user reads: one paragraph that says what is wrong, where, and what to do. Each class has an exit code.

TradewindsError           1  (never raised itself)
├── ConfigError           2  config or usage wrong; nothing was touched
├── DataMissing           3  data missing and fetching is not allowed
├── FetchError            4  a service could not be read, or its answer cannot be true
├── SimulationError       5  simulation or validation failed
│   └── DamagedFile       5  a data file is not what was written
└── DatabaseError         6  the database could not be read or written
    └── NothingLoaded     6  … because no run has been loaded into it yet
"""

from __future__ import annotations

from tradewinds.core.safe_text import printable
from tradewinds.core.url_secrets import masked


class TradewindsError(Exception):
    """Base of all errors that a user reads.

    Args:
        what: what went wrong, one sentence.
        where: the file, key, line, URL or row concerned; "" where `what` says it.
        remedy: what the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        # What a file or a service said may hold escape sequences; `what` may list problems, a line each.
        self.what, self.where, self.remedy = printable(what), printable(where, lines=False), printable(remedy)
        super().__init__(str(self))

    def move_to(self, where: str) -> None:
        """Let the error say another place, such as that of the config's key that names the file it is about."""
        self.where = printable(where, lines=False)
        self.args = (str(self),)

    def __str__(self) -> str:
        """Return one paragraph: `where: what remedy`, without the secrets of its URLs."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return masked(f"{head} {self.remedy}".strip())

    def __reduce__(self) -> tuple[object, ...]:
        """Say how to unpickle the error, since its fields are keyword arguments."""
        return (_rebuild, (type(self), self.what, self.where, self.remedy))


def _rebuild(cls: type[TradewindsError], what: str, where: str, remedy: str) -> TradewindsError:
    return cls(what, where=where, remedy=remedy)


class ConfigError(TradewindsError):
    """The config file or the command line is wrong; nothing was touched."""

    exit_code = 2


class DataMissing(TradewindsError):
    """Data is missing and fetching is not allowed."""

    exit_code = 3


class FetchError(TradewindsError):
    """A service could not be read, or its answer must not be stored."""

    exit_code = 4


class RefusedAnswer(FetchError):
    """A service's answer cannot be right. To ask again would bring the same answer.

    Attributes:
        copy: path of a copy of the answer; "" without one.
    """

    copy = ""


class SimulationError(TradewindsError):
    """The simulation or one of its validations failed."""

    exit_code = 5


class DamagedFile(SimulationError):
    """A data file cannot be read, or does not hold what such a file must."""

    def __init__(self, path: object, problem: str) -> None:
        remedy = "Delete it, or let `tradewinds check --delete-damaged` do it; the next run fetches it again."
        super().__init__(f"the file is damaged ({problem}).", where=str(path), remedy=remedy)


class DatabaseError(TradewindsError):
    """The results database could not be read or written."""

    exit_code = 6


class NothingLoaded(DatabaseError):
    """There is no such database yet, or it has none of Tradewinds' tables."""


INTERRUPTED = 130  # exit code after Ctrl-C
