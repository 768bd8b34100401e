"""Bybit's API: newest first, paged backwards, errors in answers of status 200.

- An answer is `{"retCode": 0, "retMsg": "OK", "result": {...}}`; another code than 0 is an error.
- Funding rates: the newest 200 rows up to `endTime`. `startTime` alone is an error; with both and more rows than fit the
  newest come. No mark price, and no interval.
- Candles: the newest 1000 from `start` to `end`. A row of mark prices has no volume.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.core.errors import FetchError
from tradewinds.families.funding_carry.fetch.binance_rest import SYMBOL_NOT_FOUND
from tradewinds.families.funding_carry.fetch.candle_checks import RawCandle
from tradewinds.families.funding_carry.fetch.history_pages import PageRules, Row, WrongPage, read_backward
from tradewinds.families.funding_carry.fetch.month_request import (
    MILLI,
    FetchedMonth,
    MonthRequest,
    candle_of,
    missing_candles,
    number,
    stamp_ms,
)
from tradewinds.families.funding_carry.fetch.rate_checks import RawRate
from tradewinds.families.funding_carry.symbols import name_of
from tradewinds.sources.endpoint import ServiceTexts
from tradewinds.sources.http import HttpClient, NotFound

SECTION = "bybit"
FUNDING_PATH, FUNDING_LIMIT = "/v5/market/funding/history", 200
CANDLE_PATHS = {"perp": "/v5/market/kline", "mark": "/v5/market/mark-price-kline", "spot": "/v5/market/kline"}
CANDLE_LIMIT = 1000
BYBIT_LIST = "/v5/market/instruments-info"
BAD_PARAMETER = 10001
_UNKNOWN = re.compile(r"symbol", re.IGNORECASE)
TEXTS = ServiceTexts(
    # too many visits, limit of the address, and two that pass: a timeout and an error of the server
    throttled=re.compile(rb'"retCode"\s*:\s*(10006|10018|10000|10016)\b'),
    busy_seconds=5.0,
    stops={403: 600.0},  # access too frequent: ten minutes; also said to a country that is not served
    remedies={451: "The exchange does not serve this country: take another source, or files of your own."},
)


def fetch_bybit(client: HttpClient, asked: MonthRequest) -> FetchedMonth:
    """Fetch records of a month.

    Args:
        client: of the exchange.
        asked: the records.

    Raises:
        FetchError: refused, still failing after all retries, or an answer that cannot be right.
    """
    path = FUNDING_PATH if asked.kind == "funding" else CANDLE_PATHS[asked.kind]
    try:
        if asked.kind == "funding":
            return FetchedMonth(rates=_rates(client, path, asked), about={"via": "rest"})
        candles = _candles(client, path, asked)
    except NotFound:
        return FetchedMonth(about={"via": "rest", "reason": SYMBOL_NOT_FOUND})
    except WrongPage as error:
        client.refuse(f"a page of {bybit_name(asked)}: {error}", path, f"{error}")
    return FetchedMonth(candles=candles, about={"via": "rest", "missing": missing_candles(candles, asked.minutes)})


def bybit_name(asked: MonthRequest) -> str:
    """Return the exchange's name of the market that is asked for.

    ASSUME: a perpetual that settles in USDC is called by its base and PERP, as BTCPERP; all others by base and quote.
    """
    if asked.kind == "spot":
        return asked.spot.replace("/", "")
    name = name_of(asked.symbol)
    return f"{name.base}PERP" if name.settle == "USDC" else f"{name.base}{name.quote}"


def result_of(client: HttpClient, path: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the result of an answer.

    Args:
        client: of the exchange.
        path: of the request.
        query: its query.

    Raises:
        NotFound: the exchange has no such symbol.
        FetchError: another error of the exchange, which is not asked again, or an answer that cannot be right.
    """
    payload = client.get_json(path, query)
    try:
        code, said, result = payload["retCode"], str(payload["retMsg"]), payload["result"]
    except (KeyError, TypeError) as error:
        client.refuse(f"{type(error).__name__} {error}", path, payload)
    # ASSUME: an error of a parameter whose text names the symbol means that there is no such symbol
    if code == BAD_PARAMETER and _UNKNOWN.search(said):
        raise NotFound(f"{path} {query.get('symbol')}")
    if code != 0:
        where, remedy = f"GET {path} {dict(query)}", "The request is wrong or not allowed: it is not asked again."
        raise FetchError(f"the exchange answers with the error {code} ({said[:200]}).", where=where, remedy=remedy)
    if not isinstance(result, dict):
        client.refuse("its result is no object", path, payload)
    return result


def _rates(client: HttpClient, path: str, asked: MonthRequest) -> list[RawRate]:
    """Return the settlements of a month; raises as fetch_bybit and result_of."""
    name = bybit_name(asked)

    def ask(first: int, last: int) -> list[Row]:
        query = {"category": "linear", "symbol": name, "startTime": first, "endTime": last, "limit": FUNDING_LIMIT}
        result = result_of(client, path, query)
        try:
            return [_rate(row, name) for row in _list_of(result)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            client.refuse(f"{type(error).__name__} {error}", path, result)

    rules = PageRules(FUNDING_LIMIT, newest_first=True)
    return [rate for _, rate in read_backward(ask, asked.first_ms, asked.end_ms, rules)]


def _candles(client: HttpClient, path: str, asked: MonthRequest) -> list[RawCandle]:
    """Return the candles of a month; raises as fetch_bybit and result_of."""
    name, category = bybit_name(asked), "spot" if asked.kind == "spot" else "linear"

    def ask(first: int, last: int) -> list[Row]:
        query = {"category": category, "symbol": name, "interval": str(asked.minutes), "start": first, "end": last}
        result = result_of(client, path, {**query, "limit": CANDLE_LIMIT})
        try:
            if result.get("symbol", name) != name:
                raise ValueError(f"rows of {result['symbol']!a}, not of {name}")
            return [_candle(row, asked.kind) for row in _list_of(result)]
        except (IndexError, TypeError, ValueError) as error:
            client.refuse(f"{type(error).__name__} {error}", path, result)

    # the candle that is running is not over before the end of the last day, so it is never asked for
    rules = PageRules(CANDLE_LIMIT, newest_first=True, step=asked.interval_ms)
    return [candle for _, candle in read_backward(ask, asked.first_ms, asked.end_ms, rules)]


def _list_of(result: Mapping[str, Any]) -> Sequence[Any]:
    """Return the rows of a result; raise ValueError if it has none."""
    found = result.get("list")
    if not isinstance(found, list):
        raise ValueError("its result has no list")
    return found


def _rate(row: Mapping[str, Any], name: str) -> Row:
    """Return a settlement of a row; raise ValueError if it is none or of another symbol."""
    if row["symbol"] != name:
        raise ValueError(f"a row of {row['symbol']!a}, not of {name}")
    stamp = stamp_ms(row["fundingRateTimestamp"])
    return stamp, RawRate(raw_us=stamp * MILLI, rate=number(row["fundingRate"]), mark=None, interval_hours=None)


def _candle(row: Sequence[Any], kind: str) -> Row:
    """Return a candle of a row; raise ValueError if it is none."""
    stamp = stamp_ms(row[0])
    return stamp, candle_of(stamp, row[1:5], "0" if kind == "mark" else row[5])
