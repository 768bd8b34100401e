"""The pass over a run's sessions: calls the compiled loop, and collects what it writes."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.bar_sessions import compiled
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import INTRABAR, OrbRules
from tradewinds.engine.bar_sessions.session_account import too_large
from tradewinds.engine.bar_sessions.session_result import BREAK_COLUMNS, LEG_COLUMNS, TRADE_COLUMNS, SessionsResult
from tradewinds.engine.bar_sessions.setups import History, Setups

# 64-bit words of the structures that the loop keeps; sessions.c may need fewer
_DESK_WORDS, _CLOSING_WORDS, _GOVERNOR_WORDS, _RELEASE_WORDS = 48, 8, 4, 3
_LEGS_OF_A_BAR = 5
_ROOM = 100_000  # rows of a buffer, where sessions do not need more

# indices into the structure Pass
_COUNTS, _AMBIGUOUS, _STALE, _TOO_LARGE, _NUMBERED = slice(16, 19), 24, 25, 26, 21


def run(history: History, rules: OrbRules, cutoff_ts: Ints, first: int, end: int) -> SessionsResult:
    """Trade the sessions [first, end) of a run.

    Args:
        history: the bars and what is known before each open.
        rules: of the run.
        cutoff_ts: by session, the instant from which no entry is decided, or NEVER; Unix s.
        first: index of the first session that is traded; those before are warm-up.
        end: index after the last.

    Raises:
        SimulationError: a position would be too large for exact amounts.
    """
    bars = history.bars
    setups = history.setups(rules, first, end)
    loop = _Loop(bars, setups, rules, cutoff_ts)
    loop.run(first, end)
    symbols = len(bars.symbols) if rules.sessions.account_each else 1
    return SessionsResult(
        bars=bars,
        setups=setups,
        first=first,
        end=end,
        trade_rows=np.concatenate(loop.trades),
        leg_rows=np.concatenate(loop.legs),
        break_rows=np.concatenate(loop.breaks),
        cash=loop.equity.reshape(-1, symbols)[first:end],
        start_micro=rules.start_micro,
        ambiguous_bars=int(loop.state[_AMBIGUOUS]),
        stale_exits=int(loop.state[_STALE]),
    )


def run_policies(history: History, rules: OrbRules, cutoff_ts: Ints, first: int, end: int) -> dict[str, SessionsResult]:
    """Trade the same sessions under each order of events inside a bar; arguments and errors as `run`.

    The passes run in threads, because the loop works without Python's lock.
    """
    policies = [replace(rules, sessions=replace(rules.sessions, intrabar=code)) for code in range(len(INTRABAR))]
    with ThreadPoolExecutor(max_workers=len(policies)) as pool:
        passes = pool.map(lambda policy: run(history, policy, cutoff_ts, first, end), policies)
        return dict(zip(INTRABAR, passes, strict=True))


class _Loop:
    """The structures of one pass, and the rows that it has written so far.

    Args:
        bars: of all symbols.
        setups: of all sessions.
        rules: of the run.
        cutoff_ts: by session; Unix s.
    """

    def __init__(self, bars: MinuteBars, setups: Setups, rules: OrbRules, cutoff_ts: Ints) -> None:
        symbols, sessions = len(bars.symbols), len(bars.days)
        accounts = symbols if rules.sessions.account_each else 1
        self.trades, self.legs, self.breaks = ([np.empty((0, len(names)), np.int64)] for names in _ROWS)
        self.equity = np.full(sessions * accounts, rules.start_micro, np.int64)
        self.rules, self.bars = compiled.rules_words(rules.sessions), compiled.bars_words(bars)

        # Setups, field by field
        flatten_ts = bars.close_ts - 60 * rules.flatten_minutes if rules.flatten_minutes else np.full(sessions, 2**62)
        by_pair = (setups.minutes, setups.sides, setups.candle, setups.above, setups.below)
        columns = [*by_pair, setups.ranges[:, 0].copy(), setups.ranges[:, 1].copy()]
        columns += [setups.atr, setups.prior_high, setups.prior_low, setups.order.reshape(-1)]
        columns += [bars.open_ts, bars.close_ts, cutoff_ts, flatten_ts]
        self.columns = [bars.first_row, *columns]  # they live as long as the structure
        self.setups = compiled.words([*map(compiled.address, self.columns), symbols, sessions])

        # Pass, field by field: buffers for the sessions with the most bars
        most = int(np.diff(bars.first_row).reshape(symbols, sessions).sum(axis=0).max(initial=0))
        self.room = max(most, _ROOM)
        rooms = (self.room, _LEGS_OF_A_BAR * self.room, self.room)
        self.buffers = [np.empty((room, len(names)), np.int64) for room, names in zip(rooms, _ROWS, strict=True)]
        trades, legs, breaks = self.buffers
        self.cash = np.full(accounts, rules.start_micro, np.int64)
        self.scratch = [np.zeros(accounts, np.int64) for _ in range(3)]
        widths = (_DESK_WORDS, 1, 4 * _CLOSING_WORDS, _GOVERNOR_WORDS, 8 * _RELEASE_WORDS)
        self.scratch += [np.zeros(symbols * width, np.int64) for width in widths]
        self.loss_told = compiled.LossTold(functools.partial(_tell_loss, {}, rules.max_loss_r))
        self.state = compiled.words(
            [
                *map(compiled.address, (self.cash, *self.scratch, trades, legs, breaks, self.equity)),
                *rooms,
                *[0] * 11,
                compiled.address_of(self.loss_told),
            ]
        )

    def run(self, first: int, end: int) -> None:
        """Pass over sessions, emptying the buffers whenever they are full; raises as `run`."""
        while first < end:
            first = compiled.run_sessions(self.rules, self.bars, self.setups, self.state, first, end)
            if self.state[_TOO_LARGE]:
                raise too_large()
            counts = self.state[_COUNTS]
            for rows, buffer, count in zip((self.trades, self.legs, self.breaks), self.buffers, counts, strict=True):
                rows.append(buffer[:count].copy())
            self.state[_NUMBERED] += counts[0]
            self.state[_COUNTS] = [0, 0, 0]


_ROWS = (TRADE_COLUMNS, LEG_COLUMNS, BREAK_COLUMNS)


def _tell_loss(sums: dict[int, Fraction], limit: Fraction | None, governor: int, pnl: int, risk: int) -> int:
    """Add a closed trade to its day, and return whether the day's loss has reached the limit.

    Args:
        sums: by governor, R so far; a session begins with a governor below 0.
        limit: in R.
        governor: who counts.
        pnl: of the trade; micro-units.
        risk: R of a share times shares; micro-units.
    """
    if governor < 0:
        sums.clear()
        return 0
    sums[governor] = sums.get(governor, Fraction(0)) + Fraction(pnl, risk)
    return int(limit is not None and sums[governor] <= -limit)
