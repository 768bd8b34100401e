"""Daily bars from Yahoo's chart API: one request per symbol and year.

The service has no official documentation; docs/equities_daily.md names the sources of these facts. An answer has either
`chart.result[0]` with `meta`, `timestamp` (Unix seconds of each session's open), `indicators.quote[0]` and
`indicators.adjclose[0].adjclose`, or `chart.error` with a code and a description. Values are null where nothing was traded.
Open, high, low and close are adjusted for all splits up to the day of the answer, `adjclose` for dividends as well.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tradewinds.families.equities_daily.fetch import bar_checks
from tradewinds.families.equities_daily.schemas import MOST_PRICE, MOST_VOLUME, PRICE_COLUMNS
from tradewinds.sources.endpoint import ServiceTexts
from tradewinds.sources.http import HttpClient, NotFound

PATH = "/v8/finance/chart"
TEXTS = ServiceTexts(nothing_there=b"Data doesn't exist for startDate")  # status 400: all before the symbol's listing
_CURRENCY = re.compile("[A-Za-z]{3}")
_UNIT = Decimal("0.000001")


def fetch_year(client: HttpClient, name: str, year: int, today: dt.date) -> tuple[pa.Table, dict[str, Any]]:
    """Fetch one symbol's bars of one year and check them.

    Only sessions before `today` are returned, because the bar of a running session still changes. For a symbol or a time
    that the service does not know the table is empty, and the metadata has the reason.

    Args:
        client: client of the service.
        name: the symbol as the service has it, such as BHP.AX.
        year: the calendar year.
        today: today's date in UTC.

    Returns:
        The bars in schema BARS, and the metadata of their file.

    Raises:
        FetchError: refused, still failing after all retries, or an answer whose content is not as documented above.
    """
    path = f"{PATH}/{name}"
    last = min(bar_checks.year_end(year), today - dt.timedelta(days=1))
    about: dict[str, Any] = {"source": "yahoo", "symbol": name, "year": year, "covers_through": last.isoformat()}
    # a session's open is at any hour of UTC: ask for a day more on both sides, and drop what is outside the year below
    window = {"period1": _ts(dt.date(year, 1, 1)) - 86_400, "period2": _ts(last) + 2 * 86_400}
    try:
        payload = client.get_json(
            path, {**window, "interval": "1d", "events": "div,splits", "includeAdjustedClose": "true"}
        )
    except NotFound:
        return bar_checks.empty(), about | {"reason": "SYMBOL_NOT_FOUND"} | _cost(client)
    # refuse an answer of another shape, symbol or interval
    try:
        result = payload["chart"]["result"][0]
        meta, rows = result["meta"], _rows(result, name)
        if (meta["symbol"], meta["dataGranularity"]) != (name, "1d"):
            client.refuse(f"it is of {meta['symbol']} at {meta['dataGranularity']}, not {name} at 1d", path, payload)
        splits, currency = _splits(result), meta.get("currency")
        if currency is not None and not _CURRENCY.fullmatch(currency):
            raise ValueError(f"currency {currency!a}")
    # OSError: a time zone that is a folder of the time-zone database, or a time stamp that the system cannot convert
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError, OSError) as error:
        client.refuse(f"{type(error).__name__} {error}", path, payload)
    kept = [row for row in rows if row["date"].year == year and row["date"] <= last]
    table = bar_checks.judged(pa.Table.from_pylist(kept, _SCHEMA))
    facts = {"currency": currency, "timezone": meta["exchangeTimezoneName"], "splits": splits}
    return table, about | facts | _cost(client)


_SCHEMA = pa.schema(
    [("symbol", pa.string()), ("date", pa.date32())]
    + [(name, pa.decimal128(18, 6)) for name in (*PRICE_COLUMNS, "adj_close")]
    + [("volume", pa.int64())]
)


def _ts(date: dt.date) -> int:
    """Return 00:00 UTC of a date in Unix seconds."""
    return int(dt.datetime.combine(date, dt.time(), dt.UTC).timestamp())


def _cost(client: HttpClient) -> dict[str, int]:
    """Return how many requests and retries a client has made."""
    return {"requests": client.requests, "retries": client.retries}


def _rows(result: dict[str, Any], symbol: str) -> list[dict[str, Any]]:
    """Return the rows of an answer's result.

    Raises:
        ValueError: its columns differ in length.
    """
    zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    if "timestamp" not in result:  # a listed symbol without a bar in the window
        return []
    quote, adjusted = result["indicators"]["quote"][0], result["indicators"]["adjclose"][0]["adjclose"]
    columns = [quote[name] for name in PRICE_COLUMNS]
    rows = []
    for ts, *prices, adj, volume in zip(result["timestamp"], *columns, adjusted, quote["volume"], strict=True):
        if type(ts) is not int:
            raise TypeError(f"time stamp {ts!a}")
        day = dt.datetime.fromtimestamp(ts, zone).date()
        exact = dict(zip((*PRICE_COLUMNS, "adj_close"), map(_price, (*prices, adj)), strict=True))
        rows.append({"symbol": symbol, "date": day, **exact, "volume": _volume(volume)})
    return rows


def _price(value: Decimal | int | None) -> Decimal | None:
    """Round a price half to even to six decimals; null stays null.

    Raises:
        ValueError: it is no number of JSON, or larger than any price.
    """
    if value is None:
        return None
    return Decimal(_believed(value, MOST_PRICE)).quantize(_UNIT, ROUND_HALF_EVEN)


def _volume(value: Decimal | int | None) -> int | None:
    """Return a volume; null stays null; raises as `_price`."""
    return None if value is None else int(_believed(value, MOST_VOLUME))


def _believed(value: Any, most: int) -> Decimal | int:
    """Return a number of JSON between -most and most; raises as `_price`."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -most <= value <= most:
        raise ValueError(f"number {value!a}")
    return value


def _splits(result: dict[str, Any]) -> list[str]:
    """Return the dates of an answer's splits, in order."""
    zone = ZoneInfo(result["meta"]["exchangeTimezoneName"])
    found = result.get("events", {}).get("splits", {}).values()
    return sorted(dt.datetime.fromtimestamp(split["date"], zone).date().isoformat() for split in found)
