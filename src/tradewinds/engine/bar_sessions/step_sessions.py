"""The pass over sessions with a strategy that is called at the end of every minute.

In a minute: waiting orders are filled by its bars; the bars become visible; the strategy is called at their end, and its orders
wait for later bars. At the end of a session what is held is closed, and orders are taken back.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import MICRO
from tradewinds.engine.bar_sessions.minute_bars import UNKNOWN_VOLUME, MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import INTRABAR, OrbRules, SessionRules
from tradewinds.engine.bar_sessions.session_account import SessionAccount
from tradewinds.engine.bar_sessions.session_desk import SessionDesk
from tradewinds.engine.bar_sessions.session_result import BREAK_COLUMNS, LEG_COLUMNS, TRADE_COLUMNS, SessionsResult
from tradewinds.engine.bar_sessions.session_view import SessionState, SessionView
from tradewinds.engine.bar_sessions.setups import TRADED, UNKNOWN, History, Setups
from tradewinds.engine.bar_sessions.step_rules import commission
from tradewinds.engine.stepwise.bar_view import WIDTH
from tradewinds.engine.stepwise.step_caller import StepCaller

_BYTES = 8 * WIDTH


@dataclass(frozen=True)
class _Session:
    """The bars of a session in order of time, those of a minute in order of symbols.

    Attributes:
        rows: by bar, its row of MinuteBars.
        symbols: by bar.
        numbers: the bars as BarState keeps them, WIDTH floats each.
        starts: of the distinct minutes; Unix s.
        bounds: minute i has the bars [bounds[i], bounds[i + 1]).
    """

    rows: list[int]
    symbols: list[int]
    numbers: bytes
    starts: list[int]
    bounds: list[int]


def run_called(
    history: History, rules: OrbRules, cutoff_ts: Ints, first: int, end: int, make: Callable[[], StepCaller]
) -> SessionsResult:
    """Trade the sessions [first, end) of a run with a strategy that is called.

    Args:
        history: the bars, and the splits of shares.
        rules: of the run.
        cutoff_ts: by session, the instant from which nothing is entered, or NEVER; Unix s.
        first: index of the first session that is traded; those before are history.
        end: index after the last.
        make: makes the strategy.

    Raises:
        SimulationError: the strategy failed, or a position would be too large for exact amounts.
    """
    return _StepPass(history, rules, cutoff_ts, make).run(first, end)


def called_policies(
    history: History, rules: OrbRules, cutoff_ts: Ints, first: int, end: int, make: Callable[[], StepCaller]
) -> dict[str, SessionsResult]:
    """Trade the same sessions under each order of events inside a bar; arguments and errors as `run_called`."""
    found = {}
    for code, name in enumerate(INTRABAR):
        policy = replace(rules, sessions=replace(rules.sessions, intrabar=code))
        found[name] = run_called(history, policy, cutoff_ts, first, end, make)
    return found


class _StepPass:
    """One pass; arguments as for `run_called`."""

    def __init__(self, history: History, rules: OrbRules, cutoff_ts: Ints, make: Callable[[], StepCaller]) -> None:
        self.history, self.bars, self.rules = history, history.bars, rules
        self.account = SessionAccount(self.bars, rules, cutoff_ts)
        self.state = SessionState(self.bars.symbols, functools.partial(_fee, rules.sessions))
        self.desk = SessionDesk(self.bars, rules, self.account, self.state)
        self._strategy = make()
        self._stale = 0

    def run(self, first: int, end: int) -> SessionsResult:
        """Pass over the sessions [first, end)."""
        self.state.cash_micro = sum(self.account.cash)
        for symbol in range(len(self.bars.symbols)):
            self._show_history(symbol, first)
        cash = []
        with self._strategy.watched():
            self._strategy.start()
            for session in range(first, end):
                self._pass(session, first)
                cash.append(list(self.account.cash))
        return SessionsResult(
            bars=self.bars,
            setups=_no_setups(self.bars),
            first=first,
            end=end,
            trade_rows=_table(self.account.trade_rows, len(TRADE_COLUMNS)),
            leg_rows=_table(self.account.leg_rows, len(LEG_COLUMNS)),
            break_rows=_table([], len(BREAK_COLUMNS)),
            cash=_table(cash, len(self.account.cash)),
            start_micro=self.rules.start_micro,
            ambiguous_bars=self.desk.ambiguous,
            stale_exits=self._stale,
            called=True,
            outcomes=self.desk.outcomes,
            wishes=self.desk.wishes,
        )

    # ---- what becomes visible ----

    def _show_history(self, symbol: int, session: int) -> None:
        """Show the bars of a symbol before a session, in the terms of that session's shares."""
        bars, at = self.bars, symbol * len(self.bars.days)
        begin, end = int(bars.first_row[at]), int(bars.first_row[at + session])
        of_session = np.searchsorted(bars.first_row[at : at + session + 1], np.arange(begin, end), side="right") - 1
        ratios = [Fraction(1)] * len(bars.days)
        if self.history.splits.get(bars.symbols[symbol]):
            ratios[:session] = [self.history.ratio(symbol, earlier, session) for earlier in range(session)]
            bars, begin, end = bars.adjusted(symbol, ratios), 0, end - begin
        of_row = np.array([float(ratio) for ratio in ratios])[of_session]
        self.state.show_past(symbol, _numbers(bars, np.arange(begin, end), of_session, of_row))

    def _show_splits(self, session: int) -> None:
        """Show the bars so far of a symbol that is split at the open of a session in the terms of the new shares."""
        days = self.bars.days
        for symbol, name in enumerate(self.bars.symbols):
            splits = self.history.splits.get(name, ())
            if any(days[session - 1] < day <= days[session] for day, _ in splits):
                self._show_history(symbol, session)

    def _bars_of(self, session: int) -> _Session:
        """Return the bars of a session."""
        sessions = len(self.bars.days)
        spans = [
            self.bars.first_row[symbol * sessions + session :][:2].tolist() for symbol in range(len(self.bars.symbols))
        ]
        rows = np.concatenate([np.zeros(0, np.int64), *(np.arange(*span) for span in spans)])
        symbols = np.repeat(np.arange(len(spans)), [end - first for first, end in spans])
        minutes = self.bars.minute[rows]
        order = np.lexsort((symbols, minutes))
        rows, minutes = rows[order], minutes[order].astype(np.int64)
        distinct, starts = np.unique(minutes, return_index=True)
        return _Session(
            rows=rows.tolist(),
            symbols=symbols[order].tolist(),
            numbers=_numbers(self.bars, rows, np.full(len(rows), session), np.ones(len(rows))),
            starts=(int(self.bars.open_ts[session]) + 60 * distinct).tolist(),
            bounds=[*starts.tolist(), len(rows)],
        )

    # ---- a session ----

    def _pass(self, session: int, first: int) -> None:
        """Pass over a session."""
        opens_at, closes_at = int(self.bars.open_ts[session]), int(self.bars.close_ts[session])
        if session > first:
            self._show_splits(session)
        self.state.begin_session(int(self.bars.days[session]), opens_at, closes_at)
        self.account.open_session(session)
        part = self._bars_of(session)
        last_rows: dict[int, int] = {}
        for ts, low, high in self._minutes(part):
            if self.account.held or self.desk.waiting:
                self.desk.minute(dict(zip(part.symbols[low:high], part.rows[low:high], strict=True)), ts)
            for place in range(low, high):
                symbol = part.symbols[place]
                self.state.past[symbol].frombytes(part.numbers[place * _BYTES : place * _BYTES + _BYTES])
                last_rows[symbol] = part.rows[place]
            self._decide(part.symbols[low:high], ts + 60 * self.bars.bar_minutes)
        self._stale += self.desk.end_session(last_rows, opens_at, closes_at)

    @staticmethod
    def _minutes(part: _Session) -> Iterator[tuple[int, int, int]]:
        """Return start, first bar and end of the bars of each minute."""
        return zip(part.starts, part.bounds, part.bounds[1:], strict=False)

    def _decide(self, arrived: list[int], ts: int) -> None:
        """Call the strategy, and take its orders.

        Args:
            arrived: symbols whose bars have just ended.
            ts: end of the bars; Unix s.
        """
        state = self.state
        if not state.shown.issuperset(arrived):
            state.show(arrived)
        state.arrived, state.now = arrived, ts
        view = SessionView(state)
        wishes = self._strategy.decide(view)
        view._close()
        if state.marked:
            state.marked.clear()
        for wish in wishes:
            self.desk.carry_out(wish, ts, self._strategy.problem)


def _numbers(bars: MinuteBars, rows: Ints, sessions: Ints, ratio: Floats) -> bytes:
    """Return bars as BarState keeps them.

    Args:
        bars: the bars.
        rows: which ones.
        sessions: by row, its session.
        ratio: by row, new shares for one old one, by which volumes are multiplied.
    """
    found = np.empty((len(rows), WIDTH))
    found[:, 0] = bars.days[sessions]
    found[:, 1] = bars.open_ts[sessions] + 60 * (bars.minute[rows].astype(np.int64) + bars.bar_minutes)
    for place, column in enumerate((bars.open, bars.high, bars.low, bars.close), 2):
        found[:, place] = column[rows] / MICRO
    volume = bars.volume[rows]
    found[:, 6] = np.where(volume == UNKNOWN_VOLUME, np.nan, volume * ratio)
    return found.tobytes()


def _table(rows: list[list[int]] | list[tuple[int, ...]], width: int) -> Ints:
    """Return rows of integers as columns."""
    return np.array(rows, np.int64).reshape(-1, width)


def _no_setups(bars: MinuteBars) -> Setups:
    """Return setups without opening ranges: a strategy that is called has no use for them."""
    symbols, sessions = len(bars.symbols), len(bars.days)
    zeros, unknown = np.zeros(symbols * sessions, np.int64), np.full(symbols * sessions, UNKNOWN, np.int64)
    return Setups(
        minutes=zeros,
        ranges=np.zeros((symbols * sessions, 6), np.int64),
        atr=unknown,
        atr5=unknown,
        prior_high=unknown,
        prior_low=unknown,
        above=zeros,
        below=zeros,
        sides=zeros,
        candle=zeros,
        reasons=[TRADED] * (symbols * sessions),
        rel_volume=[None] * (symbols * sessions),
        order=np.full((sessions, symbols), UNKNOWN, np.int64),
    )


def _fee(rules: SessionRules, shares: int, price: int) -> int:
    """Return the commission of a fill, which does not depend on its price; micro-units."""
    return commission(rules, shares)
