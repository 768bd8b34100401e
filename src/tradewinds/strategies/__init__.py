"""Strategies of all market families by name."""

from __future__ import annotations

from tradewinds.config import markets


def listing() -> list[tuple[str, str]]:
    """List all built-in strategies by name: (name, one line on what it does)."""
    return sorted(
        (strategy.name, strategy.summary) for name in markets.NAMES for strategy in markets.family_of(name).strategies
    )
