"""Buy whichever side's expected value after fees exceeds a threshold."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from tradewinds.engine import sizing
from tradewinds.engine.contracts import PICO_PER_MICRO, Side
from tradewinds.engine.costs import FEE_ERAS, FEE_RULES, FeeRule
from tradewinds.engine.limits import RiskLimits
from tradewinds.engine.replay import Rules
from tradewinds.engine.wishes import NONE, AccountRule, Asks, QuoteRule, Quotes, Wish, Wishes, one_by_one
from tradewinds.store import MICRO, PICO


def rules(config: Mapping[str, Any]) -> Rules:
    """Buy the side of a market whose expected value per contract, after the fee, exceeds risk.min_ev_per_contract."""
    risk, rounding = config["risk"], config["fees"]["rounding"]
    least = int(Decimal(str(risk["min_ev_per_contract"])) * PICO)
    return rules_for(
        _sizing(risk),
        least,
        FEE_RULES[rounding],
        limits=risk_limits(risk),
        step_seconds=config["cadence_minutes"] * 60,
        change_times=tuple(since for since, _ in FEE_ERAS) if rounding == "exchange" else (),
    )


def rules_for(
    size: sizing.Sizing,
    min_ev_pico: int,
    fee_rule: FeeRule,
    *,
    limits: RiskLimits,
    step_seconds: int,
    change_times: tuple[int, ...] = (),
) -> Rules:
    """The rules of this strategy, in the engine's units."""
    by_account = _better_side(size, min_ev_pico, fee_rule)
    by_quote: QuoteRule | None = None
    if isinstance(size, sizing.FixedQuantity) and not change_times:
        by_quote = _better_side_of_many(size.quantity, min_ev_pico)
    elif not (size.needs_equity or change_times):
        by_quote = one_by_one(by_account)
    return Rules(by_quote, by_account, min_ev_pico, fee_rule, limits, step_seconds, change_times)


def _better_side_of_many(quantity: int, min_ev_pico: int) -> QuoteRule:
    """`_better_side` for a fixed quantity, over columns."""

    def of_quotes(quotes: Quotes) -> Wishes:
        value = [quotes.net_value(side, quantity) for side in Side]
        good = [quotes.quoted(side) & (value[side] > min_ev_pico * quantity) for side in Side]
        yes = good[Side.YES] & ~(good[Side.NO] & (value[Side.NO] > value[Side.YES]))
        side = np.where(yes, Side.YES, np.where(good[Side.NO], Side.NO, NONE)).astype(np.int8)
        priority = np.where(yes, value[Side.YES], value[Side.NO])
        return Wishes(side, np.full(len(side), quantity, np.int64), priority)

    return of_quotes


def _better_side(size: sizing.Sizing, min_ev_pico: int, fee_rule: FeeRule) -> AccountRule:
    """The side with the larger net value a contract, if it exceeds the minimum (tie: YES); priority is that value."""

    def of_quote(p_pico: int, fee_rate: Fraction, asks: Asks, equity_micro: int, t: int) -> Wish | None:
        best: Wish | None = None
        for side, p in ((Side.YES, p_pico), (Side.NO, PICO - p_pico)):
            price = asks[side]
            if price is None:
                continue
            gross = p - price * PICO_PER_MICRO
            if gross <= min_ev_pico:
                continue
            quantity = size(p, price, equity_micro)
            if quantity < 1:
                continue
            net = gross - Fraction(fee_rule(fee_rate, quantity, price, t) * PICO_PER_MICRO, quantity)
            if net > min_ev_pico and (best is None or net > best.priority):
                best = Wish(side, quantity, net)
        return best

    return of_quote


def _sizing(risk: Mapping[str, Any]) -> sizing.Sizing:
    if risk["sizing"] == "fixed_qty":
        return sizing.FixedQuantity(risk["fixed_qty"])
    if risk["sizing"] == "ev_proportional":
        return sizing.EvProportional(Decimal(str(risk["contracts_per_dollar_ev"])))
    return sizing.Kelly(Decimal(str(risk["kelly_fraction"])))


def risk_limits(risk: Mapping[str, Any]) -> RiskLimits:
    """The limits of a config's risk section."""
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
