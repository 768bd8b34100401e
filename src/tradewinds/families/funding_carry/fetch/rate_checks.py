"""Checks of settled funding rates from any source: rounded to their hour, quarantined or refused.

A settlement is stamped up to two minutes late (its exchange's clock), so the nearest whole hour is its time.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import SimulationError
from tradewinds.core.units import MICRO, TS
from tradewinds.families.funding_carry.exact_columns import MOST_INT, Exact, decimals_of, units_of_decimals
from tradewinds.families.funding_carry.schemas import EXACT_PRICE, FUNDING, RATE

OFF_GRID, DUPLICATE = "OFF_GRID", "DUPLICATE"  # reasons for quarantine
MOST_LATE_SECONDS = 300  # a stamp that is farther from a whole hour is of no settlement
MOST_RATE = 10**12  # 100 % of the position at one settlement; RATE_UNIT in one
HOUR = 3600 * MICRO
PRICE_DECIMALS, RATE_DECIMALS = 8, 12


class RawRate(NamedTuple):
    """A settled funding rate as a source has it.

    Attributes:
        raw_us: its stamp; microseconds since 1970, UTC.
        rate: its rate; 0.0001 is 0.01 %.
        mark: its mark price; None if it has none.
        interval_hours: the interval as the source says; None if it says nothing.
    """

    raw_us: int
    rate: Decimal
    mark: Decimal | None
    interval_hours: int | None


class RateRows(NamedTuple):
    """Settled funding rates of one symbol as columns of equal length.

    Attributes:
        raw_us: stamps; microseconds since 1970, UTC.
        rate: RATE_UNIT in one.
        mark: mark prices, UNIT in one; 0 or less: none.
        interval_hours: as the source says; 0: it says nothing.
    """

    raw_us: Ints
    rate: Ints
    mark: Ints
    interval_hours: Ints

    def take(self, rows: Ints) -> RateRows:
        """Return some of the rows, in the order in which they are named."""
        return RateRows(*(column[rows] for column in self))


def checked_rates(symbol: str, raw: Sequence[RawRate], month: str) -> tuple[pa.Table, Counter[str]]:
    """Return a month of settlements, and how many records are left out by reason.

    ASSUME: digits of a rate beyond the twelfth are rounded half to even; an exchange prints up to sixteen.

    Args:
        symbol: unified name of the perpetual, for messages.
        raw: records in any order; those of other months are not looked at.
        month: such as 2024-03, UTC.

    Returns:
        A table of schema FUNDING, and the counts of OFF_GRID and DUPLICATE.

    Raises:
        SimulationError: a rate or price is out of range, or two records of one hour have different rates.
    """
    marks = [Decimal(0) if record.mark is None or record.mark < 0 else record.mark for record in raw]
    rows = RateRows(
        raw_us=np.array([record.raw_us for record in raw], np.int64),
        rate=_fitting(symbol, units_of_decimals([record.rate for record in raw], RATE_DECIMALS), "a funding rate"),
        mark=_fitting(symbol, units_of_decimals(marks, PRICE_DECIMALS), "a mark price"),
        interval_hours=np.array([record.interval_hours or 0 for record in raw], np.int64),
    )
    return checked_rate_rows(symbol, rows, month)


def checked_rate_rows(symbol: str, rows: RateRows, month: str) -> tuple[pa.Table, Counter[str]]:
    """Return a month of settlements as `checked_rates` does, from columns."""
    rows = rows.take(np.argsort(rows.raw_us, kind="stable"))
    hour = settlement_hours(rows.raw_us)
    late = np.abs(rows.raw_us - hour) > MOST_LATE_SECONDS * MICRO
    first, end = month_bounds(month)
    inside = np.where(late, (rows.raw_us >= first) & (rows.raw_us < end), (hour >= first) & (hour < end))
    counts: Counter[str] = Counter({OFF_GRID: int((inside & late).sum())})
    kept = np.flatnonzero(inside & ~late)
    rows, hour = rows.take(kept), hour[kept]
    _refuse_large(symbol, rows, hour)
    again = np.flatnonzero(np.diff(hour) == 0) + 1
    for row in again:
        if rows.rate[row] != rows.rate[row - 1]:
            raise _conflict(symbol, rows, int(row))
    counts[DUPLICATE] = len(again)
    kept = np.delete(np.arange(len(hour)), again)
    return _table(rows.take(kept), hour[kept]), +counts


def settlement_hours(raw_us: Ints) -> Ints:
    """Return the whole hour nearest to each stamp; both in microseconds since 1970."""
    found: Ints = (raw_us + HOUR // 2) // HOUR * HOUR
    return found


def month_bounds(month: str) -> tuple[int, int]:
    """Return the first instant of a month and the first one after it; microseconds since 1970.

    Args:
        month: such as 2024-03, UTC.
    """
    first = dt.datetime(int(month[:4]), int(month[5:]), 1, tzinfo=dt.UTC)
    after = (first + dt.timedelta(days=32)).replace(day=1)
    return int(first.timestamp()) * MICRO, int(after.timestamp()) * MICRO


def utc_text(micros: int) -> str:
    """Return an instant as text, such as 2024-03-01T08:00:00Z."""
    instant = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=micros)
    return instant.isoformat().replace("+00:00", "Z")


def _table(rows: RateRows, hour: Ints) -> pa.Table:
    """Return rows as a table of schema FUNDING."""
    columns = {
        "ts_utc": pa.array(hour).cast(TS),
        "raw_ts_utc": pa.array(rows.raw_us).cast(TS),
        "rate": decimals_of(rows.rate, RATE),
        "mark_price": decimals_of(rows.mark, EXACT_PRICE, rows.mark > 0),
        "interval_hours": pa.array(rows.interval_hours, mask=rows.interval_hours <= 0),
    }
    return pa.table(columns, schema=FUNDING)


def _fitting(symbol: str, units: Exact, what: str) -> Ints:
    """Return integers of 64 bits, or raise SimulationError: no such number can be right."""
    if units.dtype == object:
        raise SimulationError(f"{what} is out of range.", where=symbol, remedy="Correct the record, or leave it out.")
    return units


def _refuse_large(symbol: str, rows: RateRows, hour: Ints) -> None:
    """Raise SimulationError for a rate above 100 % of the position, or a mark price that does not fit."""
    large = np.flatnonzero((np.abs(rows.rate) > MOST_RATE) | (rows.mark > MOST_INT // 2))
    if len(large):
        row = int(large[0])
        rate = Decimal(int(rows.rate[row])).scaleb(-RATE_DECIMALS).normalize()
        what = f"the settlement of {utc_text(int(hour[row]))} cannot be right: its rate is {rate:f}."
        raise SimulationError(what, where=symbol, remedy="Rates are fractions: 0.0001 is 0.01 %.")


def _conflict(symbol: str, rows: RateRows, row: int) -> SimulationError:
    """Return the error of two records of one settlement that contradict each other."""
    pair = [
        f"{utc_text(int(rows.raw_us[at]))} {Decimal(int(rows.rate[at])).scaleb(-RATE_DECIMALS).normalize():f}"
        for at in (row - 1, row)
    ]
    what = f"two records of one settlement have different rates: {pair[0]} and {pair[1]}."
    return SimulationError(what, where=symbol, remedy="Remove the wrong one, or take the rates from another source.")
