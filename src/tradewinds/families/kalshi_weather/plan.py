"""The files of a run of daily temperature events."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tradewinds.config import resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import candle_window, climate_days
from tradewinds.families.kalshi_weather.candle_order import check_candles
from tradewinds.families.kalshi_weather.candle_window import CandleWindow, siblings
from tradewinds.families.kalshi_weather.forecasts.lookback import lookback_days
from tradewinds.families.kalshi_weather.schemas import (
    CANDLES,
    CATALOG,
    CLIMATE,
    FORECASTS,
    GUIDANCE,
    GUIDANCE_SINCE,
    PROBABILITIES,
    candle_path,
    catalog_path,
    climate_path,
    forecast_path,
    guidance_path,
)
from tradewinds.families.plan import DataFile, Plan, needed_through, run_folder

if TYPE_CHECKING:
    import pyarrow as pa

MARKET = "kalshi_weather"


@dataclass(frozen=True)
class Event:
    """One (series, climate date) of the config and the file of its candles."""

    series_ticker: str
    climate_date: dt.date
    path: str


@dataclass(frozen=True)
class EventFiles:
    """The files of a run of events.

    Attributes:
        window: the candles that are wanted of every event.
        events: one per series and climate date.
        catalogs: by series.
        guidance: by (station, model, year).
        climate: by (station, year).
        forecasts: by (station, target, year).
        user_probabilities: the user's own probabilities, if any.
        user_strategy: the user's own strategy, if any.
        probabilities: the table of P(YES) at every event's as-of time.
        years_back: calendar years before its own that a year of forecasts reaches back to.
    """

    window: CandleWindow
    events: tuple[Event, ...]
    catalogs: dict[str, str]
    guidance: dict[tuple[str, str, int], str]
    climate: dict[tuple[str, int], str]
    forecasts: dict[tuple[str, str, int], str]
    user_probabilities: str | None
    user_strategy: str | None
    probabilities: str
    years_back: int

    @property
    def weather(self) -> dict[str, int]:
        """All station-years: the year of each file."""
        years = {path: year for (_, _, year), path in self.guidance.items()}
        return years | {path: year for (_, year), path in self.climate.items()}

    @property
    def candles(self) -> dict[tuple[str, dt.date], str]:
        """Paths of candles by series and climate date."""
        return {(event.series_ticker, event.climate_date): event.path for event in self.events}

    def forecast_inputs(self, station_id: str, year: int) -> list[str]:
        """The station-years that a year of forecasts is made from: its own and those before it that it reaches back to."""
        return [*self.guidance_of(station_id, year), *self.climate_of(station_id, year)]

    def guidance_of(self, station_id: str, through_year: int) -> list[str]:
        """A station's guidance up to a year, as far back as one year of forecasts reaches."""
        years = range(through_year - self.years_back, through_year + 1)
        return [path for (s, _, year), path in self.guidance.items() if s == station_id and year in years]

    def climate_of(self, station_id: str, through_year: int) -> list[str]:
        """A station's climate reports up to a year, as far back as one year of forecasts reaches."""
        years = range(through_year - self.years_back, through_year + 1)
        return [path for (s, year), path in self.climate.items() if s == station_id and year in years]

    def forecasts_of(self, series_ticker: str) -> list[str]:
        """The files of a series' forecasts."""
        station = climate_days.station_of(series_ticker)
        wanted = (station.station_id, station.target)
        return [path for (s, target, _), path in self.forecasts.items() if (s, target) == wanted]


EventsPlan = Plan[EventFiles]


def plan_of(conf: resolve.Config) -> EventsPlan:
    """The plan of a resolved config of events, for commands that are about events only.

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
    run, made = resolve.run_id(conf), _event_files(conf)
    run_dir = run_folder(conf, run)
    recorded = {"catalogs": list(made.catalogs.values()), "candles": [event.path for event in made.events]}
    own = {"user_file": made.user_probabilities, "user_strategy": made.user_strategy}
    return Plan(
        run_id=run,
        run_dir=run_dir,
        date_end=conf["date_end_local"],
        stages=_stages(made, conf["date_end_local"]),
        inputs={
            **recorded,
            "probabilities": [made.probabilities],
            "weather": list(made.weather),
            **{kind: [path] for kind, path in own.items() if path is not None},
        },
        results=[f"{run_dir}/calibration.json"],
        recorded=recorded,
        files=made,
    )


def _event_files(conf: resolve.Config) -> EventFiles:
    window, series, forecast = candle_window.wanted_window(conf), conf["series_tickers"], conf["probabilities"]
    dates = climate_days.date_range(conf["date_start_local"], conf["date_end_local"])
    guidance, climate = _weather_files(conf)
    return EventFiles(
        window=window,
        events=tuple(Event(s, d, candle_path(window.key, s, d)) for s in series for d in dates),
        catalogs={s: catalog_path(s) for s in series},
        guidance=guidance,
        climate=climate,
        forecasts=_forecast_files(conf),
        user_probabilities=forecast["path"] if forecast["source"] == "file" else None,
        user_strategy=conf["strategy"]["file"],
        probabilities=f"data/probabilities/{_forecast_digest(conf)}.parquet",
        years_back=_years_back(conf) if forecast["source"] == "gaussian" else 0,
    )


def _stages(made: EventFiles, date_end: dt.date) -> dict[str, list[DataFile]]:
    """What is made before the replay, in the order in which it is made."""

    years = made.weather

    def station_year(path: str, schema: pa.Schema) -> DataFile:
        return DataFile(path, schema, fetched=True, reaches=needed_through(date_end, years[path]))

    def candles(event: Event) -> DataFile:
        held = functools.partial(_held, made.window, event)
        return DataFile(event.path, CANDLES, fetched=True, in_order=check_candles, held_elsewhere=held)

    return {
        "catalog": [DataFile(path, CATALOG, fetched=True, reaches=date_end) for path in made.catalogs.values()],
        "weather": [
            *(station_year(path, GUIDANCE) for path in made.guidance.values()),
            *(station_year(path, CLIMATE) for path in made.climate.values()),
        ],
        "candles": [candles(event) for event in made.events],
        "forecasts": [DataFile(path, FORECASTS) for path in made.forecasts.values()],
        "probabilities": [DataFile(made.probabilities, PROBABILITIES)],
    }


def _held(window: CandleWindow, event: Event) -> bool:
    """Whether a file of another window has all candles of an event."""
    station = climate_days.station_of(event.series_ticker)
    return any(other.holds(window, station, event.climate_date) for other, _ in siblings(event.path))


def _forecast_digest(conf: resolve.Config) -> str:
    keys = ("series_tickers", "date_start_local", "date_end_local", "asof_policy", "probabilities")
    return resolve.digest({key: conf[key] for key in keys})[:20]


def _weather_files(conf: resolve.Config) -> tuple[dict[tuple[str, str, int], str], dict[tuple[str, int], str]]:
    """Station-years that the forecast needs; none when the user brings probabilities."""
    forecast = conf["probabilities"]
    if forecast["source"] == "file":
        return {}, {}
    years = range(conf["date_start_local"].year - _years_back(conf), conf["date_end_local"].year + 1)
    stations = sorted({climate_days.station_of(series).station_id for series in conf["series_tickers"]})
    asked = [(m, y) for m in forecast["models"] for y in years if y >= GUIDANCE_SINCE[m]]
    guidance = {(s, m, y): guidance_path(s, m, y) for s in stations for m, y in asked}
    return guidance, {(s, y): climate_path(s, y) for s in stations for y in years}


def _years_back(conf: resolve.Config) -> int:
    """Calendar years before its own that a year of forecasts needs: the same wherever in the year a config begins."""
    reach = dt.timedelta(days=lookback_days(conf["probabilities"]))
    new_year = dt.date(conf["date_start_local"].year, 1, 1)
    return new_year.year - (new_year - reach).year


def _forecast_files(conf: resolve.Config) -> dict[tuple[str, str, int], str]:
    """Per station, target and year of the range; what defines their bytes is in their digest and their path."""
    if conf["probabilities"]["source"] == "file":
        return {}
    named = resolve.digest({key: conf[key] for key in ("asof_policy", "probabilities")})[:20]
    years = range(conf["date_start_local"].year, conf["date_end_local"].year + 1)
    stations = [climate_days.station_of(series) for series in conf["series_tickers"]]
    pairs = sorted({(station.station_id, station.target) for station in stations})
    through = {year: needed_through(conf["date_end_local"], year) for year in years}
    return {(s, target, y): forecast_path(named, s, target, last) for s, target in pairs for y, last in through.items()}
