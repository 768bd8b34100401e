"""What a strategy that is called at every minute of a session sees: the view of bars, and the hours of the session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tradewinds.engine.stepwise.bar_view import WIDTH, BarState, BarView
from tradewinds.engine.stepwise.step_orders import ticker_of


class SessionState(BarState):
    """What has become visible so far, with the session that runs.

    Args:
        tickers: by idx, all symbols of the run, ascending.
        fee_of: commission of a fill, from (shares, price in micro-units); micro-units.

    Attributes:
        now: the decision time; Unix s.
        day: date of the session; days since 1970-01-01.
        opens_at: open of the session; Unix s.
        closes_at: close of the session, which its calendar says; Unix s.
        bars_before: by idx, bars of before the session.
    """

    now: float = 0.0
    day: float = 0

    def __init__(self, tickers: Sequence[str], fee_of: Callable[[int, int], int]) -> None:
        super().__init__(tickers, fee_of)
        self.opens_at = self.closes_at = 0
        self.bars_before = [0] * len(tickers)

    def begin_session(self, day: int, opens_at: int, closes_at: int) -> None:
        """Begin a session.

        Args:
            day: days since 1970-01-01.
            opens_at: Unix s.
            closes_at: Unix s.
        """
        self.day, self.opens_at, self.closes_at = day, opens_at, closes_at
        self.bars_before = [len(past) // WIDTH for past in self.past]

    def bars_today(self, ticker: str) -> int:
        """Return how many bars of the session a symbol has had.

        Args:
            ticker: the symbol.
        """
        idx = self.index_of(ticker)
        return 0 if idx is None else len(self.past[idx]) // WIDTH - self.bars_before[idx]


class SessionView(BarView):
    """What is visible at the end of a minute. It can be read until `on_decision` returns."""

    __slots__ = ()

    def _session(self) -> SessionState:
        """Return what is visible, or raise because the decision is over."""
        state = self._open()
        assert isinstance(state, SessionState)
        return state

    @property
    def opens_at(self) -> int:
        """The open of the session; Unix s."""
        return self._session().opens_at

    @property
    def closes_at(self) -> int:
        """The close of the session, also of a half day; Unix s."""
        return self._session().closes_at

    @property
    def minute(self) -> int:
        """Minutes since the open of the session."""
        state = self._session()
        return int(state.now - state.opens_at) // 60

    @property
    def minutes_left(self) -> int:
        """Minutes until the close of the session."""
        state = self._session()
        return int(state.closes_at - state.now) // 60

    def bars_today(self, market: Any) -> int:
        """Return how many bars of the session a share has had, for the argument `last` of `history`, `highs` and so on.

        Args:
            market: one of `markets`, or its ticker.
        """
        return self._session().bars_today(ticker_of(market))
