"""Hyperliquid's API: funding rates of every hour, oldest first, at most 500 in an answer, without a word about the rest.

A question is posted as JSON. An answer weighs 20 and one more for every 20 rows. Stamps are up to two minutes late.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewinds.families.funding_carry.fetch.history_pages import PageRules, Row, WrongPage, read_forward
from tradewinds.families.funding_carry.fetch.month_request import MILLI, FetchedMonth, MonthRequest, number, stamp_ms
from tradewinds.families.funding_carry.fetch.rate_checks import RawRate
from tradewinds.families.funding_carry.symbols import name_of
from tradewinds.sources.allowances import Allowance
from tradewinds.sources.endpoint import ServiceTexts
from tradewinds.sources.http import HttpClient

SECTION, PATH = "hyperliquid", "/info"
MOST_ROWS, MOST_WEIGHT, INFO_WEIGHT, WEIGHT = 500, 45, 20, "weight"
PAGES = PageRules(MOST_ROWS)
TEXTS = ServiceTexts(
    busy_seconds=60.0,  # its 429 has no body, and its limit counts by the minute
    stops={403: 600.0},  # ASSUME: a refusal of the address passes as slowly as with its neighbours
    remedies={451: "The exchange does not serve this country: take another source, or files of your own."},
)


def allowances(section: Mapping[str, Any]) -> list[Allowance]:
    """Return what the exchange counts, as the config says.

    Args:
        section: the settings of the exchange.
    """
    return [Allowance(WEIGHT, section["weight_per_minute"], 60.0)]


def fetch_hyperliquid(client: HttpClient, asked: MonthRequest) -> FetchedMonth:
    """Fetch settlements of a month.

    Args:
        client: of the exchange.
        asked: the settlements.

    Raises:
        FetchError: refused, still failing after all retries, or an answer that cannot be right.
    """
    coin = name_of(asked.symbol).base

    def ask(first: int, last: int) -> list[Row]:
        question = {"type": "fundingHistory", "coin": coin, "startTime": first, "endTime": last}
        payload = client.post_json(PATH, question, {WEIGHT: MOST_WEIGHT})
        try:
            if not isinstance(payload, list):
                raise ValueError(f"no list of rows but {str(payload)[:200]}")
            return [_rate(row, coin) for row in payload]
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            client.refuse(f"{type(error).__name__} {error}", PATH, payload)

    try:
        rows = read_forward(ask, asked.first_ms, asked.end_ms, PAGES)
    except WrongPage as error:
        client.refuse(f"a page of {coin}: {error}", PATH, f"{error}")
    return FetchedMonth(rates=[rate for _, rate in rows], about={"via": "rest"})


def _rate(row: Mapping[str, Any], coin: str) -> Row:
    """Return a settlement of a row; raise ValueError if it is none or of another coin."""
    if row["coin"] != coin:
        raise ValueError(f"a row of {row['coin']!a}, not of {coin}")
    stamp = stamp_ms(row["time"])
    return stamp, RawRate(raw_us=stamp * MILLI, rate=number(row["fundingRate"]), mark=None, interval_hours=None)
