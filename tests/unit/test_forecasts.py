"""Forecasts: walk-forward, nothing known after the as-of time, and the user's own file read as it is meant."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewinds import calendars
from tradewinds.errors import SimulationError
from tradewinds.forecasts.gaussian import Forecast, GaussianModel, NoForecast, station_history, target_day
from tradewinds.forecasts.integer_mass import bracket_probability
from tradewinds.forecasts.user_file import latest, read_user_file

CHI = calendars.station_of("KXHIGHCHI")
DAY = dt.date(2025, 5, 10)
POLICY = {"local_time": "23:00", "days_before": 1}


def utc(day, hour=0):
    return int(dt.datetime(day.year, day.month, day.day, hour, tzinfo=dt.UTC).timestamp())


LAG = {"GFS": 5 * 3600, "NAM": 4 * 3600}


def guidance_row(day, value, model="GFS", runtime=None):
    """The 12Z run of the day before, or another."""
    ftime = utc(day) + 86_400
    run = ftime - 36 * 3600 if runtime is None else runtime
    return {"model": model, "runtime_ts": run, "ftime_ts": ftime, "n_x_f": value, "known_at_ts": run + LAG[model]}


def report(day, high, late_hours=7):
    return {
        "climate_date": day,
        "high_f": high,
        "low_f": high - 20,
        "final": True,
        "known_at_ts": utc(day + dt.timedelta(days=1), late_hours),
    }


def days_back(n):
    return [DAY - dt.timedelta(days=i) for i in range(1, n + 1)]


def model_of(guidance, climate, **changes):
    settings = {"models": ["GFS", "NAM"], "trailing_days": 30, "min_days": 5, "sigma_floor_f": 0.5} | changes
    return GaussianModel(CHI, station_history(guidance, climate, "max"), asof_policy=POLICY, **settings)


def test_bias_and_spread_by_hand():
    """Observed − guidance is 1, 3, 1, 3, … for the ten known days: mean 2, sample deviation of ±1 over ten."""
    guidance = [guidance_row(d, 60) for d in [DAY, *days_back(11)]]
    climate = [report(d, 61 + 2 * (i % 2)) for i, d in enumerate(days_back(11))]
    found = model_of(guidance, climate).forecast(DAY)
    assert isinstance(found, Forecast)
    assert found.mu_f == pytest.approx(62)  # yesterday's report is not known yet: ten days count
    assert found.sigma_f == pytest.approx((10 / 9) ** 0.5)


def test_models_are_averaged_and_the_latest_known_run_counts():
    guidance = [guidance_row(d, 60) for d in [DAY, *days_back(9)]] + [guidance_row(DAY, 64, "NAM")]
    later = guidance_row(DAY, 90, runtime=utc(DAY, 0))  # 00Z of the day: known at 05Z, an hour too late
    climate = [report(d, 60) for d in days_back(9)]
    found = model_of([*guidance, later], climate).forecast(DAY)
    assert found.mu_f == pytest.approx(62) and found.sigma_f == 0.5


def test_a_lag_of_the_config_replaces_the_usual_one():
    guidance = [
        guidance_row(DAY, 60),
        guidance_row(DAY, 90, runtime=utc(DAY, 0)),
    ]  # known at 05Z, the as-of time is 04Z
    runs = {
        lag: station_history(guidance, [], "max", lags).runs["GFS", DAY]
        for lag, lags in {5: {}, 3.5: {"GFS": 3.5}, 9: {"NAM": 1, "GFS": 9}}.items()
    }
    for lag, found in runs.items():
        assert [known_at for known_at, _ in found] == [int(r["runtime_ts"] + lag * 3600) for r in guidance]


def test_reasons_for_no_forecast():
    climate = [report(d, 60) for d in days_back(9)]
    assert model_of([], climate).forecast(DAY) == NoForecast("NO_GUIDANCE")
    assert model_of([guidance_row(DAY, 60)], climate).forecast(DAY) == NoForecast("NO_HISTORY")


@given(
    st.lists(st.floats(20, 100), min_size=25, max_size=25),
    st.lists(st.integers(20, 100), min_size=25, max_size=25),
    st.floats(-500, 500),
)
def test_nothing_known_after_the_asof_time_counts(values, highs, poison):
    days = [DAY + dt.timedelta(days=i) for i in range(-22, 3)]
    guidance = [guidance_row(d, v, m) for d, v in zip(days, values, strict=True) for m in ("GFS", "NAM")]
    climate = [report(d, h) for d, h in zip(days, highs, strict=True)]
    asof = calendars.asof_ts(CHI, DAY, "23:00", 1)
    evil_guidance = [{**r, "n_x_f": poison} if r["known_at_ts"] > asof else r for r in guidance]
    evil_guidance += [guidance_row(DAY, poison, runtime=asof - 4 * 3600)]  # GFS needs five hours
    evil_climate = [{**r, "high_f": 500} if r["known_at_ts"] > asof else r for r in climate]
    honest, evil = (model_of(g, c).forecast(DAY) for g, c in ((guidance, climate), (evil_guidance, evil_climate)))
    assert honest == evil
    assert honest.known_at_ts <= asof


def test_preliminary_reports_are_no_truth():
    rows = [{**report(d, 60), "final": False} for d in days_back(9)]
    assert not station_history([], rows, "max").observed


def test_which_day_a_guidance_value_belongs_to():
    assert target_day(utc(dt.date(2025, 5, 11)), "max") == DAY
    assert target_day(utc(DAY, 12), "min") == DAY
    assert target_day(utc(DAY, 12), "max") is None and target_day(utc(DAY, 6), "min") is None


LADDERS = st.tuples(st.integers(-30, 110), st.floats(-40, 120), st.floats(0.3, 15))


@given(LADDERS)
def test_a_ladder_without_gaps_sums_to_one(ladder):
    low, mu, sigma = ladder
    brackets = [(None, low - 1), *((low + 2 * i, low + 2 * i + 1) for i in range(4)), (low + 8, None)]
    probabilities = [bracket_probability(*b, mu, sigma) for b in brackets]
    assert abs(sum(probabilities) - 1) < Decimal("1e-9")
    assert all(0 <= p <= 1 for p in probabilities)


def test_recorded_guidance_is_used_walk_forward(shared_data):
    """On years of recorded guidance the corrected forecast beats the raw one, as a bias correction should."""
    rows = pq.read_table(shared_data / "weather/mos_12z_daily_KMDW_KMIA.parquet", filters=[("station", "=", "KMDW")])
    guidance = [
        {
            "model": r["model"],
            "runtime_ts": int(r["runtime_utc"].timestamp()),
            "ftime_ts": utc(r["target_date"]) + 86_400,
            "n_x_f": r["n_x_max_f"],
            "known_at_ts": int(r["runtime_utc"].timestamp()) + LAG[r["model"]],
        }
        for r in rows.to_pylist()
        if r["n_x_max_f"] is not None and r["target_date"].year >= 2024
    ]
    highs = pq.read_table(
        shared_data / "weather/climate_high_KMDW_KMIA_2007_2025.parquet", filters=[("station", "=", "KMDW")]
    )
    climate = [report(r["date"], int(r["high_f"])) for r in highs.to_pylist() if r["high_f"] is not None]
    model = model_of(guidance, climate, trailing_days=60, min_days=20)
    observed = {r["climate_date"]: r["high_f"] for r in climate}
    days = [d for d in calendars.date_range(dt.date(2025, 1, 1), dt.date(2025, 6, 30)) if d in observed]
    found = {d: model.forecast(d) for d in days}
    errors = [abs(f.mu_f - observed[d]) for d, f in found.items() if isinstance(f, Forecast)]
    assert len(errors) > 170
    assert sum(errors) / len(errors) < 3.5
    inside = [abs(f.mu_f - observed[d]) <= f.sigma_f for d, f in found.items() if isinstance(f, Forecast)]
    assert 0.5 < sum(inside) / len(inside) < 0.85  # a normal forecast has 68 % within one sigma


def user_file(tmp_path, text, name="p.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


HEAD = "market_ticker,known_at_utc,p_yes\n"


def test_the_latest_row_by_the_asof_time_counts_and_of_equal_ones_the_later(tmp_path):
    text = (
        HEAD
        + "M,2025-05-09T10:00:00Z,0.1\nM,2025-05-09T12:00:00Z,0.2\nM,2025-05-09T12:00:00Z,0.3\nM,2025-05-10T12:00:00Z,0.9\n"
    )
    rows = read_user_file(user_file(tmp_path, text))["M"]
    assert latest(rows, utc(DAY, 4)) == (utc(dt.date(2025, 5, 9), 12), Decimal("0.3").quantize(Decimal("1e-12")))
    assert latest(rows, utc(dt.date(2025, 5, 9), 9)) is None


def test_csv_text_and_parquet_floats_are_the_same_decimal(tmp_path):
    csv = user_file(tmp_path, HEAD + "M,2025-05-09T10:00:00,0.1\n")
    parquet = tmp_path / "p.parquet"
    moment = dt.datetime(2025, 5, 9, 10)  # without a zone: UTC
    pq.write_table(pa.table({"market_ticker": ["M"], "known_at_utc": [moment], "p_yes": [0.1]}), parquet)
    assert read_user_file(csv) == read_user_file(parquet)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("market_ticker,p_yes\nM,0.5\n", "column known_at_utc is missing"),
        (HEAD + "M,2025-05-09T10:00:00Z,1.2\n", "row 1: p_yes '1.2' is no probability"),
        (HEAD + "M,2025-05-09T10:00:00Z,nan\n", "is no probability"),
        (HEAD + "M,2025-05-09T10:00:00Z,\n", "is no probability"),
        (HEAD + "M,2025-05-09T10:00:00Z,0.5\nM,noon,0.5\n", "row 2: known_at_utc 'noon' is no time"),
        (HEAD + ",2025-05-09T10:00:00Z,0.5\n", "market_ticker is empty"),
        ("", "cannot be read"),
    ],
)
def test_a_wrong_file_says_where(tmp_path, text, words):
    with pytest.raises(SimulationError) as caught:
        read_user_file(user_file(tmp_path, text))
    assert words in str(caught.value) and "p.csv" in str(caught.value)


def test_a_missing_file_is_one_paragraph(tmp_path):
    with pytest.raises(SimulationError, match="cannot be read"):
        read_user_file(tmp_path / "none.parquet")
