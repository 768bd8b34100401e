"""P(YES) of an open event's markets now: by the config's source, with the same code as a run, from what is public.

With a fixed as-of time the probability is the one that a run would use: that of the as-of time. Before it nothing is in force,
and the forecast of now is shown instead. With `asof_policy.mode: latest` the forecast of now is in force.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import event_laws, lookback, user_distributions, user_probabilities
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.current_forecast import CurrentForecast, CurrentForecasts, readings_of
from tradewinds.families.kalshi_weather.forecasts.event_laws import EventLaw
from tradewinds.families.kalshi_weather.forecasts.forecast_files import guidance_table, make_forecasts, reports_table
from tradewinds.families.kalshi_weather.forecasts.forecast_updates import make_updates
from tradewinds.families.kalshi_weather.forecasts.running_law import Reading, Running, running_of
from tradewinds.families.kalshi_weather.pooling.probability_sources import DISTRIBUTION, FILE, base_of, is_latest
from tradewinds.families.kalshi_weather.today.open_events import OpenEvent

NOT_IN_FILE = "NOT_IN_FILE"
NO_STRIKES = "UNREADABLE_STRIKES"


class InputAge(NamedTuple):
    """An input of a probability, and how old it is.

    Attributes:
        name: such as GFS, climate reports, observations, file or price.
        made_ts: when the model's run began, or the reading was taken; Unix seconds, None where that is unknown.
        known_ts: when it became public; Unix seconds, None if there is none.
        value_f: the model's extreme, or that of the readings; °F. None for others.
    """

    name: str
    made_ts: int | None
    known_ts: int | None
    value_f: float | None = None


@dataclass(frozen=True)
class EventChances:
    """Probabilities of an event, and what they were made from.

    Attributes:
        p_yes: by market ticker; a market that lacks is without one.
        known_ts: when the newest input was known; Unix seconds, None without any.
        asof_ts: the instant whose knowledge counts; Unix seconds.
        method: how they were made, None without any.
        mu_f: mean of the forecast without readings in °F, None without one.
        sigma_f: its standard deviation in °F, None without one.
        running: what the readings of the climate day say, None without any.
        inputs: of the probabilities.
        reasons: why they are not better, or why there is none.
    """

    p_yes: Mapping[str, Decimal] = field(default_factory=dict)
    known_ts: int | None = None
    asof_ts: int = 0
    method: str | None = None
    mu_f: float | None = None
    sigma_f: float | None = None
    running: Running | None = None
    inputs: Sequence[InputAge] = ()
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class StationData:
    """The weather of a station as it is public now.

    Attributes:
        guidance: paths of guidance, later ones newer; none where no forecast is made.
        climate: paths of climate reports.
        readings: by climate date (columns: schemas.OBSERVATIONS); None where they could not be asked for.
    """

    guidance: Sequence[str]
    climate: Sequence[str]
    readings: Mapping[dt.date, pa.Table | None]


def asof_of_event(config: Mapping[str, Any], station: Station, day: dt.date) -> int:
    """As-of time of a climate date in Unix seconds."""
    policy = config["asof_policy"]
    return climate_days.asof_ts(station, day, policy["local_time"], policy["days_before"])


def forecast_years(config: Mapping[str, Any], day: dt.date) -> list[int]:
    """The calendar years of which a forecast of a date needs data, the last one that of the date."""
    first = day - dt.timedelta(days=lookback.lookback_days(base_of(config["probabilities"])))
    return list(range(first.year, day.year + 1))


def base_chances(config: Mapping[str, Any], event: OpenEvent, data: StationData, now_ts: int) -> EventChances:
    """The probabilities of an event by the source that makes the forecast: of a pool the one that is shrunk.

    Args:
        config: resolved.
        event: the event.
        data: weather of its station.
        now_ts: Unix seconds.

    Raises:
        SimulationError: the user's file cannot be read.
    """
    asof = asof_of_event(config, event.station, event.climate_date)
    instant = now_ts if is_latest(config) else min(now_ts, asof)
    source = base_of(config["probabilities"])
    table = data.readings.get(event.climate_date)
    readings = None if table is None else readings_of(table)
    _, end = climate_days.climate_day_bounds(event.station, event.climate_date)
    running = running_of(readings or (), event.station.target, end, now_ts)
    if source["source"] == FILE:
        found = _from_file(source["path"], event, instant)
    elif source["source"] == DISTRIBUTION:
        found = _from_distributions(source, event, instant)
    else:
        found = _from_forecast(config, event, data, readings, asof, now_ts)
    return replace(found, running=running)


def _from_file(path: str, event: OpenEvent, instant: int) -> EventChances:
    """The probabilities of a user's file that were known by an instant."""
    by_ticker = user_probabilities.read_user_file(path)
    found = {
        market.ticker: latest
        for market in event.markets
        if (latest := user_probabilities.latest(by_ticker.get(market.ticker, []), instant))
    }
    known = max((known_ts for known_ts, _ in found.values()), default=None)
    return EventChances(
        p_yes={ticker: p for ticker, (_, p) in found.items()},
        known_ts=known,
        asof_ts=instant,
        method=FILE if found else None,
        inputs=[InputAge(FILE, None, known)],
        reasons=[] if found else [NOT_IN_FILE],
    )


def _from_distributions(source: Mapping[str, Any], event: OpenEvent, instant: int) -> EventChances:
    """The probabilities that follow from the user's last distribution that was known by an instant."""
    series = event.station.series_ticker
    laws = user_distributions.read_user_file(source["path"], [series], source["sigma_floor_f"])
    known = [law for law in laws.get((series, event.climate_date), ()) if law.known_at_ts <= instant]
    if not known:
        return EventChances(asof_ts=instant, inputs=[InputAge(DISTRIBUTION, None, None)], reasons=[NOT_IN_FILE])
    [law] = event_laws.of_user(known[-1:])
    return _of_law(law, event, EventChances(asof_ts=instant, inputs=[InputAge(known[-1].model, None, law.known_at_ts)]))


def _from_forecast(
    config: Mapping[str, Any],
    event: OpenEvent,
    data: StationData,
    readings: Sequence[Reading] | None,
    asof: int,
    now_ts: int,
) -> EventChances:
    """The probabilities by the project's own forecast: those that a run has now, or before the as-of time the ones of now.

    Args:
        config: resolved.
        event: the event.
        data: weather of its station.
        readings: of the climate day, None where they could not be asked for.
        asof: the event's as-of time; Unix seconds.
        now_ts: Unix seconds.
    """
    source, station, day = base_of(config["probabilities"]), event.station, event.climate_date
    latest = is_latest(config)
    instant = now_ts if latest else min(now_ts, asof)
    forecasts = CurrentForecasts(source, station, guidance_table(data.guidance), reports_table(data.climate))
    current = forecasts.at(day, instant, (readings or ()) if latest else None)
    shown = EventChances(
        asof_ts=instant,
        inputs=[InputAge(one.name, one.made_at_ts, one.known_at_ts, one.value_f) for one in current.inputs],
        reasons=[*current.reasons, *_without_strikes(event)],
    )
    if now_ts < asof:
        return _of_current(current, event, shown)
    # from the as-of time on: the same rows, by the same functions, as a run's
    of_base = {**config, "probabilities": source}
    if latest:
        updates = make_updates(of_base, station, data.guidance, data.climate, [day]).to_pylist()
        known = event_laws.of_updates(station, day, updates, readings or (), now_ts + 1, source["sigma_floor_f"])
        laws = [law for law in known if law.known_at_ts <= now_ts]
        return _of_law(laws[-1], event, shown) if laws else shown
    [row] = make_forecasts(of_base, station, data.guidance, data.climate, [day]).to_pylist()
    told = replace(shown, reasons=[*([row["reason"]] if row["reason"] else []), *_without_strikes(event)])
    return _of_law(event_laws.of_asof(row), event, told) if row["method"] else told


def _of_law(law: EventLaw, event: OpenEvent, shown: EventChances) -> EventChances:
    """The probabilities of an event's brackets under a law."""
    return replace(
        shown,
        p_yes={m.ticker: bracket_probability(*m.bounds, law.law) for m in event.markets if m.bounds is not None},
        known_ts=law.known_at_ts,
        method=law.columns["method"],
        mu_f=law.columns["mu_f"],
        sigma_f=law.columns["sigma_f"],
    )


def _of_current(current: CurrentForecast, event: OpenEvent, shown: EventChances) -> EventChances:
    """The probabilities of an event's brackets by the forecast of an instant."""
    found = {
        market.ticker: p
        for market in event.markets
        if market.bounds is not None and (p := current.probability(market.bounds)) is not None
    }
    return replace(
        shown,
        p_yes=found,
        known_ts=current.known_at_ts,
        method=current.method,
        mu_f=current.mu_f,
        sigma_f=current.sigma_f,
    )


def _without_strikes(event: OpenEvent) -> list[str]:
    return [f"{NO_STRIKES}:{market.ticker}" for market in event.markets if market.bounds is None]


def refuse_unreadable(config: Mapping[str, Any]) -> None:
    """Refuse a user's file that cannot be read before anything is asked for.

    Args:
        config: resolved.

    Raises:
        SimulationError: the file is missing, or a row is wrong.
    """
    source = base_of(config["probabilities"])
    if source["source"] == FILE:
        user_probabilities.read_user_file(source["path"])
    elif source["source"] == DISTRIBUTION:
        user_distributions.read_user_file(source["path"], config["series_tickers"], source["sigma_floor_f"])
