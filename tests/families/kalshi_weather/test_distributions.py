"""Distributions of temperatures: mixtures of normals, their scores, and the shape that the regression's errors give them."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from tests.reference.naive_emos import mixture_crps_by_quadrature, three_normals
from tradewinds.core.units import NEVER
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.calibration.scores import count_band, pit_histogram
from tradewinds.families.kalshi_weather.forecasts import daily, mixture, normal
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution, NormalComponent
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory
from tradewinds.families.kalshi_weather.forecasts.mixture import DistributionArrays

DAY = dt.date(2025, 5, 10)
COMPONENTS = st.lists(st.tuples(st.integers(1, 9), st.floats(-40, 120), st.floats(0.3, 15)), min_size=1, max_size=3)


arrays = DistributionArrays.from_distributions


def distribution_of(parts):
    total = sum(weight for weight, _, _ in parts)
    return Distribution(tuple(NormalComponent(weight / total, mu, sigma) for weight, mu, sigma in parts))


@given(COMPONENTS, st.lists(st.floats(-200, 300), min_size=2, max_size=9))
def test_a_cdf_rises_from_0_to_1(parts, at):
    distribution = distribution_of(parts)
    found = [distribution.cdf(x) for x in (-1e4, *sorted(at), 1e4)]
    assert found == sorted(found) and found[0] == 0 and found[-1] == pytest.approx(1, abs=1e-12)


@given(COMPONENTS, st.integers(-30, 110))
def test_the_mass_of_a_ladder_is_1(parts, low):
    ladder = [(None, low - 1), *((low + 2 * i, low + 2 * i + 1) for i in range(4)), (low + 8, None)]
    found = [bracket_probability(*bounds, distribution_of(parts)) for bounds in ladder]
    assert abs(sum(found) - 1) < Decimal("1e-9") and all(0 <= p <= 1 for p in found)


def test_a_ladder_of_a_mixture_by_hand():
    """Half N(70, 1), half N(80, 2): of 75 and less Φ(5.5)/2 + Φ(-2.25)/2, of 70 (Φ(.5) − Φ(-.5))/2 and next to nothing."""
    distribution = Distribution((NormalComponent(0.5, 70, 1), NormalComponent(0.5, 80, 2)))
    assert float(bracket_probability(None, 75, distribution)) == pytest.approx((0.99999998 + 0.01222447) / 2, abs=1e-8)
    assert float(bracket_probability(70, 70, distribution)) == pytest.approx(0.38292492 / 2, abs=2e-6)
    assert (distribution.mean_f, distribution.deviation_f) == (75, pytest.approx(math.sqrt((1 + 4) / 2 + 25)))


@given(COMPONENTS, st.floats(-60, 140))
@settings(max_examples=40)
def test_crps_is_the_integral_it_stands_for(parts, y):
    distribution = distribution_of(parts)
    [found] = arrays([distribution]).crps(np.array([y]))
    assert found == pytest.approx(mixture_crps_by_quadrature(distribution.components, y), rel=1e-5, abs=1e-7)


@given(st.lists(COMPONENTS, min_size=1, max_size=4), st.floats(-60, 140))
def test_many_distributions_at_once_are_each_what_it_is_alone(several, x):
    distributions = [distribution_of(parts) for parts in several]
    many, at = arrays(distributions), np.full(len(distributions), x)
    assert many.mean() == pytest.approx([one.mean_f for one in distributions])
    assert many.cdf(at) == pytest.approx([one.cdf(x) for one in distributions], abs=1e-12)
    assert many.crps(at) == pytest.approx([arrays([one]).crps(at[:1])[0] for one in distributions])
    assert [one.cdf(m) for one, m in zip(distributions, many.median(), strict=True)] == pytest.approx(
        [0.5] * len(distributions)
    )


@given(COMPONENTS)
@settings(max_examples=20)
def test_mean_and_deviation_are_those_of_the_density(parts):
    distribution = distribution_of(parts)
    low, high = (
        f(mu + side * 10 * sigma for _, mu, sigma in distribution.components) for f, side in ((min, -1), (max, 1))
    )
    knots = [mu for _, mu, _ in distribution.components]
    below = quad(distribution.cdf, low, high, limit=400, points=knots)[0]
    assert high - below == pytest.approx(distribution.mean_f, rel=1e-6, abs=1e-5)  # ∫ x dF by parts
    square = quad(lambda x: 2 * (x - distribution.mean_f) * distribution.cdf(x), low, high, limit=400, points=knots)[0]
    assert (high - distribution.mean_f) ** 2 - square == pytest.approx(distribution.deviation_f**2, rel=1e-4, abs=1e-3)


@given(st.floats(-40, 120), st.floats(0.5, 15), st.floats(-60, 140))
def test_a_mixture_of_one_is_the_normal_distribution_to_the_last_bit(mu, sigma, y):
    """So that runs without the regression stay as they were before there were mixtures."""
    distribution, at = Distribution.normal(mu, sigma), np.array([y])
    one = arrays([distribution])
    assert one.crps(at) == normal.crps(np.array([mu]), np.array([sigma]), at)
    assert one.cdf(at) == normal.cdf((at - mu) / sigma)
    assert one.median()[0] == one.mean()[0] == distribution.mean_f == mu and distribution.deviation_f == sigma


def test_a_table_brings_back_the_distribution_it_was_given():
    distribution = distribution_of([(1, 70.1, 1.25), (3, 72.0, 0.5)])
    column = pa.array([distribution.to_rows(), None], schemas.DISTRIBUTION)
    assert Distribution.from_rows(column.to_pylist()[0]) == distribution


def skewed(rng, n):
    """Errors with a long tail to the cold side: mean 0, deviation 1, skewness −1.4."""
    return (2 - rng.gamma(2, 1, n)) / math.sqrt(2)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_shape_agrees_with_a_naive_one(seed):
    errors = skewed(np.random.default_rng(seed), 90)
    mu, sigma = mixture.fit_components(errors)
    naive = np.array(three_normals(errors))
    assert np.array([mixture.WEIGHTS, mu, sigma]).T.tolist() == pytest.approx(naive, abs=1e-9)


def test_the_shape_turns_with_the_errors_and_stays_whole_whatever_they_are():
    rng = np.random.default_rng(2)
    errors = skewed(rng, 300)
    (mu, sigma), (turned_mu, turned_sigma) = mixture.fit_components(errors), mixture.fit_components(-errors)
    assert turned_mu == pytest.approx(-mu[::-1]) and turned_sigma == pytest.approx(sigma[::-1])
    assert mu[0] < -0.5 < 0 < mu[2] and sigma[0] > 1.5 * sigma[2], "the cold wing is the long one"
    for odd in (np.zeros(90), np.append(errors, 1e3), np.full(500, 7.0), rng.normal(size=90) * 50):
        found = np.concatenate(mixture.fit_components(odd))
        assert np.isfinite(found).all() and (found[3:] >= 0.2).all()
    distribution = Distribution(
        tuple(map(NormalComponent, mixture.WEIGHTS, *mixture.fit_components(rng.normal(size=600))))
    )
    assert distribution.mean_f == pytest.approx(0, abs=0.1) and distribution.deviation_f == pytest.approx(1, abs=0.05)


def chi2(pit):
    expected = sum(pit) / len(pit)
    return sum((count - expected) ** 2 for count in pit) / expected


def outside(pit):
    low, high = count_band(np.full(round(sum(pit)), 0.1), 0.95)
    return sum(not low <= count <= high for count in pit)


@pytest.mark.parametrize("seed", range(3))
def test_pit_of_skewed_errors_is_uniform_where_the_normal_distribution_fails(seed):
    rng = np.random.default_rng(seed)
    mu, sigma = mixture.fit_components(skewed(rng, 2000))
    centre, spread = rng.uniform(40, 90, 1000), rng.uniform(1, 4, 1000)
    observed = np.round(centre + spread * skewed(rng, 1000))
    shaped = [
        Distribution(tuple(map(NormalComponent, mixture.WEIGHTS, c + s * mu, s * sigma)))
        for c, s in zip(centre, spread, strict=True)
    ]
    plain = list(map(Distribution.normal, centre, spread))
    ours, normals = (pit_histogram(arrays(ones), observed) for ones in (shaped, plain))
    assert chi2(ours) < 16.9 and outside(ours) <= 1
    assert chi2(normals) > 100 and outside(normals) >= 5


def history_of(rng, days, shift=None):
    """One model whose errors are skewed. Reports after `shift` days are warmer by ten degrees, if it is given."""
    station = climate_days.station_of("KXHIGHCHI")
    first = DAY - dt.timedelta(days=days - 1)
    dates = climate_days.date_range(first, DAY)
    asof = np.array([climate_days.asof_ts(station, day, "23:00", 1) for day in dates])
    guidance = np.round(60 + 15 * np.sin(np.arange(days) / 58) + rng.normal(0, 5, days))
    observed = np.round(guidance + 2 * skewed(rng, days))
    if shift is not None:
        observed[shift:] += 10
    known = np.array([climate_days.climate_day_bounds(station, day)[1] + 5400 for day in dates])
    nothing = np.full((1, days), NEVER * np.nan)
    return WeatherHistory(
        first, "max", ("GFS",), asof, observed, known, guidance[None], nothing, nothing, (asof - 3600)[None], nothing
    )


@pytest.mark.slow
def test_pit_of_the_forecast_is_uniform_on_skewed_weather():
    """Walk-forward, a regression a day: what was learnt of the shape by then holds for the next day."""
    made = history_of(np.random.default_rng(5), 900)
    rows = range(300, 900)
    found = daily.Forecaster(made, daily.ForecastSettings(60, 20, 0.5, 600)).forecasts(rows)
    assert {day.method for day in found} == {"emos"}
    distributions = [day.distribution for day in found]
    plain = [Distribution.normal(one.mean_f, one.deviation_f) for one in distributions]
    observed = made.observed_f[list(rows)]
    ours, normals = (pit_histogram(arrays(ones), observed) for ones in (distributions, plain))
    assert chi2(ours) < 16.9 < 25 < chi2(normals)
    crps, of_normals = (arrays(ones).crps(observed).mean() for ones in (distributions, plain))
    assert crps < of_normals


def test_a_planted_future_leaves_the_shape_alone_and_a_planted_past_does_not():
    """The reports of the as-of day itself and of the day before it are not out at 23:00 in the evening."""
    days = 300
    honest, future, past = (
        daily.Forecaster(
            history_of(np.random.default_rng(6), days, shift), daily.ForecastSettings(60, 20, 0.5, 600)
        ).forecast(days - 1)
        for shift in (None, days - 2, days - 40)
    )
    assert honest.method == "emos" and len(honest.distribution.components) == 3
    assert honest == future and honest.distribution != past.distribution
