"""Mixtures of normal distributions as arrays: many at once with their scores, and a fit to standardised errors.

Errors of temperature forecasts are skewed (fronts and storms on the wrong side of midnight), and more of them are small or
large than a normal distribution has. Three normal components of fixed weights follow them: a body, and a wing that starts on
either side. Their means and standard deviations are those of maximum likelihood, by expectation and maximisation (Dempster,
Laird & Rubin 1977). With fixed weights no component dies out, and after few steps the remaining gain is negligible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from tradewinds.core.arrays import Floats
from tradewinds.families.kalshi_weather.forecasts import normal
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution

WEIGHTS = (0.2, 0.6, 0.2)  # of the components that are fitted: lower wing, body, upper wing
_START_MU, _START_SIGMA = (-1.0, 0.0, 1.0), (1.2, 0.8, 1.2)
_STEPS = 50
_LEAST_SIGMA = 0.2  # of a component, in standard deviations of the errors
_PRIOR_DAYS = 100  # standard normal errors that are added to the observed ones, as a prior
_PRIOR = np.array([NormalDist().inv_cdf((day + 0.5) / _PRIOR_DAYS) for day in range(_PRIOR_DAYS)])
_HALVINGS = 60
_ROOT_PI = math.sqrt(math.pi)


def fit_components(errors: Floats) -> tuple[Floats, Floats]:
    """Fit means and standard deviations of three components with the weights WEIGHTS.

    Args:
        errors: standardised errors, about mean 0 and standard deviation 1; (days,).

    Returns:
        μ of the components, in standard deviations of the errors; (3,).
        σ of the components, in standard deviations of the errors; (3,).
    """
    sample, weights = np.concatenate([errors, _PRIOR]), np.array(WEIGHTS)[:, None]
    mu, sigma = np.array(_START_MU), np.array(_START_SIGMA)
    for _ in range(_STEPS):
        # expectation: the share of each error that belongs to each component, (components, errors)
        log_likelihood = np.log(weights / sigma[:, None]) - ((sample - mu[:, None]) / sigma[:, None]) ** 2 / 2
        share = np.exp(log_likelihood - log_likelihood.max(axis=0))
        share /= share.sum(axis=0)
        # maximisation: weighted mean and standard deviation of each component
        count = share.sum(axis=1)
        mu = share @ sample / count
        sigma = np.maximum(np.sqrt((share * (sample - mu[:, None]) ** 2).sum(axis=1) / count), _LEAST_SIGMA)
    return mu, sigma


@dataclass(frozen=True)
class DistributionArrays:
    """The distributions of many days, one row each. A distribution with fewer components is filled up with weight 0.

    Attributes:
        weight: share of the probability; (days, components).
        mu: means in °F; (days, components).
        sigma: standard deviations in °F; (days, components).
    """

    weight: Floats
    mu: Floats
    sigma: Floats

    @classmethod
    def from_distributions(cls, distributions: Sequence[Distribution]) -> DistributionArrays:
        """The arrays of at least one distribution, in the order given."""
        most = max(len(one.components) for one in distributions)
        filled = [
            one.components + (most - len(one.components)) * (one.components[0]._replace(weight=0.0),)
            for one in distributions
        ]
        weight, mu, sigma = np.array(filled).transpose(2, 0, 1)
        return cls(weight=weight, mu=mu, sigma=sigma)

    def mean(self) -> Floats:
        """Means in °F; (days,)."""
        means: Floats = (self.weight * self.mu).sum(axis=1)
        return means

    def median(self) -> Floats:
        """Medians in °F; (days,).

        Found by halving the interval from the lowest to the highest mean of the components, between which the median lies.
        """
        lowest, highest = self.mu.min(axis=1), self.mu.max(axis=1)
        for _ in range(_HALVINGS):
            middle = (lowest + highest) / 2
            below_median = self.cdf(middle) < 0.5
            lowest, highest = np.where(below_median, middle, lowest), np.where(below_median, highest, middle)
        medians: Floats = (lowest + highest) / 2
        return medians

    def cdf(self, x_f: Floats) -> Floats:
        """Cumulative probability of each day's distribution at a temperature of that day.

        Args:
            x_f: one temperature in °F per day; (days,).

        Returns:
            Probability of at most that temperature; (days,).
        """
        probability: Floats = (self.weight * normal.cdf((x_f[:, None] - self.mu) / self.sigma)).sum(axis=1)
        return probability

    def crps(self, observed_f: Floats) -> Floats:
        """CRPS of each day's distribution at that day's observed temperature.

        ∫(Σ wᵢFᵢ − 1)² = Σ wᵢ ∫(Fᵢ − 1)² − Σ wᵢwⱼ ∫(Fᵢ − Fⱼ)² over pairs i < j, where 1 is the step at the observed value: the
        form of Grimit, Gneiting, Berrocal & Johnson (2006) sorted by pairs.

        Args:
            observed_f: observed temperatures in °F; (days,).

        Returns:
            CRPS in °F; (days,).
        """
        score: Floats = (self.weight * normal.crps(self.mu, self.sigma, observed_f[:, None])).sum(axis=1)
        for i in range(self.mu.shape[1]):
            for j in range(i):
                score = score - self.weight[:, i] * self.weight[:, j] * self._cdf_distance(i, j)
        return score

    def _cdf_distance(self, i: int, j: int) -> Floats:
        """Squared distance of the cumulative probabilities of two components: ∫(Fᵢ − Fⱼ)² in °F; (days,).

        It is E|Xᵢ − Xⱼ| − (σᵢ + σⱼ)/√π, with E|N(m, s²)| = CRPS(N(0, s²), m) + s/√π.
        """
        both = np.hypot(self.sigma[:, i], self.sigma[:, j])
        crps = normal.crps(self.mu[:, i], both, self.mu[:, j])
        distance: Floats = crps + (both - self.sigma[:, i] - self.sigma[:, j]) / _ROOT_PI
        return distance
