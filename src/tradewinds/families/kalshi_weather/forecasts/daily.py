"""One forecast per day, walk-forward, by the best method that its day's knowledge allows, with the baselines beside it.

In this order: `emos` (regression on a trailing window), `bias_corrected` (mean of the models, corrected by their trailing mean
error, with that error's spread), `climatology` (reports of the same time of year). What kept the better methods out is the
day's `reason`. `raw` (mean of the models as issued, with its trailing root mean square error) is a baseline only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tradewinds.core.arrays import Floats
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.forecasts import emos, mixture, reach
from tradewinds.families.kalshi_weather.forecasts.history import NEVER, History
from tradewinds.families.kalshi_weather.forecasts.law import Law, Part

METHODS = schemas.FORECAST_METHODS
EMOS, BIAS_CORRECTED, CLIMATOLOGY, RAW = METHODS

# Reasons, in the order in which they are looked for; several are joined by "; ".
MODEL_MISSING, NO_GUIDANCE, FEW_DAYS, NO_HISTORY = "MODEL_MISSING", "NO_GUIDANCE", "FEW_DAYS", "NO_HISTORY"

EMOS_MIN_DAYS = 90
OPTIONAL_SHARE = 0.8  # of the window's days that must have a predictor that can be left out
SEASON_DAYS = 15  # climatology: reports of this many days of the year either way
CLIMATOLOGY_MIN_DAYS = 20
DECIMALS = 6  # of °F in which a forecast is said: what is below differs between machines


@dataclass(frozen=True)
class Settings:
    """The forecast's own keys of the config; `emos_days` 0 leaves the regression out."""

    trailing_days: int
    min_days: int
    sigma_floor_f: float
    emos_days: int = reach.EMOS_DAYS
    climatology_days: int = reach.CLIMATOLOGY_DAYS

    @classmethod
    def of(cls, probabilities: Mapping[str, Any]) -> Settings:
        """From the config's section `probabilities`."""
        return cls(
            trailing_days=probabilities["trailing_days"],
            min_days=probabilities["min_days"],
            sigma_floor_f=probabilities["sigma_floor_f"],
            emos_days=reach.emos_days(probabilities),
        )


class Daily(NamedTuple):
    """The forecast of one row of a history.

    `laws` has every method that was possible; `method` is the one that counts, None without any; `known_at_ts` is when the last
    input of any of them was known.
    """

    row: int
    method: str | None
    reason: str | None
    known_at_ts: int | None
    laws: Mapping[str, Law]
    coefficients: tuple[float, ...]

    @property
    def law(self) -> Law | None:
        """That of the method that counts."""
        return self.laws[self.method] if self.method else None


class Forecaster:
    """The forecasts of one station and target. Rows of the history may be asked in any order; each looks back only."""

    def __init__(self, history: History, settings: Settings) -> None:
        self.history, self.settings = history, settings
        self._designs: dict[tuple[int, ...], emos.Design] = {}
        self._reach_days = max(settings.emos_days, settings.trailing_days, settings.climatology_days)

    def days(self, indices: Iterable[int]) -> list[Daily]:
        """The forecasts of some rows."""
        return [self.day(index) for index in indices]

    def day(self, index: int) -> Daily:
        """The forecast of a row by everything known at its as-of time."""
        history = self.history
        models = tuple(np.flatnonzero(~np.isnan(history.value_f[:, index])).tolist())
        reasons = [f"{MODEL_MISSING}:{name}" for i, name in enumerate(history.models) if i not in models]
        laws: dict[str, Law] = {}
        coefficients: tuple[float, ...] = ()
        if not models:
            reasons = [NO_GUIDANCE]
        else:
            law, coefficients = self._emos(index, models)
            self._add(laws, EMOS, law)
            for name, law in self._corrected(index).items():
                self._add(laws, name, law)
            if EMOS not in laws and self.settings.emos_days:
                reasons.append(f"{FEW_DAYS}:{EMOS}")
            if EMOS not in laws and BIAS_CORRECTED not in laws:
                reasons.append(f"{FEW_DAYS}:{BIAS_CORRECTED}")
        self._add(laws, CLIMATOLOGY, self._climatology(index))
        method = next((name for name in (EMOS, BIAS_CORRECTED, CLIMATOLOGY) if name in laws), None)
        if method is None:
            reasons.append(NO_HISTORY)
        known = self._known_at(index, models) if laws else None
        return Daily(index, method, "; ".join(reasons) or None, known, laws, coefficients)

    def _add(self, laws: dict[str, Law], method: str, law: Law | None) -> None:
        if law is not None:
            floor = self.settings.sigma_floor_f
            laws[method] = Law(
                tuple(Part(w, round(mu, DECIMALS), round(max(sigma, floor), DECIMALS)) for w, mu, sigma in law.parts)
            )

    def _seen(self, index: int, days: int) -> npt.NDArray[np.int64]:
        """Rows of the last `days` days whose report was known at the row's as-of time."""
        rows = np.arange(max(0, index - days), index)
        known: npt.NDArray[np.int64] = rows[self.history.observed_known_ts[rows] <= self.history.asof_ts[index]]
        return known

    def _emos(self, index: int, models: tuple[int, ...]) -> tuple[Law | None, tuple[float, ...]]:
        made = self._designs.get(models)
        if made is None:
            made = self._designs[models] = emos.design(self.history, models)
        rows = self._seen(index, self.settings.emos_days)
        rows = rows[~np.isnan(made.guess_f[rows])]
        mean, rows = _columns(made.mean, made.mean_optional, index, rows)
        scale, rows = _columns(made.scale, made.scale_optional, index, rows)
        if len(rows) < EMOS_MIN_DAYS:
            return None, ()
        sign = 1.0 if self.history.target == "max" else -1.0
        errors = sign * self.history.observed_f[rows] - made.guess_f[rows]
        design = made.mean[:, mean], made.scale[:, scale]
        found = emos.fit(design[0][rows], design[1][rows], errors)
        shape = mixture.shape(emos.standardised(design[0][rows], design[1][rows], errors, found))
        shift, sigma = emos.predict(design[0][[index]], design[1][[index]], found)
        mu, deviation = sign * (made.guess_f[index] + shift + sigma * shape[0]), sigma * shape[1]
        law = Law(tuple(map(Part, mixture.WEIGHTS, mu.tolist(), deviation.tolist())))
        return law, tuple(np.concatenate([found.mean, found.scale]).tolist())

    @cached_property
    def _mean_guidance(self) -> Floats:
        """Per day, the mean over the models that it has."""
        value = self.history.value_f
        count = (~np.isnan(value)).sum(axis=0)
        return np.where(count > 0, np.nansum(value, axis=0) / np.maximum(count, 1), np.nan)

    def _corrected(self, index: int) -> dict[str, Law]:
        """`bias_corrected` and `raw`."""
        rows = self._seen(index, self.settings.trailing_days)
        errors = self.history.observed_f[rows] - self._mean_guidance[rows]
        errors = errors[~np.isnan(errors)]
        if len(errors) < self.settings.min_days:
            return {}
        guidance = float(self._mean_guidance[index])
        return {
            BIAS_CORRECTED: Law.normal(guidance + float(errors.mean()), float(errors.std(ddof=1))),
            RAW: Law.normal(guidance, float(np.sqrt((errors**2).mean()))),
        }

    def _climatology(self, index: int) -> Law | None:
        """Mean and spread of the reports within SEASON_DAYS of the same day of the year."""
        rows = self._seen(index, self.settings.climatology_days)
        year = emos.YEAR_DAYS
        apart = np.abs((index - rows + year / 2) % year - year / 2)
        found = self.history.observed_f[rows[apart <= SEASON_DAYS]]
        found = found[~np.isnan(found)]
        return Law.normal(float(found.mean()), float(found.std(ddof=1))) if len(found) >= CLIMATOLOGY_MIN_DAYS else None

    def _known_at(self, index: int, models: tuple[int, ...]) -> int:
        """When the last of the inputs of a row's forecasts was known."""
        reports = self.history.observed_known_ts[self._seen(index, self._reach_days)]
        return int(max([*self.history.known_ts[list(models), index], *reports[reports < NEVER]]))


def _columns(
    table: Floats, optional: tuple[int, ...], index: int, rows: npt.NDArray[np.int64]
) -> tuple[list[int], npt.NDArray[np.int64]]:
    """The columns that a row and most of the rows before it have, and those of the rows that have all of them."""
    known = ~np.isnan(table[rows])
    share = known.mean(axis=0) if len(rows) else np.zeros(table.shape[1])
    kept = [
        i
        for i in range(table.shape[1])
        if i not in optional or (share[i] >= OPTIONAL_SHARE and not np.isnan(table[index, i]))
    ]
    return kept, rows[known[:, kept].all(axis=1)]
