"""Trade windows of temperature markets: when an order may be decided."""

from __future__ import annotations

import datetime as dt

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station


def trade_window(
    station: Station, climate_date: dt.date, policy: str, asof_ts: int, open_ts: int, close_ts: int, settle_ts: int
) -> tuple[int, int]:
    """Start (included) and end (excluded) in Unix seconds; empty when start ≥ end.

    From the later of as-of and open to the close (`market_close`), or to the end of the climate day if that is earlier
    (`station_day_end`). ASSUME: nobody trades a market that has settled, whatever its close time says.
    """
    end = min(close_ts, settle_ts)
    if policy == "station_day_end":
        end = min(end, climate_days.climate_day_bounds(station, climate_date)[1])
    return max(asof_ts, open_ts), end


def civil_midnights(station: Station, start_ts: int, end_ts: int) -> tuple[int, ...]:
    """Midnights of the station's civil clock in (start, end]."""
    day = climate_days.civil_date(station, start_ts)
    found: list[int] = []
    while True:
        day += dt.timedelta(days=1)
        midnight = climate_days.asof_ts(station, day, "00:00", 0)
        if midnight > end_ts:
            return tuple(found)
        if midnight > start_ts:
            found.append(midnight)
