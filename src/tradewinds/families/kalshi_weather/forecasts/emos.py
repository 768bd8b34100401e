"""Nonhomogeneous Gaussian regression (EMOS) by minimum CRPS: Gneiting, Raftery, Westveld & Goldman (2005).

For each day, from what was known at its as-of time:
- every model's guidance is corrected by its own recent errors (exponentially forgotten, half of the weight in 15 days);
- their mean is the first guess;
- μ is the first guess plus a linear function of predictors: differences of the models from it, the season, yesterday's
  guidance, the last known errors and observation, the other extreme of the day, the run's own temperatures;
- log σ is linear in the log of the models' spread and in predictors of uncertainty. The log keeps σ positive whatever
  the predictors are (Messner, Mayr, Wilks & Zeileis 2014); with the spread alone it is the power law of which σ² = c + d·s²
  is the neighbour.

The coefficients minimise the mean CRPS over a trailing window of days whose report was known, plus a ridge that pulls them
to the first guess, so that twenty predictors cost nothing where they tell nothing.

μ and σ are those of a normal law, which the fit takes for the law of the errors; the law of the forecast has their shape
(mixture.py), taken from the standardised errors of the same window.

The minimum of a day is the maximum of the temperatures with the opposite sign: one code serves both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.families.kalshi_weather.forecasts import normal
from tradewinds.families.kalshi_weather.forecasts.history import History
from tradewinds.families.kalshi_weather.forecasts.reach import LAGS

BIAS_HALF_LIFE = 15.0
PRIOR_DAYS = 5.0  # that a trailing mean is shrunk to zero as if by so many days without an error
RECENT_DAYS = 5  # an older last observation is none
YEAR_DAYS = 365.25
RIDGE_MU, RIDGE_SIGMA = 0.03, 0.02  # °F of CRPS per squared coefficient
LOG_SIGMA_BOUNDS = (-3.0, 4.0)
STEPS, TOLERANCE_F = 30, 1e-9


@dataclass(frozen=True)
class Design:
    """Predictors of every day, for one set of models; NaN where a day lacks one.

    Shapes: `guess_f` (days,); `mean` (days, p) for μ − guess; `scale` (days, q) for log σ. The first of `mean` and `scale` is
    the intercept. The columns `mean_optional` and `scale_optional` may be left out where they are not known.
    """

    guess_f: Floats
    mean: Floats
    scale: Floats
    mean_optional: tuple[int, ...]
    scale_optional: tuple[int, ...]


@dataclass(frozen=True)
class Coefficients:
    """Of `Design.mean` and `Design.scale`."""

    mean: Floats
    scale: Floats


def trailing(errors: Floats, known_ts: Ints, asof_ts: Ints, half_life: float) -> Floats:
    """Exponentially forgotten mean of the last LAGS days' errors as known at each day's as-of time, shrunk to zero.

    A day counts if its error exists (is not NaN) and its report was known; weight 0.5^(age / half_life).
    """
    padded = np.concatenate([np.full(LAGS, np.nan), errors])[:-1]
    known = np.concatenate([np.zeros(LAGS, np.int64), known_ts])[:-1]
    past = np.lib.stride_tricks.sliding_window_view(padded, LAGS)  # (days, LAGS), oldest first
    seen = (np.lib.stride_tricks.sliding_window_view(known, LAGS) <= asof_ts[:, None]) & ~np.isnan(past)
    weights = np.where(seen, 0.5 ** (np.arange(LAGS, 0, -1) / half_life), 0.0)
    mean: Floats = (weights * np.where(seen, past, 0.0)).sum(axis=1) / (weights.sum(axis=1) + PRIOR_DAYS)
    return mean


def last_known(values: Floats, known_ts: Ints, asof_ts: Ints) -> Floats:
    """The latest value known at each day's as-of time, of the RECENT_DAYS before it; NaN without one."""
    found = np.full(len(values), np.nan)
    for age in range(RECENT_DAYS, 0, -1):
        past, known = values[:-age], known_ts[:-age] <= asof_ts[age:]
        found[age:] = np.where(known & ~np.isnan(past), past, found[age:])
    return found


def design(history: History, models: tuple[int, ...]) -> Design:
    """The predictors of all days from some of the history's models (their rows)."""
    sign = 1.0 if history.target == "max" else -1.0
    observed, known, asof = sign * history.observed_f, history.observed_known_ts, history.asof_ts
    value, other, tmp = (sign * part[list(models)] for part in (history.value_f, history.other_f, history.tmp_f))
    corrected = value + np.array([trailing(observed - one, known, asof, BIAS_HALF_LIFE) for one in value])
    guess = corrected.mean(axis=0)
    error = observed - guess
    warming = np.nan_to_num(guess - np.append(np.nan, guess[:-1])) / 3
    season = 2 * math.pi * np.array([history.day(i).timetuple().tm_yday for i in range(len(asof))]) / YEAR_DAYS
    seasons = [np.sin(season), np.cos(season)]
    ones = np.ones(len(asof))
    range_f = other.mean(axis=0) - guess
    hourly = tmp + np.array([trailing(observed - one, known, asof, BIAS_HALF_LIFE) for one in tmp])
    mean = [ones, (guess - sign * 60) / 10, *seasons]
    mean += [one - guess for one in corrected] if len(models) > 1 else []
    mean += [np.nan_to_num(last_known(error, known, asof)), trailing(error, known, asof, 5)]
    mean += [trailing(error, known, asof, 20)]
    mean += [np.nan_to_num(last_known(observed, known, asof) - guess) / 3, warming, np.maximum(-warming, 0)]
    required = len(mean)
    # a small range of the day: its extreme may well fall outside the hours that the guidance speaks of
    mean += [range_f, np.maximum(range_f + 12, 0) / 3, hourly.mean(axis=0) - guess]
    mean += [one - hourly.mean(axis=0) for one in hourly[:-1]]
    spread = value.std(axis=0, ddof=1) if len(models) > 1 else np.zeros(len(asof))
    scale = [ones, *([np.log1p(spread) - 1] if len(models) > 1 else []), *(part / 2 for part in seasons)]
    scale += [np.log1p(np.abs(3 * warming)) / 2, 3 * warming / 10]
    required_scale = len(scale)
    scale += [range_f / 10, np.abs(tmp.mean(axis=0) - value.mean(axis=0)) / 3]
    return Design(
        guess,
        np.column_stack(mean),
        np.column_stack(scale),
        tuple(range(required, len(mean))),
        tuple(range(required_scale, len(scale))),
    )


def predict(mean: Floats, scale: Floats, found: Coefficients) -> tuple[Floats, Floats]:
    """μ − guess and σ, before any floor, of rows of predictors."""
    return mean @ found.mean, np.exp(np.clip(scale @ found.scale, *LOG_SIGMA_BOUNDS))


def standardised(mean: Floats, scale: Floats, errors: Floats, found: Coefficients) -> Floats:
    """The errors of the fit's own days in units of σ, as wide as those of other days are: what the law's shape is taken from.

    A fit of p coefficients on n days comes closer to those days than to others, by √((n − p) / (n + p)) (Akaike 1969, final
    prediction error; p is that of μ).
    """
    days, p = mean.shape
    mu, sigma = predict(mean, scale, found)
    return (errors - mu) / sigma * math.sqrt((days + p) / (days - p))


def objective(mean: Floats, scale: Floats, errors: Floats, found: Coefficients) -> float:
    """What `fit` minimises: mean CRPS of N(μ, σ) for the errors of the first guess, plus the ridge."""
    mu, sigma = predict(mean, scale, found)
    ridge = RIDGE_MU * (found.mean[1:] ** 2).sum() + RIDGE_SIGMA * (found.scale[1:] ** 2).sum()
    return float(normal.crps(mu, sigma, errors).mean() + ridge / 2)


def fit(mean: Floats, scale: Floats, errors: Floats) -> Coefficients:
    """The coefficients of minimum penalised CRPS, by damped Newton steps from penalised least squares.

    CRPS is convex in (μ, σ) with the Hessian (2φ(z)/σ)·[1 z; z z²]; the curvature that log σ adds is kept where it is
    positive, so that every step goes downhill, and is halved until it does.

    Args:
        mean: (days, p), scale: (days, q), errors: (days,) observed − first guess; no NaN. Intercepts first.
    """
    days, p = mean.shape
    ridge = np.concatenate([[0.0], np.full(p - 1, RIDGE_MU), [0.0], np.full(scale.shape[1] - 1, RIDGE_SIGMA)])
    start = np.linalg.solve(mean.T @ mean / days + np.diag(2 * ridge[:p]), mean.T @ errors / days)
    level = math.log(max(math.sqrt(((errors - mean @ start) ** 2).mean()), 0.1))
    both = np.concatenate([start, [level], np.zeros(scale.shape[1] - 1)])
    value = objective(mean, scale, errors, Coefficients(both[:p], both[p:]))
    for _ in range(STEPS):
        step = -_newton(mean, scale, errors, both, ridge)
        length = 1.0
        while length > 1e-4:
            tried = both + length * step
            lower = objective(mean, scale, errors, Coefficients(tried[:p], tried[p:]))
            if lower < value:
                break
            length /= 2
        else:
            break
        gained, both, value = value - lower, tried, lower
        if gained < TOLERANCE_F:
            break
    return Coefficients(both[:p], both[p:])


def _newton(mean: Floats, scale: Floats, errors: Floats, both: Floats, ridge: Floats) -> Floats:
    """Inverse of the (positive part of the) Hessian times the gradient of `objective`."""
    days, p = mean.shape
    mu, sigma = predict(mean, scale, Coefficients(both[:p], both[p:]))
    z = (errors - mu) / sigma
    by_mu, by_sigma = normal.crps_slopes(z)
    by_log = by_sigma * sigma
    gradient = np.concatenate([mean.T @ by_mu, scale.T @ by_log]) / days + ridge * both
    jacobian = np.hstack([mean, scale * (z * sigma)[:, None]])
    curvature = 2 * normal.density(z) / sigma
    hessian = (jacobian * curvature[:, None]).T @ jacobian / days + np.diag(ridge + 1e-9)
    hessian[p:, p:] += (scale * np.maximum(by_log, 0)[:, None]).T @ scale / days
    step: Floats = np.linalg.solve(hessian, gradient)
    return step
