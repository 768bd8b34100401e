"""The law of a day's extreme: a mixture of normal laws, of one where its shape is not known better. Needs no numpy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class Part(NamedTuple):
    """One normal law of a mixture, in °F."""

    weight: float
    mu_f: float
    sigma_f: float


@dataclass(frozen=True)
class Law:
    """A mixture of normal laws; weights sum to 1, sigmas are above 0."""

    parts: tuple[Part, ...]

    @classmethod
    def normal(cls, mu_f: float, sigma_f: float) -> Law:
        """A mixture of one."""
        return cls((Part(1.0, mu_f, sigma_f),))

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Law:
        """From the column `law` of a table."""
        return cls(tuple(Part(**row) for row in rows))

    def rows(self) -> list[dict[str, float]]:
        """For the column `law` of a table."""
        return [part._asdict() for part in self.parts]

    @property
    def mean_f(self) -> float:
        """The mean."""
        return sum(part.weight * part.mu_f for part in self.parts)

    @property
    def deviation_f(self) -> float:
        """The standard deviation."""
        mean = self.mean_f
        return math.sqrt(sum(part.weight * (part.sigma_f**2 + (part.mu_f - mean) ** 2) for part in self.parts))

    def cdf(self, x_f: float) -> float:
        """The probability of less than a temperature."""
        return sum(part.weight * normal_cdf((x_f - part.mu_f) / part.sigma_f) for part in self.parts)


def normal_cdf(z: float) -> float:
    """Φ(z), accurate in both tails."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
