"""Trade windows of temperature markets: the times at which orders may be decided."""

from __future__ import annotations

import datetime as dt

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station


def trade_window(
    station: Station, climate_date: dt.date, policy: str, asof_ts: int, open_ts: int, close_ts: int, settle_ts: int
) -> tuple[int, int]:
    """Start and end of a market's trade window; it is empty if start ≥ end.

    It starts at the later of as-of time and open. It ends at the close (`market_close`), or at the end of the climate day if
    that is earlier (`station_day_end`). ASSUME: a market that has settled cannot be traded, even before its close time.

    Args:
        station: of the market's event.
        climate_date: of the event.
        policy: market_close or station_day_end.
        asof_ts: as-of time of the event; all instants are Unix seconds.
        open_ts: of the market.
        close_ts: of the market.
        settle_ts: of the market.

    Returns:
        Start in Unix seconds, included.
        End in Unix seconds, excluded.
    """
    end_ts = min(close_ts, settle_ts)
    if policy == "station_day_end":
        _, day_end_ts = climate_days.climate_day_bounds(station, climate_date)
        end_ts = min(end_ts, day_end_ts)
    return max(asof_ts, open_ts), end_ts


def civil_midnights(station: Station, start_ts: int, end_ts: int) -> tuple[int, ...]:
    """Midnights of the station's civil clock in (start, end], in Unix seconds.

    Args:
        station: whose civil clock counts.
        start_ts: Unix seconds, excluded.
        end_ts: Unix seconds, included.
    """
    day = climate_days.civil_date(station, start_ts)
    midnights: list[int] = []
    while True:
        day += dt.timedelta(days=1)
        midnight = climate_days.asof_ts(station, day, "00:00", 0)
        if midnight > end_ts:
            return tuple(midnights)
        if midnight > start_ts:
            midnights.append(midnight)
