"""The plan of a run of daily temperature events: its events and all its files."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import candle_window, climate_days
from tradewinds.families.kalshi_weather.candle_rows import check_candles
from tradewinds.families.kalshi_weather.candle_window import CandleWindow, siblings
from tradewinds.families.kalshi_weather.damaged_events import has_no_window, is_still_open, skips_damaged
from tradewinds.families.kalshi_weather.forecasts.lookback import lookback_days
from tradewinds.families.kalshi_weather.levels_key import levels_path
from tradewinds.families.kalshi_weather.missing_guidance import is_not_archived, may_be_missing
from tradewinds.families.kalshi_weather.pooling.probability_sources import (
    POOLED,
    forecast_config,
    is_latest,
    pool_of,
    users_file,
)
from tradewinds.families.kalshi_weather.schemas import (
    CANDLES,
    CATALOG,
    CLIMATE,
    FORECAST_UPDATES,
    FORECASTS,
    GUIDANCE_SINCE,
    LATEST_PROBABILITIES,
    OBSERVATIONS,
    POOLED_PROBABILITIES,
    PROBABILITIES,
    candle_path,
    catalog_path,
    climate_path,
    forecast_path,
    guidance_path,
    guidance_schema,
    observation_path,
)
from tradewinds.families.plan import POINTS_PER_PASS, DataFile, Plan, needed_through, run_folder

MARKET = "kalshi_weather"
CURRENCY = "USD"  # of the exchange's accounts
CALIBRATION = "calibration.json"  # in a run's folder
_ACCOUNTS = (
    50_000  # events × points of a sweep that are replayed together: an account takes a kilobyte or two per event
)


class PlannedEvent(NamedTuple):
    """One (series, climate date) of the config and the file of its candles.

    Attributes:
        series_ticker: of its series.
        climate_date: the date.
        path: of its candles (columns: schemas.CANDLES).
    """

    series_ticker: str
    climate_date: dt.date
    path: str


class EventFiles(NamedTuple):
    """Paths of all files of a run of events.

    Attributes:
        window: the candles that every event needs.
        events: one per series and climate date.
        catalogs: by series.
        guidance: by (station, model, year); empty with the user's own probabilities.
        climate: by (station, year); empty with the user's own probabilities.
        observations: by (station, climate date); empty unless the project's own forecast is brought up to date by them.
        forecasts: by (station, target, year); empty with the user's own probabilities.
        user_probabilities: the user's own probabilities or distributions, None without them.
        user_strategy: the user's own strategy, None without one.
        order_books: the user's order books, None without them.
        probabilities: the table of P(YES) at every event's as-of time, or from then on.
        is_latest: whether decisions use the last probability known at their own time.
        is_pooled: whether the probabilities are made from candles, too.
        training: events before the run's to which a pool is fitted.
        years_back: number of calendar years before its own that a year of forecasts needs.
    """

    window: CandleWindow
    events: tuple[PlannedEvent, ...]
    catalogs: dict[str, str]
    guidance: dict[tuple[str, str, int], str]
    climate: dict[tuple[str, int], str]
    observations: dict[tuple[str, dt.date], str]
    forecasts: dict[tuple[str, str, int], str]
    user_probabilities: str | None
    user_strategy: str | None
    order_books: str | None
    probabilities: str
    years_back: int
    is_pooled: bool
    is_latest: bool
    training: tuple[PlannedEvent, ...]

    @property
    def weather(self) -> dict[str, int]:
        """Year of each file of weather, by path: guidance, then climate reports."""
        years = {path: year for (_, _, year), path in self.guidance.items()}
        return years | {path: year for (_, year), path in self.climate.items()}

    @property
    def candles(self) -> dict[tuple[str, dt.date], str]:
        """Paths of candles by (series, climate date)."""
        return {(event.series_ticker, event.climate_date): event.path for event in self.events}

    @property
    def priced_candles(self) -> dict[tuple[str, dt.date], str]:
        """Paths by (series, climate date) of the candles that the probabilities are made from; none unless they are pooled."""
        priced = (*self.training, *self.events) if self.is_pooled else ()
        return {(event.series_ticker, event.climate_date): event.path for event in priced}

    def forecast_inputs(self, station_id: str, year: int) -> list[str]:
        """Station-years that a year of forecasts is made from: the year itself and those it looks back to."""
        return [*self.guidance_of(station_id, year), *self.climate_of(station_id, year)]

    def guidance_of(self, station_id: str, through_year: int) -> list[str]:
        """A station's guidance up to a year, as far back as one year of forecasts needs."""
        years = range(through_year - self.years_back, through_year + 1)
        return [path for (one, _, year), path in self.guidance.items() if one == station_id and year in years]

    def climate_of(self, station_id: str, through_year: int) -> list[str]:
        """A station's climate reports up to a year, as far back as one year of forecasts needs."""
        years = range(through_year - self.years_back, through_year + 1)
        return [path for (one, year), path in self.climate.items() if one == station_id and year in years]

    def forecasts_of(self, series_ticker: str) -> list[str]:
        """Paths of the forecasts of a series' station and target."""
        station = climate_days.station_of(series_ticker)
        wanted = (station.station_id, station.target)
        return [path for (one, target, _), path in self.forecasts.items() if (one, target) == wanted]


EventsPlan = Plan[EventFiles]
"""The plan of a run of events."""


def plan_of(conf: resolve.Config) -> EventsPlan:
    """The plan of a resolved config, for commands that work on temperature events only.

    Raises:
        ConfigError: the config is of another market family.
    """
    if conf["market"] != MARKET:
        what = f"this command is for {MARKET}, and the config is of {conf['market']}."
        raise ConfigError(
            what, where="market", remedy="tradewinds run, validate, check, lookahead-check and sweep take every market."
        )
    return events_plan(conf)


def events_plan(conf: resolve.Config) -> EventsPlan:
    """The plan of a resolved config of daily temperature events."""
    run_id, event_files = resolve.run_id(conf), _event_files(conf)
    run_dir = run_folder(conf, run_id)
    recorded = {
        "catalogs": list(event_files.catalogs.values()),
        "candles": [event.path for event in event_files.events],
    }
    # the user's own files, by kind
    users_files = {
        "user_file": event_files.user_probabilities,
        "user_strategy": event_files.user_strategy,
        "order_books": event_files.order_books,
    }
    return Plan(
        run_id=run_id,
        run_dir=run_dir,
        date_end=conf["date_end_local"],
        stages=_stages(event_files, conf["date_end_local"], conf["on_missing"]),
        inputs={
            **recorded,
            **({"training_candles": [event.path for event in event_files.training]} if event_files.training else {}),
            "probabilities": [event_files.probabilities],
            "weather": [*event_files.weather, *event_files.observations.values()],
            **{kind: [path] for kind, path in users_files.items() if path is not None},
        },
        results=[f"{run_dir}/{CALIBRATION}"],
        units=len(event_files.events),
        recorded=recorded,
        files=event_files,
        points_per_pass=min(max(_ACCOUNTS // max(len(event_files.events), 1), POINTS_PER_PASS), 4 * POINTS_PER_PASS),
    )


def _event_files(conf: resolve.Config) -> EventFiles:
    """Paths of all files of a config's run."""
    window, series_tickers = candle_window.wanted_window(conf), conf["series_tickers"]
    # The forecast behind a pool needs more dates than the run, if the pool is fitted to earlier events.
    forecast_conf = dict(forecast_config(conf))
    first, last = conf["date_start_local"], conf["date_end_local"]
    users, latest = users_file(conf["probabilities"]), is_latest(conf)
    guidance, climate = _weather_files(forecast_conf)
    stations = sorted({climate_days.station_of(series).station_id for series in series_tickers})
    observed = [(station, date) for station in stations for date in climate_days.date_range(first, last)]

    def events_of(dates: Sequence[dt.date]) -> tuple[PlannedEvent, ...]:
        return tuple(
            PlannedEvent(series_ticker=series, climate_date=date, path=candle_path(window.key, series, date))
            for series in series_tickers
            for date in dates
        )

    return EventFiles(
        window=window,
        events=events_of(climate_days.date_range(first, last)),
        training=events_of(climate_days.date_range(forecast_conf["date_start_local"], first - dt.timedelta(days=1))),
        is_pooled=pool_of(conf["probabilities"]) is not None,
        is_latest=latest,
        observations={key: observation_path(*key) for key in observed} if latest and users is None else {},
        catalogs={series: catalog_path(series) for series in series_tickers},
        guidance=guidance,
        climate=climate,
        forecasts=_forecast_files(forecast_conf),
        user_probabilities=users,
        user_strategy=conf["strategy"]["file"],
        order_books=levels_path(conf),
        probabilities=f"data/probabilities/{_forecast_digest(conf)}.parquet",
        years_back=_years_back(forecast_conf) if users is None else 0,
    )


def _stages(event_files: EventFiles, date_end: dt.date, on_missing: Mapping[str, Any]) -> dict[str, list[DataFile]]:
    """Data files by stage, in the order in which the stages run.

    Args:
        event_files: of the run.
        date_end: last date of the config.
        on_missing: section of the config: whether events whose candles cannot be right, and models that the weather service
            does not have, are left out.
    """
    # a file that stands for something missing is fetched again where the config wants that
    skips = skips_damaged(on_missing)

    def guidance(key: tuple[str, str, int], path: str) -> DataFile:
        _, model, year = key
        again = None if may_be_missing(on_missing, model) else functools.partial(is_not_archived, path)
        return DataFile(
            path, guidance_schema(model), fetched=True, reaches=needed_through(date_end, year), fetched_again=again
        )

    def climate(year: int, path: str) -> DataFile:
        return DataFile(path, CLIMATE, fetched=True, reaches=needed_through(date_end, year))

    def candles(event: PlannedEvent) -> DataFile:
        held = functools.partial(_held_by_other_window, event_files.window, event)
        again = functools.partial(is_still_open if skips else has_no_window, event.path)
        return DataFile(
            event.path, CANDLES, fetched=True, row_check=check_candles, held_elsewhere=held, fetched_again=again
        )

    return {
        "catalog": [DataFile(path, CATALOG, fetched=True, reaches=date_end) for path in event_files.catalogs.values()],
        "weather": [
            *(guidance(key, path) for key, path in event_files.guidance.items()),
            *(climate(year, path) for (_, year), path in event_files.climate.items()),
            *(
                DataFile(path, OBSERVATIONS, fetched=True, fetched_again=functools.partial(is_still_open, path))
                for path in event_files.observations.values()
            ),
        ],
        "candles": [candles(event) for event in (*event_files.training, *event_files.events)],
        "forecasts": [
            DataFile(path, FORECAST_UPDATES if event_files.is_latest else FORECASTS)
            for path in event_files.forecasts.values()
        ],
        "probabilities": [DataFile(event_files.probabilities, _probability_schema(event_files))],
    }


def _probability_schema(event_files: EventFiles) -> pa.Schema:
    """Columns of a run's table of probabilities."""
    if event_files.is_pooled:
        return POOLED_PROBABILITIES
    return LATEST_PROBABILITIES if event_files.is_latest else PROBABILITIES


def _held_by_other_window(window: CandleWindow, event: PlannedEvent) -> bool:
    """Whether a file of another candle window has all candles that an event needs under `window`."""
    station = climate_days.station_of(event.series_ticker)
    return any(
        other.holds(window, station, event.climate_date) and not has_no_window(path)
        for other, path in siblings(event.path)
    )


def _forecast_digest(conf: resolve.Config) -> str:
    """Digest of the keys that define the table of probabilities; it is part of the table's path."""
    keys = ("series_tickers", "date_start_local", "date_end_local", "asof_policy", "probabilities")
    defined = {key: conf[key] for key in keys}
    if pool := pool_of(conf["probabilities"]):
        # until when a decision may use a probability changes none
        pool = {key: value for key, value in pool.items() if key != "valid_minutes"}
        defined["probabilities"] = {**conf["probabilities"], POOLED: pool}
    return resolve.digest(defined)[:20]


def _weather_files(conf: resolve.Config) -> tuple[dict[tuple[str, str, int], str], dict[tuple[str, int], str]]:
    """Paths of the station-years that the forecast needs; none with the user's own probabilities.

    Returns:
        Guidance by (station, model, year).
        Climate reports by (station, year).
    """
    forecast = conf["probabilities"]
    if users_file(forecast) is not None:
        return {}, {}
    years = range(conf["date_start_local"].year - _years_back(conf), conf["date_end_local"].year + 1)
    stations = sorted({climate_days.station_of(series).station_id for series in conf["series_tickers"]})
    model_years = [(model, year) for model in forecast["models"] for year in years if year >= GUIDANCE_SINCE[model]]
    guidance = {
        (station, model, year): guidance_path(station, model, year)
        for station in stations
        for model, year in model_years
    }
    climate = {(station, year): climate_path(station, year) for station in stations for year in years}
    return guidance, climate


def _years_back(conf: resolve.Config) -> int:
    """Number of calendar years before its own that a year of forecasts needs.

    It is counted from New Year, so that it does not depend on the day of the year on which a config starts.
    """
    lookback = dt.timedelta(days=lookback_days(conf["probabilities"]))
    new_year = dt.date(conf["date_start_local"].year, 1, 1)
    return new_year.year - (new_year - lookback).year


def _forecast_files(conf: resolve.Config) -> dict[tuple[str, str, int], str]:
    """Paths of forecasts by (station, target, year); none with the user's own probabilities.

    All settings that define the bytes of a file are part of its path, most of them by their digest.
    """
    if users_file(conf["probabilities"]) is not None:
        return {}
    digest = resolve.digest({key: conf[key] for key in ("asof_policy", "probabilities")})[:20]
    years = range(conf["date_start_local"].year, conf["date_end_local"].year + 1)
    stations = [climate_days.station_of(series) for series in conf["series_tickers"]]
    pairs = sorted({(station.station_id, station.target) for station in stations})
    last_dates = {year: needed_through(conf["date_end_local"], year) for year in years}
    return {
        (station, target, year): forecast_path(digest, station, target, last_date)
        for station, target in pairs
        for year, last_date in last_dates.items()
    }
