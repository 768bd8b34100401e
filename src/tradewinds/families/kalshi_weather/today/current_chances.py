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

from tradewinds.core import files
from tradewinds.core.errors import SimulationError
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.forecasts import lookback, user_probabilities
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.current_forecast import CurrentForecast, CurrentForecasts, readings_of
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.forecast_files import make_forecasts
from tradewinds.families.kalshi_weather.forecasts.running_law import Running, running_of
from tradewinds.families.kalshi_weather.pooling.probability_sources import base_of
from tradewinds.families.kalshi_weather.today.open_events import OpenEvent

LATEST, FIXED = "latest", "fixed"
GAUSSIAN, FILE = "gaussian", "file"
NOT_IN_FILE = "NOT_IN_FILE"
NO_STRIKES = "UNREADABLE_STRIKES"
READINGS = "observations"


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


def mode_of(config: Mapping[str, Any]) -> str:
    """FIXED, or LATEST where the probability in force is the last one that is known.

    Args:
        config: resolved.
    """
    return str(config["asof_policy"].get("mode") or FIXED)


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
    is_latest = mode_of(config) == LATEST
    asof = asof_of_event(config, event.station, event.climate_date)
    instant = now_ts if is_latest else min(now_ts, asof)
    source = base_of(config["probabilities"])
    readings = data.readings.get(event.climate_date)
    _, end = climate_days.climate_day_bounds(event.station, event.climate_date)
    running = running_of(readings_of(readings), event.station.target, end, now_ts) if readings is not None else None
    if source["source"] == FILE:
        return replace(_from_file(source["path"], event, instant), running=running)
    if source["source"] != GAUSSIAN:
        reason = f"the source {source['source']} is not shown here"
        return EventChances(asof_ts=instant, running=running, reasons=[reason])
    current = _current(source, event, data, instant, readings if is_latest else None)
    made = _of_current(current, event)
    if not is_latest and now_ts >= asof:
        made = _of_asof(config, source, event, data, made)
    return replace(made, running=running)


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


def _current(
    source: Mapping[str, Any], event: OpenEvent, data: StationData, instant: int, readings: pa.Table | None
) -> CurrentForecast:
    """The forecast of an event's date at an instant."""
    guidance = _concatenated(data.guidance, schemas.GUIDANCE)
    forecasts = CurrentForecasts(source, event.station, guidance, _concatenated(data.climate, schemas.CLIMATE))
    return forecasts.at(event.climate_date, instant, None if readings is None else readings_of(readings))


def _concatenated(paths: Sequence[str], schema: pa.Schema) -> pa.Table:
    """The rows of some files; later columns that an old file lacks are null."""
    return pa.concat_tables(
        [files.completed(files.read_table(path), schema) for path in paths] or [schema.empty_table()]
    )


def _of_current(current: CurrentForecast, event: OpenEvent) -> EventChances:
    """A forecast of an instant as the probabilities of an event's markets."""
    found = {
        market.ticker: p
        for market in event.markets
        if market.bounds is not None and (p := current.probability(market.bounds)) is not None
    }
    return EventChances(
        p_yes=found,
        known_ts=current.known_at_ts,
        asof_ts=current.now_ts,
        method=current.method,
        mu_f=current.mu_f,
        sigma_f=current.sigma_f,
        inputs=[InputAge(one.name, one.made_at_ts, one.known_at_ts, one.value_f) for one in current.inputs],
        reasons=[*current.reasons, *_without_strikes(event)],
    )


def _without_strikes(event: OpenEvent) -> list[str]:
    return [f"{NO_STRIKES}:{market.ticker}" for market in event.markets if market.bounds is None]


def _of_asof(
    config: Mapping[str, Any], source: Mapping[str, Any], event: OpenEvent, data: StationData, made: EventChances
) -> EventChances:
    """The probabilities that a run has from an event's as-of time on: from the same rows by the same function.

    Args:
        config: resolved.
        source: the section of the source that makes the forecast.
        event: the event.
        data: weather of its station.
        made: the forecast of the as-of time, for its inputs.
    """
    of_base = {**config, "probabilities": source}
    [row] = make_forecasts(of_base, event.station, data.guidance, data.climate, [event.climate_date]).to_pylist()
    if not row["method"]:
        return replace(made, p_yes={}, method=None, mu_f=None, sigma_f=None, reasons=[row["reason"]])
    law = Distribution.from_rows(row["law"])
    found = {m.ticker: bracket_probability(*m.bounds, law) for m in event.markets if m.bounds is not None}
    return replace(
        made,
        p_yes=found,
        known_ts=row["known_at_ts"],
        method=row["method"],
        mu_f=row["mu_f"],
        sigma_f=row["sigma_f"],
        reasons=[*([row["reason"]] if row["reason"] else []), *_without_strikes(event)],
    )


def refuse_unreadable(config: Mapping[str, Any]) -> None:
    """Refuse a user's file that cannot be read before anything is asked for.

    Args:
        config: resolved.

    Raises:
        SimulationError: the file is missing, or a row is wrong.
    """
    source = base_of(config["probabilities"])
    if source["source"] == FILE and not user_probabilities.read_user_file(source["path"]):
        raise SimulationError("has no rows.", where=str(source["path"]), remedy="Write a row per market and time.")
