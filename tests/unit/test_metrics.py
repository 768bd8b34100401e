"""Metrics against numbers worked out by hand, against their definitions in a plain loop, and where they are undefined."""

import copy
import math
import statistics

import empyrical
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.results_parts import points, run, scored, trade
from tradewinds.engine.equity import Point
from tradewinds.engine.run_trades import Trades
from tradewinds.families.kalshi_weather.metrics import score_metrics
from tradewinds.results import metrics

YEAR = math.sqrt(365)


def test_every_metric_by_hand():
    trades = [
        trade(qty=100, price="0.40", fee="1.68", decided="05-02 03:04", settled="05-02 15:04"),  # 100 - 40 - 1.68
        trade(side="BUY_NO", qty=80, price="0.353", fee="1.28", pays="0", decided="05-02 03:05", settled="05-02 15:05"),
        trade(
            qty=1, price="0.50", fee="0.02", pays="0.52", decided="05-02 03:06", settled="05-02 03:08"
        ),  # even: no win
        trade(qty=2, price="0.4315", fee="0.04", decided="05-03 01:00", settled="05-03 01:01"),
    ]
    assert [t.pnl_micro for t in trades] == [58_320_000, -29_520_000, 0, 1_097_000]
    equity = points(
        ("05-01 12:00", "start", "1000"),
        ("05-02 00:00", "midnight", "900", "110"),  # +1 %
        ("05-02 15:00", "settlement", "985.5"),  # no midnight: only the drawdown sees it, 24.5 below 1010
        ("05-03 00:00", "midnight", "999.9"),  # -1 %
        ("05-03 12:00", "end", "1029.897"),  # +3 %
    )
    result = run(trades, equity, markets=scored(("0.9", True), ("0.2", False), ("0.5", True)))
    before = copy.deepcopy(result)
    found = metrics.metrics(result)
    assert result == before
    exact = {
        "start_balance_usd": 1000.0,
        "end_balance_usd": 1029.897,
        "total_pnl_usd": 29.897,
        "total_fees_usd": 3.02,
        "num_trades": 4,
        "num_contracts": 183,
        "max_drawdown_usd": 24.5,
        "diagnostics": result.diagnostics,
    }
    assert {key: found[key] for key in exact} == exact
    ratios = {
        "roi_pct": 2.9897,
        "win_rate_pct": 50.0,
        "avg_profit_usd": 29.7085,
        "avg_loss_usd": -29.52,
        "profit_factor": 59.417 / 29.52,
        "max_drawdown_pct": 2450 / 1010,
        "sharpe": 0.5 * YEAR,  # mean 0.01, sample deviation 0.02
        "sortino": math.sqrt(3) * YEAR,  # root mean square of the one loss over all three: 0.01 / √3
        "exposure_time_avg_minutes": (720 + 720 + 2 + 1) / 4,
        "brier": 0.1,
        "log_loss": -math.log(0.9 * 0.8 * 0.5) / 3,
    }
    assert {key: found[key] for key in ratios} == pytest.approx(ratios, rel=1e-9)
    assert set(found) == {*exact, *ratios, "calibration"}


def test_a_run_without_anything_has_nulls_where_there_is_no_denominator():
    found = metrics.metrics(run())
    undefined = {
        "win_rate_pct", "avg_profit_usd", "avg_loss_usd", "profit_factor", "exposure_time_avg_minutes", "sharpe",
        "sortino", "brier", "log_loss", "max_drawdown_usd", "max_drawdown_pct",
    }  # fmt: skip
    assert {key for key, value in found.items() if value is None} == undefined
    assert (found["roi_pct"], found["total_pnl_usd"], found["num_trades"], found["num_contracts"]) == (0, 0, 0, 0)
    assert found["end_balance_usd"] == found["start_balance_usd"] == 1000


def test_every_run_has_the_keys_of_scores_and_a_family_that_scores_fills_them():
    """metrics.json of a family without probabilities keeps the keys and their order: nulls and ten empty bins."""
    result = run(markets=scored(("0.9", True)))
    keys = list(metrics.metrics(result))
    assert score_metrics([]) == metrics.UNSCORED and list(metrics.UNSCORED) == list(score_metrics(scored(("1", True))))
    result.family_metrics = {"currency": "AUD", "exposure_pct": 3.0}
    found = metrics.metrics(result)
    assert list(found) == [*keys[:-1], "currency", "exposure_pct", "diagnostics"] and keys[-1] == "diagnostics"
    assert {name: found[name] for name in metrics.UNSCORED} == metrics.UNSCORED
    bins = [{"from": n / 10, "to": (n + 1) / 10, "n": 0, "mean_p": None, "frequency": None} for n in range(10)]
    assert (found["brier"], found["log_loss"], found["calibration"]) == (None, None, bins)


@pytest.mark.parametrize(("around_the_clock", "returns"), [(True, [0.1, -0.1]), (False, [-0.3, 11 / 7 - 1, -0.1])])
def test_daily_returns_are_those_of_midnights_or_of_trading_days(around_the_clock, returns):
    result = run(equity=points(
        ("05-01 23:00", "start", "100"), ("05-01 23:30", "settlement", "70"), ("05-02 00:00", "midnight", "110"),
        ("05-02 09:00", "end", "99"),
    ))  # fmt: skip
    result.around_the_clock, result.days_per_year = around_the_clock, 252
    found = metrics.metrics(result)
    assert found["sharpe"] == pytest.approx(statistics.mean(returns) / statistics.stdev(returns) * math.sqrt(252))
    assert found["sortino"] == pytest.approx(metrics.sortino(returns, 252))


@pytest.mark.parametrize(
    ("payouts", "win_rate", "profit", "loss", "factor"),
    [
        (["1", "1"], 100, 0.58, None, None),  # no loss: no profit factor
        (["0"], 0, None, -0.42, 0),
        (["0.42"], 0, None, None, None),  # breaking even is neither
        (["1", "0", "0.42"], 100 / 3, 0.58, -0.42, 58 / 42),
    ],
)
def test_wins_and_losses(payouts, win_rate, profit, loss, factor):
    found = metrics.trade_metrics(Trades.of_rows(trade(pays=pays) for pays in payouts))
    keys = ("win_rate_pct", "avg_profit_usd", "avg_loss_usd", "profit_factor")
    assert [found[key] for key in keys] == pytest.approx([win_rate, profit, loss, factor])


def curve(values):
    return [Point(n, "settlement", value, 0) for n, value in enumerate(values)]


@pytest.mark.parametrize(
    ("dollars", "usd", "pct"),
    [
        ([100], 0, 0),
        ([100, 110, 120], 0, 0),
        ([100, 90, 1000, 980], 20, 10),  # each its own maximum
        ([100, 50, 200, 120, 60], 140, 70),  # from the running peak, over several steps
        ([10, 0], 10, 100),
    ],
)
def test_drawdown_goldens(dollars, usd, pct):
    assert metrics.max_drawdown(curve([value * 10**6 for value in dollars])) == (usd, pct)


@given(st.lists(st.integers(0, 3 * 10**9), min_size=1, max_size=12))
def test_drawdown_is_the_worst_pair_of_points(values):
    pairs = [(a, b) for i, a in enumerate(values) for b in values[i:]]
    usd = max(a - b for a, b in pairs) / 10**6
    pct = max([(a - b) / a * 100 for a, b in pairs if a > 0], default=0)
    assert metrics.max_drawdown(curve(values)) == (usd, pct)


def test_daily_returns_take_midnights_start_and_end_only():
    day = points(
        ("05-01 23:00", "start", "100"),
        ("05-01 23:30", "settlement", "70"),
        ("05-02 00:00", "settlement", "110"),  # a settlement at midnight is that midnight's point
        ("05-02 00:01", "settlement", "50"),
        ("05-02 09:00", "end", "99"),
    )
    assert metrics.daily_returns(day) == pytest.approx([0.1, -0.1])
    assert metrics.daily_returns(day[:2]) == pytest.approx([-0.3])
    assert metrics.daily_returns(day[:1]) == metrics.daily_returns([]) == []


@given(st.dictionaries(st.integers(0, 20).map(lambda n: n * 21_600), st.integers(1, 10**10), min_size=2))
def test_daily_returns_compound_to_the_whole(worth):
    rows = sorted(worth.items())
    found = metrics.daily_returns([Point(ts, "settlement", value, 0) for ts, value in rows])
    assert math.prod(1 + r for r in found) == pytest.approx(rows[-1][1] / rows[0][1])
    days = -(-rows[-1][0] // 86_400) - rows[0][0] // 86_400
    assert len(found) == days  # one for each 00:00 after the first point, with or without a point of its own


def test_sharpe_and_sortino_are_null_when_they_are_undefined():
    for returns in ([], [0.5], [0.0, 0.0], [0.1, 0.1, 0.1], [0.1 + 0.2, 0.3]):
        assert metrics.sharpe(returns, 365) is None  # too few, or no deviation (a last digit is none)
    for returns in ([], [-0.5], [0.0, 0.0], [0.1, 0.2]):
        assert metrics.sortino(returns, 365) is None
    assert metrics.sortino([-0.01, -0.01], 365) == pytest.approx(-YEAR)
    assert metrics.sortino([-0.03, 0.04, 0.0, 0.0], 365) == pytest.approx(0.0025 / 0.015 * YEAR)


@given(st.lists(st.integers(-900, 900).map(lambda n: n / 1000), min_size=2, max_size=30))
def test_sharpe_is_mean_over_sample_deviation(returns):
    assume(len(set(returns)) > 1)
    assert metrics.sharpe(returns, 365) == pytest.approx(
        statistics.mean(returns) / statistics.stdev(returns) * YEAR, abs=1e-9
    )


RETURNS = st.lists(st.integers(-900, 900).map(lambda n: n / 1000), min_size=2, max_size=60)


@given(RETURNS)
def test_sharpe_and_sortino_agree_with_empyrical_where_both_are_defined(returns):
    """It annualises by 252 days unless told, and says nan or inf where we say null (docs/metrics.md)."""
    ours = metrics.sharpe(returns, 365), metrics.sortino(returns, 365)
    theirs = [
        ratio(np.array(returns), annualization=365) for ratio in (empyrical.sharpe_ratio, empyrical.sortino_ratio)
    ]
    assert [value is not None for value in ours] == [bool(np.isfinite(value)) for value in theirs]
    assert [value for value in ours if value is not None] == pytest.approx(
        [v for v in theirs if np.isfinite(v)], abs=1e-9
    )


@given(st.lists(st.integers(10**6, 3 * 10**9), min_size=2, max_size=60))
def test_returns_and_drawdown_agree_with_empyrical(values):
    """Drawdown over the same points: a fall it writes as a negative share, we as a positive percentage."""
    days = [Point(n * 86_400, "midnight", value, 0) for n, value in enumerate(values)]
    returns = metrics.daily_returns(days)
    assert returns == pytest.approx(empyrical.simple_returns(np.array(values, float)).tolist())
    assert metrics.max_drawdown(days)[1] == pytest.approx(-100 * empyrical.max_drawdown(np.array(returns)), abs=1e-9)
    gained = (values[-1] / values[0] - 1) * 100
    assert empyrical.cum_returns_final(np.array(returns)) * 100 == pytest.approx(gained, rel=1e-6, abs=1e-6)


def test_where_empyrical_and_we_differ():
    """As docs/metrics.md explains: its days a year, its nan and inf, and drawdowns between the days."""
    steady, rising = np.array([0.1, 0.1]), np.array([0.1, 0.2])
    assert empyrical.sharpe_ratio(rising) == pytest.approx(metrics.sharpe(rising, 365) * math.sqrt(252 / 365))
    assert not np.isfinite(empyrical.sharpe_ratio(steady)) and metrics.sharpe(steady, 365) is None
    assert not np.isfinite(empyrical.sortino_ratio(rising)) and metrics.sortino(rising, 365) is None
    noon = points(("05-01 00:00", "start", "100"), ("05-01 12:00", "settlement", "60"), ("05-02 00:00", "end", "101"))
    assert metrics.max_drawdown(noon) == (40, 40)
    assert empyrical.max_drawdown(np.array(metrics.daily_returns(noon))) == 0
