"""Are the climate reports those of the station on which a series settles? If most days say no, the run is not made.

Single days that disagree are left out by the validation settlement_matches_report. But reports of another station, or with
dates that are a day off, agree by chance on a part of the days: those days would be replayed on a forecast that was trained
on wrong temperatures.

Of nine recorded months of five series the right station's reports disagree on at most 1 % of the days; those of any other
station, and the right ones a day off, on 63 % and more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tradewinds.core import files
from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.listed_markets import readable_bounds
from tradewinds.families.kalshi_weather.schemas import climate_range
from tradewinds.families.kalshi_weather.strikes import settles_yes_at
from tradewinds.families.kalshi_weather.validations.climate_reports import ReportedExtremes, final_reports

LEAST_DAYS = 5  # with fewer days that can be compared there is no judgement
DAYS_AROUND = 60  # days before and after the config's range that are compared too, because a range may be short
_COLUMNS = ["climate_date", "market_ticker", "result", "strike_type", "floor_strike", "cap_strike", "yes_sub_title"]
_SHOWN_DAYS = 3


class WrongStation(NamedTuple):
    """A series that settles otherwise than its station's climate reports say, on half of the compared days or more.

    Attributes:
        series_ticker: of the series.
        what: a sentence that names series and station.
        remedy: what to do.
    """

    series_ticker: str
    what: str
    remedy: str


def wrong_stations(
    config: Mapping[str, Any], catalogs: Mapping[str, str], climate: Iterable[str]
) -> Iterator[WrongStation]:
    """Series whose station is wrong, from the config's range and DAYS_AROUND days around it.

    Nothing is judged if `on_missing.validation` says that settlement_matches_report only warns.

    Args:
        config: resolved.
        catalogs: path per series.
        climate: paths of climate reports (schema schemas.CLIMATE).
    """
    rule = config["on_missing"]["validation"]
    paths = list(climate)
    if not paths or "warn" in (rule, rule.get("settlement_matches_report") if isinstance(rule, Mapping) else rule):
        return
    around = dt.timedelta(days=DAYS_AROUND)
    first, last = config["date_start_local"] - around, config["date_end_local"] + around
    reports = final_reports(paths, first, last)
    for series, catalog in catalogs.items():
        station = climate_days.station_of(series)
        days = _compared_days(catalog, station, reports, first, last)
        disagreeing = [day for day in sorted(days) if days[day]]
        if len(days) >= LEAST_DAYS and 2 * len(disagreeing) >= len(days):
            yield WrongStation(series, *_words(station, len(days), {day: days[day] for day in disagreeing}, reports))


def refuse_wrong_stations(config: Mapping[str, Any], catalogs: Mapping[str, str], climate: Iterable[str]) -> None:
    """Refuse climate reports that are not of the stations on which the series settle; arguments as for `wrong_stations`.

    Raises:
        SimulationError: they are not; names the first series and its station.
    """
    for found in wrong_stations(config, catalogs, climate):
        raise SimulationError(found.what, where=found.series_ticker, remedy=found.remedy)


def _compared_days(
    catalog: str, station: Station, reports: ReportedExtremes, first: dt.date, last: dt.date
) -> dict[dt.date, list[str]]:
    """Markets that settled otherwise than reported, as ticker and result, by each date that can be compared."""
    days: dict[dt.date, list[str]] = {}
    table = files.read_table(catalog, _COLUMNS, climate_range(first, last))
    for day, ticker, result, *strikes in zip(*(table[name].to_pylist() for name in _COLUMNS), strict=True):
        reported_f = reports.get((station.station_id, day), {}).get(station.target)
        bounds = readable_bounds(*strikes) if reported_f is not None and result in ("yes", "no") else None
        if reported_f is not None and bounds is not None:
            wrong = days.setdefault(day, [])
            if settles_yes_at(bounds, reported_f) != (result == "yes"):
                wrong.append(f"{ticker} {result}")
    return days


def _words(
    station: Station, compared: int, disagreeing: Mapping[dt.date, list[str]], reports: ReportedExtremes
) -> tuple[str, str]:
    """The sentence and the remedy for a series."""
    station_id, extreme = station.station_id, "highs" if station.target == "max" else "lows"
    examples = "; ".join(
        f"{day} reported {reports[station_id, day][station.target]} °F, settled {', '.join(markets)}"
        for day, markets in list(disagreeing.items())[:_SHOWN_DAYS]
    )
    what = (
        f"the {extreme} that are there as climate reports of {station_id} contradict the exchange's settlements of "
        f"{station.series_ticker} on {len(disagreeing)} of {compared} days ({examples})."
    )
    remedy = (
        f"The reports are probably of another station than {station_id} ({station.city}), or dated a day off. Correct their "
        f"source and delete data/climate/iem/{station_id}, so that they are fetched anew; or set "
        "on_missing.validation.settlement_matches_report to warn, to go on all the same."
    )
    return what, remedy
