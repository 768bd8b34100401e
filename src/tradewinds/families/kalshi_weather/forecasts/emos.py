"""Nonhomogeneous Gaussian regression (EMOS) by minimum CRPS: Gneiting, Raftery, Westveld & Goldman (2005).

For each day, from what was known at its as-of time:
- every model's guidance is corrected by its own recent errors (exponentially forgotten, half of the weight in 15 days);
- the mean of the corrected models is the first guess;
- μ is the first guess plus a linear function of predictors: differences of the models from it, the season, yesterday's
  guidance, the last known errors and observation, the other extreme of the day, the run's own temperatures;
- log σ is linear in the log of the models' spread, in the log of the spread that a model itself gives, and in predictors of
  uncertainty. The log keeps σ positive for any predictors (Messner, Mayr, Wilks & Zeileis 2014); with the spread alone it is a
  power law, close to σ² = c + d·s².

The coefficients minimise the mean CRPS over a trailing window of days whose report was known, plus a ridge that pulls them
to the first guess, so that twenty predictors cost nothing on days where they carry no information.

μ and σ are those of a normal distribution, which the fit assumes for the errors. The forecast distribution gets the shape of
the standardised errors of the same window (mixture.py).

The minimum of a day is the maximum of the temperatures with the opposite sign, so one code serves both targets.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.forecasts import normal
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory
from tradewinds.families.kalshi_weather.forecasts.lookback import LAGS

BIAS_HALF_LIFE = 15.0  # days, of a model's own errors
ERROR_HALF_LIVES = (5.0, 20.0)  # days, of the first guess's errors as predictors
MIDDLING_F = 60.0  # subtracted from the first guess, so that this predictor is about 0 in the middle of the year
SMALL_RANGE_F = 12.0  # °F between minimum and maximum: below it the hours of guidance may miss the extreme
PRIOR_DAYS = 5.0  # days without an error that are added to a trailing mean, which shrinks it to zero
RECENT_DAYS = 5  # days after which the last observation is too old to be used
YEAR_DAYS = 365.25
RIDGE_MU, RIDGE_SIGMA = 0.03, 0.02  # °F of CRPS per squared coefficient
LOG_SIGMA_BOUNDS = (-3.0, 4.0)
STEPS, TOLERANCE_F = 30, 1e-9
LEAST_START_F = 0.1  # °F, of the constant σ at which a fit starts


@dataclass(frozen=True)
class DesignMatrices:
    """Predictors of every day for one set of models; NaN where a day lacks one.

    For a minimum all temperatures have the opposite sign, so that the target is always a maximum.

    Attributes:
        guess_f: first guess in °F; (days,).
        mu_predictors: predictors of μ − guess, the intercept first; (days, p).
        sigma_predictors: predictors of log σ, the intercept first; (days, q).
        mu_optional: columns of `mu_predictors` that may be left out where they are missing.
        sigma_optional: columns of `sigma_predictors` that may be left out where they are missing.
    """

    guess_f: Floats
    mu_predictors: Floats
    sigma_predictors: Floats
    mu_optional: tuple[int, ...]
    sigma_optional: tuple[int, ...]


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of the two linear functions.

    Attributes:
        of_mu: of the predictors of μ − guess; (p,).
        of_sigma: of the predictors of log σ; (q,).
    """

    of_mu: Floats
    of_sigma: Floats


def trailing_mean(errors: Floats, known_ts: Ints, asof_ts: Ints, half_life: float) -> Floats:
    """Exponentially forgotten mean of the last LAGS days' errors as known at each day's as-of time, shrunk to zero.

    A day counts if its error exists (is not NaN) and its report was known; its weight is 0.5^(age / half_life).

    Args:
        errors: error of each day in °F, NaN for none; (days,).
        known_ts: when each day's report was known, Unix seconds; (days,).
        asof_ts: as-of time of each day, Unix seconds; (days,).
        half_life: in days.

    Returns:
        Mean in °F; (days,).
    """
    # One row per day with the LAGS days before it, oldest first: (days, LAGS).
    padded = np.concatenate([np.full(LAGS, np.nan), errors])[:-1]
    padded_known = np.concatenate([np.zeros(LAGS, np.int64), known_ts])[:-1]
    past = np.lib.stride_tricks.sliding_window_view(padded, LAGS)
    past_known = np.lib.stride_tricks.sliding_window_view(padded_known, LAGS)
    usable = (past_known <= asof_ts[:, None]) & ~np.isnan(past)
    weights = np.where(usable, 0.5 ** (np.arange(LAGS, 0, -1) / half_life), 0.0)
    mean: Floats = (weights * np.where(usable, past, 0.0)).sum(axis=1) / (weights.sum(axis=1) + PRIOR_DAYS)
    return mean


def last_known(values: Floats, known_ts: Ints, asof_ts: Ints) -> Floats:
    """Latest value of the RECENT_DAYS before each day that was known at the day's as-of time.

    Args:
        values: value of each day, NaN for none; (days,).
        known_ts: when each value was known, Unix seconds; (days,).
        asof_ts: as-of time of each day, Unix seconds; (days,).

    Returns:
        Value per day, NaN without one; (days,).
    """
    latest = np.full(len(values), np.nan)
    for age in range(RECENT_DAYS, 0, -1):
        past, known = values[:-age], known_ts[:-age] <= asof_ts[age:]
        latest[age:] = np.where(known & ~np.isnan(past), past, latest[age:])
    return latest


def days_of_year(first: dt.date, days: int) -> Ints:
    """Day of the year of each of some days in a row; 1 for the first of January.

    Args:
        first: the first of them.
        days: how many.
    """
    dates = np.datetime64(first) + np.arange(days)
    numbers: Ints = (dates - dates.astype("datetime64[Y]")).astype(np.int64) + 1
    return numbers


def design_matrices(history: WeatherHistory, models: tuple[int, ...]) -> DesignMatrices:
    """Predictors of all days from some of the history's models.

    Args:
        history: of one station and target.
        models: rows of the history's model axis that are used; at least one.
    """
    # Turn temperatures so that the target is a maximum; keep the chosen models' rows.
    sign = 1.0 if history.target == "max" else -1.0
    observed, known, asof = sign * history.observed_f, history.observed_known_ts, history.asof_ts
    extreme = sign * history.value_f[list(models)]
    # Some cycles of the blend do not carry the day's other extreme. So it and the hours are those of the other models, if any.
    with_hours = [i for i, model in enumerate(models) if history.models[model] not in schemas.OWN_SPREAD]
    with_hours = with_hours or list(range(len(models)))
    other_extreme, hourly_extreme = (
        sign * temperatures[[models[i] for i in with_hours]]
        for temperatures in (history.other_f, history.hourly_extreme_f)
    )

    # First guess: the mean of the models, each corrected by its own recent errors.
    corrected = extreme + np.array([trailing_mean(observed - one, known, asof, BIAS_HALF_LIFE) for one in extreme])
    guess = corrected.mean(axis=0)
    error = observed - guess

    # Quantities that several predictors use. ASSUME: the divisors, here and below, bring a predictor to the size of about 1,
    # since the ridge weighs all coefficients alike.
    warming = np.nan_to_num(guess - np.append(np.nan, guess[:-1])) / 3
    season = 2 * math.pi * days_of_year(history.first, len(asof)) / YEAR_DAYS
    seasons = [np.sin(season), np.cos(season)]
    ones = np.ones(len(asof))
    range_f = other_extreme.mean(axis=0) - guess  # below 0: minus the day's range
    hourly = hourly_extreme + np.array(
        [trailing_mean(observed - one, known, asof, BIAS_HALF_LIFE) for one in hourly_extreme]
    )

    # Predictors of μ − guess; the optional ones come last.
    mu_predictors = [ones, (guess - sign * MIDDLING_F) / 10, *seasons]
    mu_predictors += [one - guess for one in corrected] if len(models) > 1 else []
    mu_predictors += [np.nan_to_num(last_known(error, known, asof))]
    mu_predictors += [trailing_mean(error, known, asof, half_life) for half_life in ERROR_HALF_LIVES]
    mu_predictors += [np.nan_to_num(last_known(observed, known, asof) - guess) / 3, warming, np.maximum(-warming, 0)]
    required = len(mu_predictors)
    # On a day with a small range the extreme may well fall outside the hours that the guidance covers.
    mu_predictors += [range_f, np.maximum(range_f + SMALL_RANGE_F, 0) / 3, hourly.mean(axis=0) - guess]
    mu_predictors += [one - hourly.mean(axis=0) for one in hourly[:-1]]

    # Predictors of log σ; the optional ones come last.
    spread = extreme.std(axis=0, ddof=1) if len(models) > 1 else np.zeros(len(asof))
    sigma_predictors = [ones, *([np.log1p(spread) - 1] if len(models) > 1 else []), *(part / 2 for part in seasons)]
    sigma_predictors += [np.log1p(np.abs(3 * warming)) / 2, 3 * warming / 10]
    required_scale = len(sigma_predictors)
    sigma_predictors += [range_f / 10, np.abs(hourly_extreme.mean(axis=0) - extreme[with_hours].mean(axis=0)) / 3]
    sigma_predictors += [np.log1p(_mean_of_known(history.own_spread_f[list(models)])) - 1]

    return DesignMatrices(
        guess_f=guess,
        mu_predictors=np.column_stack(mu_predictors),
        sigma_predictors=np.column_stack(sigma_predictors),
        mu_optional=tuple(range(required, len(mu_predictors))),
        sigma_optional=tuple(range(required_scale, len(sigma_predictors))),
    )


def _mean_of_known(values: Floats) -> Floats:
    """Mean over the models that have a value on a day, NaN without any; (days,).

    Args:
        values: NaN where a model has none; (models, days).
    """
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    mean: Floats = np.where(count > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    return mean


def predict(mu_predictors: Floats, sigma_predictors: Floats, coefficients: Coefficients) -> tuple[Floats, Floats]:
    """μ − guess and σ of rows of predictors, before any floor of σ.

    Args:
        mu_predictors: predictors of μ − guess; (rows, p).
        sigma_predictors: predictors of log σ; (rows, q).
        coefficients: of both.

    Returns:
        μ − guess in °F; (rows,).
        σ in °F; (rows,).
    """
    return mu_predictors @ coefficients.of_mu, np.exp(
        np.clip(sigma_predictors @ coefficients.of_sigma, *LOG_SIGMA_BOUNDS)
    )


def standardised(mu_predictors: Floats, sigma_predictors: Floats, errors: Floats, coefficients: Coefficients) -> Floats:
    """Errors of the days of a fit in units of σ, widened to the spread that errors of other days have.

    A fit of p coefficients on n days comes closer to those days than to others, by √((n − p) / (n + p)) (Akaike 1969, final
    prediction error; p is that of μ). The forecast distribution takes its shape from the widened errors.

    Args:
        mu_predictors: predictors of μ − guess; (days, p).
        sigma_predictors: predictors of log σ; (days, q).
        errors: observed − first guess in °F; (days,).
        coefficients: of the fit on these days.

    Returns:
        Standardised errors, without unit; (days,).
    """
    days, p = mu_predictors.shape
    mu, sigma = predict(mu_predictors, sigma_predictors, coefficients)
    return (errors - mu) / sigma * math.sqrt((days + p) / (days - p))


def objective(mu_predictors: Floats, sigma_predictors: Floats, errors: Floats, coefficients: Coefficients) -> float:
    """Penalised score that `fit` minimises: mean CRPS of N(μ, σ) at the errors of the first guess, plus the ridge.

    Args:
        mu_predictors: predictors of μ − guess; (days, p).
        sigma_predictors: predictors of log σ; (days, q).
        errors: observed − first guess in °F; (days,).
        coefficients: the point at which it is computed.

    Returns:
        Score in °F.
    """
    mu, sigma = predict(mu_predictors, sigma_predictors, coefficients)
    ridge = RIDGE_MU * (coefficients.of_mu[1:] ** 2).sum() + RIDGE_SIGMA * (coefficients.of_sigma[1:] ** 2).sum()
    return float(normal.crps(mu, sigma, errors).mean() + ridge / 2)


def fit(mu_predictors: Floats, sigma_predictors: Floats, errors: Floats) -> Coefficients:
    """Coefficients of minimum penalised CRPS, by damped Newton steps from penalised least squares.

    CRPS is convex in (μ, σ) with the Hessian (2φ(z)/σ)·[1 z; z z²]. The curvature that log σ adds is kept where it is
    positive, so that every step points downhill; a step is halved until it lowers the score.

    Args:
        mu_predictors: predictors of μ − guess, the intercept first, no NaN; (days, p).
        sigma_predictors: predictors of log σ, the intercept first, no NaN; (days, q).
        errors: observed − first guess in °F, no NaN; (days,).
    """
    # Start: least squares for μ, and the log of its root mean square error for a constant σ.
    days, p = mu_predictors.shape
    ridge = np.concatenate(
        [[0.0], np.full(p - 1, RIDGE_MU), [0.0], np.full(sigma_predictors.shape[1] - 1, RIDGE_SIGMA)]
    )
    least_squares = np.linalg.solve(
        mu_predictors.T @ mu_predictors / days + np.diag(2 * ridge[:p]), mu_predictors.T @ errors / days
    )
    log_sigma = math.log(max(math.sqrt(((errors - mu_predictors @ least_squares) ** 2).mean()), LEAST_START_F))
    point = np.concatenate([least_squares, [log_sigma], np.zeros(sigma_predictors.shape[1] - 1)])
    value = objective(mu_predictors, sigma_predictors, errors, Coefficients(point[:p], point[p:]))

    for _ in range(STEPS):
        step = -_newton_step(mu_predictors, sigma_predictors, errors, point, ridge)
        # Halve the step until it lowers the score; without such a length the point is the minimum.
        length = 1.0
        while length > 1e-4:
            candidate = point + length * step
            lower = objective(mu_predictors, sigma_predictors, errors, Coefficients(candidate[:p], candidate[p:]))
            if lower < value:
                break
            length /= 2
        else:
            break
        gain, point, value = value - lower, candidate, lower
        if gain < TOLERANCE_F:
            break
    return Coefficients(point[:p], point[p:])


def _newton_step(
    mu_predictors: Floats, sigma_predictors: Floats, errors: Floats, point: Floats, ridge: Floats
) -> Floats:
    """Inverse of the positive part of the Hessian of `objective`, times its gradient; (p + q,).

    Args:
        mu_predictors: as in `fit`; (days, p).
        sigma_predictors: as in `fit`; (days, q).
        errors: as in `fit`; (days,).
        point: coefficients of μ − guess, then those of log σ; (p + q,).
        ridge: penalty of each coefficient; (p + q,).
    """
    days, p = mu_predictors.shape
    mu, sigma = predict(mu_predictors, sigma_predictors, Coefficients(point[:p], point[p:]))
    z = (errors - mu) / sigma
    by_mu, by_sigma = normal.crps_slopes(z)
    by_log_sigma = by_sigma * sigma
    gradient = np.concatenate([mu_predictors.T @ by_mu, sigma_predictors.T @ by_log_sigma]) / days + ridge * point
    jacobian = np.hstack([mu_predictors, sigma_predictors * (z * sigma)[:, None]])
    curvature = 2 * normal.density(z) / sigma
    hessian = (jacobian * curvature[:, None]).T @ jacobian / days + np.diag(ridge + 1e-9)
    hessian[p:, p:] += (sigma_predictors * np.maximum(by_log_sigma, 0)[:, None]).T @ sigma_predictors / days
    step: Floats = np.linalg.solve(hessian, gradient)
    return step
