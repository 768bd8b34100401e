"""Prices of one symbol as they are known at the settlements: the last complete close, the next open, the mark price.

A candle is known when it ends, so at an instant t the last one with opening + length <= t counts. The candle that begins at t
has an open at t and nothing else.
"""

from __future__ import annotations

import functools
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.units import NEVER
from tradewinds.engine.carry.carry_market import UNIT, LegCandles, SymbolMarket

HOUR = 3600
KNOWN_HOURS = (1, 2, 4, 8)  # gaps between records that are intervals


class LastClose(NamedTuple):
    """The last complete candle of a leg at an instant; all 0 before the first one.

    Attributes:
        price: its close; 10^-8.
        end_ts: when it ended; Unix s.
        volume: in base currency; 10^-8.
    """

    price: int
    end_ts: int
    volume: int


class LegPrices:
    """The candles of one leg, to be asked by instant.

    Args:
        candles: of the leg.
        seconds: length of a candle.
    """

    def __init__(self, candles: LegCandles, seconds: int) -> None:
        self.candles, self.seconds = candles, seconds

    def __len__(self) -> int:
        """Return the number of candles."""
        return len(self.candles.open_ts)

    def end_of(self, row: int) -> int:
        """Return when a candle ends; Unix s."""
        return int(self.candles.open_ts[row]) + self.seconds

    @property
    def volume_scale(self) -> int:
        """What a volume of the candles is multiplied by to be in 10^-8."""
        return UNIT // self.candles.volume_unit

    def rows_at(self, instants: Ints) -> Ints:
        """Return the last complete candle at each instant; -1 before the first."""
        rows: Ints = np.searchsorted(self.candles.open_ts, instants - self.seconds, side="right") - 1
        return rows

    def closes_at(self, instants: Ints) -> Ints:
        """Return the last complete close at each instant; 0 before the first."""
        return self._at(self.candles.close, self.rows_at(instants))

    def ends_at(self, instants: Ints) -> Ints:
        """Return the end of the last complete candle at each instant; far in the past before the first."""
        rows = self.rows_at(instants)
        return self._at(self.candles.open_ts, rows) + self.seconds - np.where(rows < 0, NEVER, 0)

    def opens_at(self, instants: Ints) -> Ints:
        """Return the open of the candle that begins at each instant; 0 where none does."""
        rows = np.searchsorted(self.candles.open_ts, instants)
        inside = np.minimum(rows, len(self) - 1)
        found = self._at(self.candles.open, inside)
        begins = self._at(self.candles.open_ts, inside) == instants if len(self) else np.zeros(len(instants), np.bool_)
        opens: Ints = np.where(begins, found, 0)
        return opens

    def last(self, ts: int) -> LastClose:
        """Return the last complete candle at one instant."""
        row: int = int(np.searchsorted(self.candles.open_ts, ts - self.seconds, side="right")) - 1
        if row < 0:
            return LastClose(0, 0, 0)
        return LastClose(
            int(self.candles.close[row]), self.end_of(row), int(self.candles.volume[row]) * self.volume_scale
        )

    def between(self, after_ts: int, until_ts: int) -> range:
        """Return the candles that end after one instant and not after another."""
        first, end = (self.rows_at(np.array([after_ts, until_ts])) + 1).tolist()
        return range(int(first), int(end))

    def extremes(self, instants: Ints) -> tuple[list[int], list[int]]:
        """Return, for each instant, the highest high and lowest low of the candles that ended since the one before.

        Returns:
            Highs, 0 where no candle ended, and lows, NEVER where none did.
        """
        if not len(self) or not len(instants):
            return [0] * len(instants), [NEVER] * len(instants)
        bounds = self.rows_at(instants) + 1
        first = np.append(0, bounds[:-1])
        filled = bounds > first
        highs, lows = np.zeros(len(instants), np.int64), np.full(len(instants), NEVER)
        # reduceat over the filled stretches alone: stretches follow one another, so the next start ends each
        starts = first[filled]
        if len(starts):
            end = int(bounds[-1])
            highs[filled] = np.maximum.reduceat(self.candles.high[:end], starts)
            lows[filled] = np.minimum.reduceat(self.candles.low[:end], starts)
        return highs.tolist(), lows.tolist()

    def _at(self, column: Ints, rows: Ints) -> Ints:
        """Return values by row; 0 for row -1."""
        if not len(self):
            return np.zeros(len(rows), np.int64)
        values: Ints = np.where(rows < 0, 0, column[rows])
        return values


class SymbolPrices:
    """One symbol's records with the prices that are known at its settlements.

    Args:
        market: its records.
        candle_seconds: length of a candle.
        default_hours: interval of the first loaded record.
        start_ts: first instant of the range; Unix s.
        end_ts: the instant after it; Unix s.
    """

    def __init__(
        self, market: SymbolMarket, candle_seconds: int, default_hours: int, start_ts: int, end_ts: int
    ) -> None:
        self.symbol, self.instrument, self.rates = market.symbol, market.instrument, market.rates
        self.spot, self.perp = LegPrices(market.spot, candle_seconds), LegPrices(market.perp, candle_seconds)
        self.mark = LegPrices(market.mark, candle_seconds)
        self.first, self.end = np.searchsorted(self.rates.ts, [start_ts, end_ts]).tolist()
        self.hours, self.odd = intervals(self.rates.ts, default_hours)
        self.known_trends: dict[tuple[bytes, int, Fraction], Ints] = {}  # filled by carry_signals

    @functools.cached_property
    def settlements(self) -> Ints:
        """The settlements in the range; Unix s. All lists below have one value for each of them."""
        inside: Ints = self.rates.ts[self.first : self.end]
        return inside

    @property
    def count(self) -> int:
        """Number of settlements in the range."""
        return int(self.end - self.first)

    @functools.cached_property
    def rates_per_8h(self) -> Ints:
        """Of all records, the rates of 8 hours; 10^-12."""
        per_8h: Ints = self.rates.rate * 8 // self.hours  # exact: 8 is a multiple of every known interval
        return per_8h

    @functools.cached_property
    def spot_close(self) -> Ints:
        """S(t): the last complete close of the spot leg; 10^-8, 0 before the first."""
        return self.spot.closes_at(self.settlements)

    @functools.cached_property
    def perp_close(self) -> Ints:
        """P(t): the last complete close of the perpetual; 10^-8, 0 before the first."""
        return self.perp.closes_at(self.settlements)

    @functools.cached_property
    def age(self) -> Ints:
        """Seconds since the older of the two closes."""
        ages: Ints = self.settlements - np.minimum(
            self.spot.ends_at(self.settlements), self.perp.ends_at(self.settlements)
        )
        return ages

    @functools.cached_property
    def open_prices(self) -> tuple[list[int], list[int]]:
        """Opens of the candles that begin at the settlements, spot and perpetual; 10^-8, 0 where none does."""
        return self.spot.opens_at(self.settlements).tolist(), self.perp.opens_at(self.settlements).tolist()

    @functools.cached_property
    def close_prices(self) -> tuple[list[int], list[int]]:
        """Last complete closes at the settlements, spot and perpetual."""
        return self.spot_close.tolist(), self.perp_close.tolist()

    @functools.cached_property
    def marks(self) -> tuple[list[int], list[int]]:
        """M(t) at the settlements, 10^-8, and where each is from, as places in MARK_SOURCES."""
        own, candle = self.rates.mark[self.first : self.end], self.mark.closes_at(self.settlements)
        price = np.where(own != 0, own, np.where(candle != 0, candle, self.perp_close))
        source = np.where(own != 0, 0, np.where(candle != 0, 1, 2))
        return price.tolist(), source.tolist()

    @property
    def watched(self) -> LegPrices:
        """The candles on which liquidations are checked: of the mark price, or of the perpetual if there is no mark candle."""
        return self.mark if len(self.mark) else self.perp

    def stale(self, max_age_seconds: int) -> Flags:
        """By settlement, whether a price is too old for a decision, or not there."""
        stale: Flags = self.age > max_age_seconds
        return stale


def intervals(ts: Ints, default_hours: int) -> tuple[Ints, Flags]:
    """Return the interval of each record, and whether its gap to the record before is no known interval.

    The interval is the gap to the record before it; after any other gap the interval before stays.

    Args:
        ts: settlements, ascending; Unix s.
        default_hours: interval of the first record.

    Returns:
        Hours, and flags.
    """
    gap = np.diff(ts)
    known = np.append(True, np.isin(gap, [hours * HOUR for hours in KNOWN_HOURS]))[: len(ts)]
    hours = np.append(default_hours, gap // HOUR)[: len(ts)].astype(np.int64)
    latest = np.maximum.accumulate(np.where(known, np.arange(len(ts)), 0))
    return hours[latest], ~known
