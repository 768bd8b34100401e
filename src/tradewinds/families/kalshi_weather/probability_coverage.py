"""How much of a config a user's file of probabilities or distributions covers: found out before any market is asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.core.files import read_rows
from tradewinds.core.text import counted
from tradewinds.families.early_findings import EarlyFinding
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.forecasts import user_distributions, user_probabilities
from tradewinds.families.kalshi_weather.plan import EventsPlan
from tradewinds.families.kalshi_weather.pooling.probability_sources import is_latest
from tradewinds.families.kalshi_weather.schemas import climate_range
from tradewinds.families.plan import stale_files

KEY = ("probabilities", "path")
FEW = 0.5  # part of the events: below it a warning says how many have a probability
_EXAMPLE = "B80.5"  # the end of a market's ticker


class MarketEvent(NamedTuple):
    """An event of a config.

    Attributes:
        series: its series.
        date: its climate date.
        last_ts: the last instant at which a row counts: its as-of time, or the end of its climate day; Unix seconds.
    """

    series: str
    date: dt.date
    last_ts: int


def look_at_probabilities(config: Mapping[str, Any], plan: EventsPlan) -> Iterator[EarlyFinding]:
    """Read the user's file of a config, and compare its rows with the config's events.

    Where a catalog of the range is there, tickers are compared with the listed markets; else their series and dates are read in
    their names.

    Args:
        config: resolved; it has such a file.
        plan: its plan.

    Raises:
        SimulationError: the file cannot be read, or a row is wrong.
    """
    path = str(plan.files.user_probabilities)
    by_ticker, without_zone = user_probabilities.read_with_zones(path)
    if not by_ticker:
        yield EarlyFinding(KEY, f"{path} has no rows.", "Write a row per market and time.", ConfigError)
        return
    if without_zone:
        what = f"known_at_utc has no zone in {counted(without_zone, 'row')} of {path}: such times count as UTC."
        yield EarlyFinding(KEY, what)
    # rows of markets of the config, then those of them that were known in time
    matching = events_of(by_ticker, config, plan)
    if not matching:
        yield _no_match(path, by_ticker, config)
        return
    known = {
        ticker: event
        for ticker, event in matching.items()
        if user_probabilities.latest(by_ticker[ticker], event.last_ts) is not None
    }
    if not known:
        yield _too_late(path, by_ticker, matching, is_latest(config))
        return
    # how much of the config that is
    rows = sum(map(len, by_ticker.values()))
    in_range = sum(len(by_ticker[ticker]) for ticker in matching)
    in_time = sum(sum(at <= event.last_ts for at, _ in by_ticker[ticker]) for ticker, event in matching.items())
    counts = f"rows of {path}: {rows:,}, with a market of this config: {in_range:,}, of them in time: {in_time:,}"
    yield _share_of_events(config, plan, "a probability", len(set(known.values())), counts)


def look_at_distributions(config: Mapping[str, Any], plan: EventsPlan) -> Iterator[EarlyFinding]:
    """Read the user's file of distributions of a config, and compare its rows with the config's events.

    Args:
        config: resolved; it has such a file.
        plan: its plan.

    Raises:
        SimulationError: the file cannot be read, or a row is wrong.
    """
    path = str(plan.files.user_probabilities)
    read = user_distributions.read_counted(path, config["series_tickers"], config["probabilities"]["sigma_floor_f"])
    if not read.rows:
        yield EarlyFinding(KEY, f"{path} has no rows.", "Write a row per event and time.", ConfigError)
        return
    events = {(event.series_ticker, event.climate_date) for event in plan.files.events}
    matching = {key: laws for key, laws in read.laws.items() if key in events}
    until = {key: _last_ts(climate_days.station_of(key[0]), key[1], config) for key in matching}
    try:
        user_distributions.refuse_unmatched(path, read.laws, until or dict.fromkeys(events, 0))
    except SimulationError as error:
        yield EarlyFinding(KEY, f"{path} {error.what}", error.remedy, ConfigError)
        return
    in_time = {key: sum(law.known_at_ts <= until[key] for law in laws) for key, laws in matching.items()}
    counts = (
        f"rows of {path}: {read.rows:,}, for an event of this config: {sum(map(len, matching.values())):,}, "
        f"of them in time: {sum(in_time.values()):,}"
    )
    yield _share_of_events(config, plan, "a distribution", sum(map(bool, in_time.values())), counts)


def _last_ts(station: climate_days.Station, date: dt.date, config: Mapping[str, Any]) -> int:
    """The last instant at which a row counts: the as-of time, or the end of the climate day; Unix seconds."""
    if is_latest(config):
        return climate_days.climate_day_bounds(station, date)[1] - 1
    policy = config["asof_policy"]
    return climate_days.asof_ts(station, date, policy["local_time"], policy["days_before"])


def _share_of_events(config: Mapping[str, Any], plan: EventsPlan, what: str, covered: int, counts: str) -> EarlyFinding:
    """Return what part of a config's events a file covers; a warning if it is less than FEW.

    Args:
        config: resolved.
        plan: its plan.
        what: what events have.
        covered: number of events that have it in time.
        counts: of rows.
    """
    events = len(plan.files.events)
    by_when = "before the end of its day" if is_latest(config) else "by the as-of time"
    found = f"{covered:,} of {counted(events, 'event')} have {what} that was known {by_when}"
    if covered < FEW * events:
        what = f"few events can be traded: {found} ({counts})."
        return EarlyFinding(KEY, what, "All other events are skipped.", is_warning=True)
    return EarlyFinding(KEY, f"{found}; {counts}.")


def events_of(tickers: Iterable[str], config: Mapping[str, Any], plan: EventsPlan) -> dict[str, MarketEvent]:
    """Return the event of each ticker of a file that is a market's of the config.

    Args:
        tickers: of the file.
        config: resolved.
        plan: its plan.
    """
    stale = set(stale_files(plan))
    # the first part of an event's ticker, which was another one once
    series_of: dict[str, climate_days.Station] = {}
    listed: dict[str, set[str] | None] = {}
    for series in config["series_tickers"]:
        station = climate_days.station_of(series)
        series_of |= dict.fromkeys((series, *station.legacy_prefixes), station)
        listed[series] = _listed(plan.files.catalogs[series], config, stale)
    found: dict[str, MarketEvent] = {}
    for ticker in tickers:
        event_ticker = ticker.rpartition("-")[0]
        of_series = series_of.get(event_ticker.rpartition("-")[0])
        if of_series is None:
            continue
        try:
            date = climate_days.climate_date_of(event_ticker)
        except ValueError:
            continue
        markets = listed[of_series.series_ticker]
        in_range = config["date_start_local"] <= date <= config["date_end_local"]
        if in_range and (markets is None or ticker in markets):
            found[ticker] = MarketEvent(of_series.series_ticker, date, _last_ts(of_series, date, config))
    return found


def _listed(catalog: str, config: Mapping[str, Any], stale: set[str]) -> set[str] | None:
    """Return the markets that a catalog lists in the config's range; None if it is not there or does not reach the end."""
    if not Path(catalog).exists() or catalog in stale:
        return None
    in_range = climate_range(config["date_start_local"], config["date_end_local"])
    return {row["market_ticker"] for row in read_rows(catalog, ["market_ticker", "climate_date"], in_range)}


def _no_match(path: str, by_ticker: Mapping[str, Any], config: Mapping[str, Any]) -> EarlyFinding:
    """Return the finding of a file that names no market of a config."""
    first, last = config["date_start_local"], config["date_end_local"]
    example = f"{climate_days.event_ticker_of(config['series_tickers'][0], first)}-{_EXAMPLE}"
    what = (
        f"no row of {path} names a market of this config: it has {user_probabilities.some(by_ticker)}; the config's markets "
        f"are of {user_probabilities.some(config['series_tickers'])} from {first} to {last}, such as {example}."
    )
    return EarlyFinding(KEY, what, user_probabilities.how_to_name(by_ticker, config["series_tickers"]), ConfigError)


def _too_late(
    path: str, by_ticker: Mapping[str, Any], matching: Mapping[str, MarketEvent], is_latest: bool
) -> EarlyFinding:
    """Return the finding of a file of which every row is too late; the row nearest to its last instant shows it."""
    ticker = min(matching, key=lambda name: by_ticker[name][0][0] - matching[name].last_ts)
    what = user_probabilities.too_late(ticker, by_ticker[ticker][0][0], matching[ticker].last_ts, is_latest)
    return EarlyFinding(KEY, f"every row of {path} {what}", user_probabilities.WHEN_KNOWN, ConfigError)
