"""Which source answers a request for a month, and with which client."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Sequence

from tradewinds.families.funding_carry.fetch import binance_bulk, binance_rest, bybit, hyperliquid, okx
from tradewinds.families.funding_carry.fetch.month_request import FetchedMonth, MonthRequest
from tradewinds.families.plan import month_end
from tradewinds.sources.client import client_for, settings_of
from tradewinds.sources.http import HttpClient

NOT_LISTED_YET, NO_ROWS = "NOT_LISTED_YET", "NO_ROWS"  # reasons of an empty file

_READERS: dict[str, Callable[[HttpClient, MonthRequest], FetchedMonth]] = {
    "bybit": bybit.fetch_bybit,
    "okx": okx.fetch_okx,
    "hyperliquid": hyperliquid.fetch_hyperliquid,
}

logger = logging.getLogger(__name__)


def fetch_month(source: str, asked: MonthRequest, whole: bool) -> tuple[FetchedMonth, Sequence[HttpClient]]:
    """Fetch records of a month from a source.

    Args:
        source: name of the source.
        asked: the records.
        whole: the month is over, and all of it is wanted.

    Returns:
        The records, and the clients that were asked.

    Raises:
        FetchError: the source cannot be asked, or its answer cannot be right.
        DataMissing: fetching is off.
    """
    if source == "binance":
        return _from_binance(asked, whole)
    client = client_of(source, asked.kind)
    return _READERS[source](client, asked), [client]


def client_of(source: str, kind: str) -> HttpClient:
    """Return the client of the API of a source that has a kind of records.

    Args:
        source: name of the source.
        kind: funding, spot, perp or mark.

    Raises:
        DataMissing: fetching is off.
    """
    if source == "bybit":
        return client_for(bybit.SECTION, texts=bybit.TEXTS)
    if source == "okx":
        return client_for(okx.SECTION, texts=okx.TEXTS)
    if source == "hyperliquid":
        weights = hyperliquid.allowances(settings_of(hyperliquid.SECTION))
        return client_for(hyperliquid.SECTION, texts=hyperliquid.TEXTS, allowances=weights)
    name = binance_rest.SPOT if kind == "spot" else binance_rest.FUTURES
    counted = binance_rest.spot_allowances if kind == "spot" else binance_rest.futures_allowances
    return client_for(name, texts=binance_rest.TEXTS, allowances=counted(settings_of(name)))


def _from_binance(asked: MonthRequest, whole: bool) -> tuple[FetchedMonth, Sequence[HttpClient]]:
    """Fetch a month's file if the month is over, and what is in no file from the API; raises as fetch_month."""
    clients: list[HttpClient] = []
    if whole:
        files = client_for(binance_bulk.SECTION)
        clients.append(files)
        if (found := binance_bulk.fetch_file(files, asked)) is not None:
            return found, clients
        # no such file: the symbol was not traded yet, or the file comes later, and the API has the month
        index = client_for(binance_bulk.SECTION, url_key=binance_bulk.LISTING_URL)
        clients.append(index)
        first = binance_bulk.first_listed_month(index, asked)
        if first is not None and asked.month < first:
            return FetchedMonth(about={"via": "bulk", "reason": NOT_LISTED_YET, "first_month": first}), clients
        logger.info("%s: no monthly file, so the API is asked", binance_bulk.file_path(asked))
    clients.append(client_of("binance", asked.kind))
    return binance_rest.fetch_rest(clients[-1], asked), clients


def is_whole_month(asked: MonthRequest) -> bool:
    """Whether a request is for all days of its month."""
    first = dt.date(int(asked.month[:4]), int(asked.month[5:]), 1)
    return (asked.first_day, asked.last_day) == (first, month_end(first.year, first.month))
