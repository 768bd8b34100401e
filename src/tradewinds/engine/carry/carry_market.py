"""What the loop of carry positions reads: settled funding rates and candles of each symbol, as exact integers.

Prices, quantities and money are integers of 1e-8 (`UNIT` in one), rates of 1e-12 (`RATE_UNIT` in one), times Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from tradewinds.core.arrays import Ints

UNIT = 10**8  # prices, quantities, volumes and money: 8 decimals
RATE_UNIT = 10**12  # funding rates: 12 decimals


@dataclass(frozen=True, eq=False)
class LegCandles:
    """LegCandles of one series, ascending by their opening, without doubles; columns of equal length.

    Attributes:
        open_ts: Unix s at which each begins; its prices are known when it ends, but for its open.
        open: UNIT in one.
        high: UNIT in one.
        low: UNIT in one.
        close: UNIT in one.
        volume: in base currency; `volume_unit` in one.
        volume_unit: UNIT, or a smaller power of ten where volumes in coins of little worth do not fit 64 bits.
    """

    open_ts: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    volume_unit: int = UNIT


@dataclass(frozen=True, eq=False)
class Rates:
    """Settled funding rates of one symbol, ascending by settlement, without doubles; columns of equal length.

    Attributes:
        ts: Unix s of the settlement, a whole hour.
        rate: RATE_UNIT in one; it pays for the interval that ends at `ts`.
        mark: mark price of the record, UNIT in one; 0: the record has none.
    """

    ts: Ints
    rate: Ints
    mark: Ints


class OrderFilters(NamedTuple):
    """The orders that an exchange takes of a symbol from an instant on.

    Attributes:
        from_ts: the instant, from which on they are known; Unix s.
        step: smallest change of the quantity of both legs; UNIT in one.
        min_notional: least value of an order; UNIT in one.
    """

    from_ts: int
    step: int
    min_notional: int


@dataclass(frozen=True)
class Instrument:
    """What an exchange allows of a symbol.

    Attributes:
        step: smallest change of the quantity of both legs; UNIT in one.
        min_notional: least value of an order; UNIT in one.
        maintenance: maintenance margin rate.
        changes: later filters, ascending by their instant.
    """

    step: int
    min_notional: int
    maintenance: Fraction
    changes: tuple[OrderFilters, ...] = ()

    def filters_at(self, ts: int) -> OrderFilters:
        """Return the filters that are in force at an instant.

        Args:
            ts: Unix s.
        """
        found = OrderFilters(0, self.step, self.min_notional)
        for change in self.changes:
            if change.from_ts > ts:
                break
            found = change
        return found


@dataclass(frozen=True, eq=False)
class SymbolMarket:
    """One symbol's records, warm-up included.

    Attributes:
        symbol: unified name of the perpetual, such as BTC/USDT:USDT; its spot leg is the part before the colon.
        instrument: what the exchange allows.
        rates: settled funding rates.
        spot: candles of the spot leg.
        perp: candles of the perpetual.
        mark: candles of the perpetual's mark price; may be empty.
    """

    symbol: str
    instrument: Instrument
    rates: Rates
    spot: LegCandles
    perp: LegCandles
    mark: LegCandles
