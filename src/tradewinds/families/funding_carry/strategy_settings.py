"""The strategies of funding carry by name, their parameters with defaults, and the presets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tradewinds.core.near_names import meant
from tradewinds.families.strategy_table import Strategy, StrategyTable

SIMPLE, COMPOSITE = "funding_simple", "funding_composite"
_MODULE = "tradewinds.families.funding_carry.strategy_settings"

STRATEGIES = StrategyTable(
    [
        Strategy(SIMPLE, _MODULE, "Enter when the funding rate is high enough, and leave when it is low.", "1.0"),
        Strategy(
            COMPOSITE,
            _MODULE,
            "Enter on a score of the funding rate's level, trend and persistence and of the basis.",
            "1.0",
        ),
    ]
)

_BOTH = {
    "direction": "long_spot",
    "threshold_unit": "per_8h",
    "min_holding_periods": 0,
    "max_breakeven_periods": None,
}
# the parameters of each strategy with their defaults
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    SIMPLE: {"min_funding_rate": 0.0003, "exit_funding_rate": 0.0001, **_BOTH},
    COMPOSITE: {
        "entry_threshold": 0.35,
        "exit_threshold": 0.2,
        "weight_rate_level": 0.35,
        "weight_trend": 0.25,
        "weight_persistence": 0.25,
        "weight_basis": 0.15,
        "normalise_weights": True,
        "rate_cap": 0.003,
        "trend_span": 6,
        "trend_threshold": 0.00005,
        "persistence_max_periods": 30,
        "persistence_threshold": 0.0003,
        "basis_cap": 0.01,
        "basis_side": "abs",
        "volume_decline_ratio": 0.7,
        **_BOTH,
    },
}
WEIGHTS = ("weight_rate_level", "weight_trend", "weight_persistence", "weight_basis")

# by name: the strategy, and the parameters that differ from its defaults
PRESETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "conservative": (SIMPLE, {"min_funding_rate": 0.0005, "exit_funding_rate": 0.0002}),
    "balanced": (COMPOSITE, {"entry_threshold": 0.35, "exit_threshold": 0.2}),
    "aggressive": (
        COMPOSITE,
        {
            "entry_threshold": 0.25,
            "exit_threshold": 0.15,
            "weight_rate_level": 0.4,
            "weight_trend": 0.2,
            "weight_persistence": 0.25,
            "weight_basis": 0.15,
        },
    ),
    "seed": (SIMPLE, {"min_funding_rate": 0.0001, "exit_funding_rate": 0.00005}),
}

# what `sweep --grid default` tries; the other weights of a score are divided by the new sum (normalise_weights)
DEFAULT_GRIDS: Mapping[str, Sequence[str]] = {
    SIMPLE: (
        "strategy.parameters.min_funding_rate=0.0001,0.0002,0.0003,0.0005,0.0008",
        "strategy.parameters.exit_funding_rate=0.00005,0.0001,0.0002",
    ),
    COMPOSITE: (
        "strategy.parameters.entry_threshold=0.3,0.4,0.5,0.6,0.7",
        "strategy.parameters.exit_threshold=0.2,0.3,0.4",
        "strategy.parameters.weight_rate_level=0.25,0.35,0.45",
    ),
}


def is_own(strategy: Mapping[str, Any]) -> bool:
    """Return whether a config's strategy is the user's own, a class in a file.

    Args:
        strategy: the section `strategy` of a config.
    """
    return strategy.get("file") is not None


def name_of_strategy(strategy: Mapping[str, Any]) -> str | None:
    """Return the name of a config's strategy: its key `name`, or that of its preset; None if it has neither.

    Args:
        strategy: the section `strategy` of a config.
    """
    if strategy.get("name") is not None:
        return str(strategy["name"])
    preset = str(strategy.get("preset"))
    return PRESETS[preset][0] if preset in PRESETS else None


def parameters_of_strategy(strategy: Mapping[str, Any]) -> dict[str, Any]:
    """Return all parameters of a config's strategy: those that it gives, then its preset's, then defaults.

    Args:
        strategy: the section `strategy` of a config, whose names are known.
    """
    name = name_of_strategy(strategy)
    of_preset = PRESETS[strategy["preset"]][1] if strategy.get("preset") is not None else {}
    return {**PARAMETERS[str(name)], **of_preset, **(strategy.get("parameters") or {})}


def unknown_parameter(name: str, key: str) -> tuple[str, str] | None:
    """Return what is wrong with a parameter and what to write, as sentences; None for one that a strategy has."""
    if key in PARAMETERS[name]:
        return None
    other = next((strategy for strategy, known in PARAMETERS.items() if key in known), None)
    if other is not None:
        return f"{name} has no such parameter: it is one of {other}.", f"Leave it out, or take strategy.name: {other}."
    known = f"Known: {', '.join(PARAMETERS[name])}."
    return f"{name} has no such parameter.", meant(key, PARAMETERS[name], known)
