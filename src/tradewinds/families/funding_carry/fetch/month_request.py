"""What a fetch of one month asks a source for, and what it brings back; times in milliseconds since 1970, UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tradewinds.core import strict
from tradewinds.core.units import MICRO
from tradewinds.families.funding_carry.fetch.candle_checks import RawCandle
from tradewinds.families.funding_carry.fetch.rate_checks import MOST_LATE_SECONDS, RawRate

MILLI = 1000
MINUTE = 60 * MILLI
FIRST_MICROS = 10**14  # a stamp from here on is in microseconds: milliseconds reach it in the year 5138
EARLIEST, LATEST = 1_230_768_000_000, 4_102_444_800_000  # 2009 and 2100: no stamp of an exchange is outside


@dataclass(frozen=True)
class MonthRequest:
    """Records of one kind of one symbol, of some days of a month.

    Attributes:
        symbol: unified name of the perpetual, such as BTC/USDT:USDT.
        spot: name of its spot pair, such as BTC/USDT.
        kind: funding, spot, perp or mark.
        minutes: length of the candles.
        month: such as 2024-03.
        first_day: the first day that is wanted.
        last_day: the last day that is wanted, which is over.
    """

    symbol: str
    spot: str
    kind: str
    minutes: int
    month: str
    first_day: dt.date
    last_day: dt.date

    @property
    def first_ms(self) -> int:
        """The first instant of which a record is wanted. A settlement may be stamped a little beside its hour."""
        return _midnight(self.first_day) - self._beside

    @property
    def end_ms(self) -> int:
        """The first instant after those of which records are wanted."""
        return _midnight(self.last_day + dt.timedelta(days=1)) - self._beside

    @property
    def interval_ms(self) -> int:
        """The length of a candle."""
        return self.minutes * MINUTE

    @property
    def _beside(self) -> int:
        """How far from its hour a record may be stamped: a month is asked for from so much before its first hour."""
        return MOST_LATE_SECONDS * MILLI if self.kind == "funding" else 0


@dataclass(frozen=True)
class FetchedMonth:
    """The records of a month as a source has them.

    Attributes:
        rates: settlements; empty for candles.
        candles: candles; empty for settlements.
        about: what the file is to say of how they came.
    """

    rates: Sequence[RawRate] = ()
    candles: Sequence[RawCandle] = ()
    about: dict[str, Any] = field(default_factory=dict)


def number(value: Any) -> Decimal:
    """Return a number that a service writes as text; raise ValueError for anything else."""
    if not isinstance(value, str):
        raise ValueError(f"{value!a} for a number in text")
    return strict.decimal(value)


def mark_or_none(value: Any) -> Decimal | None:
    """Return a mark price; None where the service has none: no text, an empty one or zero."""
    return None if value is None or value == "" else number(value) or None


def stamp_ms(value: Any) -> int:
    """Return a time stamp in milliseconds, an integer or its text; raise ValueError for anything that is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 16:
        value = int(value)
    if type(value) is not int or not EARLIEST <= value <= LATEST:
        raise ValueError(f"time stamp {value!a}")
    return value


def candle_of(open_ms: int, prices: Sequence[Any], volume: Any) -> RawCandle:
    """Return a candle of the texts of a service.

    Args:
        open_ms: its opening.
        prices: open, high, low, close.
        volume: in base coins.

    Raises:
        ValueError: one of them is no number.
    """
    opened, high, low, close = (number(price) for price in prices)
    return RawCandle(open_us=open_ms * MILLI, open=opened, high=high, low=low, close=close, volume=number(volume))


def _midnight(day: dt.date) -> int:
    """Return the first instant of a day."""
    return int(dt.datetime.combine(day, dt.time(), dt.UTC).timestamp()) * MILLI


def missing_candles(candles: Sequence[RawCandle], minutes: int) -> int:
    """Return how many candles are missing between the first and the last one; none is filled in.

    Args:
        candles: in any order.
        minutes: length of a candle.
    """
    opens = {candle.open_us for candle in candles}
    return (max(opens) - min(opens)) // (minutes * 60 * MICRO) + 1 - len(opens) if opens else 0
