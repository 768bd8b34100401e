"""The normal law: CRPS in closed form, with its derivatives.

CRPS(N(μ, σ), y) = σ [z (2Φ(z) − 1) + 2φ(z) − 1/√π], z = (y − μ)/σ (Gneiting, Raftery, Westveld & Goldman 2005, eq. 5); in the
unit of the variable, and the absolute error where σ = 0.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from tradewinds.core.arrays import Floats

_ROOT_2PI = math.sqrt(2 * math.pi)
_ROOT_PI = math.sqrt(math.pi)


def cdf(z: Floats) -> Floats:
    """Φ(z)."""
    found: Floats = ndtr(z)
    return found


def density(z: Floats) -> Floats:
    """φ(z)."""
    found: Floats = np.exp(-0.5 * z * z) / _ROOT_2PI
    return found


def crps(mu: Floats, sigma: Floats, observed: Floats) -> Floats:
    """CRPS of N(mu, sigma) for what was observed, elementwise; sigma > 0."""
    z = (observed - mu) / sigma
    found: Floats = sigma * (z * (2 * cdf(z) - 1) + 2 * density(z) - 1 / _ROOT_PI)
    return found


def crps_slopes(z: Floats) -> tuple[Floats, Floats]:
    """∂CRPS/∂μ = 1 − 2Φ(z) and ∂CRPS/∂σ = 2φ(z) − 1/√π."""
    return 1 - 2 * cdf(z), 2 * density(z) - 1 / _ROOT_PI
