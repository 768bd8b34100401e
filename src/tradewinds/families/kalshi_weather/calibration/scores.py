"""How good a run's probabilities and temperatures were, against baselines and against the market's own price. Pure functions.

- Brier (1950) with Murphy's (1973) reliability − resolution + uncertainty over ten bins; probabilities within a bin differ, so
  two more terms (Stephenson, Coelho & Jolliffe 2008) make the sum exact. Log loss with natural logarithms.
- Reliability diagram: consistency bars of Bröcker & Smith (2007), where the frequency of a bin would lie in 90 % of cases
  if every probability in it were right (exact, by convolution). ASSUME: independent markets; those of one event are not, so the
  bars are somewhat narrow in wide bins.
- CRPS of the day's law in closed form, MAE of its median, bias of its mean; PIT of whole degrees without random numbers
  (Czado, Gneiting & Held 2009), with the band in which 95 % of a uniform histogram's columns lie.
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
import numpy.typing as npt

from tradewinds.core.arrays import Floats
from tradewinds.families.kalshi_weather.forecasts.law import Law
from tradewinds.families.kalshi_weather.forecasts.mixture import Laws

MODEL, MARKET = "model", "market"
BINS = 10
CLIP = 1e-6  # log loss looks no closer to certainty than this
RELIABILITY_BAND, PIT_BAND, SKILL_BAND = 0.90, 0.95, 0.95
RESAMPLES = 2000
MANY = 3000
HALF_DEGREE = 0.5


class ScoredMarket(NamedTuple):
    """A market with a yes/no result and what each source said of it: `p["model"]`, `p["market"]` (mid), baselines by method."""

    station: str
    climate_date: dt.date
    lead_hours: int
    yes: bool
    p: Mapping[str, float]


class ScoredDay(NamedTuple):
    """A climate date with its observed extreme in °F and each source's law."""

    station: str
    climate_date: dt.date
    lead_hours: int
    observed_f: float
    laws: Mapping[str, Law]


Scored = TypeVar("Scored", ScoredMarket, ScoredDay)


def calibration(markets: Sequence[ScoredMarket], days: Sequence[ScoredDay], seed: int = 0) -> dict[str, Any]:
    """All scores, as plain data for JSON.

    Returns:
        `probabilities` and `temperatures`: each {"all": scores by source, "by": {"station" | "month" | "lead_hours": {group:
        scores by source}}}; `against`: by other source, the model's Brier skill over it. Sources that say nothing are left out.
    """
    others = sorted({source for market in markets for source in market.p} - {MODEL})
    return {
        "probabilities": _grouped(markets, probability_scores),
        "against": {other: skill(markets, other, seed) for other in others},
        "temperatures": _grouped(days, temperature_scores),
    }


def _grouped(rows: Sequence[Scored], score: Callable[[Sequence[Scored]], dict[str, Any]]) -> dict[str, Any]:
    by: dict[str, dict[str, list[Scored]]] = {name: defaultdict(list) for name in ("station", "month", "lead_hours")}
    for row in rows:
        by["station"][row.station].append(row)
        by["month"][f"{row.climate_date:%Y-%m}"].append(row)
        by["lead_hours"][str(row.lead_hours)].append(row)
    groups = {name: {key: score(found) for key, found in sorted(part.items())} for name, part in by.items()}
    return {"all": score(rows), "by": groups}


def _sources(said: Iterable[Mapping[str, Any]]) -> list[str]:
    """The model first."""
    names = {name for one in said for name in one}
    return sorted(names, key=lambda name: (name != MODEL, name))


def probability_scores(markets: Sequence[ScoredMarket]) -> dict[str, Any]:
    """Per source: n, Brier score and its decomposition, log loss, reliability diagram."""
    found = {}
    for source in _sources(market.p for market in markets):
        rows = [market for market in markets if source in market.p]
        p = np.array([market.p[source] for market in rows])
        yes = np.array([market.yes for market in rows], float)
        found[source] = {
            "n": len(rows),
            **brier_parts(p, yes),
            "log_loss": log_loss(p, yes),
            "reliability_diagram": reliability_diagram(p, yes),
        }
    return found


def brier_parts(p: Floats, yes: Floats) -> dict[str, float]:
    """Brier score = reliability − resolution + uncertainty + within-bin variance − within-bin covariance (over ten bins)."""
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


def _bins(p: Floats) -> list[npt.NDArray[np.int64]]:
    """Rows by bins of equal width; 1 belongs to the last."""
    place = np.minimum((p * BINS).astype(int), BINS - 1)
    return [np.flatnonzero(place == i) for i in range(BINS)]


def log_loss(p: Floats, yes: Floats) -> float:
    """Mean negative log likelihood, probabilities clipped to [1e-6, 1 − 1e-6]."""
    clipped = np.clip(p, CLIP, 1 - CLIP)
    return float(-np.log(np.where(yes > 0, clipped, 1 - clipped)).mean())


def reliability_diagram(p: Floats, yes: Floats) -> list[dict[str, Any]]:
    """Ten bins: bounds, n, mean probability, observed frequency and the consistency bar around it (None where empty)."""
    diagram = []
    for i, rows in enumerate(_bins(p)):
        band = count_band(p[rows], RELIABILITY_BAND)
        diagram.append(
            {
                "from": i / BINS,
                "to": (i + 1) / BINS,
                "n": len(rows),
                "mean_p": float(p[rows].mean()) if len(rows) else None,
                "frequency": float(yes[rows].mean()) if len(rows) else None,
                "band": [edge / len(rows) for edge in band] if len(rows) else None,
            }
        )
    return diagram


def count_band(p: Floats, share: float) -> tuple[int, int]:
    """The number of events among independent ones of these probabilities, in all but the outer (1 − share) / 2 on either side.

    Beyond MANY the sum is normal for all that a band can show, and convolving it is slow.
    """
    if len(p) > MANY:
        half = NormalDist().inv_cdf((1 + share) / 2) * math.sqrt((p * (1 - p)).sum())
        return round(max(p.sum() - half, 0)), round(min(p.sum() + half, len(p)))
    law = np.ones(1)
    for one in p.tolist():
        law = np.append(law * (1 - one), 0.0) + np.append(0.0, law * one)
    rising, tail = np.cumsum(law), (1 - share) / 2
    return int(np.searchsorted(rising, tail)), min(int(np.searchsorted(rising, 1 - tail)), len(p))


def skill(markets: Sequence[ScoredMarket], other: str, seed: int) -> dict[str, Any]:
    """The model's Brier skill over another source, on the markets that have both."""
    sums: dict[dt.date, list[float]] = defaultdict(lambda: [0.0, 0.0])
    n = 0
    for market in markets:
        if MODEL in market.p and other in market.p:
            n += 1
            for i, source in enumerate((MODEL, other)):
                sums[market.climate_date][i] += (market.p[source] - market.yes) ** 2
    if not n:
        return {"n": 0, "days": 0, "brier": None, "brier_other": None, "skill": None, "interval": None}
    mine, theirs = np.array([sums[day] for day in sorted(sums)]).T
    draws = np.random.default_rng(seed).multinomial(len(mine), np.full(len(mine), 1 / len(mine)), RESAMPLES)
    losses = draws @ theirs
    resampled = 1 - (draws @ mine)[losses > 0] / losses[losses > 0]
    tail = (1 - SKILL_BAND) / 2
    return {
        "n": n,
        "days": len(mine),
        "brier": float(mine.sum() / n),
        "brier_other": float(theirs.sum() / n),
        "skill": float(1 - mine.sum() / theirs.sum()) if theirs.sum() > 0 else None,
        "interval": [float(edge) for edge in np.quantile(resampled, [tail, 1 - tail])] if len(resampled) else None,
    }


def temperature_scores(days: Sequence[ScoredDay]) -> dict[str, Any]:
    """Per source: n, MAE of the median, bias (mean − observed) and mean CRPS in °F, PIT histogram with its band."""
    found = {}
    for source in _sources(day.laws for day in days):
        rows = [day for day in days if source in day.laws]
        laws = Laws.of([day.laws[source] for day in rows])
        observed = np.array([day.observed_f for day in rows])
        low, high = count_band(np.full(len(rows), 1 / BINS), PIT_BAND)
        found[source] = {
            "n": len(rows),
            "mae_f": float(np.abs(laws.median() - observed).mean()),
            "bias_f": float((laws.mean() - observed).mean()),
            "crps_f": float(laws.crps(observed).mean()),
            "pit": pit_histogram(laws, observed),
            "pit_band": [low, high],
        }
    return found


def pit_histogram(laws: Laws, observed: Floats) -> list[float]:
    """Ten columns of probability integral transforms; a whole degree's transform is spread evenly over its own mass."""
    low, high = laws.cdf(observed - HALF_DEGREE), laws.cdf(observed + HALF_DEGREE)
    edges = np.linspace(0, 1, BINS + 1)
    width = np.maximum(high - low, math.ulp(1.0))
    below = np.clip((edges[:, None] - low) / width, 0, 1).sum(axis=1)
    below[-1] = len(observed)
    return [float(count) for count in np.diff(below)]
