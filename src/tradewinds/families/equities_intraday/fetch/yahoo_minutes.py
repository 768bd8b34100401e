"""Minute bars from Yahoo's chart API: requests of at most seven days, of sessions that are over.

The service has no official documentation; docs/equities_intraday.md names the sources of these facts. An answer has
`chart.result[0]` with `meta`, `timestamp` (Unix seconds of the start of each minute) and `indicators.quote[0]`; or it has
`chart.error` with a code and a description. A minute without trades is absent, or has nulls. Rows outside of the session come
on half days, although they are not asked for; the last row of a running session is stamped with the second of its last trade.
Prices are 32-bit floats, adjusted for splits up to the day of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.units import DAY_SECONDS, MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import MISSING, MinuteRows
from tradewinds.families.equities_intraday.schemas import MOST_PRICE, MOST_VOLUME, PRICE_COLUMNS
from tradewinds.sources.endpoint import ServiceTexts
from tradewinds.sources.http import HttpClient, NotFound

PATH = "/v8/finance/chart"
MOST_SECONDS = 7 * DAY_SECONDS  # of minutes, the most that the service gives at once
TEXTS = ServiceTexts(nothing_there=b"Data doesn't exist for startDate")  # status 400: all before the symbol's listing
_CURRENCY = re.compile("[A-Za-z]{3}")
_FOUR_DECIMALS, _THREE_DECIMALS = Decimal("0.0001"), Decimal("0.001")
_THREE_FROM = 1024  # a 32-bit float has three decimals from here on


class FetchedMinutes(NamedTuple):
    """The bars of one symbol and some sessions.

    Attributes:
        rows: the bars, in order of time as the service gave them.
        about: what the service said: currency, timezone; reason where it has none.
    """

    rows: MinuteRows
    about: dict[str, Any]


def fetch_spans(client: HttpClient, symbol: str, spans: Sequence[tuple[int, int]]) -> FetchedMinutes:
    """Fetch the minute bars of a symbol, one request for each span of time.

    Args:
        client: client of the service.
        symbol: the symbol as the service has it.
        spans: (first instant, first instant after it) in Unix seconds; none is longer than MOST_SECONDS.

    Raises:
        FetchError: refused, still failing after all retries, or an answer whose content is not as documented above.
    """
    found: list[tuple[int, list[int], int]] = []
    about: dict[str, Any] = {}
    for period1, period2 in spans:
        part, said = _answer(client, symbol, period1, period2)
        found += part
        about = said if not about or "reason" in about else about
    return FetchedMinutes(_rows(symbol, found), about)


def spans_of(opens: Sequence[int], closes: Sequence[int]) -> list[tuple[int, int]]:
    """Return spans of time that hold sessions, each as long as one request may be.

    Args:
        opens: by session, in order: Unix s.
        closes: by session: Unix s.
    """
    found: list[tuple[int, int]] = []
    for first, end in zip(opens, closes, strict=True):
        if found and end - found[-1][0] <= MOST_SECONDS:
            found[-1] = (found[-1][0], end)
        else:
            found.append((first, end))
    return found


def _answer(
    client: HttpClient, symbol: str, period1: int, period2: int
) -> tuple[list[tuple[int, list[int], int]], dict[str, Any]]:
    """Send one request; return its rows (Unix s, micro-units, volume) and what the service said; raises FetchError."""
    path = f"{PATH}/{symbol}"
    query = {
        "period1": period1,
        "period2": period2,
        "interval": "1m",
        "includePrePost": "false",
        "events": "div,splits",
    }
    try:
        payload = client.get_json(path, query)
    except NotFound:
        return [], {"reason": "SYMBOL_NOT_FOUND"}
    try:
        result = payload["chart"]["result"][0]
        meta = result["meta"]
        if (meta["symbol"], meta["dataGranularity"]) != (symbol, "1m"):
            client.refuse(f"it is of {meta['symbol']} at {meta['dataGranularity']}, not {symbol} at 1m", path, payload)
        currency = meta.get("currency")
        if currency is not None and not _CURRENCY.fullmatch(currency):
            raise ValueError(f"currency {currency!a}")
        rows = [row for row in _decoded(result) if period1 <= row[0] < period2]
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        client.refuse(f"{type(error).__name__} {error}", path, payload)
    return rows, {"currency": currency, "timezone": meta.get("exchangeTimezoneName")}


def _decoded(result: Mapping[str, Any]) -> list[tuple[int, list[int], int]]:
    """Return the rows of an answer's result without those that hold nothing.

    Raises:
        ValueError: its columns differ in length, or a number is none.
    """
    if "timestamp" not in result:
        return []
    quote = result["indicators"]["quote"][0]
    columns = [quote[name] for name in PRICE_COLUMNS]
    rows = []
    for ts, *prices, volume in zip(result["timestamp"], *columns, quote["volume"], strict=True):
        if type(ts) is not int:
            raise TypeError(f"time stamp {ts!a}")
        if all(value is None for value in (*prices, volume)):
            continue  # a minute without trades
        rows.append((ts, [_price(value) for value in prices], _volume(volume)))
    return rows


def _price(value: Any) -> int:
    """Return a price in micro-units without the noise of 32-bit floats; MISSING for null; raises ValueError."""
    if value is None:
        return int(MISSING)
    exact = Decimal(_believed(value, MOST_PRICE))
    unit = _THREE_DECIMALS if abs(exact) >= _THREE_FROM else _FOUR_DECIMALS
    return int(exact.quantize(unit, ROUND_HALF_EVEN) * MICRO)


def _volume(value: Any) -> int:
    """Return a volume; MISSING for null; raises ValueError."""
    return int(MISSING) if value is None else int(_believed(value, MOST_VOLUME))


def _believed(value: Any, most: int) -> Decimal | int:
    """Return a number of JSON between -most and most; raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not -most <= value <= most:
        raise ValueError(f"number {value!a}")
    return value


def _rows(symbol: str, found: Sequence[tuple[int, list[int], int]]) -> MinuteRows:
    """Return decoded rows as columns."""
    prices = np.array([row[1] for row in found], np.int64).reshape(len(found), len(PRICE_COLUMNS))
    return MinuteRows(
        symbols=(symbol,),
        symbol=np.zeros(len(found), np.int32),
        ts=np.array([row[0] for row in found], np.int64) * MICRO,
        prices={name: np.ascontiguousarray(prices[:, index]) for index, name in enumerate(PRICE_COLUMNS)},
        volume=np.array([row[2] for row in found], np.int64),
    )
