"""The weather service: station guidance and climate reports, one request per station-year; readings, one per station and day.

A year that was over when it was asked is never asked again; the running year's file says through which date it reaches,
and is asked again for what comes after. An empty answer is a failure: stored, it would pass for coverage.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tradewinds.core import strict
from tradewinds.core.errors import FetchError
from tradewinds.core.text import whole_seconds_up
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.climate_days import Station
from tradewinds.families.kalshi_weather.missing_guidance import not_archived_meta
from tradewinds.sources.endpoint import ServiceTexts
from tradewinds.sources.http import HttpClient, NotFound

MOS = "/cgi-bin/request/mos.py"
CLI = "/json/cli.py"
ASOS = "/cgi-bin/request/asos.py"
REPORT_TYPES = "3,4"  # the hourly reports, and those between them
TEXTS = ServiceTexts(throttled=b"Too many requests from your IP")  # it comes with status 429 or 200
MISSING = (-98.0, 998.0)  # at or beyond these a temperature is a sentinel, not a value
LEAST_REPORTED, MOST_REPORTED = -130, 150  # °F: no station on earth has had less or more
_STAMP = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.+Z-]*)?$")
_PRODUCT = re.compile(r"(?:19|20)[0-9]{10}[A-Za-z0-9_-]{0,60}")
_DAY = re.compile(r"(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}")
# ASSUME: a report can be read 10 minutes after its issue time (ingest and the service's caches).
REPORT_DELAY_SECONDS = 600
# ASSUME: all readings of a climate day are in the service's archive 3 hours after its end.
READINGS_ARE_IN_SECONDS = 3 * 3600
# A running year is asked again from this many days before the date it reaches: late runs and corrections come in.
RUNS_ASKED_AGAIN_DAYS = 2
REPORTS_ASKED_AGAIN_DAYS = 10

Fetched = tuple[pa.Table, dict[str, Any]]


def fetch_guidance(
    client: HttpClient,
    station_id: str,
    model: str,
    year: int,
    now: dt.datetime,
    known: pa.Table | None,
    through: str | None,
    *,
    may_be_missing: bool = False,
) -> Fetched:
    """A year of one model's guidance (schemas.guidance_schema): the rows with a daily maximum or minimum, or a temperature.

    The answer's columns vary (all-empty ones are left out), so it is read by name. The value is `n_x`, or `txn` since the
    blend's version 4, which gives its standard deviation as `xnd`. Runs of the first instant of the next year belong to that
    year's file. `known` reaches `through`; only what comes later is asked. With `may_be_missing` a table without any row is an
    answer: its metadata say that the service has none.

    Raises:
        FetchError: the answer is no table of guidance, or it is empty and the guidance may not be missing.
    """
    # Ask from New Year, or from some days before the date that the file reaches: late runs fill gaps.
    first = dt.date(year, 1, 1)
    if known is not None and through is not None:
        first = max(first, dt.date.fromisoformat(through) - dt.timedelta(days=RUNS_ASKED_AGAIN_DAYS))
    params = {
        "station": station_id,
        "model": model,
        "sts": f"{first}T00:00Z",
        "ets": f"{year}-12-31T23:59Z",
        "format": "csv",
    }
    try:
        text = client.get_text(MOS, params)
    except NotFound as error:
        client.refuse("there is no such route (404)", MOS, str(error))
    reader = csv.DictReader(io.StringIO(text))
    try:
        if not {"runtime", "ftime", "model"} <= set(reader.fieldnames or ()):
            client.refuse("no table with runtime, ftime and model", MOS, text)
        rows = {(r["runtime_ts"], r["ftime_ts"]): r for line in reader if (r := _guidance_row(line, station_id, model))}
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        client.refuse(f"a line of the table cannot be read ({error})", MOS, text)
    # New rows replace known ones of the same run and hour; a row that the service forgot stays.
    rows = {(r["runtime_ts"], r["ftime_ts"]): r for r in (known.to_pylist() if known else [])} | rows
    if not rows and not may_be_missing:
        raise _empty(
            f"no guidance of {model} for {station_id} in {year}", "Leave the model out of probabilities.models"
        )
    table = pa.Table.from_pylist([rows[key] for key in sorted(rows)], schemas.guidance_schema(model))
    reaches = min(client.no_later(now).date() - dt.timedelta(days=1), dt.date(year, 12, 31))
    meta = {"rows": len(rows), "covers_through": reaches.isoformat(), "requests": client.requests}
    return table, meta if rows else meta | not_archived_meta()


def _empty(what: str, remedy: str) -> FetchError:
    """Stored, an empty answer would pass for coverage; whatever the service meant, nothing is stored."""
    return FetchError(f"the weather service has {what}.", remedy=f"{remedy}, or bring probabilities in a file.")


def _guidance_row(line: dict[str, str], station_id: str, model: str) -> dict[str, Any] | None:
    runtime, ftime = (
        _stamp(line["runtime"]),
        _stamp(line["ftime"]),
    )  # first: a line that is none must not pass for an empty one
    if line.get("station", station_id) != station_id:
        raise ValueError(f"it is of station {line['station']}")
    value, temperature = _degrees(line.get("n_x") or line.get("txn")), _degrees(line.get("tmp"))
    spread = _degrees(line.get("xnd"))
    if value is None and temperature is None:
        return None
    return {
        "station_id": station_id,
        "model": model,
        "runtime_ts": runtime,
        "ftime_ts": ftime,
        "known_at_ts": runtime + int(schemas.PUBLICATION_LAG_HOURS[model] * 3600),
        "n_x_f": math.nan if value is None else value,
        "tmp_f": temperature,
        "n_x_sd_f": None if value is None or spread is None or spread < 0 else spread,
    }


def _stamp(text: str) -> int:
    """Naive times of the table are UTC; a fraction of a second is rounded up, since what is known depends on them.

    Raises:
        ValueError: the text is no time of these years.
    """
    if not _STAMP.match(text):
        raise ValueError(f"{text[:40]!a} is no time")
    return whole_seconds_up(text)


def _degrees(text: str | None) -> float | None:
    if not text or text.strip().lower() == "nan":
        return None
    value = float(strict.decimal(text.strip()))
    return value if MISSING[0] < value < MISSING[1] else None


def fetch_climate(client: HttpClient, station: Station, year: int, now: dt.datetime, known: pa.Table | None) -> Fetched:
    """A year of climate reports (columns: schemas.CLIMATE), with issue times, whether final, and when known.

    A report issued on its own climate date (local standard time) is preliminary. The service keeps the last report of a
    day only; a day that is in `known` and no more in the answer is kept.

    Raises:
        FetchError: the answer is no list of reports, or empty.
    """
    params = {"station": station.station_id, "year": year}
    payload = None
    try:
        payload = client.get_json(CLI, params)
        if not isinstance(payload["results"], list):
            raise TypeError("results is no list")
        rows = [_report(item, station) for item in payload["results"]]
    except (KeyError, TypeError, ValueError, OverflowError, NotFound) as error:
        client.refuse(f"no list of climate reports ({error})", CLI, payload or str(error))
    wrong = [row["climate_date"] for row in rows if row["climate_date"].year != year]
    if wrong:
        client.refuse(f"asked for {year}, got {wrong[0]}", CLI, payload)
    merged = {row["climate_date"]: row for row in [*(known.to_pylist() if known else []), *rows]}
    if not merged:
        raise _empty(f"no climate reports of {station.station_id} in {year}", "Start later")
    table = pa.Table.from_pylist([merged[day] for day in sorted(merged)], schemas.CLIMATE)
    reaches = _reports_reach(table, year, client.no_later(now))
    return table, {"rows": table.num_rows, "covers_through": reaches.isoformat(), "requests": client.requests}


def _reports_reach(table: pa.Table, year: int, now: dt.datetime) -> dt.date:
    """The last final report's day; older days are given up waiting for."""
    days = zip(table["climate_date"].to_pylist(), table["final"].to_pylist(), strict=True)
    finals: list[dt.date] = [day for day, final in days if final]
    given_up = now.date() - dt.timedelta(days=REPORTS_ASKED_AGAIN_DAYS)
    return min(dt.date(year, 12, 31), max([given_up, *finals]))


def fetch_observations(client: HttpClient, station: Station, day: dt.date, now: dt.datetime) -> Fetched:
    """The readings of a station in a climate day so far (columns: schemas.OBSERVATIONS); no rows if the service has none.

    A reading is known READING_DELAY_SECONDS after it was taken. The metadata's `is_over` says whether the day had no reading to
    come when it was asked for.

    Raises:
        FetchError: the answer is no table of readings.
    """
    begin, end = climate_days.climate_day_bounds(station, day)
    params: dict[str, Any] = {"station": asos_id(station.station_id), "data": "tmpf", "tz": "Etc/UTC"}
    for number, ts in (("1", begin), ("2", end)):
        moment = dt.datetime.fromtimestamp(ts, dt.UTC)
        params |= {f"{name}{number}": getattr(moment, name) for name in ("year", "month", "day", "hour", "minute")}
    params |= {"format": "onlycomma", "latlon": "no", "elev": "no", "missing": "M", "trace": "T", "direct": "no"}
    params["report_type"] = REPORT_TYPES
    text = ""
    try:
        text = client.get_text(ASOS, params)
        reader = csv.DictReader(io.StringIO(text))
        if not {"station", "valid", "tmpf"} <= set(reader.fieldnames or ()):
            client.refuse("no table with station, valid and tmpf", ASOS, text)
        found = [row for line in reader if (row := _reading(line, station))]
    except (KeyError, ValueError, TypeError, csv.Error, NotFound) as error:
        client.refuse(f"no table of readings ({error})", ASOS, text or str(error))
    # the bounds of the answer are not relied on; of two readings of a minute the later row counts
    rows = {row["valid_ts"]: row for row in found if begin <= row["valid_ts"] < end}
    table = pa.Table.from_pylist([rows[ts] for ts in sorted(rows)], schemas.OBSERVATIONS)
    is_over = now.timestamp() >= end + READINGS_ARE_IN_SECONDS
    meta = {"rows": len(rows), "from_ts": begin, "to_ts": end, "is_over": is_over, "requests": client.requests}
    return table, meta if rows else meta | {"reason": "NO_OBSERVATIONS"}


class DayRunning(FetchError):
    """Readings of the climate day are to come."""


def refuse_running_day(station: Station, day: dt.date, now: dt.datetime) -> None:
    """Raise DayRunning for a climate day of which readings are to come: its file would never be whole."""
    _, end = climate_days.climate_day_bounds(station, day)
    if now.timestamp() < end + READINGS_ARE_IN_SECONDS:
        ready = dt.datetime.fromtimestamp(end + READINGS_ARE_IN_SECONDS, dt.UTC)
        raise DayRunning(
            f"the readings of {station.station_id} on {day} are not all in before {ready:%Y-%m-%d %H:%M} UTC.",
            remedy="Lower date_end_local, or run again when that day is over.",
        )


def asos_id(station_id: str) -> str:
    """A station's id in the service's archive of readings: `KMDW` is `MDW` there."""
    return station_id[1:] if len(station_id) == 4 and station_id.startswith("K") else station_id


def _reading(line: dict[str, str], station: Station) -> dict[str, Any] | None:
    valid = _stamp(line["valid"])
    if line["station"] != asos_id(station.station_id):
        raise ValueError(f"asked for {asos_id(station.station_id)}, got {line['station'][:20]!a}")
    if line["tmpf"].strip() in ("M", ""):
        return None
    value = float(strict.decimal(line["tmpf"].strip()))
    if not LEAST_REPORTED <= value <= MOST_REPORTED:
        raise ValueError(f"{value} °F")
    return {
        "station_id": station.station_id,
        "valid_ts": valid,
        "tmp_f": value,
        "known_at_ts": valid + schemas.READING_DELAY_SECONDS,
    }


def _report(item: dict[str, Any], station: Station) -> dict[str, Any]:
    if item["station"] != station.station_id:
        raise ValueError(f"asked for {station.station_id}, got {item['station']}")
    if not _PRODUCT.fullmatch(item["product"]) or not _DAY.fullmatch(item["valid"]):
        raise ValueError(f"product {item['product'][:60]!a} of {item['valid'][:20]!a}")
    day = dt.date.fromisoformat(item["valid"])
    issued = dt.datetime.strptime(item["product"][:12], "%Y%m%d%H%M").replace(tzinfo=dt.UTC)
    standard = issued + dt.timedelta(hours=station.lst_offset_hours)
    issued_ts = int(issued.timestamp())
    return {
        "station_id": station.station_id,
        "climate_date": day,
        "high_f": _whole(item["high"]),
        "low_f": _whole(item["low"]),
        "issued_ts": issued_ts,
        "product": item["product"],
        "final": standard.date() > day,
        "known_at_ts": issued_ts + REPORT_DELAY_SECONDS,
    }


def _whole(value: Any) -> int | None:
    """Whole °F; "M" is missing."""
    if value in ("M", None):
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or value != int(value):
        raise ValueError(f"{value!a} is no whole number")
    if not LEAST_REPORTED <= value <= MOST_REPORTED:
        raise ValueError(f"{value} °F")
    return int(value)
