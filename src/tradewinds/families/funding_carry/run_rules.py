"""The settings of a resolved config as the exact numbers that the loop needs."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tradewinds.core.units import exact
from tradewinds.engine.carry.carry_market import UNIT
from tradewinds.engine.carry.carry_rules import (
    CarryCosts,
    CarryRules,
    CompositeStrategy,
    FeeEra,
    MarginRules,
    SimpleStrategy,
    SizeRules,
)
from tradewinds.families import strategy_file
from tradewinds.families.funding_carry.carry_panel import window_of
from tradewinds.families.funding_carry.fee_schedules import fees_of
from tradewinds.families.funding_carry.strategy_settings import PARAMETERS, SIMPLE, WEIGHTS, is_own

LIMITS = ("max_position_quote", "max_position_base", "max_exposure_quote")  # of risk


def rules_of(config: Mapping[str, Any]) -> CarryRules:
    """Return the rules of a resolved config."""
    window, data, execution = window_of(config), config["data"], config["execution"]
    own = is_own(config["strategy"])
    # a class opens and closes by itself: what stands in for a strategy here is its benchmark's, holding always
    parameters = PARAMETERS[SIMPLE] if own else config["strategy"]["parameters"]
    most = parameters["max_breakeven_periods"]
    return CarryRules(
        start_ts=window.start,
        end_ts=window.end,
        candle_seconds=60 * data["candle_minutes"],
        max_age_seconds=60 * execution["max_price_age_minutes"],
        default_hours=data["default_interval_hours"],
        per_8h=parameters["threshold_unit"] == "per_8h",
        fill_at_open=execution["fill"] == "next_open",
        start_cash=exact(config["risk"]["start_balance"], UNIT),
        direction=parameters["direction"],
        strategy=_strategy({"name": SIMPLE, "parameters": parameters} if own else config["strategy"]),
        min_holding=parameters["min_holding_periods"],
        max_breakeven=most,
        costs=_costs(config),
        margin=_margin(config["margin"]),
        size=_size(config),
        stepwise=strategy_file.caller_of(config["strategy"]) if own else None,
    )


def fraction(value: Any) -> Fraction:
    """Return a number of a config as it is written."""
    return Fraction(Decimal(str(value)))


def _strategy(strategy: Mapping[str, Any]) -> SimpleStrategy | CompositeStrategy:
    """Return the strategy with its parameters."""
    given = strategy["parameters"]
    if strategy["name"] == SIMPLE:
        return SimpleStrategy(fraction(given["min_funding_rate"]), fraction(given["exit_funding_rate"]))
    level, trend, persistence, basis = (fraction(given[name]) for name in WEIGHTS)
    return CompositeStrategy(
        enter=fraction(given["entry_threshold"]),
        leave=fraction(given["exit_threshold"]),
        weights=(level, trend, persistence, basis),
        normalised=given["normalise_weights"],
        rate_cap=fraction(given["rate_cap"]),
        trend_span=given["trend_span"],
        trend_threshold=fraction(given["trend_threshold"]),
        persistence_threshold=fraction(given["persistence_threshold"]),
        persistence_most=given["persistence_max_periods"],
        basis_cap=fraction(given["basis_cap"]),
        favourable=given["basis_side"] == "favourable",
        volume_ratio=fraction(given["volume_decline_ratio"]),
    )


def _costs(config: Mapping[str, Any]) -> CarryCosts:
    """Return the costs of fills and of borrowing."""
    costs = config["costs"]
    return CarryCosts(
        slippage_bps=fraction(costs["slippage_bps"]),
        impact_bps=fraction(costs["impact_bps_per_volume_pct"]),
        most_bps=fraction(costs["max_slippage_bps"]),
        fees=tuple(FeeEra(*rates) for rates in fees_of(config)),
        borrow_apr=fraction(costs["borrow_apr"]),
    )


def _margin(margin: Mapping[str, Any]) -> MarginRules:
    """Return how the perpetual leg is margined."""
    return MarginRules(
        both_legs=margin["capital_rule"] == "both_legs",
        leverage=fraction(margin["leverage"]),
        borrow_margin=fraction(margin["borrow_margin"]),
        borrow_maintenance=fraction(margin["borrow_maintenance"]),
        rebalance=margin["rebalance"]["mode"],
        low=fraction(margin["rebalance"]["low"]),
        high=fraction(margin["rebalance"]["high"]),
    )


def _size(config: Mapping[str, Any]) -> SizeRules:
    """Return how large a position is."""
    risk, dynamic = config["risk"], config["risk"]["dynamic_sizing"]
    positions, percent = risk["max_positions"], risk["allocation_pct"]
    limits = [None if risk[key] is None else exact(risk[key], UNIT) for key in LIMITS]
    volume_shares = [fraction(s["max_volume_share"]) for s in (risk, config["execution"]) if s["max_volume_share"]]
    fractions = (fraction(dynamic["min_fraction"]), fraction(dynamic["max_fraction"]))
    return SizeRules(
        share=Fraction(1, positions) if percent is None else fraction(percent) / 100,
        compounding=risk["compounding"],
        dynamic=fractions if dynamic["enabled"] else None,
        max_positions=positions,
        max_position=limits[0],
        max_quantity=limits[1],
        max_exposure=limits[2],
        max_volume_share=min(volume_shares, default=None),
    )
