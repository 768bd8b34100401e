"""What an exchange allows of a symbol: from the config, from the exchange's list as it was fetched, or by default.

ASSUME: today's filters held in the past, because no exchange publishes their history. A config that knows better lists the
changes by date (`instruments.….changes`); before its date no change is known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tradewinds.core import files
from tradewinds.core.units import exact
from tradewinds.engine.carry.carry_market import UNIT, Instrument, OrderFilters
from tradewinds.families.funding_carry.symbols import name_of

STEP, MIN_NOTIONAL = "0.001", "5"  # of a symbol of which neither the config nor the exchange says any
SPOT_KEYS = ("spot_symbol", "spot_multiplier")  # of `instruments`: what the spot leg is


def instrument_of(config: Mapping[str, Any], symbol: str, fetched: Mapping[str, str]) -> Instrument:
    """Return what an exchange allows of a symbol.

    Args:
        config: a resolved config.
        symbol: the symbol.
        fetched: `step` and `min_notional` from the exchange's list, as text; either may be absent.
    """
    settings = settings_of(config, symbol)
    own = {key: str(value) for key, value in settings.items() if value is not None and key != "changes"}
    found = {"step": STEP, "min_notional": MIN_NOTIONAL, **fetched, **own}
    maintenance = own.get("maintenance_margin_rate", str(config["margin"]["maintenance_margin_rate"]))
    return Instrument(
        step=exact(found["step"], UNIT),
        min_notional=exact(found["min_notional"], UNIT),
        maintenance=Fraction(Decimal(maintenance)),
        changes=tuple(_changes(settings, found["step"], found["min_notional"])),
    )


def _changes(settings: Mapping[str, Any], step: str, min_notional: str) -> Iterator[OrderFilters]:
    """Yield later filters of a symbol; what a change does not name stays as it was.

    Args:
        settings: the symbol's section of `instruments`.
        step: at first.
        min_notional: at first.
    """
    for change in settings.get("changes") or ():
        step = str(step if change.get("step") is None else change["step"])
        min_notional = str(min_notional if change.get("min_notional") is None else change["min_notional"])
        start = dt.datetime.combine(dt.date.fromisoformat(change["from"]), dt.time(), dt.UTC)
        yield OrderFilters(int(start.timestamp()), exact(step, UNIT), exact(min_notional, UNIT))


def settings_of(config: Mapping[str, Any], symbol: str) -> Mapping[str, Any]:
    """Return what a config says of a symbol in its section `instruments`; empty for nothing."""
    found: Mapping[str, Any] = (config["instruments"] or {}).get(symbol) or {}
    return found


def spot_pair_of(config: Mapping[str, Any], symbol: str) -> str | None:
    """Return the pair of a symbol's spot leg; None if it has none: a name such as 1000PEPE without a key `spot_symbol`."""
    named: str | None = settings_of(config, symbol).get("spot_symbol")
    name = name_of(symbol)
    return named if named is not None else None if name.is_multiple else name.spot


def spot_multiplier_of(config: Mapping[str, Any], symbol: str) -> int:
    """Return how many coins of the spot pair one unit of the perpetual is: 1000 for 1000PEPE."""
    return int(settings_of(config, symbol).get("spot_multiplier") or 1)


def fetched_filters(path: str) -> dict[str, dict[str, str]]:
    """Return `step` and `min_notional` of each symbol of an exchange's list, as text; both legs keep to them.

    Args:
        path: the list (schema INSTRUMENTS); "" for none.
    """
    found: dict[str, dict[str, str]] = {}
    for row in files.read_rows(path) if path else ():
        least = [row[key] for key in ("perp_min_notional", "spot_min_notional") if row[key] is not None]
        step = row["perp_step"] if row["spot_step"] is None else common_step(row["spot_step"], row["perp_step"])
        found[row["symbol"]] = {"step": f"{step:f}", **({"min_notional": f"{max(least):f}"} if least else {})}
    return found


def common_step(spot_step: Decimal, perp_step: Decimal) -> Decimal:
    """Return the smallest quantity that is a whole number of steps of both legs.

    Args:
        spot_step: of the spot pair.
        perp_step: of the perpetual, in base coins: its step times the size of a contract.
    """
    from math import lcm

    unit = Decimal(1).scaleb(min(0, *(int(step.normalize().as_tuple().exponent) for step in (spot_step, perp_step))))
    return lcm(int(spot_step / unit), int(perp_step / unit)) * unit
