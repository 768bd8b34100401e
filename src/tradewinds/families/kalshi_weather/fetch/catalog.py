"""The catalog of a series: every market the exchange lists in either tier, merged, and nothing known ever forgotten."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tradewinds.core import strict
from tradewinds.core.errors import FetchError
from tradewinds.core.safe_text import shortened
from tradewinds.core.text import moment
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.climate_days import Station, climate_date_of
from tradewinds.families.kalshi_weather.fetch import market_checks
from tradewinds.families.kalshi_weather.fetch.candle_parsing import HISTORICAL, LIVE
from tradewinds.sources.http import HttpClient, NotFound

PAGE = 1000
MOST_PAGES = 1000  # of a listing; twenty years of a series are some fifty
FINAL = ("yes", "no", "scalar")
_KEPT_ONCE_KNOWN = ("result", "settlement_value", "settlement_ts", "expiration_value", "status")

Row = dict[str, Any]


def sync_catalog(
    client: HttpClient, station: Station, known: pa.Table | None, now: dt.datetime
) -> tuple[pa.Table, dict[str, Any]]:
    """List all markets of a series and merge them into what is known.

    Returns:
        A table of the columns schemas.CATALOG and its metadata, with `listed_through`: the last climate date up to which the
        listing is complete; and `covers_through`: the last one up to which every listed market is final, too.

    Raises:
        FetchError: the series is unknown to the exchange, or an answer is malformed.
    """
    series = series_of(client, station.series_ticker)
    fetched: dict[str, Row] = {}
    undated = 0
    for tier, path in ((LIVE, "/markets"), (HISTORICAL, "/historical/markets")):
        for market in _listing(client, path, station.series_ticker):
            row = row_of(client, path, market, station, series, now, tier)
            if row is None:
                undated += 1
            else:
                fetched[row["market_ticker"]] = row  # a market in both listings is archived: the later tier wins
    before = {row["market_ticker"]: row for row in known.to_pylist()} if known else {}
    merged = _merge(before, fetched)
    rows = sorted(merged.values(), key=lambda r: (r["climate_date"], r["market_ticker"]))
    closes = [row["close_time"] for row in rows]
    listed_through = yesterday(station, client.no_later(now))
    meta = {
        "series_ticker": station.series_ticker,
        "retrieved_at": client.no_later(now).isoformat(),
        "covers_through": _covers_through(rows, listed_through).isoformat(),
        "listed_through": listed_through.isoformat(),
        "requests": client.requests,
        "fetched": len(fetched),
        "inserted": len(fetched.keys() - before.keys()),
        "updated": sum(_differs(before[t], fetched[t]) for t in fetched.keys() & before.keys()),
        "earliest_close": min(closes).isoformat() if closes else None,
        "latest_close": max(closes).isoformat() if closes else None,
        "markets": len(rows),
        "nonfinal": sum(row["result"] not in FINAL for row in rows),
        "undated": undated,
    }
    return pa.Table.from_pylist(rows, schemas.CATALOG), meta


def series_of(client: HttpClient, ticker: str) -> Row:
    """A series as the exchange shows it, with its fees.

    Raises:
        FetchError: the series is unknown to the exchange, or its answer has no fees.
    """
    try:
        payload = client.get_json(f"/series/{ticker}")
    except NotFound:
        raise FetchError("the exchange knows no such series.", where=ticker, remedy="Check series_tickers.") from None
    series = payload.get("series") if isinstance(payload, dict) else None
    if not isinstance(series, dict) or "fee_type" not in series or "fee_multiplier" not in series:
        client.refuse("no series with fee_type and fee_multiplier", f"/series/{ticker}", payload)
    return series


def open_listing(client: HttpClient, series_ticker: str) -> list[Row]:
    """The markets of a series that are open now, as the exchange shows them.

    Raises:
        FetchError: the exchange could not be asked, or an answer is malformed.
    """
    return _listing(client, "/markets", series_ticker, status="open")


def _listing(client: HttpClient, path: str, series_ticker: str, **filters: str) -> list[Row]:
    """All pages of a listing, of which an empty page is the end.

    A listing without an end is refused: a cursor that comes back, a page without a new market, more than MOST_PAGES pages.
    """
    found: list[Row] = []
    cursors: set[str] = set()
    tickers: set[str] = set()
    params: dict[str, Any] = {"series_ticker": series_ticker, **filters, "limit": PAGE}
    for _ in range(MOST_PAGES):
        payload = client.get_json(path, params)
        markets = payload.get("markets") if isinstance(payload, dict) else None
        if not isinstance(markets, list):
            client.refuse("no list of markets", path, payload)
        found += markets
        cursor = payload.get("cursor")
        if not cursor or not markets:
            return found
        if not isinstance(cursor, str):
            client.refuse(f"the cursor {cursor!r} is no text", path, payload)
        new = {str(market.get("ticker")) for market in markets if isinstance(market, dict)} - tickers
        if cursor in cursors or not new:
            client.refuse(
                f"the cursor {cursor} came back" if cursor in cursors else "a page repeats markets", path, payload
            )
        cursors.add(cursor)
        tickers |= new
        params = {**params, "cursor": cursor}
    client.refuse(f"the listing has no end: {MOST_PAGES:,} pages, and there is another", path, payload)


def row_of(
    client: HttpClient, path: str, market: Row, station: Station, series: Row, now: dt.datetime, tier: str = LIVE
) -> Row | None:
    """A catalog row of a listed market; None if its event has no climate date (a test listing, say).

    Args:
        client: refuses a market that cannot be right.
        path: of the listing.
        market: as the exchange shows it.
        station: of the series.
        series: as the exchange shows it, with its fees.
        now: when it was listed.
        tier: of the listing.

    Raises:
        RefusedAnswer: a field is missing or cannot be right.
    """
    # The row, as the schema CATALOG has it.
    try:
        event = market["event_ticker"]
        if not isinstance(event, str) or not isinstance(market["ticker"], str):
            raise TypeError("ticker")
        row = {
            "series_ticker": station.series_ticker,
            "event_ticker": event,
            "market_ticker": market["ticker"],
            "climate_date": None,
            "market_type": market["market_type"],
            "strike_type": market.get("strike_type") or None,
            "floor_strike": _number(market.get("floor_strike")),
            "cap_strike": _number(market.get("cap_strike")),
            "yes_sub_title": market.get("yes_sub_title"),
            "title": market.get("title"),
            "status": market["status"],
            "result": market["result"] or None,
            "settlement_value": _decimal(market.get("settlement_value_dollars")),
            "expiration_value": market.get("expiration_value") or None,
            "open_time": moment(market["open_time"], up=True),
            "close_time": moment(market["close_time"], up=False),
            "settlement_ts": _moment_or_none(market.get("settlement_ts")),
            "volume": _decimal(market.get("volume_fp")),
            "fee_type": series["fee_type"],
            "fee_multiplier": _decimal(series["fee_multiplier"]),
            "tier": tier,
            "raw": json.dumps(market, sort_keys=True, default=float, ensure_ascii=False),
            "retrieved_at": now,
        }
    # A required field is missing or is not of its kind: the listing is not believed.
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        client.refuse(f"a market has no usable {error}", path, market)
    # The date is read from the event's ticker; then the row is checked as a whole.
    try:
        row["climate_date"] = climate_date_of(event)
    except ValueError:
        return None
    if fault := next(market_checks.faults(row, now), None):
        client.refuse(f"market {shortened(ascii(row['market_ticker']))}: {fault}", path, market)
    return row


def _moment_or_none(text: str | None) -> dt.datetime | None:
    if text and not text.isascii():
        raise ValueError(f"time ({text!a})")
    return moment(text, up=True) if text else None


def _number(value: Any) -> float | None:
    """A JSON number as a float."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError(f"number ({value!a})")
    return float(value)


def _decimal(value: Any) -> Decimal | None:
    """A JSON number, or a decimal as text."""
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError(f"decimal ({value!a})")
    return strict.decimal(value) if isinstance(value, str) else Decimal(value)


def _merge(before: dict[str, Row], fetched: dict[str, Row]) -> dict[str, Row]:
    """New rows over old ones, but a result once known stays when the new row has none."""
    merged = before | fetched
    for ticker in before.keys() & fetched.keys():
        if fetched[ticker]["result"] is None and before[ticker]["result"] is not None:
            merged[ticker] = fetched[ticker] | {key: before[ticker][key] for key in _KEPT_ONCE_KNOWN}
    return merged


def _differs(old: Row, new: Row) -> bool:
    return any(old[key] != new[key] for key in new if key not in ("retrieved_at", "raw"))


def yesterday(station: Station, now: dt.datetime) -> dt.date:
    """Yesterday on the station's clock of standard time: the last climate date of which no market can still be listed.

    Args:
        station: of the series.
        now: the instant.
    """
    return (now + dt.timedelta(hours=station.lst_offset_hours)).date() - dt.timedelta(days=1)


def _covers_through(rows: list[Row], listed_through: dt.date) -> dt.date:
    """The day before the first climate date with a market that is not final; else the last listed one."""
    waiting = [row["climate_date"] for row in rows if row["result"] not in FINAL]
    first: list[dt.date] = [listed_through, *(date - dt.timedelta(days=1) for date in waiting)]
    return min(first)
