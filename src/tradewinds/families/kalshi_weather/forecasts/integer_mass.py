"""Probability of whole-degree brackets under a forecast.

The settled temperature is a whole number k, so its mass is P(k) = F(k + ½) − F(k − ½); a bracket's probability is
the sum over its integers, which telescopes to two values of F half a degree outside the bracket. (F at the bracket's own
strikes would lose about 40 % of the mass.)
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from tradewinds.families.kalshi_weather.forecasts.law import Law

QUANTUM = Decimal("1e-12")


def bracket_probability(low: int | None, high: int | None, law: Law) -> Decimal:
    """P(low ≤ k ≤ high) with open ends as None, to 12 decimals; a gap-free ladder sums to 1 within 1e-9.

    Args:
        low, high: whole °F, both included; law: of the day's extreme.
    """
    above_low = 0.0 if low is None else law.cdf(low - 0.5)
    up_to_high = 1.0 if high is None else law.cdf(high + 0.5)
    probability = Decimal(repr(max(0.0, up_to_high - above_low)))
    return probability.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
