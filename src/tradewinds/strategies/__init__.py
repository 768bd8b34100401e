"""Strategies of all market families by name."""

from __future__ import annotations

from collections.abc import Iterator

from tradewinds.config import markets
from tradewinds.families.strategy_table import Strategy


def _all() -> Iterator[tuple[str, Strategy]]:
    """List each strategy with its market."""
    for market in markets.NAMES:
        for strategy in markets.family_of(market).strategies:
            yield market, strategy


def market_of(name: str) -> str | None:
    """Return the market family of a built-in strategy; None for an unknown name."""
    return next((market for market, strategy in _all() if strategy.name == name), None)


def listing() -> list[tuple[str, str]]:
    """List all built-in strategies by name: (name, one line on what it does)."""
    return sorted((strategy.name, strategy.summary) for _, strategy in _all())
