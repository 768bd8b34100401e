"""Daily bars as columns, and the trading days over which the ledger passes."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

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
        volume: by row; shares.
    """

    symbols: tuple[str, ...]
    offsets: Ints
    day: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

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


class Clock(NamedTuple):
    """Opening and closing times of sessions.

    Attributes:
        open_ts: opening in Unix s, of a day since 1970-01-01.
        close_ts: closing in Unix s, of a day since 1970-01-01.
    """

    open_ts: Callable[[int], int]
    close_ts: Callable[[int], int]


# Sessions from midnight to the last second of the UTC day, where a market's own hours do not matter.
WHOLE_DAYS = Clock(lambda day: day * DAY_SECONDS, lambda day: (day + 1) * DAY_SECONDS - 1)


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
        days: days of the run with any bar, ascending.
        day: by row, as in the bars.
        open: by row, as in the bars.
        close: by row, as in the bars.
        owner: by row, as in the bars.
        next_row: by row, the symbol's next tradable bar, or NEVER: when an order of this bar fills, not at which price.
        next_day: by row, the day of that bar, or NEVER.
    """

    def __init__(
        self, bars: Bars, first_day: int, last_day: int, tradable: Flags | None = None, clock: Clock = WHOLE_DAYS
    ) -> None:
        self.clock = clock
        within = (bars.day >= first_day) & (bars.day <= last_day)
        self.bars, self.tradable = bars, within if tradable is None else within & tradable
        self.days: list[int] = distinct(bars.day[within])
        next_row, next_day = np.full((2, len(bars.day)), NEVER)
        rows = np.flatnonzero(self.tradable)
        same_symbol = np.diff(bars.owner[rows]) == 0
        next_row[rows[:-1][same_symbol]] = rows[1:][same_symbol]
        next_day[rows[:-1][same_symbol]] = bars.day[rows[1:][same_symbol]]
        columns = (bars.day, bars.open, bars.close, bars.owner, next_row, next_day)
        self.day, self.open, self.close, self.owner, self.next_row, self.next_day = (column.data for column in columns)

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


def distinct(days: Ints) -> list[int]:
    """Return the distinct days, ascending.

    Args:
        days: days since 1970-01-01, in any order.
    """
    first = int(days.min()) if len(days) else 0
    distinct_days: list[int] = (np.flatnonzero(np.bincount(days - first)) + first).tolist()
    return distinct_days
