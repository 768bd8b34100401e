"""Scores: closed forms against sums by hand, decompositions that add up, bands that hold what they say, as-of prices."""

import datetime as dt
import itertools
import math
import random
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewinds.core import files, units
from tradewinds.families.kalshi_weather import metrics, schemas
from tradewinds.families.kalshi_weather.calibration.scores import (
    ScoredDay,
    ScoredMarket,
    brier_parts,
    calibration_scores,
    count_band,
    mean_log_loss,
    pit_histogram,
    reliability_diagram,
    skill,
    temperature_scores,
)
from tradewinds.families.kalshi_weather.forecasts.distribution import Distribution
from tradewinds.families.kalshi_weather.forecasts.mixture import DistributionArrays
from tradewinds.families.kalshi_weather.pooling.asof_quotes import quotes_at

DAY = dt.date(2025, 5, 10)
OUTCOMES = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def arrays(outcomes):
    return np.array([p for p, _ in outcomes]), np.array([yes for _, yes in outcomes], float)


def market(p, yes, day=DAY, station="KMDW max", lead=30):
    return ScoredMarket(station, day, lead, yes, p if isinstance(p, dict) else {"model": p})


@given(OUTCOMES)
def test_the_parts_of_brier_add_up_and_agree_with_the_metrics(outcomes):
    p, yes = arrays(outcomes)
    parts = brier_parts(p, yes)
    within = parts["within_bin_variance"] - parts["within_bin_covariance"]
    total = parts["reliability"] - parts["resolution"] + parts["uncertainty"] + within
    assert total == pytest.approx(parts["brier"], abs=1e-12)
    same = [metrics.ForecastOutcome("E", "M", round(one * units.PICO), bool(y)) for one, y in outcomes]
    assert parts["brier"] == pytest.approx(metrics.brier(same), abs=1e-11)
    assert mean_log_loss(p, yes) == pytest.approx(metrics.log_loss(same), abs=1e-6)


def test_murphys_parts_by_hand():
    """Two distinct probabilities, 0.25 (one of four came true) and 0.75 (one of two): nothing varies within a bin."""
    parts = brier_parts(np.array([0.25] * 4 + [0.75] * 2), np.array([1, 0, 0, 0, 1, 0.0]))
    assert parts["reliability"] == pytest.approx(2 * 0.25**2 / 6)
    assert parts["resolution"] == pytest.approx((4 * (1 / 4 - 1 / 3) ** 2 + 2 * (1 / 2 - 1 / 3) ** 2) / 6)
    assert parts["uncertainty"] == pytest.approx(2 / 9)
    assert parts["within_bin_variance"] == parts["within_bin_covariance"] == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.sampled_from([0.5, 0.9]))
@settings(max_examples=60)
def test_the_band_of_a_bin_by_counting_every_outcome(p, share):
    chance = [0.0] * (len(p) + 1)
    for outcome in itertools.product((0, 1), repeat=len(p)):
        chance[sum(outcome)] += math.prod(one if hit else 1 - one for one, hit in zip(p, outcome, strict=True))
    low, high = count_band(np.array(p), share)
    tail = (1 - share) / 2
    assert sum(chance[:low]) <= tail + 1e-9 and sum(chance[: low + 1]) >= tail - 1e-9
    assert sum(chance[: high + 1]) >= 1 - tail - 1e-9 and sum(chance[high + 1 :]) <= tail + 1e-9


def test_right_probabilities_stay_within_their_bars_and_bold_ones_do_not():
    rng = np.random.default_rng(5)
    p = rng.random((30, 1000))
    draws = rng.random((30, 1000))

    def outside(truth):
        diagrams = [reliability_diagram(*pair) for pair in zip(p, (draws < truth).astype(float), strict=True)]
        return np.mean([not b["band"][0] <= b["frequency"] <= b["band"][1] for d in diagrams for b in d])

    assert 0.04 < outside(p) < 0.13, "one in ten, less what whole numbers leave over"
    assert outside(0.5 + (p - 0.5) / 2) > 0.6


@pytest.mark.parametrize("share", [0.9, 0.95])
def test_bands_of_many_go_on_from_those_of_fewer(share, monkeypatch):
    p = np.random.default_rng(1).random(2500)
    exact = count_band(p, share)
    monkeypatch.setattr("tradewinds.families.kalshi_weather.calibration.scores.NORMAL_FROM", 2000)
    assert count_band(p, share) == pytest.approx(exact, abs=1)


def test_an_empty_bin_says_so():
    diagram = reliability_diagram(np.array([0.05, 1.0]), np.array([0.0, 1.0]))
    assert [b["n"] for b in diagram] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert diagram[3] == {"from": 0.3, "to": 0.4, "n": 0, "mean_p": None, "frequency": None, "band": None}


def test_skill_by_hand_and_its_interval_over_days():
    days = [DAY + dt.timedelta(days=i) for i in range(40)]
    rng = random.Random(2)
    markets = [
        market({"model": 0.8 if yes else 0.2, "market": 0.5}, yes, day)
        for day in days
        for yes in (True, False, rng.random() < 0.3)
    ]
    found = skill(markets, "market", seed=0)
    assert (found["n"], found["days"]) == (120, 40)
    assert found["skill"] == pytest.approx(1 - 0.04 / 0.25) and found["interval"] == pytest.approx([0.84, 0.84])
    worse = [m._replace(p={"model": m.p["market"], "market": rng.random()}) for m in markets]
    one, again, other = (skill(worse, "market", seed) for seed in (0, 0, 1))
    assert one == again != other, "the seed alone decides"
    assert one["interval"][0] < one["skill"] < one["interval"][1]
    assert skill([market(0.5, True)], "market", 0)["n"] == 0
    perfect = skill([market({"model": 0.5, "market": 1.0}, True)], "market", 0)
    assert (perfect["skill"], perfect["interval"]) == (None, None), "over a source without a loss there is no skill"


def test_markets_of_a_day_are_drawn_together():
    """A hundred copies of every market are no more days: the interval stays as wide."""
    rng = random.Random(3)
    few = [
        market({"model": rng.random(), "market": rng.random()}, rng.random() < 0.5, DAY + dt.timedelta(days=i))
        for i in range(30)
    ]
    assert skill(few * 100, "market", 0)["interval"] == pytest.approx(skill(few, "market", 0)["interval"])


def test_pit_of_right_forecasts_is_flat_and_of_biased_ones_is_not():
    rng = np.random.default_rng(1)
    mu, sigma = rng.uniform(40, 90, 4000), rng.uniform(0.8, 4, 4000)
    observed = np.round(rng.normal(mu, sigma))
    moments = ((mu, sigma), (mu + 1, sigma), (mu, sigma / 2))
    flat, biased, narrow = (
        pit_histogram(DistributionArrays.from_distributions(list(map(Distribution.normal, *pair))), observed)
        for pair in moments
    )
    low, high = count_band(np.full(4000, 0.1), 0.95)
    assert sum(flat) == sum(biased) == pytest.approx(4000)
    assert all(low - 5 <= count <= high + 5 for count in flat)
    assert biased[0] > 1.3 * high > 1.3 * low > 1.5 * biased[-1] and narrow[0] > 1.5 * high and narrow[-1] > 1.5 * high


def test_pit_spreads_a_whole_degree_over_its_mass():
    """σ so small that one degree has all the mass: a forecast that hits it is a flat histogram by itself."""
    sure = DistributionArrays.from_distributions([Distribution.normal(70.0, 0.05)])
    assert pit_histogram(sure, np.array([70.0])) == pytest.approx([0.1] * 10)
    assert pit_histogram(sure, np.array([90.0])) == pytest.approx([0] * 9 + [1])


def test_temperatures_by_hand_and_by_group():
    def day(number, observed, mu, station="KMDW max"):
        distributions = {"model": Distribution.normal(mu, 2.0), "raw": Distribution.normal(mu + 1, 3.0)}
        return ScoredDay(station, DAY + dt.timedelta(days=number), 30, observed, distributions)

    days = [day(0, 70, 71), day(1, 70, 68), day(30, 60, 60, "KMIA max")]
    found = calibration_scores([], days)
    assert (found["probabilities"]["all"], found["against"]) == ({}, {})
    one = found["temperatures"]["all"]["model"]
    assert (one["n"], one["mae_f"], one["bias_f"]) == (3, 1, pytest.approx(-1 / 3))
    assert found["temperatures"]["all"]["raw"]["mae_f"] == pytest.approx(4 / 3)
    assert set(found["temperatures"]["by"]["station"]) == {"KMDW max", "KMIA max"}
    assert [part["model"]["n"] for part in found["temperatures"]["by"]["month"].values()] == [2, 1]
    assert temperature_scores(days[:2]) == found["temperatures"]["by"]["station"]["KMDW max"]


def test_groups_and_sources_of_probabilities():
    markets = [
        market({"model": 0.1, "market": 0.2}, False),
        market({"model": 0.9}, True, station="KMIA max", lead=29),
        market({"model": 0.6, "market": 0.7}, True, dt.date(2025, 6, 1)),
    ]
    found = calibration_scores(markets, [])
    assert {source: one["n"] for source, one in found["probabilities"]["all"].items()} == {"model": 3, "market": 2}
    assert next(iter(found["probabilities"]["all"])) == "model" and list(found["against"]) == ["market"]
    assert found["probabilities"]["by"]["lead_hours"]["29"]["model"]["brier"] == pytest.approx(0.01)
    assert set(found["probabilities"]["by"]["month"]) == {"2025-05", "2025-06"}


def candle(ticker, end, bid, ask):
    row = dict.fromkeys(schemas.PRICE_COLUMNS)
    row |= {"yes_bid_close": bid and Decimal(bid), "yes_ask_close": ask and Decimal(ask)}
    about = {"market_ticker": ticker, "end_period_ts": end, "volume": Decimal(0), "open_interest": Decimal(0)}
    return row | about | {"retrieved_at": dt.datetime(2025, 1, 1, tzinfo=dt.UTC)}


def test_the_asof_price_is_that_of_the_last_candle_by_then(tmp_path):
    rows = [
        *(candle("A", 60, "0.10", "0.20"), candle("A", 120, "0.30", "0.40"), candle("A", 180, "0.90", "0.95")),
        *(candle("B", 60, "0.10", "0.20"), candle("B", 120, None, "0.40")),  # the last one counts, and says nothing
        candle("C", 120, "0.00", "1.00"),  # both sides empty
        candle("D", 120, "0.60", "0.50"),  # crossed
        candle("E", 120, "0.00", "0.02"),
        candle("F", 180, "0.50", "0.52"),  # not yet
    ]
    path, other, none = (str(tmp_path / f"{name}.parquet") for name in ("candles", "other", "none"))
    files.write_parquet(path, pa.Table.from_pylist(rows, schemas.CANDLES), {})
    files.write_parquet(other, pa.Table.from_pylist(rows[:1], schemas.CANDLES), {})
    assert quotes_at([(path, 60), (path, 120), (other, 59), (other, 120), (none, 120)]) == {
        (path, 60): {"A": (0.1, 0.2, 60), "B": (0.1, 0.2, 60)},
        (path, 120): {"A": (0.3, 0.4, 120), "E": (0.0, 0.02, 120)},
        (other, 59): {},
        (other, 120): {"A": (0.1, 0.2, 60)},
        (none, 120): {},
    }
    assert quotes_at([]) == {}
