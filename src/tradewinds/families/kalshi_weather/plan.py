"""The plan of a run: which files it is made of, and which of them are there.

One place answers for the Snakefile and for the command line, so both always agree.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tradewinds.config import markets, resolve
from tradewinds.core.errors import ConfigError
from tradewinds.families.kalshi_weather import candle_window, climate_days
from tradewinds.families.kalshi_weather.candle_window import CandleWindow, siblings
from tradewinds.families.kalshi_weather.forecasts import reach as forecast_windows
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
from tradewinds.families.plan import needed_through

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Event:
    """One (series, climate date) of the config and the file of its candles."""

    series_ticker: str
    climate_date: dt.date
    path: str


@dataclass(frozen=True)
class Plan:
    """Every file of a run. All paths are relative to the working directory.

    `guidance` is keyed by (station, model, year), `climate` by (station, year), `forecasts` by (station, target, year),
    `catalogs` by series.
    """

    run_id: str
    run_dir: str
    window: CandleWindow
    events: tuple[Event, ...]
    catalogs: dict[str, str]
    guidance: dict[tuple[str, str, int], str]
    climate: dict[tuple[str, int], str]
    forecasts: dict[tuple[str, str, int], str]
    user_probabilities: str | None
    user_strategy: str | None
    probabilities: str
    date_end: dt.date
    years_back: int

    @property
    def weather(self) -> dict[str, int]:
        """All station-years: the year of each file."""
        years = {path: year for (_, _, year), path in self.guidance.items()}
        return years | {path: year for (_, year), path in self.climate.items()}

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

    @property
    def fetched(self) -> list[str]:
        """All files that come from a service."""
        candles = [event.path for event in self.events]
        return [*self.catalogs.values(), *candles, *self.weather]

    @property
    def groups(self) -> list[tuple[str, list[str]]]:
        """Everything that is made before the replay, by kind, in the order in which it is made."""
        return [
            ("catalog", list(self.catalogs.values())),
            ("weather", list(self.weather)),
            ("candles", [event.path for event in self.events]),
            ("forecasts", list(self.forecasts.values())),
            ("probabilities", [self.probabilities]),
        ]

    @property
    def growing(self) -> dict[str, dt.date]:
        """Files that may have to be asked for again, and the date that each must reach."""
        needs = dict.fromkeys(self.catalogs.values(), needed_through(self.date_end))
        return needs | {path: needed_through(self.date_end, year) for path, year in self.weather.items()}

    @property
    def schemas(self) -> dict[str, pa.Schema]:
        """The schema of every data file."""
        found = dict.fromkeys(self.catalogs.values(), CATALOG)
        found |= dict.fromkeys((event.path for event in self.events), CANDLES)
        found |= dict.fromkeys(self.guidance.values(), GUIDANCE)
        found |= dict.fromkeys(self.climate.values(), CLIMATE)
        found |= dict.fromkeys(self.forecasts.values(), FORECASTS)
        return found | {self.probabilities: PROBABILITIES}

    @property
    def inputs(self) -> dict[str, list[str]]:
        """What the replay reads, by kind."""
        own = {"user_file": self.user_probabilities, "user_strategy": self.user_strategy}
        return {
            **self.recorded,
            "probabilities": [self.probabilities],
            "weather": [*self.guidance.values(), *self.climate.values()],
            **{kind: [path] for kind, path in own.items() if path is not None},
        }

    @property
    def recorded(self) -> dict[str, list[str]]:
        """Catalogs, and candle files whose checkpoints the database keeps."""
        return {"catalogs": list(self.catalogs.values()), "candles": [event.path for event in self.events]}

    @property
    def results(self) -> list[str]:
        """Files of the run that are made after the replay and before the report."""
        return [f"{self.run_dir}/calibration.json"]

    def missing(self) -> list[str]:
        """Fetched files that are not there and cannot be made from what is."""
        kept = {event.path for event in self.events if not Path(event.path).exists() and self._held(event)}
        return [path for path in self.fetched if not Path(path).exists() and path not in kept]

    def _held(self, event: Event) -> bool:
        """Whether a file of another window has all candles of an event."""
        station = climate_days.station_of(event.series_ticker)
        return any(other.holds(self.window, station, event.climate_date) for other, _ in siblings(event.path))


def plan_of(conf: resolve.Config) -> Plan:
    """The plan of a resolved config of events, for what is about events only.

    Raises:
        ConfigError: the config is of another market family.
    """
    if conf["market"] != markets.NAMES[0]:
        what = f"this command is for {markets.NAMES[0]}, and the config is of {conf['market']}."
        raise ConfigError(
            what, where="market", remedy="tradewinds run, validate, check, lookahead-check and sweep take every market."
        )
    return kalshi_plan(conf)


def kalshi_plan(conf: resolve.Config) -> Plan:
    """The plan of a resolved config of daily temperature events."""
    window = candle_window.wanted_window(conf)
    dates = climate_days.date_range(conf["date_start_local"], conf["date_end_local"])
    series = conf["series_tickers"]
    events = tuple(Event(s, d, candle_path(window.key, s, d)) for s in series for d in dates)
    guidance, climate = _weather_files(conf)
    run = resolve.run_id(conf)
    forecast = conf["probabilities"]
    return Plan(
        run_id=run,
        run_dir=f"{conf['output_dir'].rstrip('/') or '/'}/{run}",
        window=window,
        events=events,
        catalogs={s: catalog_path(s) for s in series},
        guidance=guidance,
        climate=climate,
        forecasts=_forecast_files(conf),
        user_probabilities=forecast["path"] if forecast["source"] == "file" else None,
        user_strategy=conf["strategy"]["file"],
        probabilities=f"data/probabilities/{_forecast_digest(conf)}.parquet",
        date_end=conf["date_end_local"],
        years_back=_years_back(conf) if forecast["source"] == "gaussian" else 0,
    )


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
    reach = dt.timedelta(days=forecast_windows.reach_days(conf["probabilities"]))
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
