"""Candles as the exchange's API shows them: the two tiers have other names for the same fields."""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Any

Row = dict[str, Any]


@functools.lru_cache(maxsize=8192)  # some hundred prices make up millions of candles
def dollars(value: Decimal) -> str:
    """An amount in dollars as the API writes it: with 4 decimals, or 6 where they are needed."""
    text = f"{value:.6f}"
    return text[:-2] if text.endswith("00") else text


def live_shape(candle: Row) -> Row:
    """A candle of the live tier: `_dollars` names; price keys without a value are left out."""
    shown: Row = {"end_period_ts": candle["end_period_ts"]}
    for side in ("yes_bid", "yes_ask"):
        shown[side] = {f"{k}_dollars": dollars(candle[f"{side}_{k}"]) for k in ("open", "low", "high", "close")}
    keys = ("open", "low", "high", "close", "mean", "previous")
    shown["price"] = {f"{k}_dollars": dollars(candle[f"price_{k}"]) for k in keys if candle[f"price_{k}"] is not None}
    return shown | {"volume_fp": f"{candle['volume']:.2f}", "open_interest_fp": f"{candle['open_interest']:.2f}"}


def historical_shape(candle: Row) -> Row:
    """A candle of the historical tier: plain names; price keys without a value are null."""
    shown: Row = {"end_period_ts": candle["end_period_ts"]}
    for side in ("yes_bid", "yes_ask"):
        shown[side] = {k: dollars(candle[f"{side}_{k}"]) for k in ("open", "low", "high", "close")}
    keys = ("open", "low", "high", "close", "mean", "previous")
    shown["price"] = {k: None if candle[f"price_{k}"] is None else dollars(candle[f"price_{k}"]) for k in keys}
    return shown | {"volume": f"{candle['volume']:.2f}", "open_interest": f"{candle['open_interest']:.2f}"}
