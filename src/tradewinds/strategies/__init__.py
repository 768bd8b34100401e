"""Strategies by name, or from a user's file. A strategy turns a config into the rules by which orders are made.

Nothing heavy is imported before a strategy is really needed: checking a config asks for names only.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tradewinds.core.errors import ConfigError

if TYPE_CHECKING:
    from tradewinds.engine.event_contracts.rules import Rules


class Known(NamedTuple):
    """A registered strategy: its module, what it does, its market family, and its version ("" for the program's own)."""

    module: str
    summary: str
    market: str
    version: str = ""


# The module of a strategy of events has a function `rules(config) -> Rules`; one of shares is described in shares.py.
_REGISTRY = {
    "ev_threshold": Known(
        "tradewinds.families.kalshi_weather.strategies.ev_threshold",
        "Buy the side whose expected value per contract, after the fee, exceeds risk.min_ev_per_contract.",
        "kalshi_weather",
    ),
    "Mean Reversion": Known(
        "tradewinds.families.equities_daily.strategies.mean_reversion",
        "Buy after three lower closes that fell 3 % or more; sell at +2 %, at −5 % or after 10 days.",
        "equities_daily",
        "1.0",
    ),
    "Breakout": Known(
        "tradewinds.families.equities_daily.strategies.breakout",
        "Buy 1 % above the highest high of 20 bars on 1.5 times their volume; sell at −3 %, 5 % below the peak, after 20 days.",
        "equities_daily",
        "1.0",
    ),
}


def check(strategy: Mapping[str, Any], market: str = "kalshi_weather") -> None:
    """Whether a config's strategy section names something that is there for a market family.

    Raises:
        ConfigError: an unknown name, or a file that cannot be loaded.
    """
    if strategy.get("file") is not None:
        from tradewinds.families.kalshi_weather.strategies import file_strategy

        file_strategy.load(strategy["file"])
        return
    names = [name for name, known in sorted(_REGISTRY.items()) if known.market == market]
    if strategy["name"] not in names:
        near = difflib.get_close_matches(strategy["name"], names, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        own = " Your own one needs strategy.file." if "file" in strategy else ""
        remedy = f"{hint}Known: {', '.join(names)}.{own}"
        raise ConfigError(f"unknown strategy {strategy['name']!r}.", where="strategy.name", remedy=remedy)


def rules_of(config: Mapping[str, Any]) -> Rules:
    """The rules of a resolved config of events; raises as `check`."""
    check(config["strategy"])
    if config["strategy"]["file"] is not None:
        from tradewinds.families.kalshi_weather.strategies import file_strategy

        return file_strategy.rules(config)
    made: Rules = importlib.import_module(_REGISTRY[config["strategy"]["name"]].module).rules(config)
    return made


def market_of(name: str) -> str | None:
    """The market family of a registered strategy; None for an unknown name."""
    return _REGISTRY[name].market if name in _REGISTRY else None


def version_of(name: str) -> str | None:
    """A registered strategy's own version; None where it has none."""
    return (_REGISTRY[name].version or None) if name in _REGISTRY else None


def of_shares(config: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The module of a config's strategy of shares, and its parameters; raises as `check`, and for parameters it lacks."""
    check(config["strategy"], "equities_daily")
    from tradewinds.families.equities_daily.strategies.toolkit import parameters_of

    module = importlib.import_module(_REGISTRY[config["strategy"]["name"]].module)
    return module, parameters_of(config["strategy"]["parameters"], module.DEFAULTS, config["strategy"]["name"])


def history_of(config: Mapping[str, Any]) -> int:
    """Bars that a signal of a config's strategy of shares needs, its own included."""
    module, parameters = of_shares(config)
    return int(module.history(parameters))


def listing() -> list[tuple[str, str]]:
    """Names of all strategies with a line on what they do."""
    return [(name, known.summary) for name, known in sorted(_REGISTRY.items())]
