"""Guidance, climate reports and readings as they are public now, asked for only when something new can be there.

Station-years that are over are the same files that runs use. What the running year has gained since a run fetched it is kept
apart, in FOLDER: a finished run's inputs stay as they are.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from tradewinds.core import files
from tradewinds.core.errors import FetchError, RefusedAnswer
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
FAILURES_IN_A_ROW = 2
_RUNS_LOOKED_AT = 9
_MOST_SAID = 200  # characters of a problem on the board


_YearJob = Callable[[str, int, str, str], None]
_RunningYear = Callable[[str, str | None, dt.datetime, bool], list[str]]


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

    Attributes:
        problems: why something could not be had, by its name; of what has been had since there is none.
    """

    def __init__(self, client: Callable[[], HttpClient], tell: Callable[[str], None]) -> None:
        self._make, self._tell = client, tell
        self._client: HttpClient | None = None
        self.problems: dict[str, str] = {}
        self._tried: dict[str, int] = {}
        self._failures = 0

    def begin(self) -> None:
        """Begin a board: the service may be asked again, whatever it did before."""
        self._failures = 0

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
            name = f"{station_id} {model}"
            own = [year for year in years if year >= schemas.GUIDANCE_SINCE[model]]
            bases = {year: schemas.guidance_path(station_id, model, year) for year in own}
            paths += self._years(name, bases, now, self._guidance_job(model), self._running_guidance(station_id, model))
        return paths

    def climate(self, station: Station, years: Sequence[int], now: dt.datetime) -> list[str]:
        """Bring climate reports up to date; arguments and paths as for `guidance`.

        Args:
            station: the station.
            years: calendar years, the last of which is the running one.
            now: the current time.
        """
        bases = {year: schemas.climate_path(station.station_id, year) for year in years}
        name = f"{station.station_id} climate reports"
        return self._years(name, bases, now, self._climate_job, self._running_climate(station))

    def _years(
        self, name: str, bases: Mapping[int, str], now: dt.datetime, job: _YearJob, running: _RunningYear
    ) -> list[str]:
        """Paths of some years of one thing; once one of them could not be had, the others are not asked for.

        Args:
            name: of the thing, with its station first.
            bases: the files that runs use, by year.
            now: the current time.
            job: fetches a year that is over: (station, year, through, path).
            running: brings the running year up to date: (its base, that of the year before, now, whether to ask), and returns
                its paths.
        """
        paths, may_ask = list[str](), True
        for year, base in bases.items():
            if year < now.year:
                may_ask = may_ask and self._complete_year(base, f"{name} {year}", year, now, job)
                paths += [base] if Path(base).exists() else []
            else:
                paths += running(base, bases.get(year - 1), now, may_ask)
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
        if is_due and self._may_ask(path, kept.asked_ts, now_ts, LATE_READING_SECONDS):
            name = f"{station.station_id} observations {day}"
            self._keep(name, path, now_ts, lambda: weather.fetch_observations(self.client(), station, day, now))
        return _kept(path).table

    def _guidance_job(self, model: str) -> Callable[[str, int, str, str], None]:
        return lambda station, year, through, out: fetch_jobs.fetch_guidance_job(
            station, model, year, through, out, self.client()
        )

    def _climate_job(self, station: str, year: int, through: str, out: str) -> None:
        fetch_jobs.fetch_climate_job(station, year, through, out, self.client())

    def _complete_year(self, path: str, name: str, year: int, now: dt.datetime, job: _YearJob) -> bool:
        """Fetch a station-year that is over, if its file is missing or ends within it; whether it is there then, and whole."""
        last = dt.date(year, 12, 31)
        if not _is_whole(path, last) and self._may_ask(path, 0, int(now.timestamp()), RETRY_SECONDS):
            self._ask(name, lambda: job(name.split()[0], year, last.isoformat(), path))
        return _is_whole(path, last)

    def _running_guidance(self, station_id: str, model: str) -> _RunningYear:
        """What brings a model's guidance of the running year up to date: the file of runs, and what came since."""

        def bring(base: str, before: str | None, now: dt.datetime, may_ask: bool) -> list[str]:
            path, now_ts = f"{FOLDER}/{station_id}/{model}-{now.year}.parquet", int(now.timestamp())
            kept, held = _kept(path), [one for one in (base, path) if Path(one).exists()]
            runs = _runs([*([before] if before and Path(before).exists() else []), *held])
            lag = round(schemas.PUBLICATION_LAG_HOURS[model] * 3600)
            is_due = kept.table is None or not runs or runs[-1] + _gap(runs) + lag <= now_ts
            if may_ask and is_due and self._may_ask(path, kept.asked_ts, now_ts, RETRY_SECONDS):
                through = kept.through or (files.read_meta(base)["covers_through"] if base in held else None)
                nothing = schemas.guidance_schema(model).empty_table()
                rows = nothing if kept.table is None else kept.table

                def fetch() -> weather.Fetched:
                    return weather.fetch_guidance(
                        self.client(), station_id, model, now.year, now, rows, through, may_be_missing=True
                    )

                self._keep(f"{station_id} {model}", path, now_ts, fetch)
            return [one for one in (base, path) if Path(one).exists()]

        return bring

    def _running_climate(self, station: Station) -> _RunningYear:
        """What brings climate reports of the running year up to date: the file of runs, and what came since."""

        def bring(base: str, before: str | None, now: dt.datetime, may_ask: bool) -> list[str]:
            path, now_ts = f"{FOLDER}/{station.station_id}/climate-{now.year}.parquet", int(now.timestamp())
            kept, held = _kept(path), [one for one in (base, path) if Path(one).exists()]
            yesterday = (now + dt.timedelta(hours=station.lst_offset_hours)).date() - dt.timedelta(days=1)
            is_due = yesterday.year == now.year and _last_final(held) < yesterday
            if may_ask and is_due and self._may_ask(path, kept.asked_ts, now_ts, REPORTS_SECONDS):
                self._keep(
                    f"{station.station_id} climate reports",
                    path,
                    now_ts,
                    lambda: weather.fetch_climate(self.client(), station, now.year, now, kept.table),
                )
            return [one for one in (base, path) if Path(one).exists()]

        return bring

    def _keep(self, name: str, path: str, now_ts: int, fetch: Callable[[], weather.Fetched]) -> None:
        """Ask for rows, and keep them in a file of their own."""
        fetched = self._ask(name, fetch)
        if fetched:
            with files.only_maker(path):
                files.write_parquet(path, fetched[0], {**fetched[1], "asked_ts": now_ts})

    def _may_ask(self, path: str, asked_ts: int, now_ts: int, pause: int) -> bool:
        """Whether enough time has passed since a question; a clock that was set back counts as enough."""
        last = max(asked_ts, self._tried.get(path, 0))
        if last <= now_ts < last + pause:
            return False
        self._tried[path] = now_ts
        return True

    def _ask(self, name: str, fetch: Callable[[], Any]) -> Any:
        """Ask the service; a failure is noted in `problems`, and what is there already is used.

        After FAILURES_IN_A_ROW it is not asked again for the same board: a service that is down would keep everything waiting.
        """
        if self._failures >= FAILURES_IN_A_ROW:
            self.problems[name] = "not asked for, since the weather service failed before."
            return None
        self._tell(f"asking for {name} …")
        try:
            found = fetch()
        except FetchError as error:
            self._failures += not isinstance(error, RefusedAnswer)
            self.problems[name] = shortened(error.what, _MOST_SAID)
            return None
        self._failures = 0
        self.problems.pop(name, None)
        return found


def _kept(path: str) -> KeptRows:
    if not Path(path).exists():
        return KeptRows(None, 0, None)
    meta = files.read_meta(path)
    return KeptRows(files.read_table(path), int(meta["asked_ts"]), meta.get("covers_through"))


def _is_whole(path: str, last: dt.date) -> bool:
    """Whether a station-year is there and reaches its last date."""
    return Path(path).exists() and dt.date.fromisoformat(files.read_meta(path)["covers_through"]) >= last


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
