"""What the exchange's routes read off a query, and what it refuses in its own words."""

from __future__ import annotations

import base64
from typing import Any

from tradewinds.archive.routes import Query

MAX_PERIODS = 5000  # one market, or one event in all
PERIODS = (1, 60, 1440)


class ExchangeRefusal(Exception):
    """An answer other than 200, in the exchange's words."""

    def __init__(self, status: int, code: str, message: str, details: str | None = None) -> None:
        super().__init__(details or message)
        self.status = status
        self.body = {"error": {"code": code, "message": message} | ({"details": details} if details else {})}


def bad_request(details: str) -> ExchangeRefusal:
    """Status 400 in the exchange's words."""
    return ExchangeRefusal(400, "bad_request", "bad request", details)


def not_found() -> ExchangeRefusal:
    """Status 404 in the live tier's words."""
    return ExchangeRefusal(404, "not_found", "not found")


def historical_not_found() -> ExchangeRefusal:
    """Status 404 in the historical tier's words."""
    return ExchangeRefusal(
        404, "failed_to_get_market_by_ticker:_not_found", "failed to get market by ticker: not found"
    )


def whole_number(query: Query, name: str, default: int | None) -> int | None:
    """A whole number of the query; a refusal if it is none."""
    text = query.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise bad_request(f"invalid {name}") from None


def span_of(query: Query, limited: bool = True) -> tuple[int, int, int]:
    """What a query for candles asks for, or a refusal.

    Args:
        query: the query.
        limited: refuse more than MAX_PERIODS.

    Returns:
        First and last end of a candle in Unix seconds, both included, and the length of a candle in minutes.
    """
    values = [whole_number(query, name, None) for name in ("start_ts", "end_ts", "period_interval")]
    if any(value is None for value in values):
        raise bad_request("start_ts, end_ts and period_interval are required")
    start, end, period = (int(value) for value in values if value is not None)
    if period not in PERIODS:
        raise bad_request("invalid period_interval")
    asked = (end - start) / (60 * period)
    if limited and asked > MAX_PERIODS:
        raise bad_request(f"requested time range with candlesticks: {asked:.6f}, max candlesticks: {MAX_PERIODS}")
    return start, end, period


def page_of(rows: list[Any], keys: list[str], query: Query, default: int, most: int) -> tuple[list[Any], str]:
    """One page of a listing.

    Args:
        rows: the whole listing.
        keys: what names each row in a cursor.
        query: may have `limit` and `cursor`.
        default: rows of a page if the query has no limit.
        most: the highest limit that is not refused.

    Returns:
        The rows of the page, and the cursor of the next page: it names the last row shown, and is "" at the end.
    """
    limit = whole_number(query, "limit", default) or default
    if not 0 < limit <= most:
        raise bad_request("invalid limit")
    start = 0
    if query.get("cursor"):
        try:
            last = base64.urlsafe_b64decode(query["cursor"] + "==").decode()
            start = keys.index(last) + 1
        except ValueError:
            raise bad_request("invalid cursor") from None
    shown = keys[start : start + limit]
    more = start + limit < len(keys)
    cursor = base64.urlsafe_b64encode(shown[-1].encode()).decode().rstrip("=") if more else ""
    return rows[start : start + limit], cursor
