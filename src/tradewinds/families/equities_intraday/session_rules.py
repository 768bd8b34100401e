"""The rules of a config as the engine reads them: exact integers and fractions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from tradewinds.core.arrays import Ints
from tradewinds.core.units import MICRO, NEVER, exact
from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import (
    ENTRY_MODES,
    FACTORS,
    INTRABAR,
    OFF,
    PARTS,
    SIZING,
    STOP_MODES,
    OrbRules,
    PlayFilter,
    RangeRules,
    ScoreRules,
    SessionRules,
    fine,
)

Splits = Mapping[str, tuple[tuple[int, Fraction], ...]]

NO_COSTS = {
    "tick": Decimal("0.01"),
    "slippage_ticks": 0,
    "slippage_bps": 0,
    "commission_per_share": 0,
    "min_commission": 0,
}
_FACTOR_KEYS = dict(zip(FACTORS, ("rel_volume", "price_action", "profile_proxy", "vwap", "adx"), strict=True))


def rules_of(config: Mapping[str, Any], splits: Splits) -> OrbRules:
    """Return the rules of a resolved config.

    Args:
        config: resolved.
        splits: by symbol, (day since 1970-01-01, new shares for one old one) in order of days.
    """
    loss = config["governance"]["max_daily_loss_r"]
    return OrbRules(
        sessions=_session_rules(config),
        ranges=_range_rules(config),
        start_micro=exact(config["risk"]["start_balance"], MICRO),
        flatten_minutes=config["governance"]["flatten_minutes_before_close"],
        max_loss_r=None if loss is None else _fraction(loss),
        splits=splits,
    )


def cutoff_of(config: Mapping[str, Any], bars: MinuteBars, timezone: str) -> Ints:
    """Return by session the instant from which no entry is decided, in Unix s; NEVER without `governance.time_cutoff`.

    Args:
        config: resolved.
        bars: whose sessions.
        timezone: of the exchange; the cutoff is a time of its clocks.
    """
    cutoff = config["governance"]["time_cutoff"]
    if cutoff is None:
        return np.full(len(bars.days), NEVER, np.int64)
    clock, zone = dt.time.fromisoformat(cutoff), ZoneInfo(timezone)
    dates = (dt.date(1970, 1, 1) + dt.timedelta(days=day) for day in bars.days.tolist())
    return np.array([int(dt.datetime.combine(date, clock, zone).timestamp()) for date in dates], np.int64)


def costs_of(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the costs of a config; `none` keeps the tick, because levels are placed on it."""
    return NO_COSTS if config["costs"] == "none" else config["costs"]


def _session_rules(config: Mapping[str, Any]) -> SessionRules:
    """Return the rules of the pass."""
    trade, risk, costs, governance = config["trade"], config["risk"], costs_of(config), config["governance"]
    tick = _micro(costs["tick"] or 0)
    part_r, part_share = _targets(trade)
    trail, time_stop = trade["trail"] or {}, trade["time_stop"] or {}
    return SessionRules(
        bar_seconds=60 * config["bars"]["minutes"],
        entry_mode=ENTRY_MODES.index(config["entry"]["mode"]),
        tick=tick,
        slippage=int(Decimal(str(costs["slippage_ticks"])) * tick),
        slippage_bps=fine(costs["slippage_bps"]),
        per_share=fine(costs["commission_per_share"]),
        min_commission=fine(costs["min_commission"]),
        stop_mode=STOP_MODES.index(trade["stop_mode"]),
        extra=_micro(trade["extra_stop_buffer"]),
        atr_stop=fine(trade["atr_stop_mult"]),
        atr_cap=fine(trade["atr_stop_cap_mult"]),
        stop_pct=fine(trade["stop_pct"]),
        swing=trade["swing_len"],
        min_risk=max(int(Decimal(str(trade["min_risk_ticks"])) * (tick or 1)), 1),  # a stop at the entry is no stop
        parts=len(part_r),
        part_r=(*part_r, *[OFF] * (PARTS - len(part_r))),
        part_share=(*part_share, *[OFF] * (PARTS - len(part_r))),
        intrabar=INTRABAR.index(trade["intrabar"]),
        even_at_r=fine(trade["move_be_at_r"]),
        even_buffer=_micro(trade["be_buffer"]),
        trail_start_r=fine(trail.get("start_r")),
        trail_distance_r=fine(trail.get("distance_r")),
        time_stop_seconds=60 * time_stop["minutes"] if time_stop else OFF,
        time_stop_min_r=fine(time_stop["min_r"]) if time_stop else 0,
        sizing=SIZING.index(risk["sizing"]),
        risk_pct=fine(risk["risk_pct"]),
        risk_amount=_micro(risk["risk_usd"]),
        fixed_shares=_or_off(risk["fixed_shares"]),
        slots=risk["slots"],
        max_notional=_micro(risk["max_notional_usd"]),
        max_leverage=fine(risk["max_leverage"]),
        max_volume_share=fine(risk["max_volume_share"]),
        account_each=int(risk["account"] == "per_symbol"),
        governed_together=int(governance["scope"] == "account"),
        max_signals=_or_off(governance["max_signals_per_day"]),
        lockout=_or_off(governance["lockout_after_losses"]),
        max_loss=int(governance["max_daily_loss_r"] is not None),
        max_positions=_or_off(governance["max_positions"]),
        score=_score_rules(config),
    )


def _targets(trade: Mapping[str, Any]) -> tuple[list[int], list[int]]:
    """Return the multiple of the risk, and the share of the position, of each target; the last takes what is left."""
    if not trade["partials"]:
        return ([], []) if trade["primary_r"] is None else ([fine(trade["primary_r"])], [OFF])
    multiples = [fine(trade["t1_r"]), fine(trade["t2_r"])]
    shares = [fine(trade["t1_pct"]), fine(trade["t2_pct"])]
    if trade["runner_r"] is None:
        return multiples, shares
    return [*multiples, fine(trade["runner_r"])], [*shares, OFF]


def _score_rules(config: Mapping[str, Any]) -> ScoreRules:
    """Return the rules of the score."""
    scoring, factors = config["scoring"], config["factors"]
    return ScoreRules(
        enabled=int(scoring["enabled"]),
        base_required=fine(scoring["base_required"]),
        weak_required=fine(scoring["weak_trend_required"]),
        on=tuple(int(factors[_FACTOR_KEYS[name]]["enabled"]) for name in FACTORS),
        weight=tuple(fine(scoring["weights"][name]) for name in FACTORS),
        lookback=factors["rel_volume"]["lookback"],
        spike=fine(factors["rel_volume"]["spike_mult"]),
        pivot=factors["price_action"]["pivot_len"],
        adx_threshold=fine(factors["adx"]["threshold"]),
    )


def _range_rules(config: Mapping[str, Any]) -> RangeRules:
    """Return what decides the setups of sessions."""
    orb, buffers, filters = config["orb"], config["buffers"], config["filter"]
    limits = (_fraction(orb["min_atr_mult"]), _fraction(orb["max_atr_mult"])) if orb["enable_validity_filter"] else None
    by_atr = config["trade"]["stop_mode"] in ("atr", "atr_capped")
    return RangeRules(
        minutes=orb["base_minutes"],
        adaptive=orb["adaptive"],
        low_norm_vol=_fraction(orb["low_norm_vol"]),
        high_norm_vol=_fraction(orb["high_norm_vol"]),
        short_minutes=orb["short_or_minutes"],
        long_minutes=orb["long_or_minutes"],
        atr_period=orb["atr_period"],
        atr_wilder=orb["atr_method"] == "wilder",
        sqrt_time=orb["atr_scale"] == "sqrt_time",
        validity=limits,
        skip_gaps=orb["on_gap"] == "skip",
        needs_atr=limits is not None or buffers["use_atr"] or by_atr,
        buffer_fixed=_micro(buffers["fixed"]),
        buffer_atr=fine(buffers["atr_mult"]) if buffers["use_atr"] else 0,
        direction=config["entry"]["direction"],
        play_filter=None if filters is None else _play_filter(filters),
    )


def _play_filter(filters: Mapping[str, Any]) -> PlayFilter:
    """Return the filter of stocks in play."""
    volume, relative = filters["min_avg_volume"], filters["min_rel_volume"]
    price, atr = filters["min_open_price"], filters["min_atr"]
    return PlayFilter(
        lookback=filters["lookback"],
        min_open_price=None if price is None else exact(price, MICRO),
        min_avg_volume=None if volume is None else _fraction(volume),
        min_atr=None if atr is None else exact(atr, MICRO),
        min_rel_volume=None if relative is None else _fraction(relative),
        top_n=filters["top_n"],
    )


def _micro(value: Decimal | float | str | None) -> int:
    """Return an amount in micro-units, or OFF for None."""
    return OFF if value is None else exact(value, MICRO)


def _or_off(value: int | None) -> int:
    """Return a whole number, or OFF for None."""
    return OFF if value is None else value


def _fraction(value: Decimal | float | str) -> Fraction:
    """Return a number as an exact fraction; a float counts as its shortest decimal form."""
    return Fraction(Decimal(str(value)))
