"""Minute bars in an archive: how they are stored, and the chart API's answers from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tradewinds.archive.archive import Archive, ArchiveWriter
from tradewinds.archive.routes import Answer, Query, Route, json_answer
from tradewinds.sources.client import utc_now

SERVICE, PREFIX = "yahoo", "/v8/finance/chart/"
ONE_MINUTE = "?interval=1m"  # of a route: the requests that it answers
FOLDER = "yahoo_1m"  # of an archive
REACH_SECONDS, MOST_SECONDS = 30 * 86_400, 7 * 86_400
ARCHIVED_MINUTES = pa.schema(
    [
        ("ts", pa.int64()),
        *((name, pa.float64()) for name in ("open", "high", "low", "close")),
        ("volume", pa.int64()),
    ]
)


def add_minutes(writer: ArchiveWriter, symbol: str, table: pa.Table, about: Mapping[str, Any]) -> None:
    """Write a symbol's minute bars into an archive.

    Args:
        writer: of the archive.
        symbol: its name at the chart API.
        table: rows of schema ARCHIVED_MINUTES, as the chart API has them: `ts` in Unix seconds, nulls where nothing was traded.
        about: timezone and currency.
    """
    writer.write(f"{FOLDER}/{symbol}.parquet", table.cast(ARCHIVED_MINUTES), about)


def routes_of(archive: Archive) -> dict[str, Route]:
    """The chart API's route over an archive, for minute bars."""
    return {PREFIX + ONE_MINUTE: Route(SERVICE, lambda path, query: minutes(archive, path.removeprefix(PREFIX), query))}


def minutes(archive: Archive, symbol: str, query: Query) -> Answer:
    """The answer to GET /v8/finance/chart/{symbol}?interval=1m: the bars that begin from `period1` to before `period2`.

    As the service it refuses spans of more than seven days and times before the last thirty.
    """
    if symbol not in archive.names(FOLDER):
        return json_answer(404, _error("Not Found", "No data found, symbol may be delisted"))
    first, last, now = int(query["period1"]), int(query["period2"]), int(utc_now().timestamp())
    said = f"1m data not available for startTime={first} and endTime={last}."
    if last - first > MOST_SECONDS:
        limit = "Only 7 days worth of 1m granularity data are allowed to be fetched per request."
        return json_answer(422, _error("Unprocessable Entity", f"{said} {limit}"))
    if first < now - REACH_SECONDS:
        limit = "The requested range must be within the last 30 days."
        return json_answer(422, _error("Unprocessable Entity", f"{said} {limit}"))
    name = f"{FOLDER}/{symbol}.parquet"
    table, about = archive.table(name, ARCHIVED_MINUTES), archive.about(name)
    rows = [row for row in table.to_pylist() if first <= row["ts"] < min(last, now)]
    if rows and rows[-1]["ts"] + 60 > now:  # the running minute comes again, stamped with its last trade
        rows.append({**rows[-1], "ts": now})
    return json_answer(200, {"chart": {"result": [_result(symbol, about, rows, now)], "error": None}})


def _error(code: str, description: str) -> dict[str, Any]:
    """The body of an answer other than 200."""
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _result(symbol: str, about: Mapping[str, Any], rows: list[dict[str, Any]], now: int) -> dict[str, Any]:
    """A symbol's result in the body of an answer.

    Args:
        symbol: its name at the chart API.
        about: what the archive's file says of itself.
        rows: the bars, in order.
        now: Unix s.
    """
    meta = {"currency": about["currency"], "symbol": symbol, "exchangeTimezoneName": about["timezone"]}
    meta |= {"dataGranularity": "1m", "range": "", "regularMarketTime": now}
    result: dict[str, Any] = {"meta": meta}
    quote: dict[str, list[Any]] = {}
    if rows:
        result["timestamp"] = [row["ts"] for row in rows]
        quote = {name: [row[name] for row in rows] for name in ("open", "high", "low", "close", "volume")}
    result["indicators"] = {"quote": [quote]}
    return result
