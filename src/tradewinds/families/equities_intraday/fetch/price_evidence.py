"""Refuses files whose prices cannot all be what they seem: cents taken for units, or two vendors' rows in one series."""

from __future__ import annotations

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.units import MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import MISSING, MinuteRows, duplicates
from tradewinds.families.equities_intraday.schemas import PRICE_COLUMNS

FEWEST_ROWS = 100  # from which on whole prices mean something
CENTS_FROM = 1000  # a usual price in cents; shares that cost more have prices that are not whole
MOST_CONFLICTS = 20  # minutes with two different rows that a vendor may have
ONE_IN = 1000  # rows, from which on such minutes are too many: two vendors agree in all but a few of a thousand
_LEAST_JUMP, _GREATEST_JUMP = 70, 140  # from one bar to the next, where units turn into cents
_FEWEST_ON_BOTH_SIDES = 5


def in_units(rows: MinuteRows, prices: str | None, where: str) -> MinuteRows:
    """Return rows whose prices are in units of the currency.

    Args:
        rows: of all files, in order.
        prices: `bars.prices` of a config: units, cents, or None.
        where: the path of the files, for errors.

    Raises:
        ConfigError: prices look like cents and the config does not say what they are, or part of them does.
    """
    if prices == "cents":
        return MinuteRows(
            rows.symbols, rows.symbol, rows.ts, {k: _hundredth(v) for k, v in rows.prices.items()}, rows.volume
        )
    for number, symbol in enumerate(rows.symbols):
        first, end = np.searchsorted(rows.symbol, [number, number + 1])
        close = rows.prices["close"][first:end]
        close = close[close > 0]
        if prices is None and _are_cents(close):
            what = f"the prices of {symbol} look like cents: all are whole, and half of them are above {CENTS_FROM:,}."
            raise ConfigError(what, where=where, remedy="Set bars.prices: cents, or units if they are what was paid.")
        if (count := _of_other_unit(close)) >= _FEWEST_ON_BOTH_SIDES:
            what = f"the prices of {symbol} jump a hundredfold and back: {count:,} rows look like cents among units."
            raise ConfigError(what, where=where, remedy="Write all prices in one unit.")
    return rows


def refuse_two_vendors(rows: MinuteRows, where: str) -> None:
    """Raise ConfigError if many minutes have two different rows, as where two vendors' files are put together.

    Args:
        rows: of all files, in order, without rows that are identical.
        where: the path of the files.
    """
    both = duplicates(rows)
    for number, symbol in enumerate(rows.symbols):
        first, end = np.searchsorted(rows.symbol, [number, number + 1])
        minutes = len(np.unique(rows.ts[first:end][both[first:end]]))
        if minutes > MOST_CONFLICTS and ONE_IN * minutes > end - first:
            what = f"{minutes:,} minutes of {symbol} have two different rows: this looks like two vendors mixed."
            raise ConfigError(what, where=where, remedy="Keep one vendor's rows: none of two can be told to be right.")


def of_yahoo(micro: Ints) -> Ints:
    """Return prices without the noise of 32-bit floats: half to even to 4 decimals, from 1,024 on to 3.

    Args:
        micro: micro-units; MISSING where there is none.
    """
    unit = np.where(micro >= 1024 * MICRO, 1000, 100)
    whole, rest = np.divmod(micro, unit)
    up = (2 * rest > unit) | ((2 * rest == unit) & (whole % 2 == 1))
    found: Ints = np.where(micro == MISSING, MISSING, (whole + up) * unit)
    return found


def without_noise(rows: MinuteRows) -> MinuteRows:
    """Return rows of Yahoo's prices without the noise of 32-bit floats.

    Rows whose prices are not all those of 32-bit floats, as read with six decimals, stay as they are: a file with Yahoo's
    columns may have another maker, with prices that are meant to the last digit.
    """
    if not all(_are_short_floats(values) for values in rows.prices.values()):
        return rows
    prices = {name: of_yahoo(rows.prices[name]) for name in PRICE_COLUMNS}
    return MinuteRows(rows.symbols, rows.symbol, rows.ts, prices, rows.volume)


def _are_short_floats(micro: Ints) -> bool:
    """Whether each price is the 32-bit float next to its rounded one, or the rounded one itself."""
    rounded = of_yahoo(micro)
    short = np.rint((rounded / MICRO).astype(np.float32).astype(np.float64) * MICRO)
    return bool(((np.abs(short - micro) <= 1) | (rounded == micro)).all())


def _are_cents(close: Ints) -> bool:
    """Whether prices are so many, so large and so whole that they can hardly be in units."""
    if len(close) < FEWEST_ROWS or (close % MICRO != 0).any():
        return False
    return bool(np.median(close) >= CENTS_FROM * MICRO) and len(np.unique(close)) > FEWEST_ROWS // 5


def _of_other_unit(close: Ints) -> int:
    """Return how many prices stand on the rarer side of jumps by a hundred."""
    if len(close) < 2:
        return 0
    ratio = close[1:] / close[:-1]
    up = (ratio >= _LEAST_JUMP) & (ratio <= _GREATEST_JUMP)
    down = (ratio <= 1 / _LEAST_JUMP) & (ratio >= 1 / _GREATEST_JUMP)
    level = np.concatenate([[0], np.cumsum(up.astype(np.int64) - down.astype(np.int64))])
    counts = np.unique(level, return_counts=True)[1]
    return 0 if len(counts) < 2 else int(len(close) - counts.max())


def _hundredth(micro: Ints) -> Ints:
    """Return prices in cents as prices in units, half to even."""
    whole, rest = np.divmod(micro, 100)
    up = (rest > 50) | ((rest == 50) & (whole % 2 == 1))
    found: Ints = np.where(micro == MISSING, MISSING, whole + up)
    return found
