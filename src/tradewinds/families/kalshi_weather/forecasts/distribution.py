"""Forecast distribution of a day's high or low temperature: a mixture of normal distributions, often of a single one.

This module imports no numpy, so that a job which reads one distribution from a table starts quickly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

DECIMALS = 6  # decimals of °F to which a forecast is rounded: beyond them, results differ between machines


class NormalComponent(NamedTuple):
    """One normal distribution of a mixture.

    Attributes:
        weight: share of the probability, 0 to 1.
        mu_f: mean in °F.
        sigma_f: standard deviation in °F, above 0.
    """

    weight: float
    mu_f: float
    sigma_f: float


@dataclass(frozen=True)
class Distribution:
    """A mixture of normal distributions of a temperature.

    Attributes:
        components: at least one; their weights sum to 1.
    """

    components: tuple[NormalComponent, ...]

    @classmethod
    def normal(cls, mu_f: float, sigma_f: float) -> Distribution:
        """A single normal distribution.

        Args:
            mu_f: mean in °F.
            sigma_f: standard deviation in °F, above 0.
        """
        return cls((NormalComponent(1.0, mu_f, sigma_f),))

    @classmethod
    def from_rows(cls, rows: Iterable[Mapping[str, Any]]) -> Distribution:
        """The distribution stored in one cell of a table's column `law`.

        Args:
            rows: one mapping per component with the keys weight, mu_f and sigma_f.
        """
        return cls(tuple(NormalComponent(**row) for row in rows))

    def to_rows(self) -> list[dict[str, float]]:
        """One dictionary per component (weight, mu_f, sigma_f), as a table's column `law` stores them."""
        return [component._asdict() for component in self.components]

    @property
    def mean_f(self) -> float:
        """Mean in °F."""
        return sum(component.weight * component.mu_f for component in self.components)

    @property
    def deviation_f(self) -> float:
        """Standard deviation in °F."""
        mean = self.mean_f
        return math.sqrt(sum(one.weight * (one.sigma_f**2 + (one.mu_f - mean) ** 2) for one in self.components))

    def cdf(self, x_f: float) -> float:
        """Cumulative probability: of a temperature of at most `x_f` °F."""
        return sum(one.weight * normal_cdf((x_f - one.mu_f) / one.sigma_f) for one in self.components)


def normal_cdf(z: float) -> float:
    """Φ(z), the standard normal cumulative probability, accurate in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
