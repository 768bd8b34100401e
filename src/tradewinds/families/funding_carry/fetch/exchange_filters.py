"""What exchanges allow of the orders of their instruments, from the lists that they publish.

- Binance: `symbols` with `filters` by type, one list of perpetuals and one of spot.
- Bybit: `list` page by page (`nextPageCursor`), for the categories linear and spot.
- OKX: `data` for SWAP and SPOT; quantities of a perpetual count contracts of `ctVal` coins.
- Hyperliquid: `universe` with the number of decimals of a quantity; it has no spot pairs that belong to its perpetuals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from tradewinds.families.funding_carry.fetch import binance_rest, bybit, hyperliquid, okx
from tradewinds.families.funding_carry.fetch.month_request import number
from tradewinds.families.funding_carry.fetch.month_sources import client_of
from tradewinds.families.funding_carry.symbols import form_fault
from tradewinds.sources.http import HttpClient

BINANCE_PERPS, BINANCE_SPOT = "/fapi/v1/exchangeInfo", "/api/v3/exchangeInfo"
SPOT_LIST_WEIGHT = 20
MOST_PAGES = 50
HYPERLIQUID_LEAST_ORDER = Decimal(10)  # in the quote coin
_COIN = re.compile("[A-Z0-9]+")


class Filters(NamedTuple):
    """What an exchange allows of one instrument; None: it says nothing.

    Attributes:
        step: of its quantity, in base coins.
        min_notional: least value of an order, in the quote coin.
        tick: of its price.
    """

    step: Decimal
    min_notional: Decimal | None
    tick: Decimal | None


Listed = dict[str, Filters]
"""Filters by unified name."""


def filters_of(source: str) -> tuple[Listed, Listed]:
    """Return what an exchange allows of its linear perpetuals, and of its spot pairs.

    Args:
        source: name of the exchange.

    Raises:
        FetchError: the exchange cannot be asked, or its answer cannot be right.
    """
    reader: dict[str, Callable[[], tuple[Listed, Listed]]] = {
        "binance": _binance,
        "bybit": _bybit,
        "okx": _okx,
        "hyperliquid": _hyperliquid,
    }
    perps, pairs = reader[source]()
    return {symbol: found for symbol, found in perps.items() if form_fault(symbol) is None}, pairs


def _read(client: HttpClient, path: str, payload: Any, rows: Iterator[tuple[str, Filters]]) -> Listed:
    """Return the rows of a list by name; refuse an answer that is not as above."""
    try:
        return dict(rows)
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        client.refuse(f"{type(error).__name__} {error}", path, payload)


def _binance() -> tuple[Listed, Listed]:
    """Return the lists of Binance."""
    perps, spot = client_of("binance", "perp"), client_of("binance", "spot")
    listed = perps.get_json(BINANCE_PERPS, None, {binance_rest.WEIGHT: 1})
    pairs = spot.get_json(BINANCE_SPOT, None, {binance_rest.SPOT_WEIGHT: SPOT_LIST_WEIGHT})
    return (
        _read(perps, BINANCE_PERPS, listed, _binance_rows(listed, is_perpetual=True)),
        _read(spot, BINANCE_SPOT, pairs, _binance_rows(pairs, is_perpetual=False)),
    )


def _binance_rows(payload: Any, *, is_perpetual: bool) -> Iterator[tuple[str, Filters]]:
    """Yield name and filters of Binance's instruments; of dated futures none."""
    for row in payload["symbols"]:
        base, quote = row["baseAsset"], row["quoteAsset"]
        if not _plain(base, quote) or (is_perpetual and row["contractType"] != "PERPETUAL"):
            continue
        by_type = {each["filterType"]: each for each in row["filters"]}
        least = by_type.get("NOTIONAL") or by_type.get("MIN_NOTIONAL") or {}
        # the least value has one name in the list of perpetuals, another one in that of spot
        filters = Filters(
            step=number(by_type["LOT_SIZE"]["stepSize"]),
            min_notional=_number_or_none(least.get("notional", least.get("minNotional"))),
            tick=_number_or_none(by_type.get("PRICE_FILTER", {}).get("tickSize")),
        )
        yield (f"{base}/{quote}:{row['marginAsset']}" if is_perpetual else f"{base}/{quote}"), filters


def _bybit() -> tuple[Listed, Listed]:
    """Return the lists of Bybit."""
    client = client_of("bybit", "perp")
    found: list[Listed] = []
    for category in ("linear", "spot"):
        rows = _bybit_list(client, category)
        found.append(_read(client, bybit.BYBIT_LIST, rows, _bybit_rows(rows, category)))
    return found[0], found[1]


def _bybit_list(client: HttpClient, category: str) -> list[Any]:
    """Return all rows of a category, page by page."""
    rows: list[Any] = []
    cursor = ""
    for _ in range(MOST_PAGES):
        query = {"category": category, "limit": 1000, **({"cursor": cursor} if cursor else {})}
        result = bybit.result_of(client, bybit.BYBIT_LIST, query)
        rows += result.get("list") or []
        before, cursor = cursor, str(result.get("nextPageCursor") or "")
        if not cursor:
            return rows
        if cursor == before:
            client.refuse("a page of instruments names itself as the next one", bybit.BYBIT_LIST, dict(result))
    client.refuse("the list of instruments does not end", bybit.BYBIT_LIST, category)


def _bybit_rows(rows: list[Any], category: str) -> Iterator[tuple[str, Filters]]:
    """Yield name and filters of Bybit's instruments; of dated futures none."""
    for row in rows:
        base, quote, lots = row["baseCoin"], row["quoteCoin"], row["lotSizeFilter"]
        if not _plain(base, quote) or (category == "linear" and row["contractType"] != "LinearPerpetual"):
            continue
        filters = Filters(
            step=number(lots["qtyStep"] if category == "linear" else lots["basePrecision"]),
            min_notional=_number_or_none(lots.get("minNotionalValue" if category == "linear" else "minOrderAmt")),
            tick=_number_or_none(row["priceFilter"].get("tickSize")),
        )
        yield (f"{base}/{quote}:{row['settleCoin']}" if category == "linear" else f"{base}/{quote}"), filters


def _okx() -> tuple[Listed, Listed]:
    """Return the lists of OKX."""
    client = client_of("okx", "perp")
    found: list[Listed] = []
    for kind in ("SWAP", "SPOT"):
        rows = list(okx.data_of(client, okx.OKX_LIST, {"instType": kind}))
        found.append(_read(client, okx.OKX_LIST, rows, _okx_rows(rows, kind)))
    return found[0], found[1]


def _okx_rows(rows: list[Any], kind: str) -> Iterator[tuple[str, Filters]]:
    """Yield name and filters of OKX's instruments; of inverse perpetuals none. It names no least value of an order."""
    for row in rows:
        base, quote, *_ = row["instId"].split("-")
        if not _plain(base, quote) or (kind == "SWAP" and row["ctType"] != "linear"):
            continue
        size = number(row["ctVal"]) * number(row.get("ctMult") or "1") if kind == "SWAP" else Decimal(1)
        filters = Filters(number(row["lotSz"]) * size, None, _number_or_none(row.get("tickSz")))
        yield (f"{base}/{quote}:{row['settleCcy']}" if kind == "SWAP" else f"{base}/{quote}"), filters


def _hyperliquid() -> tuple[Listed, Listed]:
    """Return the list of Hyperliquid. ASSUME: an order is worth 10 USDC at least, as its documentation has it."""
    client = client_of("hyperliquid", "funding")
    payload = client.post_json(hyperliquid.PATH, {"type": "meta"}, {hyperliquid.WEIGHT: hyperliquid.INFO_WEIGHT})
    return _read(client, hyperliquid.PATH, payload, _hyperliquid_rows(payload)), {}


def _hyperliquid_rows(payload: Any) -> Iterator[tuple[str, Filters]]:
    """Yield name and filters of Hyperliquid's perpetuals."""
    for row in payload["universe"]:
        if _plain(row["name"]):
            step = Decimal(1).scaleb(-int(row["szDecimals"]))
            yield f"{row['name']}/USDC:USDC", Filters(step, HYPERLIQUID_LEAST_ORDER, None)


def _number_or_none(value: Any) -> Decimal | None:
    """Return a number that is written as text; None where there is none."""
    return None if value is None or value == "" else number(value)


def _plain(*coins: str) -> bool:
    """Whether all names of coins have letters and digits only: others have no unified name here."""
    return all(_COIN.fullmatch(coin) for coin in coins)
