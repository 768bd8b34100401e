"""When the bars of a file begin and end on each day, against the sessions of the exchange."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.units import MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import local_days, utc_offsets
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar

HALF_HOUR = 30  # minutes; clocks of the world differ by whole ones


@dataclass(frozen=True)
class DayClocks:
    """The first and the last bar of each symbol and session day of a file; a row is a symbol's day.

    Attributes:
        late: minutes from the session's open to the first stamp.
        over: minutes from the start of the session's last bar to the last stamp.
        first: clock time of the first stamp, in minutes after midnight.
        last: clock time of the last stamp, in minutes after midnight.
        has_open: whether a stamp is the session's open.
        bar_minutes: length of a bar.
    """

    late: Ints
    over: Ints
    first: Ints
    last: Ints
    has_open: Flags
    bar_minutes: int

    def __len__(self) -> int:
        """The number of days, counted per symbol."""
        return len(self.late)

    @property
    def shifted(self) -> Flags:
        """Whether a day's first and last stamp are off by the same time, as those of another label or zone are."""
        found: Flags = (self.late == self.over) & (self.late != 0)
        return found

    @property
    def labelled_by_end(self) -> Flags:
        """Whether a day's stamps are ends of bars: the first is one bar after a half hour, the last one is on a half hour."""
        bar = self.bar_minutes
        regular = (self.late == bar) & (self.over == bar)
        extended = (self.late < 0) & (self.first % HALF_HOUR == bar) & (self.last % HALF_HOUR == 0)
        found: Flags = regular | extended
        return found

    @property
    def a_bar_early(self) -> Flags:
        """Whether a day's first and last stamp are one bar before those of a session, or before whole half hours."""
        bar = self.bar_minutes
        regular = (self.late == -bar) & (self.over == -bar)
        extended = (self.late < -bar) & ((self.first + bar) % HALF_HOUR == 0) & ((self.last + 2 * bar) % HALF_HOUR == 0)
        found: Flags = regular | extended
        return found

    @property
    def of_another_zone(self) -> Flags:
        """Whether a day's stamps are off by whole half hours, or by those and one bar."""
        rest = self.late % HALF_HOUR
        found: Flags = self.shifted & (self.late != self.bar_minutes) & ((rest == 0) | (rest == self.bar_minutes))
        return found

    def lines(self) -> tuple[str, str]:
        """Return the two lines of evidence: the usual first and last stamp of a day."""
        return (f"First stamp of a day: {self._usual(self.first)}.", f"Last stamp of a day: {self._usual(self.last)}.")

    def _usual(self, minutes: Ints) -> str:
        """Return the two most frequent clock times with how often they come."""
        counted = Counter(minutes.tolist()).most_common(2)
        return ", ".join(f"{clock(value)} on {count:,} of {len(self):,} days" for value, count in counted)


def clock(minutes: int) -> str:
    """Return minutes after midnight as a clock time."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def day_clocks(symbol: npt.NDArray[np.int32], ts: Ints, calendar: ExchangeCalendar, bar_minutes: int) -> DayClocks:
    """Return the clocks of the days of some rows.

    Args:
        symbol: by row: index of its symbol.
        ts: by row: microseconds since 1970.
        calendar: the exchange; days without a session are left out.
        bar_minutes: length of a bar.
    """
    days = local_days(ts, calendar)
    session = np.searchsorted(calendar.day, days)
    session = np.minimum(session, len(calendar.day) - 1)
    kept = calendar.day[session] == days
    seconds = ts[kept] // MICRO
    keys = symbol[kept].astype(np.int64) * len(calendar.day) + session[kept]
    order = np.lexsort((seconds, keys))
    keys, seconds = keys[order], seconds[order]
    found, first_row, counts = np.unique(keys, return_index=True, return_counts=True)
    which = found % len(calendar.day)
    first, last = seconds[first_row], seconds[first_row + counts - 1]
    opens, closes = calendar.open_ts[which], calendar.close_ts[which]
    # a date begins at midnight of the exchange's clock
    midnight = calendar.day[which] * 86_400 - _offsets(first, calendar)
    opening = np.isin(found, keys[np.isin(seconds, calendar.open_ts)])
    return DayClocks(
        late=(first - opens) // 60,
        over=(last - closes) // 60 + bar_minutes,
        first=(first - midnight) // 60,
        last=(last - midnight) // 60,
        has_open=opening,
        bar_minutes=bar_minutes,
    )


def _offsets(instants: Ints, calendar: ExchangeCalendar) -> Ints:
    """Return how far the exchange's clock is ahead of UTC at each instant, in seconds."""
    hours, index = np.unique(instants // 3600, return_inverse=True)
    found: Ints = utc_offsets(hours * 3600, calendar)[index]
    return found
