"""Candles as the exchange's API shows them: the two tiers have other names for the same fields."""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

_PRICES = [(name, f"price_{name}") for name in ("open", "low", "high", "close", "mean", "previous")]


@functools.lru_cache(maxsize=8192)  # some hundred prices make up millions of candles
def dollars(value: Decimal) -> str:
    """An amount in dollars as the API writes it: with 4 decimals, or 6 where they are needed."""
    text = f"{value:.6f}"
    return text[:-2] if text.endswith("00") else text


@functools.lru_cache(maxsize=8192)
def contracts(value: Decimal) -> str:
    """A number of contracts as the API writes it: with 2 decimals."""
    return f"{value:.2f}"


def live_shape(candle: Row) -> Row:
    """A candle of the live tier: `_dollars` names; price keys without a value are left out."""
    bid, ask = (
        {f"{k}_dollars": price for k, price in _quotes(candle, side).items()} for side in ("yes_bid", "yes_ask")
    )
    prices = {f"{k}_dollars": price for k, price in _prices(candle).items() if price is not None}
    return {
        "end_period_ts": candle["end_period_ts"],
        "yes_bid": bid,
        "yes_ask": ask,
        "price": prices,
        "volume_fp": contracts(candle["volume"]),
        "open_interest_fp": contracts(candle["open_interest"]),
    }


def historical_shape(candle: Row) -> Row:
    """A candle of the historical tier: plain names; price keys without a value are null."""
    return {
        "end_period_ts": candle["end_period_ts"],
        "yes_bid": _quotes(candle, "yes_bid"),
        "yes_ask": _quotes(candle, "yes_ask"),
        "price": _prices(candle),
        "volume": contracts(candle["volume"]),
        "open_interest": contracts(candle["open_interest"]),
    }


def _quotes(candle: Row, side: str) -> dict[str, str]:
    """Prices of a side of the book."""
    return {
        "open": dollars(candle[side + "_open"]),
        "low": dollars(candle[side + "_low"]),
        "high": dollars(candle[side + "_high"]),
        "close": dollars(candle[side + "_close"]),
    }


def _prices(candle: Row) -> dict[str, str | None]:
    """Prices of the trades; None where there is none."""
    return {name: None if (price := candle[column]) is None else dollars(price) for name, column in _PRICES}
