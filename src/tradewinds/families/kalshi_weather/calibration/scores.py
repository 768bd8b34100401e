"""Scores of a run's probabilities and temperature forecasts, against baselines and the market's price. Pure functions.

- Brier (1950) with Murphy's (1973) reliability − resolution + uncertainty over ten bins; probabilities within a bin differ, so
  two more terms (Stephenson, Coelho & Jolliffe 2008) make the sum exact. Log loss with natural logarithms.
- Reliability diagram: consistency bars of Bröcker & Smith (2007), where the frequency of a bin would lie in 90 % of cases
  if every probability in it were right (exact, by convolution). ASSUME: independent markets; those of one event are not, so the
  bars are somewhat narrow in wide bins.
- CRPS of the day's distribution in closed form, MAE of its median, bias of its mean; PIT of whole degrees without random
  numbers (Czado, Gneiting & Held 2009), with the band in which 95 % of a uniform histogram's columns lie.
- Against another source: Brier skill 1 − B/B_other on the markets that have both, with the interval of a bootstrap over days
  (all markets of a climate date are drawn together).
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tradewinds.core.arrays import Floats, Ints
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.mixture import DistributionArrays
from tradewinds.families.kalshi_weather.metrics import CLIP
from tradewinds.results.metrics import BINS

MODEL, MARKET_PRICE = "model", "market"  # sources of probabilities, as calibration.json names them
RELIABILITY_BAND, PIT_BAND, SKILL_BAND = 0.90, 0.95, 0.95
RESAMPLES = 2000
NORMAL_FROM = 3000  # number of probabilities above which their sum counts as normally distributed
HALF_DEGREE = 0.5


class ScoredMarket(NamedTuple):
    """A market with a yes/no result and the probabilities of all sources.

    Attributes:
        station: station and target, such as `KMDW max`.
        climate_date: of its event.
        lead_hours: from the as-of time to the end of the climate day.
        yes: whether it settled YES.
        p: P(YES) by source: MODEL, MARKET_PRICE (the middle of bid and ask), baselines by method.
    """

    station: str
    climate_date: dt.date
    lead_hours: int
    yes: bool
    p: Mapping[str, float]


class ScoredDay(NamedTuple):
    """A climate date with its observed extreme and the forecast distributions of all sources.

    Attributes:
        station: station and target, such as `KMDW max`.
        climate_date: the date.
        lead_hours: from the as-of time to the end of the climate day.
        observed_f: extreme by the final report in °F.
        distributions: by source: MODEL, baselines by method.
    """

    station: str
    climate_date: dt.date
    lead_hours: int
    observed_f: float
    distributions: Mapping[str, Distribution]


class _DayErrors(NamedTuple):
    """How far a distribution of a day is from what was observed.

    Attributes:
        median_error: absolute error of its median in °F.
        bias: its mean less the observed temperature, in °F.
        crps: in °F.
        from_p: its cumulative probability half a degree below the observed temperature.
        to_p: the same half a degree above.
    """

    median_error: float
    bias: float
    crps: float
    from_p: float
    to_p: float


class _JudgedDay(NamedTuple):
    """A ScoredDay with the errors of its distributions, by source, in their place."""

    station: str
    climate_date: dt.date
    lead_hours: int
    errors: Mapping[str, _DayErrors]


ScoredRow = TypeVar("ScoredRow", ScoredMarket, _JudgedDay)


def calibration_scores(markets: Sequence[ScoredMarket], days: Sequence[ScoredDay], seed: int = 0) -> dict[str, Any]:
    """All scores, as plain data for JSON. Sources without a probability or a distribution are left out.

    Args:
        markets: for the scores of probabilities.
        days: for the scores of temperatures.
        seed: of the bootstrap.

    Returns:
        `probabilities`: {"all": scores by source, "by": {"station" | "month" | "lead_hours": {group: scores by source}}}.
        `temperatures`: the same.
        `against`: the model's Brier skill over each other source.
    """
    others = sorted({source for market in markets for source in market.p} - {MODEL})
    return {
        "probabilities": _grouped(markets, probability_scores),
        "against": {other: skill(markets, other, seed) for other in others},
        "temperatures": _grouped(_judged(days), _temperature_scores),
    }


def _grouped(rows: Sequence[ScoredRow], score: Callable[[Sequence[ScoredRow]], dict[str, Any]]) -> dict[str, Any]:
    """Scores of all rows, and of the rows of each station, month and lead time."""
    by: dict[str, dict[str, list[ScoredRow]]] = {name: defaultdict(list) for name in ("station", "month", "lead_hours")}
    for row in rows:
        by["station"][row.station].append(row)
        by["month"][f"{row.climate_date:%Y-%m}"].append(row)
        by["lead_hours"][str(row.lead_hours)].append(row)
    groups = {name: {key: score(part) for key, part in sorted(parts.items())} for name, parts in by.items()}
    return {"all": score(rows), "by": groups}


def _sources(by_source: Iterable[Mapping[str, Any]]) -> list[str]:
    """All sources of some mappings by source, the model first."""
    names = {name for mapping in by_source for name in mapping}
    return sorted(names, key=lambda name: (name != MODEL, name))


def probability_scores(markets: Sequence[ScoredMarket]) -> dict[str, Any]:
    """By source: number of markets n, Brier score and its decomposition, log loss, reliability diagram."""
    scores = {}
    for source in _sources(market.p for market in markets):
        rows = [market for market in markets if source in market.p]
        p = np.array([market.p[source] for market in rows])
        yes = np.array([market.yes for market in rows], float)
        scores[source] = {
            "n": len(rows),
            **brier_parts(p, yes),
            "log_loss": mean_log_loss(p, yes),
            "reliability_diagram": reliability_diagram(p, yes),
        }
    return scores


def brier_parts(p: Floats, yes: Floats) -> dict[str, float]:
    """Brier score and its parts over ten bins; `metrics.brier` is the score of a run's exact probabilities.

    Brier = reliability − resolution + uncertainty + within-bin variance − within-bin covariance.

    Args:
        p: P(YES) of each market; (markets,).
        yes: 1 where it settled YES, else 0; (markets,).
    """
    base = yes.mean()
    reliability = resolution = variance = covariance = 0.0
    for rows in _bins(p):
        if len(rows):
            p_mean, frequency = p[rows].mean(), yes[rows].mean()
            reliability += len(rows) * (p_mean - frequency) ** 2
            resolution += len(rows) * (frequency - base) ** 2
            variance += ((p[rows] - p_mean) ** 2).sum()
            covariance += 2 * ((p[rows] - p_mean) * (yes[rows] - frequency)).sum()
    parts = {
        "brier": ((p - yes) ** 2).mean(),
        "reliability": reliability / len(p),
        "resolution": resolution / len(p),
        "uncertainty": base * (1 - base),
        "within_bin_variance": variance / len(p),
        "within_bin_covariance": covariance / len(p),
    }
    return {name: float(value) for name, value in parts.items()}


def _bins(p: Floats) -> list[Ints]:
    """Positions of probabilities by bins of equal width; 1 belongs to the last bin."""
    bin_of = np.minimum((p * BINS).astype(int), BINS - 1)
    return [np.flatnonzero(bin_of == number) for number in range(BINS)]


def mean_log_loss(p: Floats, yes: Floats) -> float:
    """Log loss of columns of floats; `metrics.log_loss` is that of a run's exact probabilities.

    Args:
        p: P(YES) of each market; (markets,).
        yes: 1 where it settled YES, else 0; (markets,).
    """
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return float(-np.log(np.where(yes > 0, clipped, 1 - clipped)).mean())


def reliability_diagram(p: Floats, yes: Floats) -> list[dict[str, Any]]:
    """Ten bins of probabilities with observed frequencies.

    Args:
        p: P(YES) of each market; (markets,).
        yes: 1 where it settled YES, else 0; (markets,).

    Returns:
        Per bin: bounds `from` and `to`, number `n`, mean probability `mean_p`, observed `frequency`, and the consistency bar
        `band` around it; the last three are None in an empty bin.
    """
    diagram = []
    for number, rows in enumerate(_bins(p)):
        band = count_band(p[rows], RELIABILITY_BAND)
        diagram.append(
            {
                "from": number / BINS,
                "to": (number + 1) / BINS,
                "n": len(rows),
                "mean_p": float(p[rows].mean()) if len(rows) else None,
                "frequency": float(yes[rows].mean()) if len(rows) else None,
                "band": [edge / len(rows) for edge in band] if len(rows) else None,
            }
        )
    return diagram


def count_band(p: Floats, share: float) -> tuple[int, int]:
    """Bounds of the number of independent events that come true, without the outer (1 − share) / 2 on either side.

    Above NORMAL_FROM events the normal approximation is used: its error is too small for a plot, and convolution is slow.

    Args:
        p: probability of each event; (events,).
        share: probability of the band, 0 to 1.

    Returns:
        Lowest number.
        Highest number.
    """
    if len(p) > NORMAL_FROM:
        half = NormalDist().inv_cdf((1 + share) / 2) * math.sqrt((p * (1 - p)).sum())
        return round(max(p.sum() - half, 0)), round(min(p.sum() + half, len(p)))
    # probability[k]: that k events come true, by convolution with one event after the other
    probability = np.zeros(len(p) + 1)
    probability[0] = 1.0
    for known, one in enumerate(p.tolist(), 1):
        comes_true = probability[:known] * one
        probability[:known] *= 1 - one
        probability[1 : known + 1] += comes_true
    cumulative, tail = np.cumsum(probability), (1 - share) / 2
    return int(np.searchsorted(cumulative, tail)), min(int(np.searchsorted(cumulative, 1 - tail)), len(p))


def skill(markets: Sequence[ScoredMarket], other: str, seed: int) -> dict[str, Any]:
    """The model's Brier skill over another source, on the markets that have both.

    Args:
        markets: of any sources.
        other: name of the other source.
        seed: of the bootstrap.

    Returns:
        Numbers `n` of markets and `days`, `brier` of the model and `brier_other`, `skill`, and its bootstrap `interval`. All
        but the numbers are None without a market that has both.
    """
    # Sums of squared errors by climate date: of the model, of the other source.
    sums: dict[dt.date, list[float]] = defaultdict(lambda: [0.0, 0.0])
    n = 0
    for market in markets:
        if MODEL in market.p and other in market.p:
            n += 1
            for column, source in enumerate((MODEL, other)):
                sums[market.climate_date][column] += (market.p[source] - market.yes) ** 2
    if not n:
        return {"n": 0, "days": 0, "brier": None, "brier_other": None, "skill": None, "interval": None}
    model_sums, other_sums = np.array([sums[day] for day in sorted(sums)]).T

    # Bootstrap over days: how often each day is drawn, (RESAMPLES, days).
    days = len(model_sums)
    draws = np.random.default_rng(seed).multinomial(days, np.full(days, 1 / days), RESAMPLES)
    other_drawn = draws @ other_sums
    resampled = 1 - (draws @ model_sums)[other_drawn > 0] / other_drawn[other_drawn > 0]
    tail = (1 - SKILL_BAND) / 2
    return {
        "n": n,
        "days": days,
        "brier": float(model_sums.sum() / n),
        "brier_other": float(other_sums.sum() / n),
        "skill": float(1 - model_sums.sum() / other_sums.sum()) if other_sums.sum() > 0 else None,
        "interval": [float(edge) for edge in np.quantile(resampled, [tail, 1 - tail])] if len(resampled) else None,
    }


def temperature_scores(days: Sequence[ScoredDay]) -> dict[str, Any]:
    """By source: number of days n; MAE of the median, bias (mean − observed), mean CRPS in °F; PIT histogram and its band."""
    return _temperature_scores(_judged(days))


def _judged(days: Sequence[ScoredDay]) -> list[_JudgedDay]:
    """Return the errors of each day's distributions; those of a source are computed at once, and each only once."""
    errors: list[dict[str, _DayErrors]] = [{} for _ in days]
    for source in _sources(day.distributions for day in days):
        places = [place for place, day in enumerate(days) if source in day.distributions]
        distributions = DistributionArrays.from_distributions([days[place].distributions[source] for place in places])
        observed = np.array([days[place].observed_f for place in places])
        columns = (
            np.abs(distributions.median() - observed),
            distributions.mean() - observed,
            distributions.crps(observed),
            *_mass_of(distributions, observed),
        )
        for place, *found in zip(places, *(column.tolist() for column in columns), strict=True):
            errors[place][source] = _DayErrors(*found)
    return [
        _JudgedDay(day.station, day.climate_date, day.lead_hours, found)
        for day, found in zip(days, errors, strict=True)
    ]


def _temperature_scores(days: Sequence[_JudgedDay]) -> dict[str, Any]:
    """Return what `temperature_scores` returns."""
    scores = {}
    for source in _sources(day.errors for day in days):
        found = [day.errors[source] for day in days if source in day.errors]
        median_error, bias, crps, from_p, to_p = np.array(found).T
        lowest, highest = count_band(np.full(len(found), 1 / BINS), PIT_BAND)
        scores[source] = {
            "n": len(found),
            "mae_f": float(np.mean(median_error)),
            "bias_f": float(np.mean(bias)),
            "crps_f": float(np.mean(crps)),
            "pit": _pit_columns(from_p, to_p),
            "pit_band": [lowest, highest],
        }
    return scores


def pit_histogram(distributions: DistributionArrays, observed: Floats) -> list[float]:
    """Counts of probability integral transforms in ten columns of equal width.

    The transform of a whole degree is spread evenly over that degree's own probability mass, so counts are fractions.

    Args:
        distributions: of each day.
        observed: whole °F; (days,).
    """
    return _pit_columns(*_mass_of(distributions, observed))


def _mass_of(distributions: DistributionArrays, observed: Floats) -> tuple[Floats, Floats]:
    """Return the cumulative probability at either end of each day's observed whole degree; (days,) each."""
    return distributions.cdf(observed - HALF_DEGREE), distributions.cdf(observed + HALF_DEGREE)


def _pit_columns(from_p: Floats, to_p: Floats) -> list[float]:
    """Return the columns of `pit_histogram` from what `_mass_of` returns."""
    edges = np.linspace(0, 1, BINS + 1)
    width = np.maximum(to_p - from_p, math.ulp(1.0))
    # below[i]: sum over the days of the share of each day's mass below edge i
    below = np.clip((edges[:, None] - from_p) / width, 0, 1).sum(axis=1)
    below[-1] = len(from_p)
    return [float(count) for count in np.diff(below)]
