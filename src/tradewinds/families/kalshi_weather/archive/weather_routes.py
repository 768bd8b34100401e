"""The weather service's routes over an archive: station-years of climate reports, bulk station guidance, readings."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Any

import pyarrow.compute as pc

from tradewinds.archive.routes import TEXT, Answer, Query, Route, json_answer
from tradewinds.core.text import instant
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.archive.event_archive import EventArchive
from tradewinds.families.kalshi_weather.fetch.weather import ASOS, CLI, MOS

SERVICE = "iem"
GENERATED = 1_767_225_600  # when a server without a clock says that its answers were made; Unix seconds
DEFAULT_YEAR = 2019  # what the service answers for when the year is left out
MODELS = ("AVN", "ETA", "GFS", "LAV", "MEX", "NAM", "NBE", "NBS")
# Hours from a run to its publication. AVN and ETA were what GFS and NAM are; LAV is kept under the hour before its run.
LAGS = schemas.PUBLICATION_LAG_HOURS | {"AVN": 5.0, "ETA": 4.0, "LAV": 1.5}
MOS_COLUMNS = ("runtime", "ftime", "model", "n_x", "tmp", "dpt", "cld", "wdr", "wsp", "p06", "p12", "station")


def routes_of(archive: EventArchive) -> dict[str, Route]:
    """The weather service's routes."""
    return {
        CLI: Route(SERVICE, lambda path, query: cli(archive, query), keeps_clock=True),
        MOS: Route(SERVICE, lambda path, query: mos(archive, query), keeps_clock=True),
        ASOS: Route(SERVICE, lambda path, query: asos(archive, query), keeps_clock=True),
    }


def cli(archive: EventArchive, query: Query) -> Answer:
    """The answer to GET /json/cli.py: climate reports of a station's year as JSON.

    At most one row per day, that of the last product; days without a report are left out.
    """
    station = query.get("station", "KDSM")
    text = query.get("year", str(DEFAULT_YEAR))
    year = int(text) if re.fullmatch("[0-9]{4}", text) else 0
    if not re.fullmatch("[A-Z0-9]{4}", station) or not 1850 <= year <= dt.datetime.now(dt.UTC).year + 1:
        return Answer(422, TEXT, "[{'type': 'value_error'}]")
    latest: dict[dt.date, dict[str, Any]] = {}
    for row in archive.climate(station).to_pylist():
        day = row["climate_date"]
        if (
            day.year == year
            and archive.knows(row["known_at_ts"])
            and (day not in latest or row["product"] >= latest[day]["product"])
        ):
            latest[day] = row
    results = [_cli_row(station, latest[day]) for day in sorted(latest)]
    return json_answer(
        200, {"results": results, "generated_at": instant(archive.clock.now() if archive.clock else GENERATED)}
    )


def _cli_row(station: str, row: dict[str, Any]) -> dict[str, Any]:
    """A climate report as the service shows it; "M" is a missing value."""
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


def mos(archive: EventArchive, query: Query) -> Answer:
    """The answer to GET /cgi-bin/request/mos.py: a station's guidance of one model as CSV.

    Runs from `sts` to `ets`, both included; columns in which all is empty are left out.
    """
    # what the service refuses: a missing or naive time, an unknown model, a malformed station
    station, model = query.get("station", "").upper(), query.get("model", "")
    try:
        first, last = (_aware(query[name]) for name in ("sts", "ets"))
    except KeyError:
        return Answer(422, TEXT, "Missing sts and/or ets")
    except ValueError:
        return Answer(422, TEXT, "[{'type': 'timezone_aware'}]")
    if model not in MODELS or not re.fullmatch("[A-Z0-9]+", station):
        return Answer(422, TEXT, "[{'type': 'string_pattern_mismatch'}]")
    # the runs that are asked for
    table = archive.guidance(station)
    inside = (pc.field("model") == model) & (pc.field("runtime_ts") >= first) & (pc.field("runtime_ts") <= last)
    rows = [row for row in table.filter(inside).to_pylist() if archive.knows(_public_ts(row))]
    if not rows:
        return Answer(200, TEXT, ",".join(MOS_COLUMNS) + "\n")
    # the table, by the names that the service has for its columns
    has_tmp = any(row["tmp_f"] is not None for row in rows)
    value = "txn" if model in ("NBS", "NBE") else "n_x"  # the name since the blend's version 4
    has_spread = any(row["n_x_sd_f"] is not None for row in rows)
    header = [
        "runtime",
        "ftime",
        "model",
        value,
        *(["xnd"] if has_spread else []),
        *(["tmp"] if has_tmp else []),
        "station",
    ]
    lines = [",".join(header)]
    for row in rows:
        cells = [_stamp(row["runtime_ts"]), _stamp(row["ftime_ts"]), row["model"], _number(row["n_x_f"])]
        cells += [_number(row["n_x_sd_f"])] if has_spread else []
        cells += [_number(row["tmp_f"])] if has_tmp else []
        lines.append(",".join([*cells, station]))
    return Answer(200, TEXT, "\n".join(lines) + "\n")


def asos(archive: EventArchive, query: Query) -> Answer:
    """The answer to GET /cgi-bin/request/asos.py: temperatures of a station as CSV, from one instant until before another.

    An unknown station has no rows. The ids of this archive have three characters: `MDW` for `KMDW`.
    """
    station = query.get("station", "")
    try:
        first, end = (_moment(query, number) for number in ("1", "2"))
    except (KeyError, ValueError):
        return Answer(422, TEXT, "[{'type': 'value_error'}]")
    if not re.fullmatch("[A-Z0-9]{3,4}", station) or query.get("data") != "tmpf" or query.get("tz") != "Etc/UTC":
        return Answer(422, TEXT, "[{'type': 'value_error'}]")
    table = archive.observations(f"K{station}" if len(station) == 3 else station)
    inside = (pc.field("valid_ts") >= first) & (pc.field("valid_ts") < end)
    lines = ["station,valid,tmpf"]
    for row in table.filter(inside).to_pylist():
        if archive.knows(row["valid_ts"] + schemas.READING_DELAY_SECONDS):
            lines.append(f"{station},{_stamp(row['valid_ts'])[:16]},{row['tmp_f']:.2f}")
    return Answer(200, TEXT, "\n".join(lines) + "\n")


def _moment(query: Query, number: str) -> int:
    """Begin (1) or end (2) of what is asked for in Unix seconds, from its parts."""
    hour, minute = (int(query.get(f"{name}{number}", "0")) for name in ("hour", "minute"))
    year, month, day = (int(query[f"{name}{number}"]) for name in ("year", "month", "day"))
    return int(dt.datetime(year, month, day, hour, minute, tzinfo=dt.UTC).timestamp())


def _public_ts(row: dict[str, Any]) -> int:
    """When a run was public, in Unix seconds; the archive does not say, so the longest usual lag after the run counts."""
    hours = LAGS.get(row["model"], max(LAGS.values()))
    return int(row["runtime_ts"]) + round(hours * 3600)


def _aware(text: str) -> int:
    """A time with a zone in Unix seconds; ValueError for another text."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("naive")
    return int(moment.timestamp())


def _number(value: float | None) -> str:
    """A cell of the table; empty for a missing value."""
    return "" if value is None or math.isnan(value) else f"{value}"


def _stamp(ts: int) -> str:
    """Unix seconds as the table's naive UTC time."""
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")
