"""How much of the best of many results may be luck: probabilistic and deflated Sharpe ratio, rank correlation.

Source: D. H. Bailey and M. López de Prado, "The Deflated Sharpe Ratio: Correcting for Selection Bias, Backtest Overfitting, and
Non-Normality", Journal of Portfolio Management 40 (5), 2014. Sharpe ratios here are per observation, not annualised.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

_EULER_GAMMA = 0.5772156649015329
_NORMAL = NormalDist()
_NOTHING = 1e-12  # a smaller variance is rounding


def probabilistic_sharpe(
    sharpe: float, benchmark: float, observations: int, skewness: float, kurtosis: float
) -> float | None:
    """Return the probability that the true Sharpe ratio is above a benchmark: the probabilistic Sharpe ratio.

    Φ((SR − SR*) √(T − 1) / √(1 − γ₃ SR + (γ₄ − 1)/4 SR²))

    Args:
        sharpe: the observed Sharpe ratio SR.
        benchmark: the benchmark SR*.
        observations: how many returns T were observed.
        skewness: of the returns, γ₃.
        kurtosis: of the returns, γ₄; 3 for a normal distribution.

    Returns:
        None for fewer than two observations, and for returns of only two values, for which the estimate has no variance.
    """
    variance = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if observations < 2 or variance <= _NOTHING:
        return None
    return _NORMAL.cdf((sharpe - benchmark) * math.sqrt((observations - 1) / variance))


def expected_maximum(variance: float, trials: int) -> float:
    """Return the Sharpe ratio that the best of N independent worthless strategies is expected to show.

    √V ((1 − γ) Φ⁻¹(1 − 1/N) + γ Φ⁻¹(1 − 1/(N e))), with the Euler–Mascheroni constant γ.

    Args:
        variance: V, of the N Sharpe ratios.
        trials: N. For a single one the result is 0: there was nothing to choose from.
    """
    if trials < 2:
        return 0.0
    first, second = (_NORMAL.inv_cdf(1 - 1 / n) for n in (trials, trials * math.e))
    return math.sqrt(variance) * ((1 - _EULER_GAMMA) * first + _EULER_GAMMA * second)


def deflated_sharpe(
    sharpe: float, observations: int, skewness: float, kurtosis: float, variance: float, trials: int
) -> float | None:
    """Return the deflated Sharpe ratio of the best of some trials.

    It is the probabilistic Sharpe ratio whose benchmark is what luck alone is expected to show (`expected_maximum`).

    Args:
        sharpe: of the best trial, per period (not annualised).
        observations: how many returns it has.
        skewness: of its returns.
        kurtosis: of its returns; 3 for a normal distribution.
        variance: of the trials' Sharpe ratios.
        trials: how many there are.
    """
    return probabilistic_sharpe(sharpe, expected_maximum(variance, trials), observations, skewness, kurtosis)


def skewness_kurtosis(returns: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the third and fourth standardised moments of returns that are not all the same."""
    apart = returns - returns.mean()
    deviation = math.sqrt(np.mean(apart**2))
    return float(np.mean(apart**3)) / deviation**3, float(np.mean(apart**4)) / deviation**4


def spearman(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation (1904) of two columns; equal values share the mean of their ranks.

    Returns:
        None for fewer than three pairs, or when all values of a column are equal.
    """
    if len(first) < 3:
        return None
    ranks = [_ranks(column) for column in (first, second)]
    apart = [column - column.mean() for column in ranks]
    scale = math.sqrt(float(apart[0] @ apart[0]) * float(apart[1] @ apart[1]))
    return float(apart[0] @ apart[1]) / scale if scale > 0 else None


def _ranks(column: Sequence[float]) -> npt.NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(np.asarray(column), return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(middle[place], np.float64)
