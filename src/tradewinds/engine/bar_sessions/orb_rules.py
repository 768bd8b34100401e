"""The rules of opening-range trading as integers: what sessions.c reads, and what decides each session's setup.

Prices and money are micro-units. A multiplier or a percentage is in FINE parts of one, so it has 8 decimals at most. OFF stands
for a limit or a rule that is not in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

FINE = 100_000_000
OFF = -1
PARTS = 3  # targets of a position

ENTRY_MODES = ("stop", "close_confirm", "or_close")
STOP_MODES = ("or_opposite", "or_mid", "atr", "atr_capped", "percent", "swing")
INTRABAR = ("pessimistic", "path", "optimistic")
SIZING = ("risk_pct", "risk_usd", "fixed_shares")
FACTORS = ("rel_vol", "price_action", "profile", "vwap", "adx")


def fine(value: Decimal | float | str | None) -> int:
    """Return a number in FINE parts, or OFF for None."""
    return OFF if value is None else int(Decimal(str(value)) * FINE)


@dataclass(frozen=True)
class ScoreRules:
    """The confluence score; fields of ScoreRules in score.h, in its order.

    Attributes:
        enabled: 1 if a decision needs the score.
        base_required: least sum of weights; FINE parts.
        weak_required: the same where ADX is known and below its threshold; FINE parts.
        on: by factor of FACTORS, 1 if it counts.
        weight: by factor; FINE parts.
        lookback: bars before the last one whose mean volume counts.
        spike: least multiple of that mean; FINE parts.
        pivot: bars between the two of the structure pattern.
        adx_threshold: FINE parts.
    """

    enabled: int
    base_required: int
    weak_required: int
    on: tuple[int, ...]
    weight: tuple[int, ...]
    lookback: int
    spike: int
    pivot: int
    adx_threshold: int


@dataclass(frozen=True)
class SessionRules:
    """The rules of a pass; fields of Rules in sessions.c, in its order.

    Attributes:
        bar_seconds: length of a bar.
        entry_mode: index into ENTRY_MODES.
        tick: step of every level that is placed; 0: none.
        slippage: micro-units of a marketable fill.
        slippage_bps: the same as basis points of the price; FINE parts.
        per_share: commission; FINE parts of a unit of money.
        min_commission: of a fill; FINE parts of a unit of money.
        stop_mode: index into STOP_MODES.
        extra: distance of the stop from a range or swing.
        atr_stop: multiple of the true range; FINE parts.
        atr_cap: the same for the cap; FINE parts.
        stop_pct: percent of the price; FINE parts.
        swing: bars on both sides of a swing.
        min_risk: least distance of the stop.
        parts: number of targets.
        part_r: by target, multiple of the risk; FINE parts.
        part_share: by target, share of the position; FINE parts, OFF: what is left.
        intrabar: index into INTRABAR.
        even_at_r: multiple of the risk at which the stop moves to the entry; FINE parts.
        even_buffer: beyond the entry.
        trail_start_r: multiple of the risk at which the stop begins to trail; FINE parts.
        trail_distance_r: its distance from the best price; FINE parts.
        time_stop_seconds: after the start of the entry bar.
        time_stop_min_r: least gain by then; FINE parts.
        sizing: index into SIZING.
        risk_pct: percent of equity; FINE parts.
        risk_amount: money at the stop.
        fixed_shares: shares.
        slots: parts into which equity is divided.
        max_notional: money.
        max_leverage: multiple of equity; FINE parts.
        max_volume_share: share of the entry bar's volume; FINE parts.
        account_each: 1 if each symbol has its own account.
        governed_together: 1 if governance counts over all symbols.
        max_signals: entries a day.
        lockout: full stops in a row.
        max_loss: 1 if there is a limit of the day's loss.
        max_positions: held at once.
        score: the confluence score.
    """

    bar_seconds: int
    entry_mode: int
    tick: int
    slippage: int
    slippage_bps: int
    per_share: int
    min_commission: int
    stop_mode: int
    extra: int
    atr_stop: int
    atr_cap: int
    stop_pct: int
    swing: int
    min_risk: int
    parts: int
    part_r: tuple[int, ...]
    part_share: tuple[int, ...]
    intrabar: int
    even_at_r: int
    even_buffer: int
    trail_start_r: int
    trail_distance_r: int
    time_stop_seconds: int
    time_stop_min_r: int
    sizing: int
    risk_pct: int
    risk_amount: int
    fixed_shares: int
    slots: int
    max_notional: int
    max_leverage: int
    max_volume_share: int
    account_each: int
    governed_together: int
    max_signals: int
    lockout: int
    max_loss: int
    max_positions: int
    score: ScoreRules


@dataclass(frozen=True)
class PlayFilter:
    """Which symbols are in play in a session; None: the condition is off.

    Attributes:
        lookback: sessions before.
        min_open_price: micro-units; the range's first open must be above it.
        min_avg_volume: shares; mean of the sessions before.
        min_atr: micro-units; the true range must be above it.
        min_rel_volume: least volume of the opening range against its mean.
        top_n: symbols of highest relative volume.
    """

    lookback: int
    min_open_price: int | None
    min_avg_volume: Fraction | None
    min_atr: int | None
    min_rel_volume: Fraction | None
    top_n: int | None


@dataclass(frozen=True)
class RangeRules:
    """What decides the opening range of a session, and whether it is traded.

    Attributes:
        minutes: its length.
        adaptive: whether the length follows the true range.
        low_norm_vol: below it the range is `short_minutes` long.
        high_norm_vol: above it the range is `long_minutes` long.
        short_minutes: minutes.
        long_minutes: minutes.
        atr_period: bars of the mean true range.
        atr_wilder: whether it is Wilder's mean; else the simple one.
        sqrt_time: whether true ranges are scaled by the square root of time.
        validity: (least, greatest) width as a multiple of the scaled true range; None: any.
        skip_gaps: whether a range with a missing minute is not traded.
        needs_atr: whether trading needs the true range.
        buffer_fixed: distance of the trigger from the range; micro-units.
        buffer_atr: the same as a multiple of the true range; FINE parts.
        direction: both, long, short or or_candle.
        play_filter: which symbols are in play; None: all.
    """

    minutes: int
    adaptive: bool
    low_norm_vol: Fraction
    high_norm_vol: Fraction
    short_minutes: int
    long_minutes: int
    atr_period: int
    atr_wilder: bool
    sqrt_time: bool
    validity: tuple[Fraction, Fraction] | None
    skip_gaps: bool
    needs_atr: bool
    buffer_fixed: int
    buffer_atr: int
    direction: str
    play_filter: PlayFilter | None


@dataclass(frozen=True)
class OrbRules:
    """All rules of a run.

    Attributes:
        sessions: of the pass.
        ranges: of the setups.
        start_micro: start balance of an account; micro-units.
        flatten_minutes: minutes before the close at which positions leave; 0: at the close.
        max_loss_r: loss of a day in R from which no entry is decided; None: any.
        splits: by symbol, (day since 1970-01-01, new shares for one old one) in order of days.
    """

    sessions: SessionRules
    ranges: RangeRules
    start_micro: int
    flatten_minutes: int
    max_loss_r: Fraction | None
    splits: Mapping[str, tuple[tuple[int, Fraction], ...]]
