"""Market families by name: the value of a config's key `market`.

A family knows instruments, calendar, costs and settlement; it is one object, FAMILY, of the contract in families/contract.py.
All other rooms (workflow, results, database, sweeps, command line) ask this module for the family of a config.

Importing this module is cheap: a family's module is imported when `family_of` is called.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from tradewinds.families.contract import Family


class _Registered(NamedTuple):
    """Where a market family is.

    Attributes:
        module: the module that holds its object FAMILY.
        implied_by: a key that only its configs have; a config without `market` belongs to the family whose key it has.
    """

    module: str
    implied_by: str


_REGISTRY = {
    "kalshi_weather": _Registered("tradewinds.families.kalshi_weather.family", implied_by="series_tickers"),
    "equities_daily": _Registered("tradewinds.families.equities_daily.family", implied_by="universe"),
    "equities_intraday": _Registered("tradewinds.families.equities_intraday.family", implied_by="orb"),
    "funding_carry": _Registered("tradewinds.families.funding_carry.family", implied_by="data"),
}
NAMES = tuple(_REGISTRY)


def market_of(raw: Mapping[str, Any]) -> str:
    """Return the market family of a config that is not checked yet.

    A config whose `market` is missing or unknown belongs to the family whose key it has; without such a key, to the first one.

    Args:
        raw: the config as YAML gives it.
    """
    named = raw.get("market")
    if isinstance(named, str) and named in _REGISTRY:
        return named
    return next((name for name, family in _REGISTRY.items() if family.implied_by in raw), NAMES[0])


def implied_by(market: str) -> str:
    """Return the key whose presence means a market family where a config has no `market`."""
    return _REGISTRY[market].implied_by


@functools.cache
def family_of(market: str) -> Family:
    """Return a market family by its name."""
    return cast("Family", importlib.import_module(_REGISTRY[market].module).FAMILY)


def currency_of(market: str, config: Mapping[str, Any]) -> str:
    """Return the currency of the account of a resolved config.

    Args:
        market: the config's market family.
        config: the config.

    Returns:
        The currency's name; "" for a family that this version does not have: a database may hold runs of one.
    """
    return family_of(market).currency(config) if market in _REGISTRY else ""
