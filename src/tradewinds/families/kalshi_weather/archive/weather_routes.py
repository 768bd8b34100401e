"""The weather service's two routes over an archive: station-years of climate reports, and bulk station guidance."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import pyarrow.compute as pc

from tradewinds.archive.archive import Archive

DEFAULT_YEAR = 2019  # what the service answers for when the year is left out
MODELS = ("AVN", "ETA", "GFS", "LAV", "MEX", "NAM", "NBE", "NBS")
MOS_COLUMNS = ("runtime", "ftime", "model", "n_x", "tmp", "dpt", "cld", "wdr", "wsp", "p06", "p12", "station")

Query = dict[str, str]
Text = tuple[int, str, str]  # status, content type, body


def cli(archive: Archive, query: Query) -> tuple[int, Any]:
    """GET /json/cli.py: at most one row per station and day (the last product), days without a report left out."""
    station = query.get("station", "KDSM")
    text = query.get("year", str(DEFAULT_YEAR))
    year = int(text) if re.fullmatch("[0-9]{4}", text) else 0
    if not re.fullmatch("[A-Z0-9]{4}", station) or not 1850 <= year <= dt.datetime.now(dt.UTC).year + 1:
        return 422, "[{'type': 'value_error'}]"
    latest: dict[dt.date, dict[str, Any]] = {}
    for row in archive.climate(station).to_pylist():
        day = row["climate_date"]
        if day.year == year and (day not in latest or row["product"] >= latest[day]["product"]):
            latest[day] = row
    results = [_cli_row(station, latest[day]) for day in sorted(latest)]
    return 200, {"results": results, "generated_at": "2026-01-01T00:00:00Z"}


def _cli_row(station: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "station": station,
        "valid": row["climate_date"].isoformat(),
        "product": row["product"],
        "link": f"/api/1/nwstext/{row['product']}",
        "high": "M" if row["high_f"] is None else row["high_f"],
        "low": "M" if row["low_f"] is None else row["low_f"],
        "high_time": None,
        "low_time": None,
        "precip": "M",
    }


def mos(archive: Archive, query: Query) -> Text:
    """GET /cgi-bin/request/mos.py as CSV: run times from sts to ets, both included; columns that are all empty left out."""
    plain = "text/plain"
    station, model = query.get("station", "").upper(), query.get("model", "")
    try:
        first, last = (_aware(query[name]) for name in ("sts", "ets"))
    except KeyError:
        return 422, plain, "Missing sts and/or ets"
    except ValueError:
        return 422, plain, "[{'type': 'timezone_aware'}]"
    if model not in MODELS or not re.fullmatch("[A-Z0-9]+", station):
        return 422, plain, "[{'type': 'string_pattern_mismatch'}]"
    table = archive.guidance(station)
    inside = (pc.field("model") == model) & (pc.field("runtime_ts") >= first) & (pc.field("runtime_ts") <= last)
    rows = table.filter(inside).to_pylist()
    if not rows:
        return 200, plain, ",".join(MOS_COLUMNS) + "\n"
    has_tmp = any(row["tmp_f"] is not None for row in rows)
    value = "txn" if model in ("NBS", "NBE") else "n_x"  # the name since the blend's version 4
    header = ["runtime", "ftime", "model", value, *(["tmp"] if has_tmp else []), "station"]
    lines = [",".join(header)]
    for row in rows:
        cells = [_stamp(row["runtime_ts"]), _stamp(row["ftime_ts"]), row["model"], _number(row["n_x_f"])]
        cells += [_number(row["tmp_f"])] if has_tmp else []
        lines.append(",".join([*cells, station]))
    return 200, plain, "\n".join(lines) + "\n"


def _aware(text: str) -> int:
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("naive")
    return int(moment.timestamp())


def _number(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value}"


def _stamp(ts: int) -> str:
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
