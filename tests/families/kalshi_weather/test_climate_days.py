"""Stations, climate days and the as-of clock (goldens of the trading rules)."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import climate_days

DATES = st.dates(dt.date(2021, 8, 6), dt.date(2030, 12, 31))
SERIES = st.sampled_from(sorted(climate_days.stations()))


def utc(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("series", "date", "clock", "before", "expected"),
    [
        ("KXHIGHMIA", "2025-07-10", "23:00", 1, "2025-07-10T03:00Z"),
        ("KXHIGHCHI", "2025-01-15", "23:00", 1, "2025-01-15T05:00Z"),
        ("KXHIGHMIA", "2026-01-10", "23:00", 1, "2026-01-10T04:00Z"),
        # skipped by the spring change: 02:30 becomes 03:30 CDT
        ("KXHIGHCHI", "2025-03-10", "02:30", 1, "2025-03-09T08:30Z"),
        # twice in autumn: the first 01:30 is still CDT
        ("KXHIGHCHI", "2025-11-03", "01:30", 1, "2025-11-02T06:30Z"),
        ("KXHIGHTPHX", "2026-07-02", "23:00", 1, "2026-07-02T06:00Z"),
    ],
)
def test_asof(series, date, clock, before, expected):
    station = climate_days.station_of(series)
    assert climate_days.asof_ts(station, dt.date.fromisoformat(date), clock, before) == utc(expected)


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [("KXHIGHMIA-25JUN01", "2025-06-01"), ("HIGHNY-24AUG15", "2024-08-15"), ("HIGHCHI-2-24FEB28", "2024-02-28")],
)
def test_climate_date_is_the_last_segment(ticker, expected):
    assert climate_days.climate_date_of(ticker) == dt.date.fromisoformat(expected)


@pytest.mark.parametrize(
    "ticker", ["KXHIGHNY", "KXHIGHNY-25JUN", "KXHIGHNY-25JUX01", "KXHIGHNY-25FEB30", "KXHIGHNY-T65"]
)
def test_a_ticker_without_date_is_refused(ticker):
    with pytest.raises(ValueError):
        climate_days.climate_date_of(ticker)


@given(series=SERIES, date=DATES)
def test_event_ticker_round_trip(series, date):
    assert climate_days.climate_date_of(climate_days.event_ticker_of(series, date)) == date


@given(series=SERIES, date=DATES)
def test_climate_days_tile_time_and_ignore_daylight_saving(series, date):
    station = climate_days.station_of(series)
    start, end = climate_days.climate_day_bounds(station, date)
    assert end - start == 86_400
    assert end == climate_days.climate_day_bounds(station, date + dt.timedelta(days=1))[0]
    assert start % 86_400 == -station.lst_offset_hours * 3600


def test_standard_offset_is_the_zones_january_offset():
    for station in climate_days.stations().values():
        january = dt.datetime(2025, 1, 15, tzinfo=ZoneInfo(station.timezone)).utcoffset()
        assert january == dt.timedelta(hours=station.lst_offset_hours), station.series_ticker


def test_every_series_has_a_station_and_every_station_one_place():
    places: dict[str, set[tuple]] = {}
    for ticker, s in climate_days.stations().items():
        assert ticker == s.series_ticker and s.station_id[1:] in s.cli_code and s.cli_code.startswith("CLI")
        assert s.zone.key == s.timezone
        places.setdefault(s.station_id, set()).add((s.cli_code, s.timezone, s.lst_offset_hours))
    assert all(len(found) == 1 for found in places.values()), "a station's high and low series share place and clocks"
    highs = {s.station_id for s in climate_days.stations().values() if s.target == "max"}
    lows = {s.station_id for s in climate_days.stations().values() if s.target == "min"}
    assert highs == lows and len(highs) == 24


def test_registry_traps():
    assert climate_days.station_of("KXHIGHCHI").station_id == "KMDW"
    assert climate_days.station_of("KXHIGHNY").station_id == "KNYC"
    assert climate_days.station_of("KXHIGHTHOU").station_id == "KHOU"
    targets = {s.series_ticker[:6]: s.target for s in climate_days.stations().values()}
    assert targets == {"KXHIGH": "max", "KXLOWT": "min"}


def test_unknown_series_names_the_nearest():
    with pytest.raises(ConfigError, match="KXHIGHCHI"):
        climate_days.station_of("KXHIGHCHX")
