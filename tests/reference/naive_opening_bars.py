"""Rounding, bars, quarantine and history of the naive opening-range engine (sections 1 to 4 of its rules).

Every number is a Fraction. Nothing here is shared with the product. Where the rules leave a choice, the choice made is
written as `ASSUME:` beside the line that takes it.
"""

import datetime as dt
import functools
from collections import Counter
from dataclasses import dataclass
from math import ceil, floor
from zoneinfo import ZoneInfo

from tests.reference.fast_fractions import Fraction

MICRO = Fraction(1, 1_000_000)
CENT = Fraction(1, 100)
CLOCKS = {"XNYS": "America/New_York"}


@functools.cache
def number(value):
    """Return a number of the config or of the source as an exact fraction; floats as they are printed."""
    return None if value is None else Fraction(str(value))


def half_even(value, unit):
    """Round to a multiple of the unit, a tie to the even multiple."""
    return round(value / unit) * unit


def level(value, tick, up):
    """Round a level that we place to the tick, up or down; without a tick half-even to 1e-6."""
    if tick is None:
        return half_even(value, MICRO)
    steps = ceil(value / tick) if up else floor(value / tick)
    return steps * tick


@dataclass(frozen=True)
class Session:
    """One session of the exchange: its date, the seconds of its open and of its close."""

    date: dt.date
    open_ts: int
    close_ts: int

    def minutes(self):
        return Fraction(self.close_ts - self.open_ts, 60)


@dataclass(frozen=True)
class Bar:
    """One bar named by its start; the volume is None where the source has none."""

    start: int
    open: Fraction
    high: Fraction
    low: Fraction
    close: Fraction
    volume: Fraction | None

    def counted(self):
        """Return the volume as it counts in a sum: an unknown one counts 0."""
        return Fraction(0) if self.volume is None else self.volume


def local_time(start, clock):
    return dt.datetime.fromtimestamp(start, dt.UTC).astimezone(clock)


def price(value):
    # ASSUME: prices are rounded to 1e-6 before any of the checks of section 3, so 0.0000001 is NON_POSITIVE_PRICE.
    return None if value is None else half_even(number(value), MICRO)


def fault_of(row, minutes, dates, clock, drop_zero_volume):
    """Return the first reason to quarantine a row that is alone in its minute, or None."""
    start, open_, high, low, close, volume = row
    if None in (open_, high, low, close):
        return "MISSING_PRICE"
    if min(open_, high, low, close) <= 0:
        return "NON_POSITIVE_PRICE"
    if not (low <= open_ <= high and low <= close <= high):
        return "OHLC_ORDER"
    if volume is not None and volume < 0:
        return "NEGATIVE_VOLUME"
    # ASSUME: 5-minute bars must start on a multiple of 300 s.
    if start % (60 * minutes) != 0:
        return "OFF_MINUTE"
    # ASSUME: a date outside the given list of sessions is no session, also before its first and after its last one.
    if local_time(start, clock).date() not in dates:
        return "NO_SESSION"
    # ASSUME: ZERO_VOLUME is the last reason of the list.
    if drop_zero_volume and volume == 0:
        return "ZERO_VOLUME"
    return None


def sort_out(rows, sessions, config):
    """Return (bars by session date, reasons with counts, bars of zero volume) of one symbol (section 3).

    ASSUME: every row of the file is checked and counted, also one outside the hours of its session; what passes there
    is left out without being counted. Bars of zero volume are counted inside the sessions only.
    """
    clock = ZoneInfo(CLOCKS[config["calendar"]])
    minutes = config["bars"]["minutes"]
    dates = {session.date for session in sessions}
    by_start = {}
    for start, open_, high, low, close, volume in rows:
        row = (start, price(open_), price(high), price(low), price(close), number(volume))
        by_start.setdefault(start, []).append(row)
    reasons, good = Counter(), []
    for start in sorted(by_start):
        same = by_start[start]
        # ASSUME: rows are identical if they are so after the prices are rounded to 1e-6.
        if any(row != same[0] for row in same):
            reasons["DUPLICATE"] += len(same)
            continue
        fault = fault_of(same[0], minutes, dates, clock, config["bars"]["zero_volume"] == "drop")
        if fault is None:
            good.append(Bar(*same[0]))
        else:
            reasons[fault] += 1
    kept = {
        session.date: [bar for bar in good if session.open_ts <= bar.start < session.close_ts] for session in sessions
    }
    zero = sum(1 for bars in kept.values() for bar in bars if bar.volume == 0)
    return kept, reasons, zero


# Section 4: what is known at an open.


def ratio_between(splits, earlier, today):
    """Return the product of the split ratios whose ex-date is after one session and not after another."""
    product = Fraction(1)
    for ex_date, ratio in splits:
        if earlier < ex_date <= today:
            product *= number(ratio)
    return product


def adjusted(bar, ratio):
    """Return a bar as seen after splits: prices divided and rounded, the volume multiplied exactly."""
    if ratio == 1:
        return bar
    prices = [half_even(value / ratio, MICRO) for value in (bar.open, bar.high, bar.low, bar.close)]
    return Bar(bar.start, *prices, None if bar.volume is None else bar.volume * ratio)


def merged(bars):
    """Return (open, high, low, close, volume) of bars taken together."""
    return (
        bars[0].open,
        max(bar.high for bar in bars),
        min(bar.low for bar in bars),
        bars[-1].close,
        sum((bar.counted() for bar in bars), Fraction(0)),
    )


def groups_of_five_minutes(bars, open_ts):
    """Return the bars of a session merged by 300 s from its open; a stretch without a bar is missing."""
    groups = {}
    for bar in bars:
        groups.setdefault((bar.start - open_ts) // 300, []).append(bar)
    return [merged(groups[place]) for place in sorted(groups)]


def true_ranges(merged_bars):
    """Return the true range of every merged bar; that of the very first is its own range."""
    ranges, before = [], None
    for _, high, low, close, _ in merged_bars:
        value = high - low
        if before is not None:
            value = max(value, abs(high - before), abs(low - before))
        ranges.append(value)
        before = close
    return ranges


def wilder(ranges, period):
    """Return Wilder's mean of true ranges, rounded half-even to 1e-6 at every step; None before `period` of them."""
    if len(ranges) < period:
        return None
    value = half_even(sum(ranges[:period], Fraction(0)) / period, MICRO)
    for one in ranges[period:]:
        value = half_even(((period - 1) * value + one) / period, MICRO)
    return value


def simple(ranges, period):
    """Return the mean of the last true ranges, rounded half-even to 1e-6; None before `period` of them."""
    if len(ranges) < period:
        return None
    return half_even(sum(ranges[-period:], Fraction(0)) / period, MICRO)


@dataclass(frozen=True)
class History:
    """What a symbol's earlier sessions say at an open, all of it in today's shares.

    Attributes:
        sessions: (session, adjusted bars) of every earlier session with a bar.
        atr: mean true range of the sessions, None when too few.
        atr5: mean true range of 5-minute bars, None when too few.
        prior: (high, low) of the last earlier session, None without one.
    """

    sessions: list
    atr: Fraction | None
    atr5: Fraction | None
    prior: tuple | None


def history_before(session, sessions, kept, splits, config):
    """Return the history of one symbol at the open of a session (section 4), recomputed from the first bar on."""
    earlier = []
    for one in sessions:
        if one.date < session.date and kept[one.date]:
            ratio = ratio_between(splits, one.date, session.date)
            earlier.append((one, [adjusted(bar, ratio) for bar in kept[one.date]]))
    daily = [merged(bars) for _, bars in earlier]
    fives = [group for one, bars in earlier for group in groups_of_five_minutes(bars, one.open_ts)]
    period = config["orb"]["atr_period"]
    mean = simple if config["orb"]["atr_method"] == "sma" else wilder
    prior = (daily[-1][1], daily[-1][2]) if daily else None
    return History(earlier, mean(true_ranges(daily), period), wilder(true_ranges(fives), period), prior)
