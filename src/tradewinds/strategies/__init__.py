"""Strategies by name. A strategy turns a config's risk section into the rules by which orders are made."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

from tradewinds.engine.replay import Rules
from tradewinds.errors import ConfigError
from tradewinds.strategies import ev_threshold

Strategy = Callable[[Mapping[str, Any]], Rules]

_REGISTRY: dict[str, Strategy] = {"ev_threshold": ev_threshold.rules}


def find(name: str) -> Strategy:
    """The strategy of a name; ConfigError that lists the known ones."""
    try:
        return _REGISTRY[name]
    except KeyError:
        near = difflib.get_close_matches(name, _REGISTRY, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(_REGISTRY))}."
        raise ConfigError(f"unknown strategy {name!r}.", where="strategy.name", remedy=hint) from None


def listing() -> list[tuple[str, str]]:
    """Names of all strategies with the first line of what they do."""
    return [(name, (rules.__doc__ or "").strip().splitlines()[0]) for name, rules in sorted(_REGISTRY.items())]
