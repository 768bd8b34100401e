"""One forecast per day, walk-forward, by the best method that the data known on that day allows, with the baselines beside it.

Methods from best to least: `emos` (regression on a trailing window), `bias_corrected` (mean of the models, corrected by their
trailing mean error, with the spread of that error), `climatology` (reports of the same time of year). The day's `reason` tells
why better methods were not possible. `raw` (mean of the models as issued, with its trailing root mean square error) is a
baseline only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.core.units import NEVER
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.forecasts import emos, lookback, mixture
from tradewinds.families.kalshi_weather.forecasts.distribution import DECIMALS, Distribution, NormalComponent
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory

METHODS = schemas.FORECAST_METHODS
EMOS, BIAS_CORRECTED, CLIMATOLOGY, RAW = METHODS

# Reasons, in the order in which they are checked; several are joined by "; ".
MODEL_MISSING, NO_GUIDANCE, FEW_DAYS, NO_HISTORY = "MODEL_MISSING", "NO_GUIDANCE", "FEW_DAYS", "NO_HISTORY"

EMOS_MIN_DAYS = 90
OPTIONAL_SHARE = 0.8  # share of the window's days that must have an optional predictor or a model, else it is left out
SEASON_DAYS = 15  # climatology: reports of this many days of the year either way
CLIMATOLOGY_MIN_DAYS = 20


@dataclass(frozen=True)
class ForecastSettings:
    """The forecast's own keys of the config.

    Attributes:
        trailing_days: window of the trailing mean error.
        min_days: days with an error that `bias_corrected` and `raw` need.
        sigma_floor_f: least standard deviation of a forecast in °F.
        emos_days: window of the regression; 0 leaves it out.
        climatology_days: window of climatology.
    """

    trailing_days: int
    min_days: int
    sigma_floor_f: float
    emos_days: int = lookback.EMOS_DAYS
    climatology_days: int = lookback.CLIMATOLOGY_DAYS

    @classmethod
    def from_config(cls, probabilities: Mapping[str, Any]) -> ForecastSettings:
        """The settings in the config's section `probabilities`."""
        return cls(
            trailing_days=probabilities["trailing_days"],
            min_days=probabilities["min_days"],
            sigma_floor_f=probabilities["sigma_floor_f"],
            emos_days=lookback.emos_days(probabilities),
        )


class DailyForecast(NamedTuple):
    """The forecast of one row of a history.

    Attributes:
        row: of the history.
        method: the best method that was possible, None without any.
        reason: why better methods were not possible, None if the best one was.
        known_at_ts: when the last input of any method was known (Unix seconds), None without any method.
        distributions: one per method that was possible.
        coefficients: of the regression, those of μ before those of log σ; empty without it.
    """

    row: int
    method: str | None
    reason: str | None
    known_at_ts: int | None
    distributions: Mapping[str, Distribution]
    coefficients: tuple[float, ...]

    @property
    def distribution(self) -> Distribution | None:
        """The distribution by `method`."""
        return self.distributions[self.method] if self.method else None


class Forecaster:
    """Forecasts of one station and target.

    Rows of the history may be asked for in any order; the forecast of each uses earlier data only.

    Args:
        history: of the station and target; it must reach back as far as the windows of the settings.
        settings: windows, minimum numbers of days and the floor of σ.
    """

    def __init__(self, history: WeatherHistory, settings: ForecastSettings) -> None:
        self.history, self.settings = history, settings
        self._designs: dict[tuple[int, ...], emos.DesignMatrices] = {}  # by rows of the history's model axis
        self._lookback_days = max(settings.emos_days, settings.trailing_days, settings.climatology_days)

    def forecasts(self, rows: Iterable[int]) -> list[DailyForecast]:
        """The forecasts of some rows of the history, in the order given."""
        return [self.forecast(row) for row in rows]

    def forecast(self, row: int) -> DailyForecast:
        """The forecast of a row of the history from everything known at its as-of time."""
        history = self.history
        models = tuple(np.flatnonzero(~np.isnan(history.value_f[:, row])).tolist())
        distributions: dict[str, Distribution] = {}
        coefficients: tuple[float, ...] = ()
        few_days: tuple[int, ...] = ()
        if models:
            fitted, few_days = self._with_enough_days(row, models)
            regression, coefficients = self._emos(row, fitted)
            candidates = {EMOS: regression, **self._corrected(row)}
            distributions = {name: self._floored(one) for name, one in candidates.items() if one is not None}
        climatology = self._climatology(row)
        if climatology is not None:
            distributions[CLIMATOLOGY] = self._floored(climatology)
        method = next((name for name in (EMOS, BIAS_CORRECTED, CLIMATOLOGY) if name in distributions), None)
        return DailyForecast(
            row=row,
            method=method,
            reason="; ".join(self._reasons(models, few_days, distributions, method)) or None,
            known_at_ts=self._known_at(row, models) if distributions else None,
            distributions=distributions,
            coefficients=coefficients,
        )

    def _with_enough_days(self, row: int, models: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The models of a row that the regression uses, and those with too few days in its window.

        A fit needs days that have all of its models. So a model that came late costs days: it is left out until it has a value
        on OPTIONAL_SHARE of the days that the model with the most days has.

        Args:
            row: of the history.
            models: rows of the history's model axis with a value on that day; at least one.
        """
        if len(models) == 1 or not self.settings.emos_days:
            return models, ()
        rows = self._known_rows(row, self.settings.emos_days)
        rows = rows[~np.isnan(self.history.observed_f[rows])]
        days = (~np.isnan(self.history.value_f[np.ix_(np.array(models), rows)])).sum(axis=1)
        enough = days >= OPTIONAL_SHARE * days.max()
        parts = (tuple(np.array(models)[mask].tolist()) for mask in (enough, ~enough))
        return next(parts), next(parts)

    def _reasons(
        self,
        models: tuple[int, ...],
        few_days: tuple[int, ...],
        distributions: Mapping[str, Distribution],
        method: str | None,
    ) -> list[str]:
        """Why models are not used and better methods were not possible, in the order of the constants above.

        Args:
            models: rows of the model axis with a value on the day.
            few_days: those among them that the regression leaves out.
            distributions: by method.
            method: the best one.
        """
        if models:
            names = self.history.models
            reasons = [f"{MODEL_MISSING}:{name}" for model, name in enumerate(names) if model not in models]
            if EMOS in distributions:
                reasons += [f"{FEW_DAYS}:{names[model]}" for model in few_days]
            if EMOS not in distributions and self.settings.emos_days:
                reasons.append(f"{FEW_DAYS}:{EMOS}")
            if EMOS not in distributions and BIAS_CORRECTED not in distributions:
                reasons.append(f"{FEW_DAYS}:{BIAS_CORRECTED}")
        else:
            reasons = [NO_GUIDANCE]
        return reasons if method else [*reasons, NO_HISTORY]

    def _floored(self, distribution: Distribution) -> Distribution:
        """The distribution rounded to DECIMALS, its standard deviations raised to the floor."""
        floor = self.settings.sigma_floor_f
        return Distribution(
            tuple(
                NormalComponent(weight, round(mu, DECIMALS), round(max(sigma, floor), DECIMALS))
                for weight, mu, sigma in distribution.components
            )
        )

    def _known_rows(self, row: int, days: int) -> Ints:
        """Rows of the `days` days before a row whose report was known at the row's as-of time."""
        rows = np.arange(max(0, row - days), row)
        known: Ints = rows[self.history.observed_known_ts[rows] <= self.history.asof_ts[row]]
        return known

    def _emos(self, row: int, models: tuple[int, ...]) -> tuple[Distribution | None, tuple[float, ...]]:
        """The regression's distribution and coefficients; None and () with fewer than EMOS_MIN_DAYS days to fit on."""
        design = self._designs.get(models)
        if design is None:
            design = self._designs[models] = emos.design_matrices(self.history, models)

        # Days of the fit, and predictors that are known on them and today.
        rows = self._known_rows(row, self.settings.emos_days)
        rows = rows[~np.isnan(design.guess_f[rows])]
        mu_columns, rows = _usable_columns(design.mu_predictors, design.mu_optional, row, rows)
        sigma_columns, rows = _usable_columns(design.sigma_predictors, design.sigma_optional, row, rows)
        if len(rows) < EMOS_MIN_DAYS:
            return None, ()
        mu_predictors, sigma_predictors = design.mu_predictors[:, mu_columns], design.sigma_predictors[:, sigma_columns]

        # Fit; the three components take the shape of the standardised errors.
        sign = 1.0 if self.history.target == "max" else -1.0
        errors = sign * self.history.observed_f[rows] - design.guess_f[rows]
        fitted = emos.fit(mu_predictors[rows], sigma_predictors[rows], errors)
        component_mu, component_sigma = mixture.fit_components(
            emos.standardised(mu_predictors[rows], sigma_predictors[rows], errors, fitted)
        )

        # Today's distribution, turned back for a minimum.
        shift, sigma = emos.predict(mu_predictors[[row]], sigma_predictors[[row]], fitted)
        mu = sign * (design.guess_f[row] + shift + sigma * component_mu)
        deviation = sigma * component_sigma
        components = zip(mixture.WEIGHTS, mu.tolist(), deviation.tolist(), strict=True)
        distribution = Distribution(
            tuple(NormalComponent(weight=w, mu_f=mu_f, sigma_f=sigma_f) for w, mu_f, sigma_f in components)
        )
        return distribution, tuple(np.concatenate([fitted.of_mu, fitted.of_sigma]).tolist())

    @cached_property
    def _mean_guidance(self) -> Floats:
        """Mean over the models that a day has in °F, NaN without any; (days,)."""
        value = self.history.value_f
        count = (~np.isnan(value)).sum(axis=0)
        return np.where(count > 0, np.nansum(value, axis=0) / np.maximum(count, 1), np.nan)

    def _corrected(self, row: int) -> dict[str, Distribution]:
        """The distributions by `bias_corrected` and `raw`; empty with fewer errors than `min_days`."""
        rows = self._known_rows(row, self.settings.trailing_days)
        errors = self.history.observed_f[rows] - self._mean_guidance[rows]
        errors = errors[~np.isnan(errors)]
        if len(errors) < self.settings.min_days:
            return {}
        guidance = float(self._mean_guidance[row])
        return {
            BIAS_CORRECTED: Distribution.normal(guidance + float(errors.mean()), float(errors.std(ddof=1))),
            RAW: Distribution.normal(guidance, float(np.sqrt((errors**2).mean()))),
        }

    def _climatology(self, row: int) -> Distribution | None:
        """Mean and spread of the reports within SEASON_DAYS of the same day of the year; None with too few reports."""
        rows = self._known_rows(row, self.settings.climatology_days)
        year = emos.YEAR_DAYS
        days_apart = np.abs((row - rows + year / 2) % year - year / 2)
        reported = self.history.observed_f[rows[days_apart <= SEASON_DAYS]]
        reported = reported[~np.isnan(reported)]
        if len(reported) < CLIMATOLOGY_MIN_DAYS:
            return None
        return Distribution.normal(float(reported.mean()), float(reported.std(ddof=1)))

    def _known_at(self, row: int, models: tuple[int, ...]) -> int:
        """When the last of the inputs of a row's forecasts was known, in Unix seconds."""
        reports = self.history.observed_known_ts[self._known_rows(row, self._lookback_days)]
        return int(max([*self.history.known_ts[list(models), row], *reports[reports < NEVER]]))


def _usable_columns(predictors: Floats, optional: tuple[int, ...], row: int, rows: Ints) -> tuple[list[int], Ints]:
    """Columns of predictors for a fit, and the days that have all of them.

    An optional column is used if the row itself has it, and at least OPTIONAL_SHARE of the days.

    Args:
        predictors: (days, columns), NaN where a day lacks one.
        optional: columns that may be left out.
        row: day of the forecast.
        rows: days that the fit may use; (n,).

    Returns:
        The columns.
        The days among `rows` that have all of these columns.
    """
    known = ~np.isnan(predictors[rows])
    share = known.mean(axis=0) if len(rows) else np.zeros(predictors.shape[1])
    columns = [
        column
        for column in range(predictors.shape[1])
        if column not in optional or (share[column] >= OPTIONAL_SHARE and not np.isnan(predictors[row, column]))
    ]
    return columns, rows[known[:, columns].all(axis=1)]
