"""Strategy: buy the side of a market whose expected value after fees exceeds a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tradewinds.core.units import PICO, exact
from tradewinds.engine.event_contracts import sizing
from tradewinds.engine.event_contracts.order_rules import Rules
from tradewinds.families.kalshi_weather.fee_schedule import TAKER_RATE
from tradewinds.families.kalshi_weather.strategies import resting_threshold
from tradewinds.families.kalshi_weather.strategies.account_rules import account_rules


def rules(config: Mapping[str, Any]) -> Rules:
    """Rules that buy the side whose expected value per contract, after the fee, exceeds risk.min_ev_per_contract.

    Args:
        config: resolved.
    """
    if config["execution_model"] == "maker":
        return resting_threshold.rules(config)
    risk = config["risk"]
    min_ev_pico = exact(risk["min_ev_per_contract"], PICO)
    return Rules(sizing=_sizing(risk), from_strategy=None, min_ev_pico=min_ev_pico, **account_rules(config))


def _sizing(risk: Mapping[str, Any]) -> sizing.Sizing:
    """How many contracts an order is for, by the config's section `risk`."""
    if risk["sizing"] == "fixed_qty":
        return sizing.FixedQuantity(risk["fixed_qty"])
    if risk["sizing"] == "ev_proportional":
        return sizing.EvProportional(Decimal(str(risk["contracts_per_dollar_ev"])), TAKER_RATE)
    return sizing.Kelly(Decimal(str(risk["kelly_fraction"])))
