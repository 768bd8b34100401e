"""What candles show of their clock, whatever zone their stamps carry: candles on a local clock are refused with the evidence.

- Both legs follow one coin. Where their prices agree far better some hours apart than at the same stamps, one of them is on
  another clock; also in one half of the year only, as with summer time. Mark prices of settlements are compared, too.
- On a clock with summer time the hour that comes twice in autumn has two candles, and the one that is left out in spring none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.units import MICRO
from tradewinds.families.funding_carry.fetch.perp_evidence import SUMMER, WINTER

HOUR = 3600 * MICRO
MOST_PAIRS = 4000  # of prices that are looked at, evenly spread
MOST_HOURS = 14  # that a clock of the world is ahead of UTC
FEWEST = 48  # pairs of prices from which on clocks can be judged
TIMES_BETTER = 3  # how much better prices have to agree at other stamps
FEWEST_SPRINGS = 2  # hours left out in spring that are no accident
# change of summer time: month, which Sunday (-1: the last), hours of the clock that are left out or come twice
_SPRINGS = ((3, -1, (1, 2)), (3, 2, (2,)))
_AUTUMNS = ((10, -1, (1, 2)), (11, 1, (1,)))
REMEDY = (
    "Convert the stamps to UTC, or write them without a zone and name their clock in data.timezone: one for all files."
)


class PricedSeries(NamedTuple):
    """Prices of a series at instants.

    Attributes:
        path: a file that it is from.
        name: what it is, for the message.
        ts: ascending; microseconds since 1970.
        price: above 0.
    """

    path: str
    name: str
    ts: Ints
    price: npt.NDArray[np.float64]


def refuse_other_clock(one: PricedSeries, other: PricedSeries, minutes: int) -> None:
    """Raise ConfigError if two series of one coin agree far better some time apart than at the same stamps.

    Args:
        one: the series that is named as the one that is off.
        other: the series that it is compared with.
        minutes: length of a candle; lags are whole hours, or half hours of short candles.
    """
    step = 30 * 60 * MICRO if minutes <= 30 else max(60, minutes) * 60 * MICRO
    months: Ints = (one.ts // MICRO).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    for season, chosen in (
        ("", np.ones(len(months), bool)),
        (" in summer", np.isin(months, list(SUMMER))),
        (" in winter", np.isin(months, list(WINTER))),
    ):
        lag = _better_lag(one.ts[chosen], one.price[chosen], other, step)
        if lag:
            sign = "behind" if lag < 0 else "ahead of"
            what = (
                f"{one.name} are {abs(lag) / HOUR:g} h {sign} {other.name}{season}: that far apart their prices agree "
                f"{TIMES_BETTER} times better than at the same stamps, so one of them is on another clock."
            )
            raise ConfigError(what, where=one.path, remedy=REMEDY)


def _better_lag(ts: Ints, price: npt.NDArray[np.float64], other: PricedSeries, step: int) -> int:
    """Return by how much stamps are late where prices agree far better so; 0 if they do not. Microseconds."""
    thin = slice(None, None, max(1, len(ts) // MOST_PAIRS))
    ts, price = ts[thin], price[thin]
    here, near = _spread(ts, price, other, 0), [_spread(ts, price, other, lag) for lag in (-step, step)]
    if here is None or all(each is not None and TIMES_BETTER * here < each for each in near):
        return 0
    spreads = {0: here}
    for number in range(-MOST_HOURS * HOUR // step, MOST_HOURS * HOUR // step + 1):
        if (found := _spread(ts, price, other, number * step)) is not None:
            spreads[number * step] = found
    best = min(spreads, key=lambda lag: (spreads[lag], abs(lag)))
    return best if TIMES_BETTER * spreads[best] < here else 0


def _spread(ts: Ints, price: npt.NDArray[np.float64], other: PricedSeries, lag: int) -> float | None:
    """Return how far prices are from those of another series at stamps that are earlier by `lag`; None for too few pairs."""
    rows = np.searchsorted(other.ts, ts - lag)
    rows[rows == len(other.ts)] = 0
    same = other.ts[rows] == ts - lag if len(other.ts) else np.zeros(len(ts), bool)
    if int(same.sum()) < FEWEST:
        return None
    ratio = np.log(price[same] / other.price[rows[same]])
    return float(np.abs(ratio - np.median(ratio)).mean())  # whatever the usual basis is


def refuse_summer_time(path: str, symbol: str, stamps: Ints) -> None:
    """Raise ConfigError if candles have the doubled and the missing hours of a clock with summer time.

    Args:
        path: the file.
        symbol: the series.
        stamps: openings as instants; microseconds since 1970, in any order.
    """
    hours, counts = np.unique(stamps // HOUR, return_counts=True)
    if len(hours) < FEWEST:
        return
    of_hour = dict(zip(hours.tolist(), counts.tolist(), strict=True))
    usual = int(np.median(counts))
    years = range(*(1970 + int(hour) // 8766 + edge for hour, edge in ((hours[0], 0), (hours[-1], 2))))
    doubled, missing = [], []
    for autumn, hour in _changes(years, _AUTUMNS):
        if of_hour.get(hour) == 2 * usual and of_hour.get(hour - 1) == of_hour.get(hour + 1) == usual:
            doubled.append(f"{autumn:%Y-%m-%d %H:00}")
    for spring, hour in _changes(years, _SPRINGS):
        if hour not in of_hour and of_hour.get(hour - 1) == of_hour.get(hour + 1) == usual:
            missing.append(f"{spring:%Y-%m-%d %H:00}")
    if not doubled and len(missing) < FEWEST_SPRINGS:
        return
    said = f"{doubled[0]} comes twice" if doubled else f"{' and '.join(missing[:2])} are left out"
    what = f"the candles of {symbol} are on a clock with summer time, although their stamps are to be UTC: {said}."
    raise ConfigError(what, where=path, remedy=REMEDY)


def _changes(years: range, rules: tuple[tuple[int, int, tuple[int, ...]], ...]) -> Iterator[tuple[dt.datetime, int]]:
    """Yield the hours of the clock at which summer time begins or ends, with their number since 1970."""
    for year in years:
        for month, which, clock_hours in rules:
            sundays = [day for day in range(1, 32) if _is_sunday(year, month, day)]
            day = sundays[which if which < 0 else which - 1]
            for hour in clock_hours:
                at = dt.datetime(year, month, day, hour, tzinfo=dt.UTC)
                yield at, int(at.timestamp()) // 3600


def _is_sunday(year: int, month: int, day: int) -> bool:
    """Whether a day of a month exists and is a Sunday."""
    first = dt.date(year, month, 1)
    found = first + dt.timedelta(days=day - 1)
    return found.month == month and found.weekday() == 6
