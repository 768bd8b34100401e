"""Strategies by name, or from a user's file. A strategy turns a config into the rules by which orders are made.

Nothing heavy is imported before a strategy is really needed: checking a config asks for names only.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tradewinds.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.engine.rules import Rules

# name: module with a function `rules(config) -> Rules`, and what it does
_REGISTRY = {
    "ev_threshold": (
        "tradewinds.strategies.ev_threshold",
        "Buy the side whose expected value per contract, after the fee, exceeds risk.min_ev_per_contract.",
    )
}


def check(strategy: Mapping[str, Any]) -> None:
    """Whether a config's strategy section names something that is there.

    Raises:
        ConfigError: an unknown name, or a file that cannot be loaded.
    """
    if strategy["file"] is not None:
        from tradewinds.strategies import user_file

        user_file.load(strategy["file"])
    elif strategy["name"] not in _REGISTRY:
        near = difflib.get_close_matches(strategy["name"], _REGISTRY, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(sorted(_REGISTRY))}."
        remedy = f"{hint} Your own one needs strategy.file."
        raise ConfigError(f"unknown strategy {strategy['name']!r}.", where="strategy.name", remedy=remedy)


def rules_of(config: Mapping[str, Any]) -> Rules:
    """The rules of a resolved config; raises as `check`."""
    check(config["strategy"])
    if config["strategy"]["file"] is not None:
        from tradewinds.strategies import user_file

        return user_file.rules(config)
    module, _ = _REGISTRY[config["strategy"]["name"]]
    made: Rules = importlib.import_module(module).rules(config)
    return made


def listing() -> list[tuple[str, str]]:
    """Names of all strategies with a line on what they do."""
    return [(name, summary) for name, (_, summary) in sorted(_REGISTRY.items())]
