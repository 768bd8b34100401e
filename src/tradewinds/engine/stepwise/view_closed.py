"""What the views of all markets have in common: they end with the decision for which they were made."""

from __future__ import annotations

from typing import Generic, TypeVar


class ViewClosed(RuntimeError):
    """A view was read after the decision for which it was made."""


State = TypeVar("State")


class DecisionState(Generic[State]):
    """What a view of a decision reads; it can be read until `on_decision` returns, so that no strategy keeps a view."""

    __slots__ = ("_state",)

    def __init__(self, state: State | None) -> None:
        self._state = state

    def _close(self) -> None:
        """End the time in which the view can be read."""
        self._state = None

    def _open(self) -> State:
        """Return what is visible, or raise because the decision is over."""
        state = self._state
        if state is None:
            raise ViewClosed("a view is read after its decision: use the view that on_decision is given now")
        return state
