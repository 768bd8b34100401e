"""The strategies that a family's configs may name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import NamedTuple

from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant


class Strategy(NamedTuple):
    """A strategy by name.

    Attributes:
        name: as a config writes it.
        module: its module, imported when the strategy is needed.
        summary: what it does, one sentence.
        version: its own version; "" for the program's.
    """

    name: str
    module: str
    summary: str
    version: str = ""


class StrategyTable:
    """Strategies by name. Making one imports no strategy: checking a config asks for names only."""

    def __init__(self, strategies: Sequence[Strategy]) -> None:
        self._by_name = {strategy.name: strategy for strategy in sorted(strategies)}

    def __contains__(self, name: str) -> bool:
        """Whether a strategy has this name."""
        return name in self._by_name

    def __iter__(self) -> Iterator[Strategy]:
        """The strategies, by name."""
        return iter(self._by_name.values())

    def find(self, name: str, hint: str = "") -> Strategy:
        """The strategy of a name.

        Args:
            name: as the config has it.
            hint: a sentence that the error ends with.

        Raises:
            ConfigError: there is none; names the nearest and all known ones.
        """
        if name in self._by_name:
            return self._by_name[name]
        remedy = f"{meant(name, self._by_name)} Known: {', '.join(self._by_name)}. {hint}".strip()
        raise ConfigError(f"unknown strategy {name!r}.", where="strategy.name", remedy=remedy)

    def module(self, name: str) -> ModuleType:
        """The module of a strategy; raises as `find`."""
        return importlib.import_module(self.find(name).module)
