"""The names that a user's own strategy file imports (docs/strategies.md). Their place here does not change."""

from tradewinds.families.kalshi_weather.strategies.file_strategy import NO, NONE, YES, Orders, Quotes, pico

__all__ = ["NO", "NONE", "YES", "Orders", "Quotes", "pico"]
