"""Daily bars from Yahoo's chart API: one request per symbol and year.

What is known of the service (no official documentation; docs/equities_daily.md names where the facts are from): the answer has
`chart.result[0]` with `meta`, `timestamp` (Unix s of each session's open), `indicators.quote[0]` and
`indicators.adjclose[0].adjclose`, values null where nothing was traded; or `chart.error` with a code and a description. Open,
high, low and close are adjusted for all splits up to the day of the answer, `adjclose` for dividends too.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tradewinds.families.equities_daily.fetch import bar_checks
from tradewinds.sources.endpoint import ServiceTexts
from tradewinds.sources.http import HttpClient, NotFound

PATH = "/v8/finance/chart"
TEXTS = ServiceTexts(nothing_there=b"Data doesn't exist for startDate")  # status 400: all before the symbol's listing
_UNIT = Decimal("0.000001")


def fetch_year(client: HttpClient, name: str, year: int, today: dt.date) -> tuple[pa.Table, dict[str, Any]]:
    """The bars of one year, judged, and what the service says of them; `name` is the symbol as the service has it (BHP.AX).

    Only sessions before `today` count: the running one's bar still changes. A symbol or a time that the service does not know
    gives no rows and the reason.

    Raises:
        FetchError: refused, still failing after all retries, or an answer that cannot be believed.
    """
    path = f"{PATH}/{name}"
    last = min(bar_checks.year_end(year), today - dt.timedelta(days=1))
    about: dict[str, Any] = {"source": "yahoo", "symbol": name, "year": year, "covers_through": last.isoformat()}
    # sessions begin at other hours of UTC than 0: a day more on both sides, and what is not of the year is left out
    window = {"period1": _ts(dt.date(year, 1, 1)) - 86_400, "period2": _ts(last) + 2 * 86_400}
    try:
        payload = client.get_json(
            path, {**window, "interval": "1d", "events": "div,splits", "includeAdjustedClose": "true"}
        )
    except NotFound:
        return bar_checks.empty(), about | {"reason": "SYMBOL_NOT_FOUND"} | _cost(client)
    try:
        result = payload["chart"]["result"][0]
        meta, rows = result["meta"], _rows(result, name)
        if (meta["symbol"], meta["dataGranularity"]) != (name, "1d"):
            client.refuse(f"it is of {meta['symbol']} at {meta['dataGranularity']}, not {name} at 1d", path, payload)
        splits = _splits(result)
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError) as error:
        client.refuse(f"{type(error).__name__} {error}", path, payload)
    kept = [row for row in rows if row["date"].year == year and row["date"] <= last]
    table = bar_checks.judged(pa.Table.from_pylist(kept, _SCHEMA))
    told = {"currency": meta.get("currency"), "timezone": meta["exchangeTimezoneName"], "splits": splits}
    return table, about | told | _cost(client)


_SCHEMA = pa.schema(
    [("symbol", pa.string()), ("date", pa.date32())]
    + [(name, pa.decimal128(18, 6)) for name in (*bar_checks.PRICES, "adj_close")]
    + [("volume", pa.int64())]
)


def _ts(date: dt.date) -> int:
    return int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())


def _cost(client: HttpClient) -> dict[str, int]:
    return {"requests": client.requests, "retries": client.retries}


def _rows(result: dict[str, Any], symbol: str) -> list[dict[str, Any]]:
    """The rows of an answer; columns that differ in length are a ValueError (strict zip)."""
    zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    if "timestamp" not in result:  # a listed symbol without a bar in the window
        return []
    quote, adjusted = result["indicators"]["quote"][0], result["indicators"]["adjclose"][0]["adjclose"]
    columns = [quote[name] for name in bar_checks.PRICES]
    rows = []
    for ts, *prices, adj, volume in zip(result["timestamp"], *columns, adjusted, quote["volume"], strict=True):
        day = dt.datetime.fromtimestamp(ts, zone).date()
        exact = dict(zip((*bar_checks.PRICES, "adj_close"), map(_price, (*prices, adj)), strict=True))
        rows.append({"symbol": symbol, "date": day, **exact, "volume": None if volume is None else int(volume)})
    return rows


def _price(value: Decimal | int | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(_UNIT, ROUND_HALF_EVEN)


def _splits(result: dict[str, Any]) -> list[str]:
    """Dates of the splits in the window."""
    zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    found = result.get("events", {}).get("splits", {}).values()
    return sorted(dt.datetime.fromtimestamp(split["date"], zone).date().isoformat() for split in found)
