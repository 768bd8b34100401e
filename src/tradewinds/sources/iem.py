"""The weather service: station guidance (one request per station, model and year) and climate reports (station, year)."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pyarrow as pa

from tradewinds import store
from tradewinds.calendars import Station
from tradewinds.sources.http import HttpClient, NotFound

MOS = "/cgi-bin/request/mos.py"
CLI = "/json/cli.py"
MISSING = (-98.0, 998.0)  # at or beyond these a temperature is a sentinel, not a value
# ASSUME: a report can be read 10 minutes after its issue time (ingest and the service's caches).
REPORT_DELAY_SECONDS = 600


def fetch_guidance(client: HttpClient, station_id: str, model: str, year: int) -> tuple[pa.Table, dict[str, Any]]:
    """A year of one model's guidance: the rows with a daily maximum or minimum.

    The answer's columns vary (all-empty ones are left out), so it is read by name; the value is `n_x`, or `txn` since the
    blend's version 4. Runs of the first instant of the next year belong to that year's file.

    Raises:
        FetchError: the answer is no table of guidance.
    """
    params = {
        "station": station_id,
        "model": model,
        "sts": f"{year}-01-01T00:00Z",
        "ets": f"{year}-12-31T23:59Z",
        "format": "csv",
    }
    text = client.get_text(MOS, params)
    reader = csv.DictReader(io.StringIO(text))
    if not {"runtime", "ftime", "model"} <= set(reader.fieldnames or ()):
        client.refuse("no table with runtime, ftime and model", MOS, text)
    try:
        rows = {(r["runtime_ts"], r["ftime_ts"]): r for line in reader if (r := _guidance_row(line, station_id, model))}
    except (KeyError, ValueError, TypeError) as error:
        client.refuse(f"a line of the table cannot be read ({error})", MOS, text)
    table = pa.Table.from_pylist([rows[key] for key in sorted(rows)], store.GUIDANCE)
    return table, {"rows": len(rows), "reason": None if rows else "NO_GUIDANCE", "requests": client.requests}


def _guidance_row(line: dict[str, str], station_id: str, model: str) -> dict[str, Any] | None:
    value = _degrees(line.get("n_x") or line.get("txn"))
    if value is None:
        return None
    return {
        "station_id": station_id,
        "model": model,
        "runtime_ts": _stamp(line["runtime"]),
        "ftime_ts": _stamp(line["ftime"]),
        "n_x_f": value,
        "tmp_f": _degrees(line.get("tmp")),
    }


def _stamp(text: str) -> int:
    """Naive times of the table are UTC."""
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


def _degrees(text: str | None) -> float | None:
    if not text:
        return None
    value = float(text)
    return value if MISSING[0] < value < MISSING[1] else None


def fetch_climate(client: HttpClient, station: Station, year: int) -> tuple[pa.Table, dict[str, Any]]:
    """A year of climate reports; each with its issue time, whether it is final, and when it could be known.

    A report issued on its own climate date (local standard time) is preliminary.

    Raises:
        FetchError: the answer is no list of reports.
    """
    params = {"station": station.station_id, "year": year}
    try:
        payload = client.get_json(CLI, params)
        rows = [_report(item, station) for item in payload["results"]]
    except (KeyError, TypeError, ValueError, NotFound) as error:
        client.refuse(f"no list of climate reports ({error})", CLI, str(error))
    wrong = [row["climate_date"] for row in rows if row["climate_date"].year != year]
    if wrong:
        client.refuse(f"asked for {year}, got {wrong[0]}", CLI, payload)
    table = pa.Table.from_pylist(sorted(rows, key=lambda row: row["climate_date"]), store.CLIMATE)
    return table, {"rows": len(rows), "reason": None if rows else "NO_REPORTS", "requests": client.requests}


def _report(item: dict[str, Any], station: Station) -> dict[str, Any]:
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
    return None if value in ("M", None) else int(value)
