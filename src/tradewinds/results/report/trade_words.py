"""Words of trades on pages and in reports: when, which side, how many, won or lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any


def outcome(pnl: Decimal | float) -> str:
    """Whether a trade won or lost, in a word."""
    return "won" if pnl > 0 else "lost" if pnl < 0 else "even"


def clock(ts: int) -> str:
    """Return an instant as a minute in UTC."""
    return dt.datetime.fromtimestamp(ts, dt.UTC).strftime("%Y-%m-%d %H:%M")


def plain_side(side: str) -> str:
    """Return the side of an order in a word or two."""
    return {"SELL_SHORT": "sell short", "BUY": "buy", "SELL": "sell"}.get(side, side.removeprefix("BUY_"))


def shown_quantity(quantity: Any) -> str:
    """Return a quantity without the zeros at its end."""
    value = Decimal(quantity)
    return f"{value:,.0f}" if value == value.to_integral_value() else f"{value.normalize():f}"
