"""What a loop needs of a strategy that it calls at decision times."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


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
