"""The setup of every session: its opening range, what is known before the open, and why it is not traded."""

from __future__ import annotations

import functools
import threading
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.bar_sessions import compiled
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import OrbRules, RangeRules

UNKNOWN = -1
MOST_SETUPS = 16  # kept at once
WHOLE_SESSION = 1 << 30  # minutes
FIVE_MINUTES = 5
HIGH, LOW, OPEN, CLOSE, VOLUME, COUNT = range(6)  # columns of compiled.ranges

TRADED, NO_BARS = "", "NO_BARS"  # no reason; a session without any bar of the symbol, which is not counted
BOTH, LONG_ONLY, SHORT_ONLY = 3, 1, 2
_SIDES = {"both": BOTH, "long": LONG_ONLY, "short": SHORT_ONLY}


@dataclass(frozen=True)
class BeforeOpen:
    """What is known of a symbol at the open of each session, in the terms of that session's shares; by session.

    Attributes:
        atr: mean true range of sessions; micro-units, UNKNOWN before there are enough.
        atr5: the same of five-minute bars, always Wilder's.
        prior_high: of the session before; micro-units, UNKNOWN without one.
        prior_low: the same.
    """

    atr: Ints
    atr5: Ints
    prior_high: Ints
    prior_low: Ints


@dataclass(frozen=True)
class Setups:
    """Setups of all symbols and sessions; flat columns of symbol times sessions, but for `order`.

    Attributes:
        minutes: length of the opening range.
        ranges: columns HIGH … COUNT of the opening range, 0 without a bar.
        atr: micro-units.
        atr5: micro-units.
        prior_high: micro-units.
        prior_low: micro-units.
        above: trigger of a long entry; micro-units.
        below: trigger of a short entry; micro-units.
        sides: bit 0 long, bit 1 short; 0: not traded.
        candle: direction of the opening range's candle.
        reasons: why it is not traded; TRADED for one that is, NO_BARS outside the run's sessions.
        rel_volume: volume of the opening range against its mean; None if the filter is off or it is not known.
        order: by session, the traded symbols in order of entries, then UNKNOWN.
    """

    minutes: Ints
    ranges: Ints
    atr: Ints
    atr5: Ints
    prior_high: Ints
    prior_low: Ints
    above: Ints
    below: Ints
    sides: Ints
    candle: Ints
    reasons: list[str]
    rel_volume: list[Fraction | None]
    order: Ints


class History:
    """Figures of completed sessions, computed once for any number of rules.

    Args:
        bars: of all symbols, warm-up sessions included.
        splits: by symbol, (day since 1970-01-01, new shares for one old one) in order of days.
    """

    def __init__(self, bars: MinuteBars, splits: dict[str, tuple[tuple[int, Fraction], ...]]) -> None:
        self.bars, self.splits = bars, splits
        self._setups: dict[Hashable, Setups] = {}
        self._lock = threading.Lock()
        self.days = self.window(WHOLE_SESSION)

    def setups(self, rules: OrbRules, first: int, end: int) -> Setups:
        """Return the setups of the sessions [first, end); points of a sweep that differ in other rules share them.

        Args:
            rules: of the run.
            first: index of a session.
            end: index of a session.
        """
        # all of the rules that `setups_of` reads
        key = (rules.ranges, rules.sessions.entry_mode, rules.sessions.tick, first, end)
        with self._lock:  # points are replayed in several threads
            if key not in self._setups:
                if len(self._setups) >= MOST_SETUPS:
                    self._setups.pop(next(iter(self._setups)))
                self._setups[key] = setups_of(self, rules, first, end)
            return self._setups[key]

    @functools.cache  # noqa: B019  # a history lives as long as the run
    def window(self, minutes: int) -> Ints:
        """Return columns HIGH … COUNT of the first minutes of every session, by symbol and session (flat)."""
        return compiled.ranges(self.bars, np.full(len(self.bars.symbols) * len(self.bars.days), minutes, np.int64))

    @functools.cache  # noqa: B019
    def before_open(self, symbol: int, period: int, wilder: bool) -> BeforeOpen:
        """Return what is known of a symbol at the open of each session.

        Args:
            symbol: its index.
            period: bars of the mean true range.
            wilder: whether that of sessions is Wilder's mean.
        """
        sessions, splits = len(self.bars.days), self.splits.get(self.bars.symbols[symbol], ())
        known = _before_open(self.bars, symbol, self.days[symbol * sessions : (symbol + 1) * sessions], period, wilder)
        # from each split on, everything before it is in the terms of the new shares
        for day, _ in splits:
            first = int(np.searchsorted(self.bars.days, day))
            if first == sessions:
                continue
            one = self.bars.adjusted(symbol, [self.ratio(symbol, k, first) for k in range(sessions)])
            whole = compiled.ranges(one, np.full(sessions, WHOLE_SESSION, np.int64))
            later = _before_open(one, 0, whole, period, wilder)
            for name in ("atr", "atr5", "prior_high", "prior_low"):
                getattr(known, name)[first:] = getattr(later, name)[first:]
        return known

    def ratio(self, symbol: int, earlier: int, later: int) -> Fraction:
        """Return how many shares of a later session one share of an earlier session has become."""
        product, days = Fraction(1), self.bars.days
        for day, ratio in self.splits.get(self.bars.symbols[symbol], ()):
            if days[earlier] < day <= days[later]:
                product *= ratio
        return product

    def mean_volume(self, symbol: int, session: int, lookback: int, minutes: int) -> Fraction | None:
        """Return the mean volume of the first minutes of the symbol's last sessions before one; None if they are too few.

        Args:
            symbol: its index.
            session: index of the session.
            lookback: how many sessions, of those in which the symbol has a bar.
            minutes: the window.
        """
        sessions = len(self.bars.days)
        with_bars = np.flatnonzero(self.bars.has_bars[symbol, :session])[-lookback:]
        if len(with_bars) < lookback:
            return None
        volumes = self.window(minutes)[symbol * sessions + with_bars, VOLUME].tolist()
        if not self.splits.get(self.bars.symbols[symbol]):
            return Fraction(sum(volumes), lookback)
        ratios = [self.ratio(symbol, int(k), session) for k in with_bars]
        return sum((v * ratio for v, ratio in zip(volumes, ratios, strict=True)), Fraction(0)) / lookback


def _before_open(bars: MinuteBars, symbol: int, whole: Ints, period: int, wilder: bool) -> BeforeOpen:
    """Return what is known at each open, given the columns HIGH … COUNT of the symbol's whole sessions."""
    latest = np.maximum.accumulate(np.where(whole[:, COUNT] > 0, np.arange(len(whole)), UNKNOWN))
    before = np.concatenate([[UNKNOWN], latest[:-1]])  # index of the last session with a bar
    return BeforeOpen(
        atr=compiled.mean_true_ranges(bars, symbol, 0, period, wilder=wilder),
        atr5=compiled.mean_true_ranges(bars, symbol, FIVE_MINUTES, period, wilder=True),
        prior_high=np.where(before < 0, UNKNOWN, whole[before, HIGH]),
        prior_low=np.where(before < 0, UNKNOWN, whole[before, LOW]),
    )


def setups_of(history: History, rules: OrbRules, first: int, end: int) -> Setups:
    """Return the setups of the sessions [first, end).

    Args:
        history: figures of completed sessions.
        rules: of the run.
        first: index of a session.
        end: index of a session.
    """
    bars, of = history.bars, rules.ranges
    # what is known before each open, of all symbols one after the other
    known = [history.before_open(i, of.atr_period, of.atr_wilder) for i in range(len(bars.symbols))]
    atr, atr5, prior_high, prior_low = (
        np.concatenate([getattr(each, name) for each in known]) for name in ("atr", "atr5", "prior_high", "prior_low")
    )
    # the length of each range, its bars, and why it is not traded
    minutes = np.full(len(atr), of.minutes, np.int64)
    within = list(_within(bars, first, end))
    if of.adaptive:
        known_atr, known_atr5 = atr.tolist(), atr5.tolist()
        for k, session in within:
            minutes[k] = _adaptive_minutes(of, known_atr[k], known_atr5[k], bars.session_minutes[session])
    ranges = compiled.ranges(bars, minutes)
    reasons = _reasons(bars, rules, within, minutes, ranges, atr)
    rel_volume: list[Fraction | None] = [None] * len(atr)
    if of.play_filter is not None:
        _filter(history, rules, within, minutes, ranges, atr, reasons, rel_volume)

    # sides and triggers
    candle = np.sign(ranges[:, CLOSE] - ranges[:, OPEN])
    by_candle = np.where(candle > 0, LONG_ONLY, np.where(candle < 0, SHORT_ONLY, 0))
    sides = by_candle if of.direction == "or_candle" else np.full(len(atr), _SIDES[of.direction], np.int64)
    traded = np.array([reason == TRADED for reason in reasons])
    high, low = ranges[:, HIGH].copy(), ranges[:, LOW].copy()
    above, below = compiled.triggers(high, low, atr, of.buffer_fixed, of.buffer_atr, rules.sessions.tick)
    return Setups(
        minutes=minutes,
        ranges=ranges,
        atr=atr,
        atr5=atr5,
        prior_high=prior_high,
        prior_low=prior_low,
        above=above,
        below=below,
        sides=np.where(traded, sides, 0),
        candle=candle,
        reasons=reasons,
        rel_volume=rel_volume,
        order=_order(bars, traded, rel_volume if of.play_filter else None),
    )


def _within(bars: MinuteBars, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield (flat index, session) of every symbol's sessions with a bar in [first, end)."""
    for symbol in range(len(bars.symbols)):
        for session in (first + np.flatnonzero(bars.has_bars[symbol, first:end])).tolist():
            yield symbol * len(bars.days) + session, session


def _adaptive_minutes(of: RangeRules, atr: int, atr5: int, session_minutes: int) -> int:
    """Return the length of the opening range by v = ATR5 x sqrt(k) / ATR, compared as squares of exact numbers."""
    if atr < 0 or atr5 < 0:
        return of.minutes
    time, unit = (session_minutes, FIVE_MINUTES) if of.sqrt_time else (1, 1)
    # v² as the ratio of two integers; a true range of 0 counts as v = 1
    above, below = (atr5 * atr5 * time, atr * atr * unit) if atr else (1, 1)
    low, high = of.low_norm_vol, of.high_norm_vol
    if above * low.denominator**2 < low.numerator**2 * below:
        return of.short_minutes
    if above * high.denominator**2 > high.numerator**2 * below:
        return of.long_minutes
    return of.minutes


def _reasons(
    bars: MinuteBars, rules: OrbRules, within: list[tuple[int, int]], minutes: Ints, ranges: Ints, atr: Ints
) -> list[str]:
    """Return why each session is not traded, before the filter of stocks in play."""
    of, found = rules.ranges, [NO_BARS] * len(minutes)
    candle_needed = of.direction == "or_candle" or rules.sessions.entry_mode == 2
    columns = zip(minutes.tolist(), ranges.tolist(), atr.tolist(), strict=True)
    figures = list(columns)
    for k, session in within:
        length, (high, low, first_open, last_close, _, count), true_range = figures[k]
        if not count:
            found[k] = "NO_OPENING_RANGE"
        elif of.skip_gaps and count * bars.bar_minutes < length:
            found[k] = "OR_INCOMPLETE"
        elif of.needs_atr and true_range <= 0:
            found[k] = "ATR_WARMUP"
        elif not _is_valid(of, high - low, true_range, length, bars.session_minutes[session]):
            found[k] = "OR_INVALID"
        elif candle_needed and first_open == last_close:
            found[k] = "DOJI"
        else:
            found[k] = TRADED
    return found


def _is_valid(of: RangeRules, width: int, atr: int, minutes: int, session_minutes: int) -> bool:
    """Return whether the width of a range, against the true range scaled to its time, is within the limits."""
    if of.validity is None:
        return True
    least, greatest = of.validity
    # width² x session minutes against limit² x ATR² x minutes; without scaling both times are 1
    time, whole = (minutes, session_minutes) if of.sqrt_time else (1, 1)
    ratio, unit = width * width * whole, atr * atr * time
    return (
        ratio * least.denominator**2 >= least.numerator**2 * unit
        and ratio * greatest.denominator**2 <= greatest.numerator**2 * unit
    )


def _filter(
    history: History,
    rules: OrbRules,
    within: list[tuple[int, int]],
    minutes: Ints,
    ranges: Ints,
    atr: Ints,
    reasons: list[str],
    rel_volume: list[Fraction | None],
) -> None:
    """Note which of the sessions left are not in play, and the relative volume of those that are; changes both lists."""
    of, sessions = rules.ranges.play_filter, len(history.bars.days)
    assert of is not None
    # each condition by itself, the first that fails is the reason
    for k, session in within:
        if reasons[k] != TRADED:
            continue
        symbol = k // sessions
        daily = history.mean_volume(symbol, session, of.lookback, WHOLE_SESSION)
        opening = history.mean_volume(symbol, session, of.lookback, int(minutes[k]))
        if daily is None or opening is None:
            reasons[k] = "FILTER_WARMUP"
            continue
        relative = Fraction(int(ranges[k, VOLUME])) / opening if opening else None
        rel_volume[k] = relative
        if of.min_open_price is not None and ranges[k, OPEN] <= of.min_open_price:
            reasons[k] = "FILTER_PRICE"
        elif of.min_avg_volume is not None and daily < of.min_avg_volume:
            reasons[k] = "FILTER_VOLUME"
        elif of.min_atr is not None and (atr[k] < 0 or atr[k] <= of.min_atr):
            reasons[k] = "FILTER_ATR"
        elif relative is None or (of.min_rel_volume is not None and relative < of.min_rel_volume):
            reasons[k] = "FILTER_REL_VOLUME"
    if of.top_n is None:
        return
    # of those that are left, the highest relative volumes of each session
    by_session: dict[int, list[int]] = {}
    for k, session in within:
        if reasons[k] == TRADED:
            by_session.setdefault(session, []).append(k)
    for left in by_session.values():
        for k in _ranked(left, rel_volume)[of.top_n :]:
            reasons[k] = "FILTER_RANK"


def _ranked(indices: list[int], rel_volume: list[Fraction | None]) -> list[int]:
    """Return flat indices of one session by relative volume, the highest first, then by symbol."""
    return sorted(indices, key=lambda k: (-(rel_volume[k] or 0), k))


def _order(bars: MinuteBars, traded: Ints, rel_volume: list[Fraction | None] | None) -> Ints:
    """Return by session (flat) the traded symbols in the order of their entries, then UNKNOWN."""
    symbols, sessions = len(bars.symbols), len(bars.days)
    grid = traded.reshape(symbols, sessions).T
    by_name = np.argsort(~grid, axis=1, kind="stable")  # by session: traded symbols in order, then the others
    order = np.where(np.arange(symbols) < grid.sum(axis=1)[:, None], by_name, UNKNOWN)
    if rel_volume is not None:
        for session in np.flatnonzero(grid.any(axis=1)).tolist():
            ranked = _ranked((np.flatnonzero(grid[session]) * sessions + session).tolist(), rel_volume)
            order[session, : len(ranked)] = [k // sessions for k in ranked]
    return order
