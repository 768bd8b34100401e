"""The normal distribution on arrays: its CRPS in closed form, and the derivatives of that.

CRPS(N(μ, σ), y) = σ [z (2Φ(z) − 1) + 2φ(z) − 1/√π], z = (y − μ)/σ (Gneiting, Raftery, Westveld & Goldman 2005, eq. 5). It has
the unit of the variable, and equals the absolute error where σ = 0.

All functions work element by element on arrays of any one shape.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from tradewinds.core.arrays import Floats

_ROOT_2PI = math.sqrt(2 * math.pi)
_ROOT_PI = math.sqrt(math.pi)


def cdf(z: Floats) -> Floats:
    """Standard normal cumulative probability Φ(z)."""
    probability: Floats = ndtr(z)
    return probability


def density(z: Floats) -> Floats:
    """Standard normal density φ(z)."""
    value: Floats = np.exp(-0.5 * z * z) / _ROOT_2PI
    return value


def crps(mu: Floats, sigma: Floats, observed: Floats) -> Floats:
    """CRPS of N(mu, sigma) at observed values.

    Args:
        mu: means.
        sigma: standard deviations, above 0, in the unit of `mu`.
        observed: observed values, in the unit of `mu`.
    """
    z = (observed - mu) / sigma
    score: Floats = sigma * (z * (2 * cdf(z) - 1) + 2 * density(z) - 1 / _ROOT_PI)
    return score


def crps_slopes(z: Floats) -> tuple[Floats, Floats]:
    """Derivatives of the CRPS by mean and by standard deviation.

    Args:
        z: standardised observations (y − μ)/σ.

    Returns:
        ∂CRPS/∂μ = 1 − 2Φ(z), in the shape of `z`.
        ∂CRPS/∂σ = 2φ(z) − 1/√π, in the shape of `z`.
    """
    return 1 - 2 * cdf(z), 2 * density(z) - 1 / _ROOT_PI
