"""Guidance, climate reports and readings as they are public now, asked for only when something new can be there.

Station-years that are over are the same files that runs use. What the running year has gained since a run fetched it is kept
apart, in FOLDER: a finished run's inputs stay as they are.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import FetchError
from tradewinds.core.safe_text import shortened
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.fetch import fetch_jobs, weather
from tradewinds.sources.http import HttpClient

FOLDER = "data/today/iem"
RETRY_SECONDS = 1800  # before something that is late is asked for again
USUAL_GAP_SECONDS = 6 * 3600  # between two runs of a model, before any is known
REPORTS_SECONDS = 2 * 3600  # between two questions for a report that is due
READINGS_SECONDS = 3600  # between two readings
LATE_READING_SECONDS = 600
_RUNS_LOOKED_AT = 9
_MOST_SAID = 200  # characters of a problem on the board


class KeptRows(NamedTuple):
    """Rows that are kept apart from the files of runs.

    Attributes:
        table: the rows.
        asked_ts: when the service was asked last; Unix seconds, 0 before.
        through: date that the rows reach, as ISO 8601; None if nothing was asked yet.
    """

    table: pa.Table | None
    asked_ts: int
    through: str | None


class LiveWeather:
    """The weather service's data of one process, kept in files so that the next one asks for less.

    Args:
        client: makes the client of the service; called before the first request.
        tell: called with a line about what is asked.
    """

    def __init__(self, client: Callable[[], HttpClient], tell: Callable[[str], None]) -> None:
        self._make, self._tell = client, tell
        self._client: HttpClient | None = None
        self.problems: dict[str, str] = {}
        self._tried: dict[str, int] = {}

    @property
    def requests(self) -> int:
        """Number of requests so far."""
        return self._client.requests if self._client else 0

    def client(self) -> HttpClient:
        """The client of the service."""
        if self._client is None:
            self._client = self._make()
        return self._client

    def guidance(self, station_id: str, models: Sequence[str], years: Sequence[int], now: dt.datetime) -> list[str]:
        """Bring guidance up to date as far as something new can be there.

        Args:
            station_id: the station.
            models: names of the models.
            years: calendar years, the last of which is the running one.
            now: the current time.

        Returns:
            Paths of the files, some of which may hold the same rows; later ones are newer.
        """
        paths: list[str] = []
        for model in models:
            since = schemas.GUIDANCE_SINCE[model]
            for year in years:
                base = schemas.guidance_path(station_id, model, year)
                if year < since:
                    continue
                if year < now.year:
                    self._complete_year(base, f"{station_id} {model} {year}", year, now, self._guidance_job(model))
                    paths += [base] if Path(base).exists() else []
                else:
                    paths += self._running_guidance(station_id, model, base, now)
        return paths

    def climate(self, station: Station, years: Sequence[int], now: dt.datetime) -> list[str]:
        """Bring climate reports up to date; arguments and paths as for `guidance`.

        Args:
            station: the station.
            years: calendar years, the last of which is the running one.
            now: the current time.
        """
        paths = []
        for year in years:
            base = schemas.climate_path(station.station_id, year)
            if year < now.year:
                name = f"{station.station_id} climate reports {year}"
                self._complete_year(base, name, year, now, fetch_jobs.fetch_climate_job)
                paths += [base] if Path(base).exists() else []
            else:
                paths += self._running_climate(station, base, now)
        return paths

    def readings(self, station: Station, day: dt.date, now: dt.datetime) -> pa.Table | None:
        """Readings of a climate day so far (columns: schemas.OBSERVATIONS); None if they could not be asked for.

        Args:
            station: the station.
            day: the climate date; before it begins there is none.
            now: the current time.
        """
        begin, end = climate_days.climate_day_bounds(station, day)
        now_ts = int(now.timestamp())
        if now_ts < begin + READINGS_SECONDS:
            return schemas.OBSERVATIONS.empty_table()
        path = f"{FOLDER}/{station.station_id}/readings-{day}.parquet"
        kept = _kept(path)
        last = max(kept.table["valid_ts"].to_pylist(), default=begin) if kept.table is not None else begin
        due = last + READINGS_SECONDS + schemas.READING_DELAY_SECONDS
        is_due = kept.table is None or (due <= now_ts and last + READINGS_SECONDS < end)
        if is_due and self._may_ask(path, kept, now_ts, LATE_READING_SECONDS):
            name = f"{station.station_id} observations {day}"
            fetched = self._ask(name, lambda: weather.fetch_observations(self.client(), station, day, now))
            if fetched:
                _keep(path, fetched[0], now_ts, fetched[1])
                return fetched[0]
        return kept.table

    def _guidance_job(self, model: str) -> Callable[[str, int, str, str], None]:
        return lambda station, year, through, out: fetch_jobs.fetch_guidance_job(station, model, year, through, out)

    def _complete_year(
        self, path: str, name: str, year: int, now: dt.datetime, job: Callable[[str, int, str, str], None]
    ) -> None:
        """Fetch a station-year that is over, if its file is missing or ends within it: the file that runs use."""
        last = dt.date(year, 12, 31)
        if Path(path).exists() and dt.date.fromisoformat(files.read_meta(path)["covers_through"]) >= last:
            return
        if self._may_ask(path, KeptRows(None, 0, None), int(now.timestamp()), RETRY_SECONDS):
            self._ask(name, lambda: job(name.split()[0], year, last.isoformat(), path))

    def _running_guidance(self, station_id: str, model: str, base: str, now: dt.datetime) -> list[str]:
        """Guidance of the running year: the file of runs, and what came since."""
        path, now_ts = f"{FOLDER}/{station_id}/{model}-{now.year}.parquet", int(now.timestamp())
        kept, known = _kept(path), [base] if Path(base).exists() else []
        lag = round(schemas.PUBLICATION_LAG_HOURS[model] * 3600)
        runs = _runs([*known, *([path] if kept.table is not None else [])])
        expected = runs[-1] + _gap(runs) + lag if runs else 0
        if (kept.table is None or expected <= now_ts) and self._may_ask(path, kept, now_ts, RETRY_SECONDS):
            through = kept.through or (files.read_meta(base)["covers_through"] if known else None)
            rows = kept.table

            def fetch() -> weather.Fetched:
                return weather.fetch_guidance(
                    self.client(),
                    station_id,
                    model,
                    now.year,
                    now,
                    rows if rows is not None else schemas.guidance_schema(model).empty_table(),
                    through,
                    may_be_missing=True,
                )

            fetched = self._ask(f"{station_id} {model}", fetch)
            if fetched:
                _keep(path, fetched[0], now_ts, fetched[1])
        return [*known, *([path] if Path(path).exists() else [])]

    def _running_climate(self, station: Station, base: str, now: dt.datetime) -> list[str]:
        """Climate reports of the running year: the file of runs, and what came since."""
        path, now_ts = f"{FOLDER}/{station.station_id}/climate-{now.year}.parquet", int(now.timestamp())
        kept, known = _kept(path), [base] if Path(base).exists() else []
        yesterday = (now + dt.timedelta(hours=station.lst_offset_hours)).date() - dt.timedelta(days=1)
        held = [*known, *([path] if kept.table is not None else [])]
        if _last_final(held) < yesterday and self._may_ask(path, kept, now_ts, REPORTS_SECONDS):
            rows = kept.table
            fetched = self._ask(
                f"{station.station_id} climate reports",
                lambda: weather.fetch_climate(self.client(), station, now.year, now, rows),
            )
            if fetched:
                _keep(path, fetched[0], now_ts, fetched[1])
        return [*known, *([path] if Path(path).exists() else [])]

    def _may_ask(self, path: str, kept: KeptRows, now_ts: int, pause: int) -> bool:
        """Whether enough time has passed since a question; a clock that was set back counts as enough."""
        last = max(kept.asked_ts, self._tried.get(path, 0))
        if last <= now_ts < last + pause:
            return False
        self._tried[path] = now_ts
        return True

    def _ask(self, name: str, fetch: Callable[[], Any]) -> Any:
        """Ask the service; a failure is a problem to be told, and what is there already is used."""
        self._tell(f"asking for {name} …")
        try:
            found = fetch()
        except FetchError as error:
            self.problems[name] = shortened(error.what, _MOST_SAID)
            return None
        self.problems.pop(name, None)
        return found


def _kept(path: str) -> KeptRows:
    if not Path(path).exists():
        return KeptRows(None, 0, None)
    meta = files.read_meta(path)
    return KeptRows(files.read_table(path), int(meta["asked_ts"]), meta.get("covers_through"))


def _keep(path: str, table: pa.Table, now_ts: int, meta: dict[str, Any]) -> None:
    with files.only_maker(path):
        files.write_parquet(path, table, {**meta, "asked_ts": now_ts})


def _runs(paths: Sequence[str]) -> list[int]:
    """Run times in some files of guidance, ascending; Unix seconds."""
    found: set[int] = set()
    for path in paths:
        found |= set(files.read_table(path, ["runtime_ts"])["runtime_ts"].to_pylist())
    return sorted(found)


def _gap(runs: Sequence[int]) -> int:
    """The usual time between a model's runs in seconds, by its last ones: cycles change, so none is taken for granted."""
    gaps = Counter(later - earlier for earlier, later in itertools.pairwise(runs[-_RUNS_LOOKED_AT:]))
    return max(gaps, key=lambda gap: (gaps[gap], -gap), default=USUAL_GAP_SECONDS)


def _last_final(paths: Sequence[str]) -> dt.date:
    """The last climate date with a final report."""
    found = [dt.date.min]
    for path in paths:
        table = files.read_table(path, ["climate_date", "final"])
        rows = zip(table["climate_date"].to_pylist(), table["final"].to_pylist(), strict=True)
        found.append(max((day for day, final in rows if final), default=dt.date.min))
    return max(found)
