"""Names that Binance has for symbols and intervals."""

from __future__ import annotations

from tradewinds.families.funding_carry.fetch.month_request import MonthRequest
from tradewinds.families.funding_carry.symbols import name_of

_HOUR = 60


def market_name(asked: MonthRequest) -> str:
    """Return the exchange's name of the market that is asked for: BTCUSDT for BTC/USDT:USDT and for BTC/USDT."""
    if asked.kind == "spot":
        return asked.spot.replace("/", "")
    name = name_of(asked.symbol)
    return f"{name.base}{name.quote}"


def interval_name(minutes: int) -> str:
    """Return the exchange's name of a length of candles: 1h for 60 minutes."""
    return f"{minutes // _HOUR}h" if minutes % _HOUR == 0 else f"{minutes}m"
