"""Stations, climate days and as-of times (docs/trading-rules.md).

Two clocks per station, never mixed: the *climate day* runs midnight to midnight local **standard** time all year,
the *as-of* instant is read off the station's **civil** clock (with daylight saving). Instants are Unix seconds.
"""

from __future__ import annotations

import csv
import datetime as dt
import functools
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant
from tradewinds.core.units import DAY_SECONDS

DAYS_PER_YEAR = 365  # every day is a climate day, and is traded
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


class Station(NamedTuple):
    """Station on which a series settles, and its clocks.

    Attributes:
        series_ticker: of the series.
        station_id: of the station, such as `KMDW`.
        cli_code: of its climate reports, such as `CLIMDW`.
        city: name for reports.
        timezone: name of the civil time zone.
        lst_offset_hours: local standard time minus UTC (−6 for Chicago).
        target: "max" or "min", the extreme that settles.
        legacy_prefixes: tickers that the series had before.
        first_date: first climate date that is listed, None if unknown.
    """

    series_ticker: str
    station_id: str
    cli_code: str
    city: str
    timezone: str
    lst_offset_hours: int
    target: str
    legacy_prefixes: tuple[str, ...]
    first_date: dt.date | None

    @property
    def zone(self) -> ZoneInfo:
        """The civil time zone."""
        return ZoneInfo(self.timezone)


@functools.cache
def stations() -> Mapping[str, Station]:
    """All stations by series ticker, from `stations.csv` beside this module."""
    text = Path(__file__).with_name("stations.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["series_ticker"]: _station(row) for row in csv.DictReader(text.splitlines())})


def _station(row: dict[str, str]) -> Station:
    return Station(
        series_ticker=row["series_ticker"],
        station_id=row["station_id"],
        cli_code=row["cli_code"],
        city=row["city"],
        timezone=row["timezone"],
        lst_offset_hours=int(row["lst_offset_hours"]),
        target=row["target"],
        legacy_prefixes=tuple(p for p in row["legacy_prefixes"].split(";") if p),
        first_date=dt.date.fromisoformat(row["first_date"]) if row["first_date"] else None,
    )


def station_of(series_ticker: str) -> Station:
    """The station of a series.

    Raises:
        ConfigError: the series is unknown; names the nearest known ones.
    """
    try:
        return stations()[series_ticker]
    except KeyError:
        hint = meant(series_ticker, stations(), "`tradewinds series` lists the known ones.", most=3)
        raise ConfigError(f"unknown series {series_ticker!r}.", where="series_tickers", remedy=hint) from None


def station_with(station_id: str, target: str) -> Station:
    """The station of the series that settles on an extreme of a station.

    Args:
        station_id: such as `KMDW`.
        target: "max" or "min".

    Raises:
        KeyError: there is no such series.
    """
    for station in stations().values():
        if (station.station_id, station.target) == (station_id, target):
            return station
    raise KeyError(f"no series on the {target} of {station_id}")


def climate_date_of(event_ticker: str) -> dt.date:
    """The climate date in the last `-` segment of an event ticker (`KXHIGHMIA-25JUN01` → 2025-06-01).

    Raises:
        ValueError: the last segment is no date (`KXHIGHNY-FOO`).
    """
    text = event_ticker.rsplit("-", 1)[-1]
    if len(text) != 7 or text[2:5] not in MONTHS or not re.fullmatch("[0-9]{4}", text[:2] + text[5:]):
        raise ValueError(f"no climate date in event ticker {event_ticker!r}")
    return dt.date(2000 + int(text[:2]), MONTHS.index(text[2:5]) + 1, int(text[5:]))


def event_ticker_of(series_ticker: str, climate_date: dt.date) -> str:
    """Event ticker of a series' climate date in the exchange's current form (`KXHIGHMIA-25JUN01`)."""
    return f"{series_ticker}-{climate_date:%y}{MONTHS[climate_date.month - 1]}{climate_date:%d}"


def climate_day_bounds(station: Station, climate_date: dt.date) -> tuple[int, int]:
    """Start and end of a climate day: midnights of local standard time.

    Returns:
        Start in Unix seconds, included.
        End in Unix seconds, excluded.
    """
    midnight_utc = int(dt.datetime.combine(climate_date, dt.time(), dt.UTC).timestamp())
    start = midnight_utc - station.lst_offset_hours * 3600
    return start, start + DAY_SECONDS


def asof_ts(station: Station, climate_date: dt.date, local_time: str, days_before: int) -> int:
    """As-of time of a climate date in Unix seconds: a time of the station's civil clock, some days before the date.

    A time skipped by daylight saving moves forward by the gap; of a time that occurs twice the first is meant. (Both follow
    from fold=0 of PEP 495: a skipped time is read with the offset before the change.)

    Args:
        station: whose civil clock counts.
        climate_date: the date.
        local_time: "HH:MM" on that clock.
        days_before: days before the climate date.
    """
    return _civil_ts(station.timezone, climate_date - dt.timedelta(days=days_before), local_time)


@functools.lru_cache(1 << 14)
def _civil_ts(zone: str, date: dt.date, local_time: str) -> int:
    """Unix seconds of a time of a civil clock. Many series share a zone and its midnights."""
    return int(dt.datetime.combine(date, dt.time.fromisoformat(local_time), ZoneInfo(zone)).timestamp())


def civil_date(station: Station, ts: int) -> dt.date:
    """Date on the station's civil clock at an instant in Unix seconds."""
    return dt.datetime.fromtimestamp(ts, station.zone).date()


def date_range(first: dt.date, last: dt.date) -> list[dt.date]:
    """All dates from `first` to `last`, both included."""
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
