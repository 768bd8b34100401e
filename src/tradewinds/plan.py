"""The plan of a run: which files it is made of, and which of them are there.

One place answers for the Snakefile and for the command line, so both always agree.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from tradewinds import calendars, config, store

# Past days wanted before the trailing window of a forecast: reports arrive after their day.
_REPORT_DELAY_DAYS = 7


@dataclass(frozen=True)
class Event:
    """One (series, climate date) of the config and the file of its candles."""

    series_ticker: str
    climate_date: dt.date
    path: str


@dataclass(frozen=True)
class Plan:
    """Every file of a run. All paths are relative to the working directory.

    `guidance` is keyed by (station, model, year), `climate` by (station, year), `catalogs` by series.
    """

    run_id: str
    run_dir: str
    window_key: str
    events: tuple[Event, ...]
    catalogs: dict[str, str]
    guidance: dict[tuple[str, str, int], str]
    climate: dict[tuple[str, int], str]
    user_probabilities: str | None
    probabilities: str
    date_end: dt.date

    @property
    def fetched(self) -> list[str]:
        """All files that come from a service."""
        candles = [event.path for event in self.events]
        return [*self.catalogs.values(), *candles, *self.guidance.values(), *self.climate.values()]

    def missing(self) -> list[str]:
        """Fetched files that are not there."""
        return [path for path in self.fetched if not Path(path).exists()]


def plan_of(conf: config.Config) -> Plan:
    """The plan of a resolved config."""
    key = config.window_key(conf)
    dates = calendars.date_range(conf["date_start_local"], conf["date_end_local"])
    series = conf["series_tickers"]
    events = tuple(Event(s, d, store.candle_path(key, s, d)) for s in series for d in dates)
    guidance, climate = _weather_files(conf)
    run = config.run_id(conf)
    forecast = conf["probabilities"]
    return Plan(
        run_id=run,
        run_dir=f"{conf['output_dir'].rstrip('/') or '/'}/{run}",
        window_key=key,
        events=events,
        catalogs={s: store.catalog_path(s) for s in series},
        guidance=guidance,
        climate=climate,
        user_probabilities=forecast["path"] if forecast["source"] == "file" else None,
        probabilities=f"data/probabilities/{_forecast_digest(conf)}.parquet",
        date_end=conf["date_end_local"],
    )


def _forecast_digest(conf: config.Config) -> str:
    keys = ("series_tickers", "date_start_local", "date_end_local", "asof_policy", "probabilities")
    return config.digest({key: conf[key] for key in keys})[:20]


def _weather_files(conf: config.Config) -> tuple[dict[tuple[str, str, int], str], dict[tuple[str, int], str]]:
    """Station-years that the forecast needs; none when the user brings probabilities."""
    forecast = conf["probabilities"]
    if forecast["source"] == "file":
        return {}, {}
    back = dt.timedelta(days=forecast["trailing_days"] + conf["asof_policy"]["days_before"] + _REPORT_DELAY_DAYS)
    years = range((conf["date_start_local"] - back).year, conf["date_end_local"].year + 1)
    stations = sorted({calendars.station_of(series).station_id for series in conf["series_tickers"]})
    guidance = {(s, m, y): store.guidance_path(s, m, y) for s in stations for m in forecast["models"] for y in years}
    return guidance, {(s, y): store.climate_path(s, y) for s in stations for y in years}


def covered_through(series_ticker: str) -> dt.date | None:
    """The last climate date up to which a series' catalog is complete and final; None without a catalog."""
    path = Path(store.catalog_path(series_ticker))
    return dt.date.fromisoformat(store.read_meta(path)["covers_through"]) if path.exists() else None


def catalog_through(series_ticker: str, date_end: dt.date) -> str:
    """The date a series' catalog must reach, as the sync rule's parameter.

    A catalog that reaches far enough repeats the date it was made for, so that Snakemake sees no change; only a question
    that reaches past what it covers gives another one.
    """
    path = Path(store.catalog_path(series_ticker))
    if path.exists():
        meta = store.read_meta(path)
        if dt.date.fromisoformat(meta["covers_through"]) >= date_end:
            return str(meta["asked_through"])
    return date_end.isoformat()


def stale_catalogs(plan: Plan) -> list[str]:
    """Catalogs that are there but do not reach the end of the run's range."""
    return [
        path
        for series, path in plan.catalogs.items()
        if (covered := covered_through(series)) is not None and covered < plan.date_end
    ]
