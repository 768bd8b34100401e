"""Mixtures of normal laws, many at once: their scores, and the shape of a regression's standardised errors.

Errors of temperature forecasts are skewed (fronts and storms on the wrong side of midnight), and more of them are small or
large than a normal law has. Three normals of fixed weights follow them: a body, and a wing that starts on either side. Their
means and deviations are those of maximum likelihood, by expectation and maximisation (Dempster, Laird & Rubin 1977); with
fixed weights no part dies out, and after few steps what is left to gain does not show.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from tradewinds.core.arrays import Floats
from tradewinds.families.kalshi_weather.forecasts import normal
from tradewinds.families.kalshi_weather.forecasts.law import Law

WEIGHTS = (0.2, 0.6, 0.2)
_START_MU, _START_SIGMA = (-1.0, 0.0, 1.0), (1.2, 0.8, 1.2)
_STEPS = 50
_LEAST_SIGMA = 0.2  # of a part, in the normal law's σ
_PRIOR_DAYS = 100  # of perfectly normal errors that are thought to have been seen besides
_PRIOR = ndtri((np.arange(_PRIOR_DAYS) + 0.5) / _PRIOR_DAYS)
_HALVINGS = 60
_ROOT_PI = math.sqrt(math.pi)


def shape(errors: Floats) -> tuple[Floats, Floats]:
    """μ and σ of the parts, of weights WEIGHTS, for standardised errors (days,) of about mean 0 and deviation 1."""
    seen, weights = np.concatenate([errors, _PRIOR]), np.array(WEIGHTS)[:, None]
    mu, sigma = np.array(_START_MU), np.array(_START_SIGMA)
    for _ in range(_STEPS):
        likely = np.log(weights / sigma[:, None]) - ((seen - mu[:, None]) / sigma[:, None]) ** 2 / 2
        share = np.exp(likely - likely.max(axis=0))
        share /= share.sum(axis=0)
        count = share.sum(axis=1)
        mu = share @ seen / count
        sigma = np.maximum(np.sqrt((share * (seen - mu[:, None]) ** 2).sum(axis=1) / count), _LEAST_SIGMA)
    return mu, sigma


@dataclass(frozen=True)
class Laws:
    """The laws of many days. Shapes (days, parts); a law of fewer parts has some of weight 0."""

    weight: Floats
    mu: Floats
    sigma: Floats

    @classmethod
    def of(cls, laws: Sequence[Law]) -> Laws:
        """At least one."""
        most = max(len(law.parts) for law in laws)
        filled = [law.parts + (most - len(law.parts)) * (law.parts[0]._replace(weight=0.0),) for law in laws]
        return cls(*np.array(filled).transpose(2, 0, 1))

    def mean(self) -> Floats:
        """(days,)."""
        found: Floats = (self.weight * self.mu).sum(axis=1)
        return found

    def median(self) -> Floats:
        """(days,), by halving: it lies between the means of the parts."""
        low, high = self.mu.min(axis=1), self.mu.max(axis=1)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            below = self.cdf(middle) < 0.5
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        found: Floats = (low + high) / 2
        return found

    def cdf(self, x_f: Floats) -> Floats:
        """The probability of less than a temperature of each day's own; (days,)."""
        found: Floats = (self.weight * normal.cdf((x_f[:, None] - self.mu) / self.sigma)).sum(axis=1)
        return found

    def crps(self, observed_f: Floats) -> Floats:
        """CRPS for what was observed; (days,).

        ∫(Σ wᵢFᵢ − 1)² = Σ wᵢ ∫(Fᵢ − 1)² − Σ wᵢwⱼ ∫(Fᵢ − Fⱼ)² over pairs i < j, 1 the step at what was observed: the form of
        Grimit, Gneiting, Berrocal & Johnson (2006) sorted by pairs.
        """
        found: Floats = (self.weight * normal.crps(self.mu, self.sigma, observed_f[:, None])).sum(axis=1)
        for i in range(self.mu.shape[1]):
            for j in range(i):
                found = found - self.weight[:, i] * self.weight[:, j] * self._apart(i, j)
        return found

    def _apart(self, i: int, j: int) -> Floats:
        """∫(Fᵢ − Fⱼ)² = E|Xᵢ − Xⱼ| − (σᵢ + σⱼ)/√π of two parts; E|N(m, s²)| = CRPS(N(0, s²), m) + s/√π."""
        both = np.hypot(self.sigma[:, i], self.sigma[:, j])
        distance = normal.crps(self.mu[:, i], both, self.mu[:, j])
        found: Floats = distance + (both - self.sigma[:, i] - self.sigma[:, j]) / _ROOT_PI
        return found
