"""Signals of one symbol at its settlements: whether to enter, whether to leave, and how strong the wish is.

Each signal reads records up to and including its settlement and closes that are complete at it, nothing later. Scores are
exact: they are computed as floats, and again as fractions where a float is too near to a rounding edge to tell.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tradewinds.core.arrays import Flags, Floats, Ints
from tradewinds.engine.carry.carry_market import RATE_UNIT
from tradewinds.engine.carry.carry_prices import SymbolPrices
from tradewinds.engine.carry.carry_rules import (
    BOTH,
    LONG_SPOT,
    CarryRules,
    CompositeStrategy,
    SimpleStrategy,
)

SCORE_UNIT = 10**6
VOLUME_HOURS = 168
_EDGE = 1e-4  # of a score's last decimal: floats are right to about 1e-8 of it


class CarrySignals:
    """What a strategy says of one symbol; all columns have one value per settlement in the range.

    Args:
        prices: the symbol's.
        rules: the run's.

    Attributes:
        direction: of a position that would be opened.
        enters: whether it would be opened, volume and costs apart.
        strength: by which candidates are ranked; a rate (10^-12) or a score (10^-6).
        leaves: by direction, whether a position of that direction is to be closed.
    """

    def __init__(self, prices: SymbolPrices, rules: CarryRules) -> None:
        self.prices, self.rules = prices, rules
        rates = prices.rates_per_8h if rules.per_8h else prices.rates.rate
        now = rates[prices.first : prices.end]
        ways = {LONG_SPOT: np.ones(len(now), np.int64), BOTH: np.where(now < 0, -1, 1)}
        self.direction: Ints = ways.get(rules.direction, -np.ones(len(now), np.int64))
        signed = self.direction * now
        if isinstance(rules.strategy, SimpleStrategy):
            enter, leave = (_least(value, RATE_UNIT) for value in (rules.strategy.enter, rules.strategy.leave))
            self.strength: Ints = signed
            self.enters: Flags = signed >= enter
            self.leaves = {side: side * now < leave for side in (1, -1)}
            return
        sides = sorted({*np.unique(self.direction).tolist()})
        scores = {side: scores_of(prices, rules.strategy, side * rates, side) for side in sides}
        self.strength = np.where(self.direction == 1, *(scores.get(s, np.zeros(len(now), np.int64)) for s in (1, -1)))
        enter, leave = (_least(value, SCORE_UNIT) for value in (rules.strategy.enter, rules.strategy.leave))
        self.enters = (signed > 0) & (self.strength >= enter)
        self.leaves = {side: (side * now <= 0) | (scores[side] < leave) for side in sides}

    def volume_declines(self, index: int) -> bool:
        """Return whether the perpetual's volume has fallen too much at a settlement; never for the simple strategy.

        Args:
            index: the settlement, from 0 in the range.
        """
        if not isinstance(self.rules.strategy, CompositeStrategy):
            return False
        count = VOLUME_HOURS * 3600 // self.prices.perp.seconds
        end = int(self.prices.perp.rows_at(self.prices.settlements[index : index + 1])[0]) + 1
        if end < 2 * count:
            return False
        volume = self.prices.perp.candles.volume
        recent, prior = (sum(volume[at - count : at].tolist()) for at in (end, end - count))
        ratio = self.rules.strategy.volume_ratio
        return bool(prior > 0 and recent * ratio.denominator < ratio.numerator * prior)


class ScoreParts(NamedTuple):
    """What a score is made of; one value per settlement in the range, each from 0 to 1, but for the two columns of integers.

    Attributes:
        level: of the rate.
        trend: 1 rising, 0.5 stable, 0 falling.
        persistence: of high rates.
        basis: of the two prices.
        rising: twice the trend.
        kept: records of persistence.
    """

    level: Floats
    trend: Floats
    persistence: Floats
    basis: Floats
    rising: Ints
    kept: Ints

    @classmethod
    def of(cls, prices: SymbolPrices, strategy: CompositeStrategy, rates: Ints, direction: int) -> ScoreParts:
        """Return the parts of a symbol's scores; arguments as for `scores_of`."""
        inside = slice(prices.first, prices.end)
        kept = persistence(rates, strategy.persistence_threshold)[inside]
        rising = _known_trends(prices, rates, strategy)[inside]
        spot, perp = prices.spot_close, prices.perp_close
        basis = direction * (perp - spot) / np.maximum(spot, 1)  # without a price nothing is decided
        beta = np.maximum(basis, 0) if strategy.favourable else np.abs(basis)
        return cls(
            level=np.minimum(np.abs(rates[inside]) / float(strategy.rate_cap * RATE_UNIT), 1),
            trend=rising / 2,
            persistence=np.minimum(kept / strategy.persistence_most, 1),
            basis=np.minimum(beta / float(strategy.basis_cap), 1),
            rising=rising,
            kept=kept,
        )


def scores_of(prices: SymbolPrices, strategy: CompositeStrategy, rates: Ints, direction: int) -> Ints:
    """Return the score of each settlement in the range, 10^-6; of a rate that is not above 0 it has no meaning.

    Args:
        prices: the symbol's.
        strategy: the composite strategy.
        rates: of all records, as seen from the direction; 10^-12.
        direction: 1 or -1.
    """
    now, spot, perp = rates[prices.first : prices.end], prices.spot_close, prices.perp_close
    found_parts = ScoreParts.of(prices, strategy, rates, direction)
    parts, rising, kept = found_parts[:4], found_parts.rising, found_parts.kept
    total = sum(strategy.weights) if strategy.normalised else Fraction(1)
    weights = [float(weight / total * SCORE_UNIT) for weight in strategy.weights]
    fine = sum((weight * part for weight, part in zip(weights, parts, strict=True)), np.zeros(len(now)))
    found: Ints = np.rint(fine).astype(np.int64)
    # a float near the middle between two scores cannot tell which is nearer
    near = np.flatnonzero(np.abs(fine - np.floor(fine) - 0.5) < _EDGE)
    for row in near.tolist():
        facts = (int(now[row]), int(rising[row]), int(kept[row]), int(spot[row]), int(perp[row]))
        found[row] = exact_score(strategy, direction, *facts)
    return found


def exact_score(
    strategy: CompositeStrategy, direction: int, rate: int, rising: int, kept: int, spot: int, perp: int
) -> int:
    """Return one score, 10^-6, by fractions.

    Args:
        strategy: the composite strategy.
        direction: 1 or -1.
        rate: as seen from the direction; 10^-12.
        rising: twice the trend's value: 2 rising, 1 stable, 0 falling.
        kept: records of persistence.
        spot: last close; 10^-8, 0 for none.
        perp: last close; 10^-8.
    """
    basis = Fraction(direction * (perp - spot), spot) if spot else Fraction(0)
    beta = max(basis, Fraction(0)) if strategy.favourable else abs(basis)
    one = Fraction(1)
    parts = (
        min(Fraction(abs(rate), RATE_UNIT) / strategy.rate_cap, one),
        Fraction(rising, 2),
        min(Fraction(kept, strategy.persistence_most), one),
        min(beta / strategy.basis_cap, one),
    )
    total = sum(strategy.weights) if strategy.normalised else one
    return round(sum(w * part for w, part in zip(strategy.weights, parts, strict=True)) / total * SCORE_UNIT)


def persistence(rates: Ints, threshold: Fraction) -> Ints:
    """Return, by record, how many records in a row up to it are at or above a rate.

    Args:
        rates: 10^-12.
        threshold: the rate.
    """
    rows = np.arange(len(rates))
    below = rates < _least(threshold, RATE_UNIT)
    counts: Ints = rows - np.maximum.accumulate(np.where(below, rows, -1))
    return counts


def trends(rates: Ints, span: int, threshold: Fraction) -> Ints:
    """Return, by record, 2 if the moving average rises, 0 if it falls, 1 if neither, or if there are too few records.

    The average begins anew at every record with the first of the last 3 x span ones; each step is rounded to 12 decimals.

    Args:
        rates: 10^-12.
        span: of the average; records.
        threshold: least change over span - 1 steps that counts.
    """
    found = np.ones(len(rates), np.int64)
    longest = 3 * span
    for row in range(span, min(longest - 1, len(rates))):  # records with a shorter past
        found[row] = _trend(rates[: row + 1].reshape(1, -1), span, threshold)[0]
    if len(rates) >= longest:
        windows = np.lib.stride_tricks.sliding_window_view(rates, longest)
        found[longest - 1 :] = _trend(windows, span, threshold)
    return found


def _known_trends(prices: SymbolPrices, rates: Ints, strategy: CompositeStrategy) -> Ints:
    """Return `trends` of a symbol's rates; the points of a sweep share them, because they take most of a score's time."""
    key = (rates.tobytes(), strategy.trend_span, strategy.trend_threshold)
    if key not in prices.known_trends:
        prices.known_trends[key] = trends(rates, strategy.trend_span, strategy.trend_threshold)
    return prices.known_trends[key]


def _trend(windows: Ints, span: int, threshold: Fraction) -> Ints:
    """Return the trend of each row of records, oldest first."""
    average = past = windows[:, 0].copy()
    for step in range(1, windows.shape[1]):
        average = _half_even(2 * windows[:, step] + (span - 1) * average, span + 1)
        if step == windows.shape[1] - span:
            past = average
    change = average - past
    limit = threshold * RATE_UNIT  # compared exactly: an integer is above it if it is above its floor
    above, below = change > limit.numerator // limit.denominator, change < -(limit.numerator // limit.denominator)
    return np.where(above, 2, np.where(below, 0, 1))


def _half_even(numerator: Ints, denominator: int) -> Ints:
    """Return quotients of integers, rounded half to even."""
    whole, rest = np.divmod(numerator, denominator)
    double = 2 * rest
    rounded: Ints = whole + ((double > denominator) | ((double == denominator) & (whole % 2 == 1)))
    return rounded


def _least(value: Fraction, unit: int) -> int:
    """Return the smallest integer of 1/unit that is not below a value."""
    scaled = value * unit
    return -(-scaled.numerator // scaled.denominator)
