"""Trading rules that do not depend on the strategy: fees, limits and the clock of decisions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tradewinds.core.units import CENT, MICRO, exact
from tradewinds.engine.event_contracts.limits import Opposing, RiskLimits
from tradewinds.engine.event_contracts.order_rules import StepRules
from tradewinds.engine.stepwise.step_caller import StepCaller
from tradewinds.families.kalshi_weather.fee_schedule import FEE_RULES, MAKER_RATE, TAKER_RATE

# by risk.allow_opposing; the exchange nets both sides at once
_OPPOSING = {False: Opposing.REFUSED, True: Opposing.NETTED, "hold": Opposing.HELD}

SHARE_AT_PRICE = 0.25  # of the volume at a resting order's own price, the most that can fill it


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


def step_rules(config: Mapping[str, Any], make: Callable[[], StepCaller]) -> StepRules:
    """How a strategy trades that is called at decision times.

    Args:
        config: resolved.
        make: makes a strategy that has not been called yet.
    """
    share = (config.get("resting") or {}).get("share_at_price", SHARE_AT_PRICE)
    return StepRules(
        make=make,
        takes=config["execution_model"] == "taker",
        touch_share=Fraction(Decimal(str(share))),
        period_seconds=config["candles"]["period_interval_minutes"] * 60,
        price_grid=CENT,
        maker_factor=MAKER_RATE / TAKER_RATE,
    )
