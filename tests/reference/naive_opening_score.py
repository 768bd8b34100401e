"""The confluence score of the naive opening-range engine (section 12 of its rules)."""

import itertools

from tests.reference.fast_fractions import Fraction
from tests.reference.naive_opening_bars import number
from tests.reference.naive_opening_rules import LONG


def relative_volume_holds(done, rule):
    """Whether the last bar has the volume of a spike; both sides."""
    lookback = rule["lookback"]
    if len(done) < lookback + 1:
        return False
    # ASSUME: an unknown volume in the last bar or in any of the bars before it makes the factor unavailable.
    before = [bar.volume for bar in done[-lookback - 1 : -1]]
    if done[-1].volume is None or None in before:
        return False
    mean = sum(before, Fraction(0)) / lookback
    return mean != 0 and done[-1].volume >= number(rule["spike_mult"]) * mean


def engulfs(done, direction):
    """Whether the last bar engulfs the one before it in the direction of the trade."""
    if len(done) < 2:
        return False
    a, b = done[-2], done[-1]
    if direction == LONG:
        return a.close < a.open and b.close > b.open and b.open < a.close and b.close > a.open
    return a.close > a.open and b.close < b.open and b.open > a.close and b.close < a.open


def structure(done, direction, pivot_len):
    """Whether high and low of the last bar are both beyond those of the bar `pivot_len` before it."""
    if len(done) < pivot_len + 1:
        return False
    old, b = done[-1 - pivot_len], done[-1]
    if direction == LONG:
        return b.high > old.high and b.low > old.low
    return b.high < old.high and b.low < old.low


def profile_holds(day, done, direction):
    """Whether the last close is outside yesterday's middle half, or inside with the range on the right side of its mid."""
    if day.history.prior is None:
        return False
    high, low = day.history.prior
    bottom = low + Fraction(1, 4) * (high - low)
    top = low + Fraction(3, 4) * (high - low)
    middle = (high + low) / 2
    close = done[-1].close
    inside = bottom <= close <= top
    if direction == LONG:
        return close > top or (inside and day.low > middle)
    return close < bottom or (inside and day.high < middle)


def vwap_holds(done, direction):
    """Whether the last close is beyond the session's mean price by volume."""
    volume = sum((bar.counted() for bar in done), Fraction(0))
    if len(done) < 5 or volume == 0:
        return False
    value = sum(((bar.high + bar.low + bar.close) / 3 * bar.counted() for bar in done), Fraction(0)) / volume
    return done[-1].close > value if direction == LONG else done[-1].close < value


def adx(done):
    """Return Wilder's ADX 14 of the session's bars, None with fewer than 28.

    ASSUME: float64 on prices in 1e-6 units. Sums: first = plain sum of 14, then S - S/14 + x. DI = 100*S(DM)/S(TR),
    0 where S(TR) is 0. DX = 100*|a - b|/(a + b). ADX = (13*ADX + DX)/14, seeded with the plain sum of 14 DX / 14.
    """
    if len(done) < 28:
        return None
    ranges, ups, downs = [], [], []
    for old, bar in itertools.pairwise(done):
        high, low, close = float(bar.high * 1_000_000), float(bar.low * 1_000_000), float(old.close * 1_000_000)
        up = high - float(old.high * 1_000_000)
        down = float(old.low * 1_000_000) - low
        ranges.append(max(high - low, abs(high - close), abs(low - close)))
        ups.append(up if up > down and up > 0 else 0.0)
        downs.append(down if down > up and down > 0 else 0.0)
    sums = [plain_sum(values[:14]) for values in (ranges, ups, downs)]
    strengths = [directional(*sums)]
    for values in zip(ranges[14:], ups[14:], downs[14:], strict=True):
        sums = [total - total / 14 + value for total, value in zip(sums, values, strict=True)]
        strengths.append(directional(*sums))
    value = plain_sum(strengths[:14]) / 14
    for one in strengths[14:]:
        value = (value * 13 + one) / 14
    return value


def plain_sum(values):
    """Add from left to right; the built-in sum of floats compensates its rounding since Python 3.12."""
    total = 0.0
    for value in values:
        total += value
    return total


def directional(ranges, ups, downs):
    plus = 100 * ups / ranges if ranges else 0.0
    minus = 100 * downs / ranges if ranges else 0.0
    return 100 * abs(plus - minus) / (plus + minus) if plus + minus else 0.0


def score(day, done, direction, config):
    """Return (score, score needed) from the bars completed before the decision."""
    factors, weights = config["factors"], config["scoring"]["weights"]
    total, needed = Fraction(0), number(config["scoring"]["base_required"])
    if factors["rel_volume"]["enabled"] and relative_volume_holds(done, factors["rel_volume"]):
        total += number(weights["rel_vol"])
    pattern = engulfs(done, direction) or structure(done, direction, factors["price_action"]["pivot_len"])
    if factors["price_action"]["enabled"] and pattern:
        total += number(weights["price_action"])
    if factors["profile_proxy"]["enabled"] and profile_holds(day, done, direction):
        total += number(weights["profile"])
    if factors["vwap"]["enabled"] and vwap_holds(done, direction):
        total += number(weights["vwap"])
    if factors["adx"]["enabled"]:
        strength = adx(done)
        if strength is not None and strength >= float(factors["adx"]["threshold"]):
            total += number(weights["adx"])
        elif strength is not None:
            needed = number(config["scoring"]["weak_trend_required"])
    return total, needed
