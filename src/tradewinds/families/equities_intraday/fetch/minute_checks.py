"""Checks of minute bars from any source: what is quarantined and why.

A row that fails a check stays in its file with the reason, is counted, and is never traded on. Prices are integers of 1e-6 of
the currency, rounded half to even from what the source has.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Flags, Floats, Ints
from tradewinds.core.units import DAY_SECONDS, MICRO
from tradewinds.families.equities_intraday.schemas import PRICE_COLUMNS
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar

MISSING = np.iinfo(np.int64).min  # a price or volume that the source does not have

# reasons for quarantine; the first one that applies counts
REASONS = (
    "DUPLICATE",
    "MISSING_PRICE",
    "NON_POSITIVE_PRICE",
    "OHLC_ORDER",
    "NEGATIVE_VOLUME",
    "OFF_MINUTE",
    "NO_SESSION",
)
ZERO_VOLUME = "ZERO_VOLUME"  # of a panel alone: a file of bars keeps them
GOOD = 0  # number of a row without a reason; others are 1-based indices into REASONS


@dataclass(frozen=True)
class MinuteRows:
    """Rows of minute bars of some symbols, as columns.

    Attributes:
        symbols: names; `symbol` is an index into them.
        symbol: by row (int32).
        ts: by row: start of the bar; microseconds since 1970.
        prices: by name of PRICE_COLUMNS: by row, micro-units; MISSING where there is none.
        volume: by row: shares; MISSING where it is unknown.
    """

    symbols: tuple[str, ...]
    symbol: npt.NDArray[np.int32]
    ts: Ints
    prices: dict[str, Ints]
    volume: Ints

    def take(self, rows: Ints | Flags | slice) -> MinuteRows:
        """Return some of the rows, in the order in which they are named."""
        prices = {name: values[rows] for name, values in self.prices.items()}
        return MinuteRows(self.symbols, self.symbol[rows], self.ts[rows], prices, self.volume[rows])

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.ts)


def micro_units(values: Floats) -> Ints:
    """Return prices in micro-units, rounded half to even as decimals; what is not finite is MISSING.

    A float stands for the shortest decimal that reads as it. Only where the float product lies near a half does the decimal
    have to be looked at.
    """
    finite = np.isfinite(values)
    scaled = np.where(finite, values, 0.0) * MICRO
    rounded = np.rint(scaled)
    near_half = np.abs(np.abs(scaled - np.floor(scaled)) - 0.5) < 1e-3 + np.abs(scaled) * 1e-15
    found: Ints = rounded.astype(np.int64)
    for row in np.flatnonzero(near_half):
        found[row] = int((Decimal(repr(float(values[row]))) * MICRO).to_integral_value(ROUND_HALF_EVEN))
    found[~finite] = MISSING
    return found


def in_order(rows: MinuteRows) -> MinuteRows:
    """Return rows in order of symbol and time; of rows that are identical in every column only one is kept."""
    if len(rows) < 2:
        return rows
    step = np.diff(rows.symbol)
    if ((step < 0) | ((step == 0) & (np.diff(rows.ts) < 0))).any():
        rows = rows.take(np.lexsort((rows.ts, rows.symbol)))
    same_key = _same_as_before(rows.symbol) & _same_as_before(rows.ts)
    if not same_key.any():
        return rows
    # within a (symbol, time) all columns decide, so that equal rows are neighbours
    keys: list[npt.NDArray[np.integer]] = [
        rows.volume,
        *(rows.prices[name] for name in reversed(PRICE_COLUMNS)),
        rows.ts,
        rows.symbol,
    ]
    rows = rows.take(np.lexsort(keys))
    columns: list[npt.NDArray[np.integer]] = [rows.symbol, rows.ts, rows.volume, *rows.prices.values()]
    return rows.take(~np.logical_and.reduce([_same_as_before(column) for column in columns]))


def duplicates(rows: MinuteRows) -> Flags:
    """Whether each row of ordered rows has the symbol and time of another one: none of them can be told to be right."""
    same = _same_as_before(rows.symbol) & _same_as_before(rows.ts)
    found: Flags = same.copy()
    found[:-1] |= same[1:]
    return found


def faults(rows: MinuteRows, calendar: ExchangeCalendar, bar_seconds: int) -> npt.NDArray[np.int8]:
    """Return the number of the first reason for quarantine of each row, GOOD for none.

    Args:
        rows: in order (`in_order`).
        calendar: the exchange's sessions.
        bar_seconds: length of a bar.
    """
    low, high = rows.prices["low"], rows.prices["high"]
    missing = np.logical_or.reduce([values == MISSING for values in rows.prices.values()])
    not_positive = np.logical_or.reduce([values <= 0 for values in rows.prices.values()])
    order = np.logical_or.reduce([(rows.prices[name] < low) | (rows.prices[name] > high) for name in ("open", "close")])
    negative = (rows.volume < 0) & (rows.volume != MISSING)
    off_minute = rows.ts % (bar_seconds * MICRO) != 0
    no_session = ~np.isin(local_days(rows.ts, calendar), calendar.day)
    conditions = (duplicates(rows), missing, not_positive, order, negative, off_minute, no_session)
    found = np.zeros(len(rows), np.int8)
    for number, condition in reversed(list(enumerate(conditions, start=1))):
        found[condition] = number
    return found


def local_days(ts: Ints, calendar: ExchangeCalendar) -> Ints:
    """Return the date of each instant on the exchange's clock, as days since 1970.

    Args:
        ts: microseconds since 1970.
        calendar: the exchange.
    """
    hours, index = np.unique(ts // (3600 * MICRO), return_inverse=True)
    offsets = utc_offsets(hours * 3600, calendar)
    found: Ints = (ts // MICRO + offsets[index]) // DAY_SECONDS
    return found


def utc_offsets(instants: Ints, calendar: ExchangeCalendar) -> Ints:
    """Return how far the exchange's clock is ahead of UTC at each instant, in seconds.

    Args:
        instants: Unix s.
        calendar: the exchange.
    """
    import datetime as dt

    zone = calendar.zone
    found = []
    for instant in instants.tolist():
        offset = dt.datetime.fromtimestamp(instant, zone).utcoffset()
        found.append(0 if offset is None else int(offset.total_seconds()))
    return np.array(found, np.int64)


def _same_as_before(column: npt.NDArray[np.integer]) -> Flags:
    """Whether each value equals the one before it; False for the first."""
    found = np.zeros(len(column), bool)
    found[1:] = column[1:] == column[:-1]
    return found
