"""Daily bars as columns, and the trading days over which the ledger passes."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Floats, Ints
from tradewinds.core.units import DAY_SECONDS, NEVER


@dataclass(frozen=True)
class Bars:
    """Daily bars of all symbols, one symbol after the other, each in order of its days.

    Attributes:
        symbols: names.
        offsets: symbol i has the rows [offsets[i], offsets[i + 1]).
        day: by row, days since 1970-01-01.
        open: by row; micro-units.
        high: by row; micro-units.
        low: by row; micro-units.
        close: by row; micro-units.
        volume: by row; shares, 0 where the source does not know it.
        unknown_volume: by row, whether the source does not know the volume; None: it knows all of them.
    """

    symbols: tuple[str, ...]
    offsets: Ints
    day: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    unknown_volume: Flags | None = None

    def rows(self, symbol: int) -> slice:
        """Return the rows of a symbol.

        Args:
            symbol: its index.
        """
        return slice(int(self.offsets[symbol]), int(self.offsets[symbol + 1]))

    @functools.cached_property
    def owner(self) -> Ints:
        """By row, index of its symbol."""
        return np.repeat(np.arange(len(self.symbols)), np.diff(self.offsets))

    @property
    def can_fill(self) -> Flags:
        """By row, whether an order can fill at the bar: shares were traded, or the source does not know how many."""
        traded = self.volume > 0
        return traded if self.unknown_volume is None else traded | self.unknown_volume

    @property
    def volume_limit(self) -> Ints:
        """By row, the shares that were traded; NEVER where the source does not know how many."""
        return self.volume if self.unknown_volume is None else np.where(self.unknown_volume, NEVER, self.volume)


class Clock(NamedTuple):
    """Opening and closing times of sessions.

    Attributes:
        open_ts: opening in Unix s, of a day since 1970-01-01.
        close_ts: closing in Unix s, of a day since 1970-01-01.
        takes_columns: whether both also take a column of days, and return one.
    """

    open_ts: Callable[[int], int]
    close_ts: Callable[[int], int]
    takes_columns: bool = False

    def times(self, days: Ints, *, of_close: bool) -> Ints:
        """Return the openings or closings of a column of days; Unix s.

        Args:
            days: days since 1970-01-01.
            of_close: whether the closings are wanted.
        """
        of_day: Callable[[Any], Any] = self.close_ts if of_close else self.open_ts
        found: Ints = of_day(days) if self.takes_columns else np.array(list(map(of_day, days.tolist())), np.int64)
        return found


# Sessions from midnight to the last second of the UTC day, where a market's own hours do not matter.
WHOLE_DAYS = Clock(lambda day: day * DAY_SECONDS, lambda day: (day + 1) * DAY_SECONDS - 1, takes_columns=True)


class TradingDays:
    """Bars prepared for any number of passes over the same days.

    The columns are views (memoryviews): a pass reads single numbers, which takes three times as long from an array, and
    converting all bars to lists takes longer than the pass.

    Args:
        bars: all bars, with history before the run.
        first_day: first day of the run; days since 1970-01-01.
        last_day: last day of the run; days since 1970-01-01.
        tradable: by row, whether the symbol may be bought and sold at the bar; None: all inside the run.
        clock: dates the rows of the journal.

    Attributes:
        day_column: days of the run with any bar, ascending.
        day: by row, as in the bars.
        open: by row, as in the bars.
        close: by row, as in the bars.
        owner: by row, as in the bars.
        next_row: by row, the symbol's next tradable bar, or NEVER.
        next_day: by row, the day of that bar, or NEVER.
        can_fill: by row, whether an order can fill at the bar: one without volume is history and valuation only.
        volume_limit: by row, the shares that were traded; NEVER where the source does not know it.
        fill_row: by row, the symbol's next tradable bar at which an order can fill, or NEVER.
        fill_day: by row, the day of that bar, or NEVER.
    """

    def __init__(
        self, bars: Bars, first_day: int, last_day: int, tradable: Flags | None = None, clock: Clock = WHOLE_DAYS
    ) -> None:
        self.clock = clock
        within = (bars.day >= first_day) & (bars.day <= last_day)
        self.bars, self.tradable = bars, within if tradable is None else within & tradable
        self.day_column = distinct(bars.day[within])
        next_row, next_day = self._next(self.tradable)
        can_fill = bars.can_fill
        fill_row, fill_day = (next_row, next_day) if can_fill.all() else self._next(self.tradable & can_fill)
        columns = (
            bars.day,
            bars.open,
            bars.close,
            bars.owner,
            bars.volume_limit,
            next_row,
            next_day,
            fill_row,
            fill_day,
        )
        self.day, self.open, self.close, self.owner, self.volume_limit, *following = (c.data for c in columns)
        self.next_row, self.next_day, self.fill_row, self.fill_day = following
        self.can_fill = can_fill.data
        self._last_waits: dict[int, memoryview] = {}

    def _next(self, wanted: Flags) -> tuple[Ints, Ints]:
        """Return by row the next wanted row of its symbol, or NEVER, and the day of that row, or NEVER.

        Args:
            wanted: by row.
        """
        owner, count = self.bars.owner, len(wanted)
        following = np.arange(1, count + 1)
        if not wanted.all():
            # the first wanted row after each row: the least index from there on, read from the end
            later = np.append(np.where(wanted, following - 1, count)[1:], count)[:count]
            following = np.minimum.accumulate(later[::-1])[::-1]
        row = np.minimum(following, max(count - 1, 0))
        exists = (following < count) & (owner[row] == owner)
        return np.where(exists, row, NEVER), np.where(exists, self.bars.day[row], NEVER)

    @functools.cached_property
    def days(self) -> list[int]:
        """Days of the run with any bar, ascending."""
        found: list[int] = self.day_column.tolist()
        return found

    @functools.cached_property
    def close_times(self) -> Ints:
        """By trading day, its close; Unix s."""
        return self.clock.times(self.day_column, of_close=True)

    def last_wait(self, missing_days: int | None) -> memoryview:
        """Return by row the trading day at whose close its symbol has been without a bar for so many of them, or NEVER.

        Trading days are those on which any symbol has a tradable bar. A row that is followed by a bar in time has NEVER.

        Args:
            missing_days: trading days in a row without a bar; None: no number is too many.
        """
        wait = NEVER if missing_days is None else missing_days
        if missing_days is None and wait not in self._last_waits:
            self._last_waits[wait] = np.full(len(self.bars.day), NEVER).data
        if wait not in self._last_waits:
            days = distinct(self.bars.day[self.tradable])
            last = np.searchsorted(days, self.bars.day, side="right") - 1 + wait
            reached = last < len(days)
            until = np.full(len(self.bars.day), NEVER)
            until[reached] = days[last[reached]]
            until[np.asarray(self.next_day) <= until] = NEVER
            self._last_waits[wait] = until.data
        return self._last_waits[wait]

    def candidates(self, scores: Floats) -> dict[int, list[int]]:
        """Return the tradable rows with a signal by day, the highest score first, then by symbol.

        Args:
            scores: by row; NaN: no signal.
        """
        rows = np.flatnonzero(self.tradable & ~np.isnan(scores))
        rows = rows[np.lexsort((self.bars.owner[rows], -scores[rows], self.bars.day[rows]))]
        rows_of_day: dict[int, list[int]] = defaultdict(list)
        for day, row in zip(self.bars.day[rows].tolist(), rows.tolist(), strict=True):
            rows_of_day[day].append(row)
        return rows_of_day


def distinct(days: Ints) -> Ints:
    """Return the distinct days, ascending.

    Args:
        days: days since 1970-01-01, in any order.
    """
    first = int(days.min()) if len(days) else 0
    return np.flatnonzero(np.bincount(days - first)) + first
