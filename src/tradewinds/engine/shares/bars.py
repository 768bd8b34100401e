"""Daily bars as columns, and the trading days that the ledger goes through."""

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

    Symbol i has the rows `offsets[i]` to `offsets[i + 1]`. Days count from 1970-01-01, prices are micro-units.
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
        """Where a symbol's bars are."""
        return slice(int(self.offsets[symbol]), int(self.offsets[symbol + 1]))

    @functools.cached_property
    def owner(self) -> Ints:
        """The symbol of every row."""
        return np.repeat(np.arange(len(self.symbols)), np.diff(self.offsets))


class Clock(NamedTuple):
    """When the session of a day opens and closes: Unix seconds of a day counted from 1970-01-01."""

    open_ts: Callable[[int], int]
    close_ts: Callable[[int], int]


# Sessions from midnight to the last second of the UTC day, for markets whose own hours are not asked for.
WHOLE_DAYS = Clock(lambda day: day * DAY_SECONDS, lambda day: (day + 1) * DAY_SECONDS - 1)


class TradingDays:
    """Bars made ready for any number of passes over the same days.

    `tradable` says at which bars inside the run a symbol may be bought and sold (None: all); the others are history. `day`,
    `open`, `close`, `owner` are those of the bars; `next_row` and `next_day` those of the symbol's next tradable bar, or NEVER:
    when an order of a bar fills, not what it will fill at. They are views, for a pass reads single numbers: of an array that
    takes three times as long, and making lists of all bars takes longer than the pass. `clock` dates the rows of the books.
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
        """Tradable rows with a signal, per day, the highest score first, then by symbol."""
        rows = np.flatnonzero(self.tradable & ~np.isnan(scores))
        rows = rows[np.lexsort((self.bars.owner[rows], -scores[rows], self.bars.day[rows]))]
        found: dict[int, list[int]] = defaultdict(list)
        for day, row in zip(self.bars.day[rows].tolist(), rows.tolist(), strict=True):
            found[day].append(row)
        return found


def distinct(days: Ints) -> list[int]:
    """The days that there are, in order."""
    first = int(days.min()) if len(days) else 0
    found: list[int] = (np.flatnonzero(np.bincount(days - first)) + first).tolist()
    return found
