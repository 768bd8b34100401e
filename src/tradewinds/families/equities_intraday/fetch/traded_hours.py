"""In which hours a user's minute bars were traded: on another clock most of the volume lies beside the exchange's sessions.

The first and the last stamp of a day show the clock of bars that are of the session alone (clock_evidence.py). Bars before the
open and after the close hide it, and so does a clock that puts a session on another date.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Flags, Ints
from tradewinds.core.errors import ConfigError
from tradewinds.core.units import MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import local_days
from tradewinds.families.equities_intraday.fetch.minute_tables import MinuteTable
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar

HALF_HOUR = 1800  # seconds
MOST_HALF_HOURS = 28  # between two clocks of the world
FEWEST_DAYS = 10  # of a symbol, from which on hours can be judged
MOST_ROWS = 400_000  # that are looked at: those of some of the days
SURE_SHARE, CLEARLY_MORE = 0.75, 0.1  # of the volume in the sessions of another clock; more than in those of the stamps
SUMMER = range(4, 11)  # months of summer time


def refuse_other_hours(table: MinuteTable, starts: Ints, calendar: ExchangeCalendar) -> None:
    """Raise ConfigError if clearly more of the volume is in the sessions some half hours earlier or later.

    Args:
        table: the file.
        starts: by row: start of the bar; microseconds since 1970.
        calendar: the exchange.
    """
    halves, weights, days = _volume_by_half_hour(table, starts, calendar)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    summer: Flags = np.isin(months, list(SUMMER))
    # all days together, then the halves of the year: a clock without summer time is wrong in one of them only
    for season, chosen in (("", np.ones(len(days), bool)), (" in summer", summer), (" in winter", ~summer)):
        if len(np.unique(days[chosen])) < FEWEST_DAYS:
            continue
        lags = range(-MOST_HALF_HOURS, MOST_HALF_HOURS + 1)
        shares = {lag: _share(halves[chosen] - lag, weights[chosen], calendar) for lag in lags}
        best = max(lags, key=lambda lag: (shares[lag], -abs(lag)))
        if shares[best] >= SURE_SHARE and shares[best] - shares[0] >= CLEARLY_MORE:
            sign = "late" if best > 0 else "early"
            what = (
                f"its time stamps look like another time zone{season}: {shares[0]:.0%} of the volume is in the exchange's "
                f"sessions, and {shares[best]:.0%} would be if the stamps were not too {sign} by {abs(best) / 2:g} h."
            )
            remedy = (
                "Write stamps with their true offset, or without one and name their clock in bars.timezone; "
                "one clock for all rows."
            )
            raise ConfigError(what, where=table.path, remedy=remedy)


def _volume_by_half_hour(
    table: MinuteTable, starts: Ints, calendar: ExchangeCalendar
) -> tuple[Ints, npt.NDArray[np.float64], Ints]:
    """Return half hours since 1970 with the part of their day's volume and their day, of some of a file's days."""
    days = local_days(starts, calendar)
    kept = (days % (len(days) // MOST_ROWS + 1) == 0) & (table.rows.volume > 0)
    number = table.rows.symbol[kept].astype(np.int64)
    halves, days, volume = starts[kept] // (HALF_HOUR * MICRO), days[kept], table.rows.volume[kept].astype(np.float64)
    # every day of a symbol counts alike, however much was traded
    _, day_of = np.unique(number * 10**6 + days, return_inverse=True)
    weights = volume / np.bincount(day_of, volume)[day_of] if len(day_of) else volume
    found, which = np.unique(halves, return_inverse=True)
    first = np.full(len(found), np.iinfo(np.int64).max)
    np.minimum.at(first, which, days)
    summed: npt.NDArray[np.float64] = np.bincount(which, weights, len(found)).astype(np.float64)
    return found.astype(np.int64), summed, first.astype(np.int64)


def _share(halves: Ints, weights: npt.NDArray[np.float64], calendar: ExchangeCalendar) -> float:
    """Return the part of the volume that lies in the exchange's sessions."""
    seconds = halves * HALF_HOUR
    session = np.searchsorted(calendar.open_ts, seconds, side="right") - 1
    inside = (session >= 0) & (seconds < calendar.close_ts[session])
    return float(weights[inside].sum() / weights.sum())
