"""Records of all symbols of a run, and each symbol's prices at every instant of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.engine.carry.carry_market import SymbolMarket
from tradewinds.engine.carry.carry_prices import SymbolPrices
from tradewinds.engine.carry.carry_rules import CarryRules


class CarryMarkets:
    """Records of all symbols with their prices at the settlements; read once for all runs on them.

    Args:
        markets: by symbol, ascending.
        rules: of one of the runs; their ranges, candles and first intervals are the same.
    """

    def __init__(self, markets: Sequence[SymbolMarket], rules: CarryRules) -> None:
        clock = (rules.candle_seconds, rules.default_hours, rules.start_ts, rules.end_ts)
        self.prices = [SymbolPrices(market, *clock) for market in markets]
        self.symbols = tuple(market.symbol for market in markets)
        self.instants: Ints = np.unique(np.concatenate([np.zeros(0, np.int64), *(p.settlements for p in self.prices)]))
        self._timelines: dict[int, Timeline] = {}

    def timeline(self, symbol: int) -> Timeline:
        """Return a symbol's prices at all instants, made when they are asked for the first time."""
        if symbol not in self._timelines:
            self._timelines[symbol] = Timeline.of(self.prices[symbol], self.instants)
        return self._timelines[symbol]


class Timeline(NamedTuple):
    """One symbol at all instants of a run; lists with one value for each.

    Attributes:
        settlement: number of its settlement at the instant, from 0 in the range; -1 for none.
        spot: last close; 10^-8.
        perp: last close; 10^-8.
        high: of the watched candles that ended since the instant before; 10^-8, 0 for none.
        low: the same.
        spot_high: of the spot candles that ended since the instant before.
    """

    settlement: list[int]
    spot: list[int]
    perp: list[int]
    high: list[int]
    low: list[int]
    spot_high: list[int]

    @classmethod
    def of(cls, prices: SymbolPrices, instants: Ints) -> Timeline:
        """Return the timeline of a symbol."""
        settlement = np.full(len(instants), -1)
        settlement[np.searchsorted(instants, prices.settlements)] = np.arange(prices.count)
        high, low = prices.watched.extremes(instants)
        return cls(
            settlement=settlement.tolist(),
            spot=prices.spot.closes_at(instants).tolist(),
            perp=prices.perp.closes_at(instants).tolist(),
            high=high,
            low=low,
            spot_high=prices.spot.extremes(instants)[0],
        )
