"""Probability of whole-degree brackets under a forecast distribution.

The settled temperature is a whole number k, so its probability mass is P(k) = F(k + ½) − F(k − ½). The masses of a bracket
telescope to two values of F, half a degree outside the bracket. (F at the bracket's own strikes would lose about 40 % of the
mass.)
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from tradewinds.families.kalshi_weather.forecasts.running_law import Law

QUANTUM = Decimal("1e-12")


def bracket_probability(lowest_f: int | None, highest_f: int | None, distribution: Law) -> Decimal:
    """P(lowest ≤ k ≤ highest) of the settled temperature k, rounded to 12 decimals.

    The brackets of a ladder without gaps sum to 1 within 1e-9.

    Args:
        lowest_f: lowest whole °F of the bracket, included; None for no lower bound.
        highest_f: highest whole °F of the bracket, included; None for no upper bound.
        distribution: of the day's high or low.
    """
    below_bracket = 0.0 if lowest_f is None else distribution.cdf(lowest_f - 0.5)
    up_to_highest = 1.0 if highest_f is None else distribution.cdf(highest_f + 0.5)
    probability = Decimal(repr(max(0.0, up_to_highest - below_bracket)))
    return probability.quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
