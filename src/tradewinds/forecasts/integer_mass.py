"""Probability of whole-degree brackets under a normal forecast.

The settled temperature is a whole number k, so its mass is P(k) = Φ((k+½−μ)/σ) − Φ((k−½−μ)/σ); a bracket's probability is
the sum over its integers, which telescopes to two values of Φ half a degree outside the bracket. (Φ at the bracket's own
strikes would lose about 40 % of the mass.)
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_EVEN, Decimal

QUANTUM = Decimal("1e-12")


def normal_cdf(z: float) -> float:
    """Φ(z), accurate in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def bracket_probability(low: int | None, high: int | None, mu: float, sigma: float) -> Decimal:
    """P(low ≤ k ≤ high) with open ends as None, to 12 decimals; a gap-free ladder sums to 1 within 1e-9.

    Args:
        low, high: whole °F, both included; mu, sigma: mean and spread of the day's extreme in °F, sigma > 0.
    """
    above_low = 0.0 if low is None else normal_cdf((low - 0.5 - mu) / sigma)
    up_to_high = 1.0 if high is None else normal_cdf((high + 0.5 - mu) / sigma)
    probability = Decimal(repr(max(0.0, up_to_high - above_low)))
    return probability.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
