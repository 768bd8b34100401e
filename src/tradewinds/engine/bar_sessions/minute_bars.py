"""Bars of exchange sessions as columns."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.units import scaled

Minutes = npt.NDArray[np.int32]
UNKNOWN_VOLUME = -1
FITS = 2**62  # twice a number below it is a number of 64 bits


@dataclass(frozen=True)
class MinuteBars:
    """Bars of all symbols that lie inside sessions, in order of symbol, session and minute.

    Attributes:
        symbols: names, ascending.
        days: by session, days since 1970-01-01, ascending.
        open_ts: by session, its opening; Unix s.
        close_ts: by session, its close; Unix s.
        first_row: symbol i has in session k the rows [first_row[i * S + k], first_row[i * S + k + 1]) of S sessions.
        minute: by row, minutes from the session's open to the bar's start.
        open: by row; micro-units.
        high: by row; micro-units.
        low: by row; micro-units.
        close: by row; micro-units.
        volume: by row; shares, UNKNOWN_VOLUME where the source does not know it.
        bar_minutes: length of a bar.
    """

    symbols: Sequence[str]
    days: Ints
    open_ts: Ints
    close_ts: Ints
    first_row: Ints
    minute: Minutes
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    bar_minutes: int = 1

    @functools.cached_property
    def has_bars(self) -> Flags:
        """By symbol and session, whether there is a bar."""
        present: Flags = (np.diff(self.first_row) > 0).reshape(len(self.symbols), len(self.days))
        return present

    @functools.cached_property
    def session_minutes(self) -> list[int]:
        """By session, its length in minutes."""
        minutes: list[int] = ((self.close_ts - self.open_ts) // 60).tolist()
        return minutes

    def symbol_rows(self, symbol: int) -> tuple[int, int]:
        """Return the first row of a symbol and the row after its last.

        Args:
            symbol: its index.
        """
        sessions = len(self.days)
        return int(self.first_row[symbol * sessions]), int(self.first_row[(symbol + 1) * sessions])

    def adjusted(self, symbol: int, ratio_of_session: Sequence[Fraction]) -> MinuteBars:
        """Return the bars of one symbol with prices divided by a ratio of each session; volumes stay.

        Args:
            symbol: its index.
            ratio_of_session: by session, new shares for one old one; prices are rounded half to even to a micro-unit.
        """
        sessions = len(self.days)
        begin, end = self.symbol_rows(symbol)
        first_row = self.first_row[symbol * sessions : (symbol + 1) * sessions + 1] - begin
        columns = {name: getattr(self, name)[begin:end].copy() for name in ("open", "high", "low", "close")}
        for session, ratio in enumerate(ratio_of_session):
            if ratio == 1:
                continue
            rows = slice(int(first_row[session]), int(first_row[session + 1]))
            for name in ("open", "high", "low", "close"):
                columns[name][rows] = _divided(columns[name][rows], ratio)
        return replace(
            self,
            symbols=(self.symbols[symbol],),
            first_row=first_row,
            minute=self.minute[begin:end],
            volume=self.volume[begin:end],
            **columns,
        )


def _divided(prices: Ints, ratio: Fraction) -> Ints:
    """Return prices divided by a ratio, rounded half to even; in integers of 64 bits where the exact numbers fit into them."""
    times, by = ratio.denominator, ratio.numerator
    if int(np.abs(prices).max(initial=0)) * times >= FITS or by >= FITS:
        return np.array([scaled(price, (times, by)) for price in prices.tolist()], np.int64)
    whole, rest = np.divmod(prices * times, by)
    rounded: Ints = whole + ((2 * rest > by) | ((2 * rest == by) & (whole % 2 == 1)))
    return rounded
