"""The chart API's routes of the replay server: the bars of an archive, as the service would answer."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tradewinds.archive.archive import Archive
from tradewinds.families.equities_daily.fetch.yahoo import PATH

PREFIX = PATH + "/"
_OPENS = dt.time(10)


def answer(archive: Archive, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """Status and body of GET /v8/finance/chart/{symbol}."""
    symbol = path.removeprefix(PREFIX)
    found = archive.bars(symbol)
    if found is None:
        return 404, _error("Not Found", "No data found, symbol may be delisted")
    table, about = found
    first, last = int(query["period1"]), int(query["period2"])
    zone = ZoneInfo(about["timezone"])
    rows = [(_opens(row["date"], zone), row) for row in table.to_pylist()]
    inside = [(ts, row) for ts, row in rows if first <= ts < last]
    if rows and last <= rows[0][0]:
        return 400, _error("Bad Request", f"Data doesn't exist for startDate = {first}, endDate = {last}")
    return 200, {"chart": {"result": [_result(symbol, about, inside)], "error": None}}


def _opens(date: dt.date, zone: ZoneInfo) -> int:
    return int(dt.datetime.combine(date, _OPENS, zone).timestamp())


def _error(code: str, description: str) -> dict[str, Any]:
    return {"chart": {"result": None, "error": {"code": code, "description": description}}}


def _result(symbol: str, about: dict[str, Any], rows: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    zone = ZoneInfo(about["timezone"])
    meta = {"currency": about["currency"], "symbol": symbol, "exchangeTimezoneName": about["timezone"]}
    result: dict[str, Any] = {"meta": {**meta, "dataGranularity": "1d"}}
    quote: dict[str, list[Any]] = {}
    if rows:
        result["timestamp"] = [ts for ts, _ in rows]
        for name in ("open", "high", "low", "close", "volume"):
            quote[name] = [None if row[name] is None else float(row[name]) for _, row in rows]
        quote["volume"] = [None if value is None else int(value) for value in quote["volume"]]
    adjusted = [None if row["adj_close"] is None else float(row["adj_close"]) for _, row in rows]
    result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": adjusted} if rows else {}]}
    splits = {}
    for date, ratio in about.get("splits", {}).items():
        ts = _opens(dt.date.fromisoformat(date), zone)
        if rows and rows[0][0] <= ts <= rows[-1][0]:
            new, _, old = ratio.partition(":")
            splits[str(ts)] = {"date": ts, "numerator": float(new), "denominator": float(old), "splitRatio": ratio}
    if splits:
        result["events"] = {"splits": splits}
    return result


def bars_table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of date, open, high, low, close, adj_close, volume as an archive keeps them."""
    prices = [(name, pa.float64()) for name in ("open", "high", "low", "close", "adj_close")]
    schema = pa.schema([("date", pa.date32()), *prices, ("volume", pa.int64())])
    return pa.Table.from_pylist(rows, schema)
