"""The strategy of a config of temperature events: a built-in one by name, or the user's own from a file.

A strategy is a module with a function `rules(config) -> Rules`. Its module is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tradewinds.core.errors import ConfigError
from tradewinds.families.strategy_table import Strategy, StrategyTable

if TYPE_CHECKING:
    from tradewinds.engine.event_contracts.order_rules import Rules

STRATEGIES = StrategyTable(
    [
        Strategy(
            "ev_threshold",
            "tradewinds.families.kalshi_weather.strategies.ev_threshold",
            "Buy the side whose expected value per contract, after the fee, exceeds risk.min_ev_per_contract.",
        ),
    ]
)


def check(strategy: Mapping[str, Any], execution_model: str) -> None:
    """Check that a config's strategy exists and can be loaded.

    Args:
        strategy: the config's section `strategy`.
        execution_model: taker or maker.

    Raises:
        ConfigError: an unknown name, a file that cannot be loaded, or one whose orders cannot rest.
    """
    if strategy["file"] is None:
        STRATEGIES.find(strategy["name"], "Your own one needs strategy.file.")
        return
    from tradewinds.families.kalshi_weather.strategies import file_strategy

    if not isinstance(file_strategy.load(strategy["file"]), type) and execution_model == "maker":
        what = f"it has a function {file_strategy.FUNCTION}, which buys at once, and execution_model is maker."
        raise ConfigError(what, where=strategy["file"], remedy="Use taker, or a class that returns limits.")


def rules_of(config: Mapping[str, Any]) -> Rules:
    """The rules by which a config's strategy trades.

    Args:
        config: resolved.

    Raises:
        ConfigError: an unknown name, or a file that cannot be loaded.
    """
    check(config["strategy"], config["execution_model"])
    if config["strategy"]["file"] is not None:
        from tradewinds.families.kalshi_weather.strategies import file_strategy

        return file_strategy.rules(config)
    built_in: Rules = STRATEGIES.module(config["strategy"]["name"]).rules(config)
    return built_in
