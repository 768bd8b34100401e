"""What a loop needs of a strategy that it calls at decision times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol


class Moments(NamedTuple):
    """Decision times in a row at which the loop has nothing to do but to show what is new.

    Attributes:
        each: shows what is new at the next decision time whenever it is advanced.
        left: how many are left, by which one call can be told from the next; an object of their own.
    """

    each: Iterator[object]
    left: Callable[[], int]


class StepCaller(Protocol):
    """A strategy that is called at decision times.

    Attributes:
        every_decision_time: it is called at all of them; else only where something visible has changed.
    """

    every_decision_time: bool

    def start(self) -> None:
        """Begin a run."""

    def decide(self, view: Any) -> Sequence[Any]:
        """Return orders and cancellations, to be carried out one after the other.

        Args:
            view: what is visible.
        """

    def watched(self) -> AbstractContextManager[Any]:
        """A block in which a call that takes too long is ended."""

    def problem(self, what: str) -> Exception:
        """Return the error for orders that cannot be meant.

        Args:
            what: what was returned.
        """


class MomentsCaller(StepCaller, Protocol):
    """A StepCaller that also passes decision times by itself."""

    def decide_until(self, moments: Moments, view: Any) -> Sequence[Any] | None:
        """Call the strategy at decision times in a row, up to the first at which the loop has something to do.

        That is one at which it returned orders, or kept the view: it must not read that one at the next decision time.

        Args:
            moments: the decision times.
            view: what is visible; the same object at all of them.

        Returns:
            What it returned at the last of them, as `decide`; None: it was called at all of them.
        """
