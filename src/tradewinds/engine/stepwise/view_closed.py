"""What the views of all markets have in common: they end with the decision for which they were made."""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar

_MESSAGE = "a view is read after its decision: use the view that on_decision is given now"


class ViewClosed(RuntimeError):
    """A view was read after the decision for which it was made."""


class _Closed:
    """What a view has in place of what is visible, once its decision is over: to read any of it is an error."""

    __slots__ = ()

    def __getattr__(self, name: str) -> NoReturn:
        """Raise, whatever is read."""
        raise ViewClosed(_MESSAGE)


CLOSED: Any = _Closed()
State = TypeVar("State")


class DecisionState(Generic[State]):
    """What a view of a decision reads; it can be read until `on_decision` returns, so that no strategy keeps a view.

    A loop that makes very many views makes them without `__init__`, and sets `_state` itself: before the call to what is
    visible, after it to CLOSED. So a property need not ask whether the view is open.
    """

    __slots__ = ("_state",)

    def __init__(self, state: State) -> None:
        self._state: State = state

    def _close(self) -> None:
        """End the time in which the view can be read."""
        self._state = CLOSED

    def _open(self) -> State:
        """Return what is visible, or raise because the decision is over."""
        if self._state is CLOSED:
            raise ViewClosed(_MESSAGE)
        return self._state
