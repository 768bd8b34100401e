"""Trading rules that do not depend on the strategy: fees, limits and the clock of decisions."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tradewinds.core.units import MICRO, exact
from tradewinds.engine.event_contracts.limits import Opposing, RiskLimits
from tradewinds.families.kalshi_weather.fee_schedule import FEE_RULES

# by risk.allow_opposing; the exchange nets both sides at once
_OPPOSING = {False: Opposing.REFUSED, True: Opposing.NETTED, "hold": Opposing.HELD}


def account_rules(config: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments of Rules (engine/event_contracts/order_rules.py) that do not depend on the strategy.

    Args:
        config: resolved.
    """
    age_minutes = config["max_quote_age_minutes"]
    return {
        "fee_rule": FEE_RULES[config["fees"]["rounding"]],
        "limits": risk_limits(config["risk"]),
        "step_seconds": config["cadence_minutes"] * 60,
        "max_age_seconds": None if age_minutes is None else age_minutes * 60,
    }


def risk_limits(risk: Mapping[str, Any]) -> RiskLimits:
    """Limits of orders.

    Args:
        risk: the config's section `risk`.
    """
    notional_usd, volume_share = risk["max_notional_per_event_usd"], risk["max_volume_share"]
    return RiskLimits(
        opposing=_OPPOSING[risk["allow_opposing"]],
        max_volume_share=None if volume_share is None else Fraction(Decimal(str(volume_share))),
        per_market=risk["max_contracts_per_market"],
        per_event=risk["max_contracts_per_event"],
        total_open=risk["max_total_open_contracts"],
        notional_per_event_micro=None if notional_usd is None else exact(notional_usd, MICRO),
        orders_per_event_day=risk["max_trades_per_event_per_day"],
    )
