"""Forecasts: walk-forward, nothing known after the as-of time, and the same numbers as a naive implementation gives."""

import datetime as dt
import math
import random
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import ndtr

from tests.reference.naive_emos import NaiveForecast, crps_by_quadrature
from tradewinds.config import resolve
from tradewinds.core.files import write_parquet
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.forecasts import daily, emos, forecast_files, lookback, normal
from tradewinds.families.kalshi_weather.forecasts.bracket_probability import bracket_probability
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.history import WeatherHistory, read_history
from tradewinds.families.kalshi_weather.forecasts.model_runs import guidance_day

CHI = climate_days.station_of("KXHIGHCHI")
LOW_CHI = climate_days.station_of("KXLOWTCHI")
DAY = dt.date(2025, 5, 10)
POLICY = {"local_time": "23:00", "days_before": 1}
HOUR = 3600
LAG = {"GFS": 5 * HOUR, "NAM": 4 * HOUR, "NBS": 5 * HOUR // 2}
BOTH, THREE = ("GFS", "NAM"), ("GFS", "NAM", "NBS")


def utc(day, hour=0):
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()) + hour * 3600


def guidance_row(day, value, model="GFS", runtime=None, ftime=None, tmp=None, spread=None):
    """The maximum of a day in the 12Z run of the day before, or another."""
    ftime = utc(day) + 24 * HOUR if ftime is None else ftime
    run = utc(day) - 12 * HOUR if runtime is None else runtime
    about = {"station_id": "KMDW", "model": model, "runtime_ts": run, "ftime_ts": ftime}
    return about | {"n_x_f": value, "tmp_f": tmp, "known_at_ts": run + LAG[model], "n_x_sd_f": spread}


def report(day, high, late_hours=7, final=True):
    known = {"known_at_ts": utc(day + dt.timedelta(days=1), late_hours), "final": final, "issued_ts": 0, "product": "x"}
    return {"station_id": "KMDW", "climate_date": day, "high_f": high, "low_f": high - 20} | known


def history(guidance, climate, days=60, station=CHI, models=("GFS", "NAM"), lags=None):
    return read_history(
        station,
        pa.Table.from_pylist(guidance, schemas.GUIDANCE),
        pa.Table.from_pylist(climate, schemas.CLIMATE),
        first=DAY - dt.timedelta(days=days),
        last=DAY,
        asof_policy=POLICY,
        models=models,
        lag_hours=lags,
    )


def forecast(made, **changes):
    given = {"trailing_days": 30, "min_days": 5, "sigma_floor_f": 0.5, "emos_days": 0} | changes
    return daily.Forecaster(made, daily.ForecastSettings(**given)).forecast(made.index(DAY))


def days_back(n):
    return [DAY - dt.timedelta(days=i) for i in range(1, n + 1)]


def test_bias_and_spread_by_hand():
    """Observed − guidance is 1, 3, 1, 3, … for the ten known days: mean 2, sample deviation of ±1 over ten."""
    guidance = [guidance_row(d, 60) for d in [DAY, *days_back(11)]]
    climate = [report(d, 61 + 2 * (i % 2)) for i, d in enumerate(days_back(11))]
    found = forecast(history(guidance, climate))
    assert found.method == "bias_corrected" and found.reason == "MODEL_MISSING:NAM"
    about = pytest.approx((10 / 9) ** 0.5, abs=1e-6)
    assert found.distribution == Distribution.normal(62, about), "yesterday's report is not known: ten days count"
    assert found.distributions["raw"] == Distribution.normal(60, pytest.approx(5**0.5, abs=1e-6))
    assert found.known_at_ts == guidance[0]["known_at_ts"] > climate[1]["known_at_ts"]


def test_models_are_averaged_and_the_latest_known_run_counts():
    guidance = [guidance_row(d, 60) for d in [DAY, *days_back(9)]] + [guidance_row(DAY, 64, "NAM")]
    later = guidance_row(DAY, 90, runtime=utc(DAY, 0))  # 00Z of the day: known at 05Z, an hour too late
    found = forecast(history([*guidance, later], [report(d, 60) for d in days_back(9)]))
    assert found.distribution == Distribution.normal(62, 0.5)


@pytest.mark.parametrize(("lag", "value"), [(None, 60), ({"GFS": 3.5}, 90), ({"NAM": 1, "GFS": 9}, 60)])
def test_a_lag_of_the_config_replaces_the_usual_one(lag, value):
    late = guidance_row(DAY, 90, runtime=utc(DAY, 0))  # by its row known at 05Z, the as-of time is 04Z
    made = history([guidance_row(DAY, 60), late], [], lags=lag)
    assert made.value_f[0, -1] == value


def test_every_step_down_says_why():
    old = [report(d, 60 + i % 3) for i, d in enumerate(days_back(40) + days_back(380)[-30:])]
    nothing = forecast(history([], []))
    assert (nothing.method, nothing.reason, nothing.known_at_ts) == (None, "NO_GUIDANCE; NO_HISTORY", None)
    season = forecast(history([], old, days=400))
    assert (season.method, season.reason) == ("climatology", "NO_GUIDANCE")
    assert season.distribution == Distribution.normal(pytest.approx(61, abs=0.2), pytest.approx(0.82, abs=0.05))
    today = [guidance_row(DAY, 60), guidance_row(DAY, 61, "NAM")]
    fresh = forecast(history(today, old, days=400), emos_days=600)
    assert (fresh.method, fresh.reason) == ("climatology", "FEW_DAYS:emos; FEW_DAYS:bias_corrected")
    lately = today + [guidance_row(d, 60, m) for d in days_back(40) for m in BOTH]
    some = forecast(history(lately, old), emos_days=600)
    assert (some.method, some.reason) == ("bias_corrected", "FEW_DAYS:emos")


def test_preliminary_reports_are_no_truth():
    assert np.isnan(history([], [report(d, 60, final=False) for d in days_back(9)]).observed_f).all()


def test_which_day_a_guidance_value_belongs_to():
    stamps = np.array([utc(dt.date(2025, 5, 11)), utc(DAY, 12), utc(DAY, 6)])
    day = (DAY - dt.date(1970, 1, 1)).days
    assert guidance_day(stamps, "max").tolist() == [day, -1, -1]
    assert guidance_day(stamps, "min").tolist() == [-1, day, -1]


def test_other_extreme_and_temperatures_are_those_of_the_same_run_within_the_climate_day():
    run = utc(DAY) - 12 * HOUR
    hours = {5: 80, 6: 52, 15: 61, 21: 66, 24: 64, 29: 55, 30: 90}  # the climate day of Chicago is [06Z, 06Z + 24 h)
    rows = [guidance_row(DAY, math.nan, ftime=utc(DAY) + hour * HOUR, tmp=tmp) for hour, tmp in hours.items()]
    rows += [guidance_row(DAY, 65), guidance_row(DAY, 44, ftime=utc(DAY, 12))]
    rows += [guidance_row(DAY, 11, runtime=run - 6 * HOUR, ftime=utc(DAY, 12), tmp=99)]
    made = history(rows, [])
    assert (made.value_f[0, -1], made.other_f[0, -1], made.hourly_extreme_f[0, -1]) == (65, 44, 66)
    lows = history(rows, [], station=LOW_CHI)
    assert (lows.value_f[0, -1], lows.other_f[0, -1], lows.hourly_extreme_f[0, -1]) == (44, 65, 52)
    only_twice = [row for row in rows if row["ftime_ts"] % (12 * HOUR) == 0]
    assert np.isnan(history(only_twice, []).hourly_extreme_f[0, -1]), (
        "00Z and 12Z alone say nothing of the day's extreme"
    )


def weather(days, seed=1, hourly=True):
    """Guidance of two models (with bias, error, a run that comes too late) and reports, up to DAY and two days more."""
    rng = random.Random(seed)
    guidance, climate, anomaly = [], [], 0.0
    for day in climate_days.date_range(DAY - dt.timedelta(days=days), DAY + dt.timedelta(days=2)):
        anomaly = 0.6 * anomaly + rng.gauss(0, 5)
        high = round(60 - 20 * math.cos(day.timetuple().tm_yday / 58) + anomaly)
        spread = rng.uniform(0.5, 3)
        for model, bias in (("GFS", 1.5), ("NAM", -1.0)):
            seen = round(high + bias + rng.gauss(0, spread))
            guidance.append(guidance_row(day, float(seen), model))
            guidance.append(guidance_row(day, float(high), model, runtime=utc(day, 6)))  # perfect, and too late
            guidance.append(guidance_row(day, seen - rng.uniform(8, 22), model, ftime=utc(day, 12)))
            if hourly:
                guidance.append(guidance_row(day, math.nan, model, ftime=utc(day, 21), tmp=seen - rng.uniform(0, 3)))
        climate.append(report(day, high, late_hours=rng.choice([7, 7, 7, 40])))
    return guidance, climate


def blend(climate, since=0, seed=3):
    """Rows of NBS for `weather`: four runs a day, of which the last is public at 21:30 UTC, each with a spread of its own."""
    rng = random.Random(seed)
    highs = {row["climate_date"]: row["high_f"] for row in climate}
    rows = []
    for day in sorted(highs)[since:]:
        high = highs[day]
        spread = round(rng.uniform(1, 5), 1)
        for hour in (1, 7, 13, 19):
            run = utc(day - dt.timedelta(days=1), hour)
            seen = round(high - 0.5 + rng.gauss(0, spread + (19 - hour) / 6))
            rows.append(guidance_row(day, float(seen), "NBS", runtime=run, spread=spread))
            rows.append(guidance_row(day, seen - 20.0, "NBS", runtime=run, ftime=utc(day, 12), spread=spread))
            rows.append(guidance_row(day, math.nan, "NBS", runtime=run, ftime=utc(day, 21), tmp=seen - 1.0))
    return rows


def naive_of(guidance, climate, models):
    return NaiveForecast(
        guidance, climate, list(models), lambda d: climate_days.asof_ts(CHI, d, "23:00", 1), CHI.lst_offset_hours
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("models", "since", "coefficients", "reason"),
    [(BOTH, 0, 24, None), (THREE, 0, 24 + 1 + 1, None), (THREE, 180, 24, "FEW_DAYS:NBS")],
)
def test_the_regression_agrees_with_a_naive_one_that_sees_known_rows_only(models, since, coefficients, reason):
    """The blend adds a predictor of μ, and its own spread one of σ; a model that came late is left out."""
    guidance, climate = weather(250)
    guidance = guidance + (blend(climate, since) if "NBS" in models else [])
    found = forecast(history(guidance, climate, days=250, models=models), emos_days=100)
    assert (found.method, found.reason, len(found.coefficients)) == ("emos", reason, coefficients)
    naive = naive_of(guidance, climate, models).forecast(DAY, 100)
    assert np.array(found.distribution.components) == pytest.approx(np.array(naive), abs=5e-3)


def test_of_the_blends_cycles_the_last_that_is_public_counts():
    """As of 04:00 UTC the run of 01 is public at 03:30. With a lag of 4 hours it is not, and that of 19 counts."""
    before = DAY - dt.timedelta(days=1)
    runs = {utc(before, 13): 70.0, utc(before, 19): 71.0, utc(DAY, 1): 72.0, utc(DAY, 7): 99.0}
    rows = [guidance_row(DAY, value, "NBS", runtime=run, spread=value / 10) for run, value in runs.items()]
    asof = climate_days.asof_ts(CHI, DAY, "23:00", 1)
    for lags, run, value in ((None, utc(DAY, 1), 72.0), ({"NBS": 4}, utc(before, 19), 71.0)):
        made = history(rows, [], models=("NBS",), lags=lags)
        found = (made.value_f[0, -1], made.own_spread_f[0, -1], made.known_ts[0, -1])
        assert found == (value, value / 10, run + (lags or {"NBS": 2.5})["NBS"] * HOUR) and found[2] <= asof
    exact = [row | {"known_at_ts": asof} for row in rows[:1]] + [row | {"known_at_ts": asof + 1} for row in rows[1:2]]
    assert history(exact, [], models=("NBS",)).value_f[0, -1] == 70, (
        "known at the as-of time counts, a second later not"
    )


@given(st.integers(0, 1000), st.floats(-500, 500), st.integers(1, 10**7))
@settings(max_examples=10)
def test_no_run_and_no_spread_that_is_public_later_changes_anything(seed, poison, late):
    """Also if every later run of the blend is changed, and one is planted right after the as-of time."""
    guidance, climate = weather(140, seed)
    guidance = guidance + blend(climate, seed=seed)
    asof = climate_days.asof_ts(CHI, DAY, "23:00", 1)
    absurd = {"n_x_f": poison, "tmp_f": poison, "n_x_sd_f": abs(poison)}
    evil = [row | absurd if row["known_at_ts"] > asof else row for row in guidance]
    assert evil != guidance, "runs of the day itself come later"
    evil.append(guidance_row(DAY, poison, "NBS", spread=1.0) | {"known_at_ts": asof + late})
    honest, other = (
        forecast(history(rows, climate, days=140, models=THREE), emos_days=600) for rows in (guidance, evil)
    )
    assert honest == other and honest.method == "emos" and honest.known_at_ts <= asof


def test_a_models_own_spread_widens_the_forecast_if_it_knew_the_errors():
    guidance, climate = weather(250)
    rows = guidance + blend(climate)

    def sigma(spread):
        today = [
            r | {"n_x_sd_f": spread} if r["model"] == "NBS" and r["ftime_ts"] == utc(DAY) + 24 * HOUR else r
            for r in rows
        ]
        return forecast(history(today, climate, days=250, models=THREE), emos_days=600).distribution.deviation_f

    assert sigma(1.0) < sigma(3.0) < sigma(5.0)
    without = [row | {"n_x_sd_f": None} for row in rows]
    found = forecast(history(without, climate, days=250, models=THREE), emos_days=600)
    assert found.method == "emos" and len(found.coefficients) == 24 + 1


def test_a_cycle_of_the_blend_without_the_other_extreme_costs_no_predictor():
    """Nor does one without hours: range and hours are those of the other models, where there are any."""
    guidance, climate = weather(250)
    rows = guidance + blend(climate)
    bare = [row for row in rows if row["model"] != "NBS" or row["ftime_ts"] % (24 * HOUR) == 0]
    full, less = (forecast(history(r, climate, days=250, models=THREE), emos_days=600) for r in (rows, bare))
    assert full == less and len(full.coefficients) == 24 + 1 + 1
    alone = forecast(history(bare, climate, days=250, models=("NBS",)), emos_days=600)
    assert alone.method == "emos" and len(alone.coefficients) == 21 - 5, "alone it has neither range nor hours"


@given(st.integers(0, 200))
@settings(max_examples=12)
def test_a_model_that_came_late_takes_no_days_from_the_others(since):
    """With too few days it is as if it were not there, but for the reason; the fallbacks use it all the same."""
    guidance, climate = weather(200)
    rows = guidance + blend(climate, since)
    found = forecast(history(rows, climate, days=200, models=THREE), emos_days=600)
    alone = forecast(history(guidance, climate, days=200), emos_days=600)
    days = sum(d["known_at_ts"] <= climate_days.asof_ts(CHI, DAY, "23:00", 1) for d in climate)
    came = days - since
    assert found.method == "emos"
    if came < 0.8 * days:
        assert found.reason == "FEW_DAYS:NBS" and found.distributions["emos"] == alone.distributions["emos"]
        assert found.distributions["raw"] != alone.distributions["raw"]
    else:
        assert found.reason is None and len(found.coefficients) > len(alone.coefficients)


def test_the_fit_is_a_minimum():
    """No small step along any coefficient lowers the objective."""
    rng = np.random.default_rng(3)
    mean = np.column_stack([np.ones(300), rng.normal(size=(300, 4))])
    scale = np.column_stack([np.ones(300), rng.normal(size=300)])
    errors = mean @ [1, 2, 0, -1, 0.5] + np.exp(scale @ [0.7, 0.4]) * rng.normal(size=300)
    found = emos.fit(mean, scale, errors)
    least = emos.objective(mean, scale, errors, found)
    both = np.concatenate([found.of_mu, found.of_sigma])
    for step in (1e-3, -1e-3):
        for i in range(len(both)):
            moved = both + step * np.eye(len(both))[i]
            assert emos.objective(mean, scale, errors, emos.Coefficients(moved[:5], moved[5:])) > least
    assert found.of_mu == pytest.approx([1, 2, 0, -1, 0.5], abs=0.5) and found.of_sigma == pytest.approx(
        [0.7, 0.4], abs=0.2
    )


# Φ to 20 digits, computed with 60 (mpmath's erfc)
PHI = {
    -8.0: 6.2209605742717841235e-16,
    -5.0: 2.8665157187919391167e-7,
    -3.0: 0.0013498980316300945267,
    -1.5: 0.066807201268858066004,
    -1.0: 0.15865525393145705141,
    -0.5: 0.30853753872598689636,
    0.0: 0.5,
    0.25: 0.59870632568292372424,
    1.0: 0.84134474606854294859,
    2.5: 0.99379033467422386483,
    6.0: 0.99999999901341235496,
}


def test_the_normal_probability_is_exact_to_the_last_digits():
    found = normal.cdf(np.array(list(PHI)))
    for z, value, exact in zip(PHI, found, PHI.values(), strict=True):
        assert abs(value - exact) <= min(3e-16, 2e-15 * (1 + z * z / 2) * exact), z
    assert normal.cdf(np.array([-np.inf, -40, 40, np.inf])).tolist() == [0, 0, 1, 1]
    assert np.isnan(normal.cdf(np.array([np.nan])))[0]


@given(hnp.arrays(float, (3, 4), elements=st.floats(-45, 45)))
def test_the_normal_probability_is_that_of_an_established_library(z):
    exact = ndtr(z)
    assert normal.cdf(z) == pytest.approx(exact, abs=3e-16, rel=0)
    tail = (z < 0) & (exact > 1e-300)
    assert np.all(np.abs(normal.cdf(z) - exact)[tail] <= (4e-15 * (1 + z * z / 2) * exact)[tail])


@given(st.floats(-30, 110), st.floats(0.3, 12), st.floats(-5, 5))
@settings(max_examples=30)
def test_crps_is_the_integral_it_stands_for(mu, sigma, z):
    y = mu + z * sigma
    [found] = normal.crps(np.array([mu]), np.array([sigma]), np.array([y]))
    assert found == pytest.approx(crps_by_quadrature(mu, sigma, y), rel=1e-6, abs=1e-8)


def test_crps_goldens():
    """Of the standard normal at its mean 2φ(0) − 1/√π; far out the absolute error less σ/√π."""
    standard = np.zeros(3), np.ones(3)
    goldens = [2 / math.sqrt(2 * math.pi) - 1 / math.sqrt(math.pi), 0.6024413, 40 - 1 / math.sqrt(math.pi)]
    assert normal.crps(*standard, np.array([0, 1, 40])).tolist() == pytest.approx(goldens, abs=1e-7)
    assert goldens[0] == pytest.approx(0.2336950, abs=1e-7)
    for step, slopes in ((1e-6, normal.crps_slopes(np.array([0.7]))),):
        y, two = np.array([1.4]), np.array([2.0])
        by_mu = (normal.crps(np.array([step]), two, y) - normal.crps(np.array([-step]), two, y)) / (2 * step)
        by_sigma = (normal.crps(np.zeros(1), two + step, y) - normal.crps(np.zeros(1), two - step, y)) / (2 * step)
        assert (by_mu[0], by_sigma[0]) == pytest.approx((slopes[0][0], slopes[1][0]), abs=1e-6)


@given(st.integers(0, 1000), st.floats(-500, 500), st.sampled_from([0, 600]))
@settings(max_examples=15)
def test_nothing_known_after_the_asof_time_counts(seed, poison, emos_days):
    guidance, climate = weather(140, seed)
    asof = climate_days.asof_ts(CHI, DAY, "23:00", 1)
    evil_guidance = [r | {"n_x_f": poison, "tmp_f": poison} if r["known_at_ts"] > asof else r for r in guidance]
    evil_guidance += [guidance_row(DAY, poison, runtime=asof - 4 * HOUR)]  # GFS needs five hours
    evil_climate = [r | {"high_f": 500, "final": True} if r["known_at_ts"] > asof else r for r in climate]
    honest, evil = (
        forecast(history(g, c, days=140), emos_days=emos_days)
        for g, c in ((guidance, climate), (evil_guidance, evil_climate))
    )
    assert honest == evil and honest.known_at_ts <= asof
    assert honest.method == ("emos" if emos_days else "bias_corrected")


def test_a_spoilt_value_of_the_past_changes_it():
    """The test above could not fail if nothing counted."""
    guidance, climate = weather(140)
    spoilt = [r | {"high_f": 150} if r["climate_date"] == DAY - dt.timedelta(days=3) else r for r in climate]
    honest, other = (forecast(history(guidance, c, days=140), emos_days=600) for c in (climate, spoilt))
    assert all(
        honest.distributions[method] != other.distributions[method] for method in ("emos", "bias_corrected", "raw")
    )


def test_a_missing_model_or_predictor_is_done_without():
    guidance, climate = weather(200)
    without_nam = [r for r in guidance if r["model"] == "GFS" or r["ftime_ts"] < utc(DAY)]
    one = forecast(history(without_nam, climate, days=200), emos_days=600)
    assert (one.method, one.reason) == ("emos", "MODEL_MISSING:NAM")
    no_hours = forecast(history(*weather(200, hourly=False), days=200), emos_days=600)
    assert no_hours.method == "emos" and len(no_hours.coefficients) == 24 - 3  # two predictors of μ, one of σ


@given(st.floats(-40, 40))
@settings(max_examples=10)
def test_warmer_guidance_makes_warmer_forecasts(shift):
    """A day's guidance that is warmer by some degrees moves μ the same way, where history is what it is."""
    guidance, climate = weather(200)
    cut = utc(DAY) - 12 * HOUR

    def moved(by):
        rows = [
            r | {"n_x_f": r["n_x_f"] + by, "tmp_f": None if r["tmp_f"] is None else r["tmp_f"] + by} for r in guidance
        ]
        mixed = [new if new["runtime_ts"] == cut else old for new, old in zip(rows, guidance, strict=True)]
        return forecast(history(mixed, climate, days=200), emos_days=600).distribution.mean_f

    assert abs(shift) < 1 or (moved(shift) - moved(0)) * shift > 0


def test_sigma_never_falls_below_its_floor():
    exact = [guidance_row(d, 60.0, m) for d in [DAY, *days_back(150)] for m in BOTH]
    found = forecast(
        history(exact, [report(d, 60) for d in days_back(150)], days=150), emos_days=600, sigma_floor_f=1.5
    )
    assert found.method == "emos" and {
        part.sigma_f for one in found.distributions.values() for part in one.components
    } == {1.5}


def mirrored(made):
    values = (
        -made.observed_f,
        made.observed_known_ts,
        -made.value_f,
        -made.other_f,
        -made.hourly_extreme_f,
        made.known_ts,
        made.own_spread_f,
    )
    return WeatherHistory(made.first, "min", made.models, made.asof_ts, *values)


def test_a_minimum_is_the_maximum_of_the_opposite():
    made = history(*weather(200), days=200)
    high, low = (forecast(one, emos_days=600) for one in (made, mirrored(made)))
    assert low.method == "emos"
    parts = [(weight, -mu, sigma) for weight, mu, sigma in high.distribution.components]
    assert np.array(low.distribution.components) == pytest.approx(np.array(parts), abs=2e-6)


def test_a_day_does_not_depend_on_what_else_is_asked_nor_on_how_far_back_the_files_reach(tmp_path):
    """So that a file of a year is the same for every config that shares it, and a year that is over is fitted once."""
    guidance, climate = weather(900)
    paths = [str(tmp_path / name) for name in ("g.parquet", "c.parquet")]
    for path, rows, schema in zip(paths, (guidance, climate), (schemas.GUIDANCE, schemas.CLIMATE), strict=True):
        write_parquet(path, pa.Table.from_pylist(rows, schema), {})
    conf = {"asof_policy": POLICY, "probabilities": _section()}
    files = [paths[0]], [paths[1]]
    [alone] = forecast_files.make_forecasts(conf, CHI, *files, [DAY]).to_pylist()
    month = forecast_files.make_forecasts(
        conf, CHI, *files, climate_days.date_range(DAY - dt.timedelta(days=20), DAY)
    ).to_pylist()
    assert month[-1] == alone and alone["method"] == "emos"
    since = utc(DAY - dt.timedelta(days=lookback.lookback_days(conf["probabilities"])))
    recent = [r for r in guidance if r["runtime_ts"] >= since - 86_400]
    write_parquet(paths[0], pa.Table.from_pylist(recent, schemas.GUIDANCE), {})
    assert len(recent) < len(guidance)
    assert forecast_files.make_forecasts(conf, CHI, *files, [DAY]).to_pylist() == [alone]


def _section():
    nine = {
        "series_tickers": ["KXHIGHCHI"],
        "date_start_local": "2025-05-02",
        "date_end_local": "2025-05-10",
        "asof_policy": POLICY,
        "trade_window_policy": "market_close",
        "cadence_minutes": 1,
        "execution_model": "taker",
        "risk": {},
        "output_dir": "backtests",
    }
    return resolve.resolve(nine)["probabilities"]


LADDERS = st.tuples(st.integers(-30, 110), st.floats(-40, 120), st.floats(0.3, 15))


def ladder_of(low):
    return [(None, low - 1), *((low + 2 * i, low + 2 * i + 1) for i in range(4)), (low + 8, None)]


@given(LADDERS)
def test_a_ladder_without_gaps_sums_to_one(ladder):
    low, mu, sigma = ladder
    probabilities = [bracket_probability(*b, Distribution.normal(mu, sigma)) for b in ladder_of(low)]
    assert abs(sum(probabilities) - 1) < Decimal("1e-9")
    assert all(0 <= p <= 1 for p in probabilities)


@given(LADDERS, st.floats(0, 20))
def test_a_warmer_forecast_makes_the_tail_above_likelier_and_the_one_below_less_so(ladder, warmer):
    low, mu, sigma = ladder
    (below, *_, above), (below_then, *_, above_then) = (
        [bracket_probability(*b, Distribution.normal(at, sigma)) for b in ladder_of(low)] for at in (mu, mu + warmer)
    )
    assert above_then >= above and below_then <= below


def test_the_ladder_of_the_rules():
    ladder = [(None, 78), (79, 80), (81, 82), (83, 84), (85, 86), (87, None)]
    goldens = ["0.0808", "0.2638", "0.3812", "0.2195", "0.0501", "0.0047"]
    found = [bracket_probability(*b, Distribution.normal(81.3, 2.0)) for b in ladder]
    assert [str(p.quantize(Decimal("0.0001"))) for p in found] == goldens


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ("tradewinds.families.kalshi_weather.fetch.fetch_jobs, tradewinds.families.plan", "scipy"),
        ("tradewinds.families.kalshi_weather.replay, tradewinds.results.artifacts", "scipy"),
        ("tradewinds.families.kalshi_weather.forecasts.daily", "scipy"),
        ("tradewinds.families.kalshi_weather.calibration.scores", "scipy"),
    ],
)
def test_neither_fetching_nor_simulating_nor_forecasting_loads_scipy(modules, absent):
    """A fetch job per event and a replay pay for what they use."""
    code = f"import sys, {modules}; sys.exit({absent!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
