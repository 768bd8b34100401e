"""Market objects as the exchange showed them at an instant before they settled: without a result, with the quotes of then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tradewinds.core.text import instant, moment
from tradewinds.families.kalshi_weather.archive.candle_shapes import Row, dollars

INITIALIZED, ACTIVE, CLOSED = "initialized", "active", "closed"
# By the word of a listing's filter, the statuses that it stands for.
FILTERS: Mapping[str, tuple[str, ...]] = {
    "unopened": (INITIALIZED,),
    "open": (ACTIVE,),
    "paused": ("inactive",),
    "closed": (CLOSED, "determined", "disputed", "amended"),
    "settled": ("finalized",),
}
# What never changes from the listing of a market on; all else of a settled object tells what came later.
_FIXED = (
    *("ticker", "event_ticker", "market_type", "title", "subtitle", "yes_sub_title", "no_sub_title"),
    *("created_time", "open_time", "close_time", "expected_expiration_time", "latest_expiration_time"),
    *("expiration_time", "settlement_timer_seconds", "notional_value_dollars", "can_close_early"),
    *("early_close_condition", "strike_type", "floor_strike", "cap_strike", "functional_strike", "custom_strike"),
    *("rules_primary", "rules_secondary", "price_level_structure", "price_ranges", "exchange_index"),
    *("settlement_bounds_type", "settlement_floor_dollars", "occurrence_datetime"),
)
_DAY_SECONDS = 86_400
_ONE = Decimal(1)


def listed_ts(row: Row, raw: Row) -> float:
    """Return when a market was listed, in Unix seconds.

    Args:
        row: of the archive's markets.
        raw: its object.
    """
    created = raw.get("created_time")
    return float((moment(created, up=True) if created else row["open_time"]).timestamp())


def status_at(row: Row, raw: Row, now_ts: int) -> str:
    """Return the status of a market at an instant, in the exchange's words.

    Args:
        row: of the archive's markets.
        raw: its object.
        now_ts: Unix seconds.
    """
    if is_settled(row, raw, now_ts):
        return str(raw["status"])
    if now_ts < row["open_time"].timestamp():
        return INITIALIZED
    return ACTIVE if now_ts < row["close_time"].timestamp() else CLOSED


def is_settled(row: Row, raw: Row, now_ts: int) -> bool:
    """Return whether a market's result was known at an instant.

    Args:
        row: of the archive's markets.
        raw: its object.
        now_ts: Unix seconds.
    """
    return bool(raw.get("result")) and now_ts >= row["settlement_ts"].timestamp()


def as_known(row: Row, raw: Row, now_ts: int, minutes: Sequence[Row]) -> dict[str, Any]:
    """Return a market's object as it was shown at an instant.

    Args:
        row: of the archive's markets.
        raw: its object, settled or not.
        now_ts: Unix seconds.
        minutes: its candles of a minute that had ended by then, in order of time.
    """
    if is_settled(row, raw, now_ts):
        return dict(raw)
    shown = {name: raw[name] for name in _FIXED if name in raw}
    # Quotes of the last candle; those of a market that is closed are taken out of the book.
    status = status_at(row, raw, now_ts)
    last = minutes[-1] if minutes and status == ACTIVE else None
    bid = (last and last["yes_bid_close"]) or Decimal(0)
    ask = _ONE if last is None or last["yes_ask_close"] is None else last["yes_ask_close"]
    traded = [candle["price_close"] for candle in minutes if candle["price_close"] is not None]
    volume = sum((candle["volume"] for candle in minutes), Decimal(0))
    recent = sum((c["volume"] for c in minutes if c["end_period_ts"] > now_ts - _DAY_SECONDS), Decimal(0))
    updated = minutes[-1]["end_period_ts"] if minutes else int(listed_ts(row, raw))
    return shown | {
        "status": status,
        "result": "",
        "expiration_value": "",
        "updated_time": instant(updated),
        "yes_bid_dollars": dollars(bid),
        "yes_ask_dollars": dollars(ask),
        "no_bid_dollars": dollars(_ONE - ask),
        "no_ask_dollars": dollars(_ONE - bid),
        "last_price_dollars": dollars(traded[-1] if traded else Decimal(0)),
        "volume_fp": f"{volume:.2f}",
        "volume_24h_fp": f"{recent:.2f}",
        "open_interest_fp": f"{minutes[-1]['open_interest'] if minutes else Decimal(0):.2f}",
        # no candle has sizes, nor the quotes of a day before
        **dict.fromkeys(("yes_bid_size_fp", "yes_ask_size_fp"), "0.00"),
        **{f"previous_{name}_dollars": "0.0000" for name in ("yes_bid", "yes_ask", "price")},
    }


def midnight_before(moment_of_clock: dt.datetime, days: int) -> dt.datetime:
    """Return the midnight UTC that many days before an instant's date.

    Args:
        moment_of_clock: the instant.
        days: 0 for the midnight with which its date begins.
    """
    return dt.datetime.combine(moment_of_clock.date() - dt.timedelta(days=days), dt.time(), dt.UTC)
