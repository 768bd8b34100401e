"""Buy whichever side's expected value after fees exceeds a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tradewinds.engine import sizing
from tradewinds.engine.costs import FEE_ERAS, FEE_RULES
from tradewinds.engine.limits import RiskLimits
from tradewinds.engine.replay import Rules
from tradewinds.store import MICRO, PICO


def rules(config: Mapping[str, Any]) -> Rules:
    """Buy the side of a market whose expected value per contract, after the fee, exceeds risk.min_ev_per_contract."""
    risk = config["risk"]
    rounding = config["fees"]["rounding"]
    return Rules(
        min_ev_pico=int(Decimal(str(risk["min_ev_per_contract"])) * PICO),
        sizing=_sizing(risk),
        fixed_wishes=risk["sizing"] != "kelly" and rounding == "cent",
        fee_rule=FEE_RULES[rounding],
        limits=_limits(risk),
        step_seconds=config["cadence_minutes"] * 60,
        change_times=tuple(since for since, _ in FEE_ERAS) if rounding == "exchange" else (),
    )


def _sizing(risk: Mapping[str, Any]) -> sizing.Sizing:
    if risk["sizing"] == "fixed_qty":
        return sizing.fixed_qty(risk["fixed_qty"])
    if risk["sizing"] == "ev_proportional":
        return sizing.ev_proportional(Decimal(str(risk["contracts_per_dollar_ev"])))
    return sizing.kelly(Decimal(str(risk["kelly_fraction"])))


def _limits(risk: Mapping[str, Any]) -> RiskLimits:
    notional, share = risk["max_notional_per_event_usd"], risk["max_volume_share"]
    return RiskLimits(
        allow_opposing=risk["allow_opposing"],
        max_volume_share=None if share is None else Fraction(Decimal(str(share))),
        per_market=risk["max_contracts_per_market"],
        per_event=risk["max_contracts_per_event"],
        total_open=risk["max_total_open_contracts"],
        notional_per_event_micro=None if notional is None else int(Decimal(str(notional)) * MICRO),
        orders_per_event_day=risk["max_trades_per_event_per_day"],
    )
