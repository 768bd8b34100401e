"""Market families: instruments, calendar, costs, settlement. Each is a module that offers the functions of `Family`; what
is the same for all of them (plan, workflow, results, database, sweeps, command line) asks the registry, never for a name.

Importing this package costs nothing: a family's module is imported when it is asked for.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from tradewinds.families.contract import Family

# market: (module, the key of a config that says so where `market` is left out)
_REGISTRY = {
    "kalshi_weather": ("tradewinds.families.kalshi_weather.family", "series_tickers"),
    "equities_daily": ("tradewinds.families.equities_daily.family", "universe"),
}
NAMES = tuple(_REGISTRY)


def market_of(raw: Mapping[str, Any]) -> str:
    """The market family of a config that is not checked yet; one that names none and has no family's key is the first's."""
    named = raw.get("market")
    if isinstance(named, str) and named in _REGISTRY:
        return named
    return next((name for name, (_, key) in _REGISTRY.items() if key in raw), NAMES[0])


@functools.cache
def family_of(market: str) -> Family:
    """A market family, by the contract of families/contract.py."""
    return cast("Family", importlib.import_module(_REGISTRY[market][0]).FAMILY)
