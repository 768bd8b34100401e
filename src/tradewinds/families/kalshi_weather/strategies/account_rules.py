"""What the rules of every strategy take from a config: fees, limits and the clock."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tradewinds.core.units import MICRO, exact
from tradewinds.engine.event_contracts.fees import FEE_RULES
from tradewinds.engine.event_contracts.limits import RiskLimits


def account_rules(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of engine.rules.Rules that do not depend on the strategy."""
    age = config["max_quote_age_minutes"]
    return {
        "fee_rule": FEE_RULES[config["fees"]["rounding"]],
        "limits": risk_limits(config["risk"]),
        "step_seconds": config["cadence_minutes"] * 60,
        "max_age_seconds": None if age is None else age * 60,
    }


def risk_limits(risk: Mapping[str, Any]) -> RiskLimits:
    """The limits of a config's risk section."""
    notional, share = risk["max_notional_per_event_usd"], risk["max_volume_share"]
    return RiskLimits(
        allow_opposing=risk["allow_opposing"],
        max_volume_share=None if share is None else Fraction(Decimal(str(share))),
        per_market=risk["max_contracts_per_market"],
        per_event=risk["max_contracts_per_event"],
        total_open=risk["max_total_open_contracts"],
        notional_per_event_micro=None if notional is None else exact(notional, MICRO),
        orders_per_event_day=risk["max_trades_per_event_per_day"],
    )
