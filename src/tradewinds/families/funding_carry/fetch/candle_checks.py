"""Checks of candles from any source: what is quarantined, and what is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.units import MICRO, TS
from tradewinds.families.funding_carry.exact_columns import Exact, decimals_of, narrowed, units_of_decimals
from tradewinds.families.funding_carry.fetch.rate_checks import DUPLICATE, OFF_GRID, month_bounds, utc_text
from tradewinds.families.funding_carry.schemas import CANDLES, EXACT_PRICE, VOLUME

# reasons for quarantine beside OFF_GRID and DUPLICATE; the first one that applies counts
NON_POSITIVE_PRICE, OHLC_ORDER, NEGATIVE_VOLUME = "NON_POSITIVE_PRICE", "OHLC_ORDER", "NEGATIVE_VOLUME"
DECIMALS = 8
MOST_PRICE = 10**10 * 10**DECIMALS  # it fits 64 bits, and no coin has come near it
MOST_VOLUME = 10**17 * 10**DECIMALS  # it fits the column


class RawCandle(NamedTuple):
    """A candle as a source has it.

    Attributes:
        open_us: its opening; microseconds since 1970, UTC.
        open: in the quote coin, as are high, low and close.
        high: the highest price.
        low: the lowest price.
        close: the last price.
        volume: in base coins; 0 of mark prices.
    """

    open_us: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class CandleColumns(NamedTuple):
    """Candles of one series as columns of equal length.

    Attributes:
        open_us: openings; microseconds since 1970, UTC.
        open: UNIT in one, as are all that follow.
        high: the highest price.
        low: the lowest price.
        close: the last price.
        volume: in base coins; of Python's own integers where they do not fit 64 bits.
    """

    open_us: Ints
    open: Exact
    high: Exact
    low: Exact
    close: Exact
    volume: Exact

    def take(self, rows: Ints) -> CandleColumns:
        """Return some of the rows, in the order in which they are named."""
        return CandleColumns(*(column[rows] for column in self))


def checked_candles(symbol: str, raw: Sequence[RawCandle], month: str, minutes: int) -> tuple[pa.Table, Counter[str]]:
    """Return a month of candles, and how many are left out by reason.

    Args:
        symbol: unified name of the series, for messages.
        raw: candles in any order; those of other months are not looked at.
        month: such as 2024-03, UTC.
        minutes: length of a candle.

    Returns:
        A table of schema CANDLES, and the counts of the reasons above.

    Raises:
        SimulationError: a number is out of range, or two candles of one opening differ.
    """
    openings = np.array([candle.open_us for candle in raw], np.int64)
    names = ("open", "high", "low", "close", "volume")
    columns = [units_of_decimals([getattr(candle, name) for candle in raw], DECIMALS) for name in names]
    return checked_candle_rows(symbol, CandleColumns(openings, *columns), month, minutes)


def checked_candle_rows(symbol: str, rows: CandleColumns, month: str, minutes: int) -> tuple[pa.Table, Counter[str]]:
    """Return a month of candles as `checked_candles` does, from columns."""
    first, end = month_bounds(month)
    inside = np.flatnonzero((rows.open_us >= first) & (rows.open_us < end))
    rows = rows.take(inside[np.argsort(rows.open_us[inside], kind="stable")])
    _refuse_large(symbol, rows)
    prices = rows[1:5]
    conditions = {
        # candles longer than an hour may begin at any hour: some exchanges' candles of eight hours begin at 4 o'clock
        OFF_GRID: rows.open_us % (min(minutes, 60) * 60 * MICRO) != 0,
        NON_POSITIVE_PRICE: np.logical_or.reduce([values <= 0 for values in prices]),
        OHLC_ORDER: np.logical_or.reduce([(values < rows.low) | (values > rows.high) for values in prices]),
        NEGATIVE_VOLUME: rows.volume < 0,
    }
    counts: Counter[str] = Counter()
    good = np.ones(len(rows.open_us), bool)
    for reason, applies in conditions.items():
        counts[reason] = int((good & applies).sum())
        good &= ~applies.astype(bool)
    rows = rows.take(np.flatnonzero(good))
    # of candles with the same opening the first stays
    again = np.flatnonzero(np.diff(rows.open_us) == 0) + 1
    for row in again:
        if any(column[row] != column[row - 1] for column in rows):
            what = f"two candles that begin at {utc_text(int(rows.open_us[row]))} differ."
            raise SimulationError(what, where=symbol, remedy="Remove the wrong one, or take another source.")
    counts[DUPLICATE] = len(again)
    return _table(rows.take(np.delete(np.arange(len(rows.open_us)), again))), +counts


def _table(rows: CandleColumns) -> pa.Table:
    """Return rows as a table of schema CANDLES."""
    prices = {name: decimals_of(getattr(rows, name), EXACT_PRICE) for name in ("open", "high", "low", "close")}
    columns = {"open_ts_utc": pa.array(rows.open_us).cast(TS), **prices, "volume": decimals_of(rows.volume, VOLUME)}
    return pa.table(columns, schema=CANDLES)


def _refuse_large(symbol: str, rows: CandleColumns) -> None:
    """Raise SimulationError for a price or a volume that does not fit a file: no such number can be right."""
    for name in rows._fields[1:]:
        most = MOST_VOLUME if name == "volume" else MOST_PRICE
        values = narrowed(getattr(rows, name))
        large = np.flatnonzero((values > most) | (values < -most))
        if len(large):
            what = f"the {name} of the candle that begins at {utc_text(int(rows.open_us[large[0]]))} is out of range."
            raise SimulationError(what, where=symbol, remedy="Correct it, or take another source.")
