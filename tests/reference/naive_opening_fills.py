"""Stops, sizes, costs and what happens inside a bar in the naive opening-range engine (sections 7 to 10 of its rules)."""

from dataclasses import dataclass, field
from math import floor
from typing import NamedTuple

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_opening_bars import CENT, MICRO, half_even, level, number
from tests.reference.naive_opening_rules import LONG, tick_of

# Section 7


def swing_stop(day, done, direction, config):
    """Return the level of the last swing of the session among completed bars, None without one.

    ASSUME: completed means complete before the bar of the fill starts; "bars on both sides" are the neighbours that are
    there, not minutes by the clock.
    """
    reach, extra = config["trade"]["swing_len"], number(config["trade"]["extra_stop_buffer"])
    for place in reversed(range(reach, len(done) - reach)):
        around = done[place - reach : place] + done[place + 1 : place + 1 + reach]
        if direction == LONG and all(done[place].low < bar.low for bar in around):
            return done[place].low - extra
        if direction != LONG and all(done[place].high > bar.high for bar in around):
            return done[place].high + extra
    return None


def initial_stop(day, done, direction, raw, config):
    """Return the protective stop of a fill at `raw`, to the tick away from the trade."""
    trade = config["trade"]
    extra = number(trade["extra_stop_buffer"])
    opposite = day.low - extra if direction == LONG else day.high + extra
    mode = trade["stop_mode"]
    if mode == "or_opposite":
        stop = opposite
    elif mode == "or_mid":
        stop = (day.high + day.low) / 2
    elif mode == "atr":
        stop = raw - direction * number(trade["atr_stop_mult"]) * day.history.atr
    elif mode == "atr_capped":
        # ASSUME: the closer is the higher of the two for a long, the lower for a short, also where the price of the
        # fill is already beyond the other side of the range (then BAD_STOP follows).
        capped = raw - direction * number(trade["atr_stop_cap_mult"]) * day.history.atr
        stop = max(opposite, capped) if direction == LONG else min(opposite, capped)
    elif mode == "percent":
        stop = raw * (1 - direction * number(trade["stop_pct"]) / 100)
    else:
        swing = swing_stop(day, done, direction, config)
        stop = opposite if swing is None else swing
    return level(stop, tick_of(config), up=direction != LONG)


def risk_is_bad(risk, config):
    # ASSUME: a risk of 0 or less is always BAD_STOP, also with min_risk_ticks 0.
    least = number(config["trade"]["min_risk_ticks"]) * (tick_of(config) or MICRO)
    return risk < least or risk <= 0


# Sections 8 and 9


def free(config):
    return config["costs"] == "none" or config["costs"] is None


def marketable(raw, buys, config):
    """Return the price paid or received by a market or stop order."""
    if free(config):
        return raw
    costs = config["costs"]
    slip = number(costs["slippage_ticks"]) * (tick_of(config) or 0)
    slip += half_even(number(costs["slippage_bps"]) / 10_000 * raw, MICRO)
    return raw + slip if buys else raw - slip


def commission(shares, config):
    """Return the commission of one fill, half-even to the cent."""
    if free(config):
        return Fraction(0)
    costs = config["costs"]
    return half_even(max(number(costs["min_commission"]), number(costs["commission_per_share"]) * shares), CENT)


def wanted_shares(risk, fill, equity, config):
    """Return the shares that the sizing asks for, no more than the notional allows."""
    rules = config["risk"]
    if rules["sizing"] == "risk_pct":
        shares = floor(equity * number(rules["risk_pct"]) / 100 / rules["slots"] / risk)
    elif rules["sizing"] == "risk_usd":
        shares = floor(number(rules["risk_usd"]) / risk)
    else:
        shares = rules["fixed_shares"]
    if rules["max_notional_usd"] is not None:
        shares = min(shares, floor(number(rules["max_notional_usd"]) / fill))
    return shares


def affordable_shares(fill, equity, used, config):
    """Return the shares that the leverage allows; None without a limit."""
    leverage = number(config["risk"]["max_leverage"])
    # ASSUME: max_leverage null is no limit.
    if leverage is None:
        return None
    power = leverage * equity
    return floor(min(power / config["risk"]["slots"], power - used) / fill)


def within_volume(shares, volume, share):
    """Return (shares, None) as a share of the entry bar's volume allows, if it is known, or (None, "LIQUIDITY")."""
    if share is not None and volume is not None:
        shares = min(shares, floor(number(share) * volume))
    return (shares, None) if shares > 0 else (None, "LIQUIDITY")


# Section 10


class Leg(NamedTuple):
    """A part that left: when it is known, shares, price before and after slippage, commission, reason."""

    ts: int
    quantity: int
    raw: Fraction
    fill: Fraction
    commission: Fraction
    reason: str


@dataclass
class Position:
    """A position from its entry on; a trade when all of it has left.

    Attributes:
        stop: the initial stop; `level` and `level_name`: the stop that works now and the reason it gives.
        risk: R per share. quantity: shares entered. left: shares still held.
        targets: (price, shares) of every part with a target, nearest first; `waiting`: those not reached yet.
        best, worst: most favourable and most adverse price of the bars held.
        time_is_up: whether the time stop is due at the next open.
        cash: pnl, set when all of it has left, like r, r_gross and exit_reason.
    """

    symbol: str
    date: object
    direction: int
    bar_start: int
    entry_ts: int
    raw: Fraction
    fill: Fraction
    stop: Fraction
    risk: Fraction
    quantity: int
    entry_fee: Fraction
    targets: list
    score: Fraction | None
    relative_volume: Fraction | None
    best: Fraction
    worst: Fraction
    level: Fraction
    level_name: str = "stop"
    left: int = 0
    waiting: list = field(default_factory=list)
    legs: list = field(default_factory=list)
    time_is_up: bool = False
    pnl: Fraction | None = None
    r: Fraction | None = None
    r_gross: Fraction | None = None
    exit_reason: str | None = None
    exit_ts: int | None = None

    def gain(self, price):
        """Return how far a price is in the trade's favour, per share."""
        return self.direction * (price - self.raw)

    def at_or_beyond_stop(self, price):
        return self.direction * (price - self.level) <= 0

    def reaches(self, price, target):
        return self.direction * (price - target) >= 0

    def favourable(self, bar):
        return bar.high if self.direction == LONG else bar.low

    def adverse(self, bar):
        return bar.low if self.direction == LONG else bar.high

    def saw(self, *prices):
        """Take prices of a bar held into the best and the worst."""
        for price in prices:
            self.best = price if self.direction * (price - self.best) > 0 else self.best
            self.worst = price if self.direction * (price - self.worst) < 0 else self.worst

    def leave(self, ts, shares, raw, reason, config):
        """Let shares leave; a target is a limit order without slippage."""
        fill = raw if reason == "target" else marketable(raw, self.direction != LONG, config)
        self.legs.append(Leg(ts, shares, raw, fill, commission(shares, config), reason))
        self.left -= shares
        if reason == "target":
            self.waiting.pop(0)
        if self.left == 0:
            self.finish(reason, ts)

    def finish(self, reason, ts):
        """Work out what the trade made."""
        gross = sum((self.direction * (leg.raw - self.raw) * leg.quantity for leg in self.legs), Fraction(0))
        moved = sum((self.direction * (leg.fill - self.fill) * leg.quantity for leg in self.legs), Fraction(0))
        fees = self.entry_fee + sum((leg.commission for leg in self.legs), Fraction(0))
        self.pnl = moved - fees
        self.r = self.pnl / (self.risk * self.quantity)
        self.r_gross = gross / (self.risk * self.quantity)
        self.exit_reason, self.exit_ts = reason, ts


def targets_of(direction, raw, risk, shares, config):
    """Return (price, shares) of every part that has a target."""
    trade = config["trade"]
    if trade["partials"]:
        first = floor(shares * number(trade["t1_pct"]))
        second = floor(shares * number(trade["t2_pct"]))
        parts = [(trade["t1_r"], first), (trade["t2_r"], second), (trade["runner_r"], shares - first - second)]
    else:
        parts = [(trade["primary_r"], shares)]
    return [
        (level(raw + direction * number(multiple) * risk, tick_of(config), up=direction == LONG), part)
        for multiple, part in parts
        if multiple is not None and part > 0
    ]


def events_inside(position, bar, policy, filled_inside):
    """Return the [(shares, price, reason)] that leave inside a bar under one policy, from the position as it is.

    `filled_inside`: the position was entered inside this very bar, so the adverse extreme may be older than the entry.
    """
    wins = [
        (part, price, "target") for price, part in position.waiting if position.reaches(position.favourable(bar), price)
    ]
    stopped = position.at_or_beyond_stop(position.adverse(bar))
    close_stops = position.at_or_beyond_stop(bar.close)
    favourable_first = abs(bar.open - position.favourable(bar)) <= abs(bar.open - position.adverse(bar))

    # Which comes first, and does the adverse extreme count at all?
    stop_first = policy == "pessimistic" or (policy == "path" and not favourable_first)
    if filled_inside and policy == "path" and not favourable_first:
        stopped, stop_first = close_stops, False
    if filled_inside and policy == "optimistic":
        stopped = close_stops

    if stopped and stop_first:
        return [(position.left, position.level, position.level_name)]
    remaining = position.left - sum(part for part, _, _ in wins)
    if stopped and remaining > 0:
        return [*wins, (remaining, position.level, position.level_name)]
    return wins
