"""Which factors of the score held at each decision, computed again from the bars before it, in exact arithmetic.

The average directional index alone is a float, added up in the order of the loop.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tradewinds.engine.bar_sessions.minute_bars import MinuteBars
from tradewinds.engine.bar_sessions.orb_rules import FACTORS, FINE, ScoreRules
from tradewinds.engine.bar_sessions.setups import HIGH, LOW

VWAP_BARS, ADX_PERIOD = 5, 14


class Known(NamedTuple):
    """What is known at a decision.

    Attributes:
        bars: of all symbols.
        first: first row of the symbol's session.
        end: the row after its last complete bar.
        direction: 1 long, -1 short.
        range_high: of the opening range; micro-units.
        range_low: of the opening range; micro-units.
        prior_high: of the symbol's session before; micro-units, below 0 without one.
        prior_low: the same.
    """

    bars: MinuteBars
    first: int
    end: int
    direction: int
    range_high: int
    range_low: int
    prior_high: int
    prior_low: int

    def prices(self, name: str, count: int) -> list[int]:
        """Return the last prices or volumes before the decision, at most as many as the session has.

        Args:
            name: column of the bars.
            count: how many.
        """
        found: list[int] = getattr(self.bars, name)[max(self.first, self.end - count) : self.end].tolist()
        return found


def judged(made, row, rules):
    """Return by name whether each enabled factor held at a row of the breaks; None for one that is off."""
    bars, setups, sessions = made.bars, made.setups, len(made.bars.days)
    symbol, session, bar_ts, direction = made.break_rows[row, :4].tolist()
    k = symbol * sessions + session
    first, end = (int(row) for row in bars.first_row[k : k + 2])
    # the bar of the decision is the first that is not complete
    minute = (bar_ts - int(bars.open_ts[session])) // 60
    row = first + int(np.searchsorted(bars.minute[first:end], minute))
    known = Known(
        bars=bars,
        first=first,
        end=row,
        direction=direction,
        range_high=int(setups.ranges[k, HIGH]),
        range_low=int(setups.ranges[k, LOW]),
        prior_high=int(setups.prior_high[k]),
        prior_low=int(setups.prior_low[k]),
    )
    return factors_of(known, rules)


def factors_of(known: Known, rules: ScoreRules) -> dict[str, bool | None]:
    """Return by name whether each enabled factor holds; None for one that is off.

    Args:
        known: what is known at the decision.
        rules: of the score.
    """
    return {name: _JUDGES[name](known, rules) if on else None for name, on in zip(FACTORS, rules.on, strict=True)}


def _relative_volume(known: Known, rules: ScoreRules) -> bool:
    """Return whether the last bar's volume is a multiple of the mean of the bars before it."""
    *before, last = known.prices("volume", rules.lookback + 1) or [0]
    if len(before) < rules.lookback or min(*before, last) < 0 or not sum(before):
        return False
    return last * rules.lookback * FINE >= rules.spike * sum(before)


def _price_action(known: Known, rules: ScoreRules) -> bool:
    """Return whether the last bar engulfs the one before, or stands beyond an earlier one."""
    d, (opens, closes) = known.direction, (known.prices(name, 2) for name in ("open", "close"))
    if len(opens) == 2:
        (open_a, open_b), (close_a, close_b) = opens, closes
        if d * (close_a - open_a) < 0 < d * (close_b - open_b) and d * (open_b - close_a) < 0 < d * (close_b - open_a):
            return True
    highs, lows = (known.prices(name, rules.pivot + 1) for name in ("high", "low"))
    return len(highs) > rules.pivot and d * (highs[-1] - highs[0]) > 0 and d * (lows[-1] - lows[0]) > 0


def _profile(known: Known, rules: ScoreRules) -> bool:
    """Return whether the last close, or in its middle half the opening range, is beyond the session before."""
    last = known.prices("close", 1)
    if known.prior_high < 0 or not last:
        return False
    close, width = 4 * last[0], known.prior_high - known.prior_low  # quarters of a micro-unit
    low, high = 4 * known.prior_low + width, 4 * known.prior_low + 3 * width
    middle = known.prior_high + known.prior_low
    if known.direction > 0:
        return close > high or (low <= close and 2 * known.range_low > middle)
    return close < low or (close <= high and 2 * known.range_high < middle)


def _beyond_vwap(known: Known, rules: ScoreRules) -> bool:
    """Return whether the last close is beyond the mean price by volume."""
    count = known.end - known.first
    volumes = [max(volume, 0) for volume in known.prices("volume", count)]
    if count < VWAP_BARS or not sum(volumes):
        return False
    highs, lows, closes = (known.prices(name, count) for name in ("high", "low", "close"))
    value = sum((h + low + c) * v for h, low, c, v in zip(highs, lows, closes, volumes, strict=True))
    return known.direction * (3 * closes[-1] * sum(volumes) - value) > 0


def _trends(known: Known, rules: ScoreRules) -> bool:
    """Return whether the average directional index is at or above its threshold."""
    return directional_index(known) >= rules.adx_threshold / FINE


def directional_index(known: Known) -> float:
    """Return Wilder's average directional index after the last bar; below 0 if there are too few bars."""
    count, n = known.end - known.first, ADX_PERIOD
    if count < 2 * n:
        return -1.0
    highs, lows, closes = (known.prices(name, count) for name in ("high", "low", "close"))
    true_range = up = down = index = 0.0
    for i in range(1, count):
        rise, fall = highs[i] - highs[i - 1], lows[i - 1] - lows[i]
        widest = max(highs[i] - lows[i], abs(highs[i] - closes[i - 1]), abs(lows[i] - closes[i - 1]))
        lost = n if i > n else math.inf  # sums begin with n bars, then lose an nth at each
        true_range = true_range - true_range / lost + widest
        up = up - up / lost + (rise if rise > fall and rise > 0 else 0)
        down = down - down / lost + (fall if fall > rise and fall > 0 else 0)
        if i < n:
            continue
        plus, minus = (100 * moved / true_range if true_range > 0 else 0.0 for moved in (up, down))
        dx = 100 * abs(plus - minus) / (plus + minus) if plus + minus > 0 else 0.0
        seen = i - n + 1
        index = (index * (n - 1) + dx) / n if seen > n else index + dx
        if seen == n:
            index /= n
    return index


_JUDGES: dict[str, Callable[[Known, ScoreRules], bool]] = {
    "rel_vol": _relative_volume,
    "price_action": _price_action,
    "profile": _profile,
    "vwap": _beyond_vwap,
    "adx": _trends,
}
