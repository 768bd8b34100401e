"""All strategies by name, over all families."""

from __future__ import annotations

from collections.abc import Iterator

from tradewinds.config import markets
from tradewinds.families.strategy_table import Strategy


def _all() -> Iterator[tuple[str, Strategy]]:
    """Every market with each of its strategies."""
    for market in markets.NAMES:
        for strategy in markets.family_of(market).strategies:
            yield market, strategy


def market_of(name: str) -> str | None:
    """The market family of a registered strategy; None for an unknown name."""
    return next((market for market, strategy in _all() if strategy.name == name), None)


def listing() -> list[tuple[str, str]]:
    """Names of all strategies with a line on what they do, in order."""
    return sorted((strategy.name, strategy.summary) for _, strategy in _all())
