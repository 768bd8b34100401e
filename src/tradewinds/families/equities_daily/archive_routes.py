"""Daily bars in an archive: how they are stored, and the chart API's answers from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tradewinds.archive.archive import Archive, ArchiveWriter
from tradewinds.archive.routes import Answer, Query, Route, json_answer
from tradewinds.families.equities_daily.fetch.yahoo import PATH

SERVICE, PREFIX = "yahoo", f"{PATH}/"
FOLDER = "yahoo"  # of an archive
ARCHIVED_BARS = pa.schema(
    [
        ("date", pa.date32()),
        *((name, pa.float64()) for name in ("open", "high", "low", "close", "adj_close")),
        ("volume", pa.int64()),
    ]
)
_OPENS = dt.time(10)  # of a session, on the exchange's clock


def bars_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of date, open, high, low, close, adj_close and volume as an archive keeps them."""
    return pa.Table.from_pylist(rows, ARCHIVED_BARS)


def add_bars(writer: ArchiveWriter, symbol: str, table: pa.Table, about: Mapping[str, Any]) -> None:
    """Write a symbol's daily bars into an archive.

    Args:
        writer: of the archive.
        symbol: its name at the chart API.
        table: rows of schema ARCHIVED_BARS, as the chart API has them.
        about: timezone, currency and splits ({date: "new:old"}).
    """
    writer.write(f"{FOLDER}/{symbol}.parquet", table.cast(ARCHIVED_BARS).sort_by("date"), about)


def routes_of(archive: Archive) -> dict[str, Route]:
    """The chart API's route over an archive."""
    return {PREFIX: Route(SERVICE, lambda path, query: chart(archive, path.removeprefix(PREFIX), query))}


def chart(archive: Archive, symbol: str, query: Query) -> Answer:
    """The answer to GET /v8/finance/chart/{symbol}: the bars of sessions that open from `period1` to before `period2`."""
    if symbol not in archive.names(FOLDER):
        return json_answer(404, _error("Not Found", "No data found, symbol may be delisted"))
    name = f"{FOLDER}/{symbol}.parquet"
    table, about = archive.table(name, ARCHIVED_BARS), archive.about(name)
    first, last = int(query["period1"]), int(query["period2"])
    zone = ZoneInfo(about["timezone"])
    rows = [(_opens(row["date"], zone), row) for row in table.to_pylist()]
    if rows and last <= rows[0][0]:
        return json_answer(400, _error("Bad Request", f"Data doesn't exist for startDate = {first}, endDate = {last}"))
    inside = [(ts, row) for ts, row in rows if first <= ts < last]
    return json_answer(200, {"chart": {"result": [_result(symbol, about, inside)], "error": None}})


def _opens(date: dt.date, zone: ZoneInfo) -> int:
    """The open of a session, in Unix seconds."""
    return int(dt.datetime.combine(date, _OPENS, zone).timestamp())


def _error(code: str, description: str) -> dict[str, Any]:
    """The body of an answer other than 200."""
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _result(symbol: str, about: dict[str, Any], rows: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """A symbol's result in the body of an answer.

    Args:
        symbol: its name at the chart API.
        about: what the archive's file says of itself.
        rows: (open in Unix seconds, bar) of each session, in order.
    """
    # what the service says of the symbol
    zone = ZoneInfo(about["timezone"])
    meta = {"currency": about["currency"], "symbol": symbol, "exchangeTimezoneName": about["timezone"]}
    result: dict[str, Any] = {"meta": {**meta, "dataGranularity": "1d"}}
    # columns of bars; a symbol without a session in the window has neither times nor quotes
    quote: dict[str, list[Any]] = {}
    if rows:
        result["timestamp"] = [ts for ts, _ in rows]
        for name in ("open", "high", "low", "close", "volume"):
            quote[name] = [None if row[name] is None else float(row[name]) for _, row in rows]
        quote["volume"] = [None if value is None else int(value) for value in quote["volume"]]
    adjusted = [None if row["adj_close"] is None else float(row["adj_close"]) for _, row in rows]
    result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": adjusted} if rows else {}]}
    # splits inside the window
    splits = {}
    for date, ratio in about.get("splits", {}).items():
        ts = _opens(dt.date.fromisoformat(date), zone)
        if rows and rows[0][0] <= ts <= rows[-1][0]:
            new, _, old = ratio.partition(":")
            splits[str(ts)] = {"date": ts, "numerator": float(new), "denominator": float(old), "splitRatio": ratio}
    if splits:
        result["events"] = {"splits": splits}
    return result
