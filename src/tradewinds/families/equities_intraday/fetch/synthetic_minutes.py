"""Synthetic minute bars from a seed: each session of the exchange's own calendar, different for each symbol.

A session depends on seed, symbol and date alone, so any month can be made on its own. Prices look like those of a share: large
moves and volume at open and close, small ones at noon, ticks of a hundredth.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import CENT, MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import MinuteRows
from tradewinds.families.equities_intraday.fetch.user_minutes import write_months
from tradewinds.families.equities_intraday.schemas import PRICE_COLUMNS
from tradewinds.families.plan import month_end
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar, calendar_of

if TYPE_CHECKING:
    from tradewinds.families.equities_intraday.plan import MonthFile

FORMAT = 1  # version of the prices; another number makes all files again


def make_minutes(conf: Mapping[str, Any], targets: Sequence[MonthFile]) -> None:
    """Make files of synthetic bars, one per symbol and month.

    Args:
        conf: a resolved config.
        targets: the files to make.
    """
    calendar = calendar_of(conf["calendar"], conf["date_end_local"])
    about = {"source": "synthetic", "made_from": f"seed {conf['seed']}, format {FORMAT}", "calendar": calendar.code}
    for symbol in sorted({target.symbol for target in targets}):
        months = [target for target in targets if target.symbol == symbol]
        rows = bars_of_symbol(
            conf["seed"], symbol, calendar, [target.month for target in months], conf["bars"]["minutes"]
        )
        write_months(rows, calendar, conf["bars"]["minutes"], months, about)


def bars_of_symbol(
    seed: int, symbol: str, calendar: ExchangeCalendar, months: Sequence[str], minutes: int
) -> MinuteRows:
    """Make a symbol's bars of some months.

    Args:
        seed: seed of the random numbers.
        symbol: the symbol.
        calendar: the exchange's sessions.
        months: such as 2024-03, in order.
        minutes: length of a bar.
    """
    sessions = _sessions_of(calendar, months)
    day, opens = calendar.day[sessions], calendar.open_ts[sessions]
    counts = (calendar.close_ts[sessions] - opens) // (60 * minutes)
    first_row = np.cumsum(counts) - counts
    row = np.arange(int(counts.sum()), dtype=np.int64)
    of_session = np.repeat(np.arange(len(sessions)), counts)
    index = row - first_row[of_session]
    dice = _Dice(_seed_of(f"{seed} {symbol} minutes"), day[of_session], index)
    by_day = _Dice(_seed_of(f"{seed} {symbol} days"), day, np.zeros_like(day))
    character = _Dice(_seed_of(f"{seed} {symbol} character"), np.zeros(1, np.int64), np.zeros(1, np.int64))
    usual_price, daily, usual_volume = (
        middle * math.exp(width * float(character.normal(stream)[0]))
        for stream, (middle, width) in enumerate(((100.0, 0.7), (0.012, 0.3), (3e6, 0.8)))
    )
    # a U over the session: the first and the last minutes move and trade most
    shape = _shape((index + 0.5) / counts[of_session])
    sigma = daily * np.exp(0.35 * by_day.normal(0))[of_session] / np.sqrt(counts[of_session]) * shape
    level = usual_price * np.exp(_waves(character, day) + 0.004 * by_day.normal(1))
    trend = 0.6 * daily * by_day.normal(2) / counts
    # the close of each minute, its open near the close before, and the ends of its bar
    step = sigma * dice.normal(0) + trend[of_session]
    path = np.cumsum(step)
    before_session = (path[first_row] - step[first_row]) if len(row) else path
    close = level[of_session] * np.exp(path - before_session[of_session])
    before = np.where(index == 0, level[of_session], np.roll(close, 1))
    opened = before * np.exp(np.where(index == 0, 0.0, 0.1 * sigma * dice.normal(1)))
    high = np.maximum(opened, close) * np.exp(0.5 * sigma * np.abs(dice.normal(2)))
    low = np.minimum(opened, close) * np.exp(-0.5 * sigma * np.abs(dice.normal(3)))
    moved = np.abs(step) / sigma
    volume = usual_volume / counts[of_session] * shape**2 * np.exp(0.4 * dice.normal(4) + 0.3 * moved)
    return MinuteRows(
        symbols=(symbol,),
        symbol=np.zeros(len(row), np.int32),
        ts=(opens[of_session] + 60 * minutes * index) * MICRO,
        prices={name: _ticks(values) for name, values in zip(PRICE_COLUMNS, (opened, high, low, close), strict=True)},
        volume=np.maximum(1, volume).astype(np.int64),
    )


class _Dice:
    """Random numbers that depend on a key, a day and an index alone, so that no order of making them matters.

    Args:
        key: of the symbol.
        day: by number: days since 1970.
        index: by number: its place in the day.
    """

    def __init__(self, key: int, day: Ints, index: Ints) -> None:
        self._seeds = (
            np.uint64(key) + day.astype(np.uint64) * np.uint64(1 << 32) + index.astype(np.uint64) * np.uint64(64)
        )

    def uniform(self, stream: int) -> Floats:
        """Return numbers in (0, 1]; each stream has its own."""
        mixed = self._seeds + np.uint64(stream)
        # the finaliser of SplitMix64: neighbouring integers become unrelated ones
        mixed = (mixed + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xD1342543DE82EF95)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        found: Floats = ((mixed >> np.uint64(11)).astype(np.float64) + 1) / 2**53
        return found

    def normal(self, stream: int) -> Floats:
        """Return numbers of the standard normal distribution (Box and Muller); each stream has its own."""
        radius = np.sqrt(-2 * np.log(self.uniform(2 * stream)))
        found: Floats = radius * np.cos(2 * math.pi * self.uniform(2 * stream + 1))
        return found


def _sessions_of(calendar: ExchangeCalendar, months: Sequence[str]) -> Ints:
    """Return the indices of the sessions of some months."""
    found: list[int] = []
    for month in months:
        first = dt.date(int(month[:4]), int(month[5:]), 1)
        span = calendar.between(first, month_end(first.year, first.month))
        found += range(span.start, span.stop)
    return np.array(found, np.int64)


def _shape(place: Floats) -> Floats:
    """Return how much a minute moves against the mean of its session, by its place in it (0 to 1)."""
    u = 0.6 + 1.6 * np.exp(-8 * place) + 0.8 * np.exp(-12 * (1 - place))
    found: Floats = u / 0.95  # the root of its mean square
    return found


def _waves(character: _Dice, day: Ints) -> Floats:
    """Return the logarithm of a day's price against the usual one: waves of weeks, months and years."""
    found = np.zeros(len(day))
    for stream, (size, length) in enumerate(((0.25, 900.0), (0.08, 170.0), (0.03, 23.0)), start=10):
        found += size * np.sin(2 * math.pi * (day / length + float(character.uniform(stream)[0])))
    return found


def _ticks(prices: Floats) -> Ints:
    """Return prices in micro-units, whole hundredths, at least one."""
    found: Ints = np.maximum(1, np.rint(prices * 100)).astype(np.int64) * CENT
    return found


def _seed_of(text: str) -> int:
    """Return a key of 64 bits from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
