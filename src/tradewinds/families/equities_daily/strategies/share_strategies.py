"""The strategies of daily equities by name. The docstring of toolkit.py says what a strategy's module must define.

A config's own strategy is a class in a file (docs/strategies.md), which is called at every close.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewinds.families.strategy_table import Strategy, StrategyTable

STRATEGIES = StrategyTable(
    [
        Strategy(
            "Mean Reversion",
            "tradewinds.families.equities_daily.strategies.mean_reversion",
            "Buy after three lower closes that fell 3 % or more; sell at +2 %, at -5 % or after 10 days.",
            "1.0",
        ),
        Strategy(
            "Breakout",
            "tradewinds.families.equities_daily.strategies.breakout",
            "Buy 1 % above the highest high of 20 bars on 1.5 times their volume; "
            "sell at -3 %, 5 % below the peak, after 20 days.",
            "1.0",
        ),
    ]
)


def is_own(config: Mapping[str, Any]) -> bool:
    """Whether a config's strategy is the user's own, from a file."""
    return config["strategy"].get("file") is not None


def chosen(config: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return the module of a config's strategy and the strategy's parameters, defaults included.

    Raises:
        ConfigError: unknown name, or a parameter that the strategy does not have.
    """
    name = config["strategy"]["name"]
    module = STRATEGIES.module(name)
    from tradewinds.families.equities_daily.strategies.toolkit import parameters_of  # numpy, after the name is known

    return module, parameters_of(config["strategy"]["parameters"], module.DEFAULTS, name)


def parameter_numbers(config: Mapping[str, Any]) -> dict[str, int | float]:
    """Return the parameters of a config's strategy as numbers, whole ones as int; raises as chosen.

    Those of the user's own strategy are as the config has them.
    """
    if is_own(config):
        return dict(config["strategy"]["parameters"] or {})
    from tradewinds.families.equities_daily.strategies.toolkit import is_whole

    return {key: int(value) if is_whole(key) else float(value) for key, value in chosen(config)[1].items()}


def history_of(config: Mapping[str, Any]) -> int:
    """Return how many bars a signal of a config's strategy needs, its own included; raises as chosen."""
    if is_own(config):
        return int(config["strategy"]["history_bars"] or 1)
    module, parameters = chosen(config)
    return int(module.history(parameters))
