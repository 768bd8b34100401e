"""Rounding, records, intervals and prices of the naive funding-carry engine (sections 1 to 4 of its rules).

Every number is a Fraction, every time Unix seconds. Nothing here is shared with the product. Where the rules leave a
choice, the choice made is written as `ASSUME:` beside the line that takes it.
"""

import datetime as dt
from bisect import bisect_right
from collections import namedtuple
from dataclasses import dataclass, field

from tests.reference.fast_fractions import Fraction

HOUR = 3600
DAY = 24 * HOUR
INTERVALS = (1, 2, 4, 8)  # hours between two settlements that name the interval of the later one

Candle = namedtuple("Candle", "open high low close volume")


@dataclass
class CarrySymbol:
    """What the world gives of one symbol.

    Attributes:
        symbol: unified name of the perpetual, such as BTC/USDT:USDT.
        records: (Unix s, rate, mark or None) ascending by time; a mark of 0 is none.
        spot: {Unix s of the open: Candle}.
        perp: the same of the perpetual.
        mark: the same of its mark price; may be empty.
        step: smallest change of the quantity.
        min_notional: least value of a position.
        maintenance: maintenance margin rate.
    """

    symbol: str
    records: list
    spot: dict
    perp: dict
    mark: dict = field(default_factory=dict)
    step: Fraction = Fraction(1, 1000)
    min_notional: Fraction = Fraction(5)
    maintenance: Fraction = Fraction(5, 1000)


def number(value):
    """Return a number of the config as an exact fraction; a float as it is printed."""
    return None if value is None else value if isinstance(value, Fraction) else Fraction(str(value))


def rounded(value, places):
    """Round to decimals, half to even."""
    return Fraction(round(value * 10**places), 10**places)


def r8(value):
    return rounded(value, 8)


def floor_step(value, step):
    return (value // step) * step


def ceil_step(value, step):
    return -((-value) // step) * step


def midnight(date):
    """Return the Unix seconds of 00:00Z of a date or of its ISO text."""
    date = date if isinstance(date, dt.date) else dt.date.fromisoformat(date)
    return int(dt.datetime(date.year, date.month, date.day, tzinfo=dt.UTC).timestamp())


def settlement_hour(milliseconds):
    """Return a recorded stamp as Unix seconds of its whole hour; None if it is quarantined (OFF_GRID)."""
    hour = round(Fraction(milliseconds, 1000 * HOUR)) * HOUR
    distance = abs(Fraction(milliseconds, 1000) - hour)
    # "more than 5 minutes away from one": exactly 5 minutes are not.
    return None if distance > 300 else hour


def intervals_of(stamps, first):
    """Return (hours of every record, how many gaps are no interval).

    "h = gap to the record before it in hours if that is 1, 2, 4 or 8; any other gap keeps the previous h and counts
    FUNDING_GAP; the first loaded record has default_interval_hours 8."
    """
    hours, gaps = [], 0
    for place, stamp in enumerate(stamps):
        if place == 0:
            hours.append(first)
            continue
        gap = Fraction(stamp - stamps[place - 1], HOUR)
        if gap in INTERVALS:
            hours.append(int(gap))
        else:
            hours.append(hours[-1])
            gaps += 1
    return hours, gaps


class Series:
    """Candles of one series, as they become known."""

    def __init__(self, candles, seconds, first, end):
        """Take the candles that begin in [first, end)."""
        self.candles = {start: candle for start, candle in sorted(candles.items()) if first <= start < end}
        self.seconds = seconds
        self.starts = list(self.candles)

    def complete(self, t):
        """Return (end, Candle) of the last candle with open + interval <= t, or None."""
        count = bisect_right(self.starts, t - self.seconds)
        if count == 0:
            return None
        start = self.starts[count - 1]
        return start + self.seconds, self.candles[start]

    def close(self, t):
        found = self.complete(t)
        return None if found is None else found[1].close

    def volume(self, t):
        return self.complete(t)[1].volume

    def ends_within(self, after, until):
        """Return (end, Candle) of every candle with after < end <= until, by time."""
        first = bisect_right(self.starts, after - self.seconds)
        last = bisect_right(self.starts, until - self.seconds)
        return [(start + self.seconds, self.candles[start]) for start in self.starts[first:last]]


class Market:
    """One symbol as a run sees it: nothing before the warm-up, nothing at or after the end."""

    def __init__(self, given, rules):
        self.symbol = given.symbol
        self.spot_symbol = given.symbol.split(":")[0]
        self.step, self.min_notional, self.maintenance = given.step, given.min_notional, given.maintenance
        # ASSUME: "Records and candles of the warmup_days 30 days before are loaded": a candle is loaded if its open is
        # not before date_start - 30 days, and read if its open is before the end.
        first, end = rules.start - rules.warmup_days * DAY, rules.end
        self.spot = Series(given.spot, rules.candle_seconds, first, end)
        self.perp = Series(given.perp, rules.candle_seconds, first, end)
        self.mark = Series(given.mark, rules.candle_seconds, first, end)
        self.records = [record for record in given.records if first <= record[0] < end]
        self.place = {record[0]: place for place, record in enumerate(self.records)}
        # ASSUME: FUNDING_GAP counts over all loaded records, those of the warm-up too.
        self.hours, self.gaps = intervals_of([record[0] for record in self.records], rules.default_interval_hours)
        self.settlements = [record[0] for record in self.records if record[0] >= rules.start]
        self.max_age = rules.max_price_age
        self.fill = rules.fill

    def last_settlement(self):
        return self.settlements[-1]

    def rate(self, t):
        return self.records[self.place[t]][1]

    def interval(self, t):
        return self.hours[self.place[t]]

    def fresh(self, t):
        """Say whether the prices of both legs are young enough to decide at t."""
        found = [self.spot.complete(t), self.perp.complete(t)]
        return all(one is not None and t - one[0] <= self.max_age for one in found)

    def mark_at(self, t):
        """Return (M(t), where it comes from) at a settlement.

        ASSUME: "else close of the last mark candle complete at t" is of any age.
        """
        mark = self.records[self.place[t]][2]
        if mark:
            return mark, "record"
        close = self.mark.close(t)
        return (close, "mark_candle") if close is not None else (self.perp.close(t), "perp_candle")

    def reference(self, t):
        """Return ((spot price, its time), (perp price, its time)) of a fill decided at t; None if one is missing."""
        if self.fill == "last_close":
            return self.last_closes(t)
        if t not in self.spot.candles or t not in self.perp.candles:
            return None
        return (self.spot.candles[t].open, t), (self.perp.candles[t].open, t)

    def last_closes(self, t):
        """Return the same of the last complete closes of any age."""
        (spot_end, spot), (perp_end, perp) = self.spot.complete(t), self.perp.complete(t)
        return (spot.close, spot_end), (perp.close, perp_end)

    def margin_series(self):
        """Return the candles on which the margin is checked."""
        return self.mark if self.mark.candles else self.perp
