"""Binance's APIs of perpetuals and of spot, for months that have no file yet.

- Funding rates: up to 1000 rows from `startTime` on, oldest first. A row may lack its mark price, or have an empty one or 0.
- Candles: arrays, oldest first; the last one may still be running. A perpetual's weigh 2 up to 499 rows, which is least for a
  row; spot's always weigh 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.families.funding_carry.fetch.binance_names import interval_name, market_name
from tradewinds.families.funding_carry.fetch.candle_checks import RawCandle
from tradewinds.families.funding_carry.fetch.history_pages import PageRules, Row, WrongPage, read_forward
from tradewinds.families.funding_carry.fetch.month_request import (
    MILLI,
    FetchedMonth,
    MonthRequest,
    candle_of,
    mark_or_none,
    missing_candles,
    number,
    stamp_ms,
)
from tradewinds.families.funding_carry.fetch.rate_checks import RawRate
from tradewinds.sources.allowances import Allowance
from tradewinds.sources.endpoint import ServiceTexts
from tradewinds.sources.http import HttpClient, NotFound

FUTURES, SPOT = "binance_futures", "binance_spot"
FUNDING_PATH, FUNDING_LIMIT = "/fapi/v1/fundingRate", 1000
CANDLE_PATHS = {"perp": "/fapi/v1/klines", "mark": "/fapi/v1/markPriceKlines", "spot": "/api/v3/klines"}
CANDLE_LIMITS, CANDLE_WEIGHT = {"perp": 499, "mark": 499, "spot": 1000}, 2
WEIGHT, SPOT_WEIGHT, FUNDING_REQUESTS = "futures weight", "spot weight", "funding requests"
FUNDING_WINDOW_SECONDS = 300.0
USED_WEIGHT = "X-MBX-USED-WEIGHT-1M"  # what this address has spent in the running minute of the clock
SYMBOL_NOT_FOUND = "SYMBOL_NOT_FOUND"
BLOCKED = (
    "The exchange does not serve its API to this country: take the monthly files of finished months (end before the running "
    "month), another source, or files of your own."
)
TEXTS = ServiceTexts(
    nothing_there=b'"code":-1121',  # Invalid symbol
    busy_seconds=60.0,  # its limits count by the minute
    # A ban lasts from 2 minutes to 3 days; Retry-After says how long. ASSUME: a firewall's 403 passes in five minutes.
    stops={418: 120.0, 403: 300.0},
    remedies={451: BLOCKED},
)


def futures_allowances(section: Mapping[str, Any]) -> list[Allowance]:
    """Return what the API of perpetuals counts, as the config says.

    Args:
        section: the settings of this API.
    """
    return [
        Allowance(WEIGHT, section["weight_per_minute"], 60.0, USED_WEIGHT),
        Allowance(FUNDING_REQUESTS, section["funding_requests_per_5_minutes"], FUNDING_WINDOW_SECONDS),
    ]


def spot_allowances(section: Mapping[str, Any]) -> list[Allowance]:
    """Return what the API of spot counts, as the config says."""
    return [Allowance(SPOT_WEIGHT, section["weight_per_minute"], 60.0, USED_WEIGHT)]


def fetch_rest(client: HttpClient, asked: MonthRequest) -> FetchedMonth:
    """Fetch records of a month from the API that has them.

    Args:
        client: of the API of spot for spot candles, else of the API of perpetuals.
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
        client.refuse(f"a page of {market_name(asked)}: {error}", path, f"{error}")
    return FetchedMonth(candles=candles, about={"via": "rest", "missing": missing_candles(candles, asked.minutes)})


def _rates(client: HttpClient, path: str, asked: MonthRequest) -> list[RawRate]:
    """Return the settlements of a month; raises as fetch_rest."""
    name = market_name(asked)

    def ask(first: int, last: int) -> list[Row]:
        query = {"symbol": name, "startTime": first, "endTime": last, "limit": FUNDING_LIMIT}
        # ASSUME: it weighs nothing beside its own limit of requests; the weight of 1 is taken off to be on the safe side.
        payload = client.get_json(path, query, {FUNDING_REQUESTS: 1, WEIGHT: 1})
        try:
            return [_rate(row, name) for row in _list_of(payload)]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            client.refuse(f"{type(error).__name__} {error}", path, payload)

    rows = read_forward(ask, asked.first_ms, asked.end_ms, PageRules(FUNDING_LIMIT))
    return [rate for _, rate in rows]


def _candles(client: HttpClient, path: str, asked: MonthRequest) -> list[RawCandle]:
    """Return the candles of a month; raises as fetch_rest."""
    name, limit = market_name(asked), CANDLE_LIMITS[asked.kind]
    weight = SPOT_WEIGHT if asked.kind == "spot" else WEIGHT

    def ask(first: int, last: int) -> list[Row]:
        query = {"symbol": name, "interval": interval_name(asked.minutes), "startTime": first, "endTime": last}
        payload = client.get_json(path, {**query, "limit": limit}, {weight: CANDLE_WEIGHT})
        try:
            return [_candle(row, asked) for row in _list_of(payload)]
        except (IndexError, TypeError, ValueError) as error:
            client.refuse(f"{type(error).__name__} {error}", path, payload)

    # the candle that is running is not over before the end of the last day, so it is never asked for
    rows = read_forward(ask, asked.first_ms, asked.end_ms, PageRules(limit, step=asked.interval_ms))
    return [candle for _, candle in rows]


def _list_of(payload: Any) -> Sequence[Any]:
    """Return the rows of an answer; raise ValueError if it is no list: an error in a shape of its own."""
    if not isinstance(payload, list):
        raise ValueError(f"no list of rows but {str(payload)[:200]}")
    return payload


def _rate(row: Mapping[str, Any], name: str) -> Row:
    """Return a settlement of a row; raise ValueError if it is none or of another symbol."""
    if row["symbol"] != name:
        raise ValueError(f"a row of {row['symbol']!a}, not of {name}")
    stamp = stamp_ms(row["fundingTime"])
    mark = mark_or_none(row.get("markPrice"))
    return stamp, RawRate(raw_us=stamp * MILLI, rate=number(row["fundingRate"]), mark=mark, interval_hours=None)


def _candle(row: Sequence[Any], asked: MonthRequest) -> Row:
    """Return a candle of a row; raise ValueError if it is none or of another length."""
    stamp = stamp_ms(row[0])
    # ASSUME: a candle that an outage cut short may end early, never late
    if not stamp < stamp_ms(row[6]) < stamp + asked.interval_ms:
        raise ValueError(f"a candle from {row[0]} to {row[6]}, not of {asked.minutes} minutes")
    volume = "0" if asked.kind == "mark" else row[5]
    return stamp, candle_of(stamp, row[1:5], volume)
