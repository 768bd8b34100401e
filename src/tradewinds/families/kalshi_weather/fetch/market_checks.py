"""What a listed market must be before it is stored: known words, plain tickers, numbers and times that can be.

A listing with a market that fails is not believed at all: a word that is not known may change what a contract pays.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tradewinds.core.safe_text import shortened

RESULTS = (None, "yes", "no", "scalar")
MARKET_TYPES = ("binary", "scalar")
STRIKE_TYPES = (
    *(None, "greater", "greater_or_equal", "less", "less_or_equal", "between", "functional", "custom", "structured"),
)
# Of a market, and the words of listings' filters, which older answers use.
STATUSES = (
    *("initialized", "inactive", "active", "closed", "determined", "disputed", "amended", "finalized"),
    *("unopened", "open", "paused", "settled"),
)
TICKER = re.compile(r"[A-Z0-9]{1,40}(?:-[A-Z0-9.]{1,40}){1,5}")
FEE_TYPE = re.compile(r"[a-z_]{1,40}")
MOST_STRIKE = 1000  # °F, with either sign
MOST_MULTIPLIER = 100
MOST_VOLUME = 10**12
FIRST_YEAR = 2018  # the exchange is younger
FAR_AHEAD = dt.timedelta(days=731)  # a market of a day's temperature opens a day or two before it
_TIMES = ("open_time", "close_time", "settlement_ts")


def faults(row: Mapping[str, Any], now: dt.datetime) -> Iterator[str]:
    """Yield what cannot be right in a row of schema schemas.CATALOG; nothing for a row that can be believed.

    Args:
        row: the row.
        now: when it was fetched.
    """
    for name, words in (
        ("market_type", MARKET_TYPES),
        ("strike_type", STRIKE_TYPES),
        ("status", STATUSES),
        ("result", RESULTS),
    ):
        if row[name] not in words:
            yield f"unknown {name} {shortened(ascii(row[name]))}"
    for name, form in (("event_ticker", TICKER), ("market_ticker", TICKER), ("fee_type", FEE_TYPE)):
        if not isinstance(row[name], str) or not form.fullmatch(row[name]):
            yield f"{name} {shortened(ascii(row[name]))} is none"
    event, market = str(row["event_ticker"]), str(row["market_ticker"])
    if not market.startswith(f"{event}-"):
        yield f"market_ticker {shortened(ascii(market))} is none of the event {shortened(ascii(event))}"
    for name in ("title", "yes_sub_title", "expiration_value"):
        if not isinstance(row[name], str | None):
            yield f"{name} is no text"
    yield from _number_faults(row)
    yield from _time_faults(row, now)


def _number_faults(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield the faults of strikes, fee, volume and settlement value."""
    for name, least, most in (
        ("floor_strike", -MOST_STRIKE, MOST_STRIKE),
        ("cap_strike", -MOST_STRIKE, MOST_STRIKE),
        ("fee_multiplier", 0, MOST_MULTIPLIER),
        ("volume", 0, MOST_VOLUME),
        ("settlement_value", 0, 1),
    ):
        value: float | Decimal | None = row[name]
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            yield f"{name} {shortened(str(value))} is out of range"
    if row["fee_multiplier"] is None:
        yield "no fee_multiplier"


def _time_faults(row: Mapping[str, Any], now: dt.datetime) -> Iterator[str]:
    """Yield the faults of the times: outside the exchange's life, or in the wrong order."""
    for name in _TIMES:
        value = row[name]
        if value is None:
            if name != "settlement_ts":
                yield f"no {name}"
        elif not value.year >= FIRST_YEAR or value > now + FAR_AHEAD:
            yield f"{name} {value.isoformat()} is out of range"
    opened, closed = row["open_time"], row["close_time"]
    if opened is not None and closed is not None and closed <= opened:
        yield f"it closes at {closed.isoformat()}, not after it opens"
