"""OKX's API: newest first, paged backwards by `after`, errors as a code in the answer.

- An answer is `{"code": "0", "msg": "", "data": [...]}`; another code than "0" is an error, whatever the status.
- Funding rates: records before `after`, of the last three months only. `realizedRate` is what was paid.
- Candles: records before `after`. The last column is "0" for the candle that is still running.
- How many rows a page has is not sure: 100 by one documentation, 400 by another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.core.errors import FetchError
from tradewinds.families.funding_carry.fetch.binance_rest import SYMBOL_NOT_FOUND
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

SECTION = "okx"
FUNDING_PATH = "/api/v5/public/funding-rate-history"
CANDLE_PATHS = {
    "perp": "/api/v5/market/history-candles",
    "mark": "/api/v5/market/history-mark-price-candles",
    "spot": "/api/v5/market/history-candles",
}
LIMIT = 100
OKX_LIST = "/api/v5/public/instruments"
UNKNOWN_INSTRUMENT, RUNNING = "51001", "0"
COLUMNS = {"perp": 9, "spot": 9, "mark": 6}  # of a row of candles
VOLUME_COLUMN = {"perp": 6, "spot": 5}  # in base coins: a perpetual's first volume counts contracts
TEXTS = ServiceTexts(
    # too frequent, busy, and three that pass: not available, timeouts, errors of the system
    throttled=re.compile(rb'"code"\s*:\s*"(50011|50013|50001|50004|50026)"'),
    nothing_there=b'"51001"',
    busy_seconds=2.0,
    stops={403: 600.0},  # ASSUME: a refusal of the address passes as slowly as with its neighbours
    remedies={451: "The exchange does not serve this country: take another source, or files of your own."},
)


def fetch_okx(client: HttpClient, asked: MonthRequest) -> FetchedMonth:
    """Fetch records of a month.

    Args:
        client: of the exchange.
        asked: the records.

    Raises:
        FetchError: refused, still failing after all retries, or an answer that cannot be right.
    """
    path = FUNDING_PATH if asked.kind == "funding" else CANDLE_PATHS[asked.kind]
    query = {"instId": okx_name(asked)}
    if asked.kind != "funding":
        query["bar"] = f"{asked.minutes // 60}H" if asked.minutes % 60 == 0 else f"{asked.minutes}m"
    try:
        found = _rows(client, path, query, asked)
    except NotFound:
        return FetchedMonth(about={"via": "rest", "reason": SYMBOL_NOT_FOUND})
    except WrongPage as error:
        client.refuse(f"a page of {query['instId']}: {error}", path, f"{error}")
    if asked.kind == "funding":
        return FetchedMonth(rates=found, about={"via": "rest"})
    return FetchedMonth(candles=found, about={"via": "rest", "missing": missing_candles(found, asked.minutes)})


def okx_name(asked: MonthRequest) -> str:
    """Return the exchange's name of the market that is asked for: BTC-USDT-SWAP, or BTC-USDT for its spot pair."""
    if asked.kind == "spot":
        return asked.spot.replace("/", "-")
    name = name_of(asked.symbol)
    return f"{name.base}-{name.quote}-SWAP"


def data_of(client: HttpClient, path: str, query: Mapping[str, Any]) -> Sequence[Any]:
    """Return the rows of an answer.

    Args:
        client: of the exchange.
        path: of the request.
        query: its query.

    Raises:
        NotFound: the exchange has no such instrument.
        FetchError: another error of the exchange, which is not asked again, or an answer that cannot be right.
    """
    payload = client.get_json(path, query)
    try:
        code, said, data = str(payload["code"]), str(payload.get("msg", "")), payload.get("data")
    except (KeyError, TypeError, AttributeError) as error:
        client.refuse(f"{type(error).__name__} {error}", path, payload)
    if code == UNKNOWN_INSTRUMENT:
        raise NotFound(f"{path} {query.get('instId')}")
    if code != "0":
        where, remedy = f"GET {path} {dict(query)}", "The request is wrong or not allowed: it is not asked again."
        raise FetchError(f"the exchange answers with the error {code} ({said[:200]}).", where=where, remedy=remedy)
    if not isinstance(data, list):
        client.refuse("its data is no list", path, payload)
    return data


def _rows(client: HttpClient, path: str, query: Mapping[str, str], asked: MonthRequest) -> list[Any]:
    """Return the records of a month.

    Args:
        client: of the exchange.
        path: of the requests.
        query: what all of them have.
        asked: the month.

    Raises:
        NotFound: the exchange has no such instrument.
        WrongPage: a page is not what was asked for.
        FetchError: as fetch_okx.
    """

    def ask(first: int, last: int) -> list[Row]:
        data = data_of(client, path, {**query, "after": str(last + 1), "limit": str(LIMIT)})
        try:
            if asked.kind == "funding":
                return [_rate(row, query["instId"]) for row in data]
            return [found for row in data if (found := _candle(row, asked)) is not None]
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            client.refuse(f"{type(error).__name__} {error}", path, data)

    step = 1 if asked.kind == "funding" else asked.interval_ms
    rules = PageRules(0, newest_first=True, reaches_beyond=True, step=step)
    return [record for _, record in read_backward(ask, asked.first_ms, asked.end_ms, rules)]


def _rate(row: Mapping[str, Any], name: str) -> Row:
    """Return a settlement of a row; raise ValueError if it is none or of another instrument."""
    if row["instId"] != name:
        raise ValueError(f"a row of {row['instId']!a}, not of {name}")
    stamp = stamp_ms(row["fundingTime"])
    # `fundingRate` is the rate that was predicted, so a row without the one that was paid is refused and not filled
    return stamp, RawRate(raw_us=stamp * MILLI, rate=number(row["realizedRate"]), mark=None, interval_hours=None)


def _candle(row: Sequence[Any], asked: MonthRequest) -> Row | None:
    """Return a candle of a row, None for one that is still running; raise ValueError if it is none."""
    if len(row) != COLUMNS[asked.kind]:
        raise ValueError(f"a row of {len(row)} columns and not {COLUMNS[asked.kind]}")
    if row[-1] == RUNNING:
        return None
    stamp = stamp_ms(row[0])
    return stamp, candle_of(stamp, row[1:5], "0" if asked.kind == "mark" else row[VOLUME_COLUMN[asked.kind]])
