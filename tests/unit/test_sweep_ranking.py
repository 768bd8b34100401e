"""Ranking of a sweep: figures before and after the split are those of metrics.json; luck against the paper and simulation."""

import dataclasses
import datetime as dt
import io
import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from tests.unit.results_parts import at, points, trade
from tradewinds.cli import sweep
from tradewinds.core.errors import ConfigError
from tradewinds.engine.equity import Point
from tradewinds.results import metrics
from tradewinds.sweeps import luck
from tradewinds.sweeps.outcomes import PointOutcome, midnight, period_figures, split_date
from tradewinds.sweeps.ranking import RANK_BY, rank
from tradewinds.sweeps.verdict import verdict

DAY = 86_400
FIRST = dt.date(2025, 5, 1)
CLOCK = {"days_per_year": 365, "around_the_clock": True}
YEAR = math.sqrt(365)


def day(number):
    return FIRST + dt.timedelta(days=number)


def outcome(returns, name="a", trades=(), start=10**9, **settings):
    """A run with these daily returns from 1 May on; `trades` are (day, P&L in USD)."""
    worth = list(itertools.accumulate(returns, lambda equity, r: round(equity * (1 + r)), initial=start))
    return PointOutcome(
        settings or {"risk.fixed_qty": 1},
        name,
        equity_ts=np.array([midnight(day(n)) for n in range(len(worth))]),
        equity_micro=np.array(worth),
        decision_ts=np.array([midnight(day(n)) + 3600 for n, _ in trades], np.int64),
        pnl_micro=np.array([round(usd * 10**6) for _, usd in trades], np.int64),
        **CLOCK,
    )


def outcome_of(equity, trades):
    """The outcome of a run with this curve and these trades."""
    return PointOutcome(
        {},
        "a",
        equity_ts=np.array([point.ts for point in equity], np.int64),
        equity_micro=np.array([point.equity_micro for point in equity], np.int64),
        decision_ts=np.array([trade.decision_ts for trade in trades], np.int64),
        pnl_micro=np.array([trade.pnl_micro for trade in trades], np.int64),
        **CLOCK,
    )


def noise(seed, days=100, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 0.01, days).tolist()


def test_the_table_names_the_currency_of_the_account():
    ranking = rank([outcome(noise(seed), f"run{seed}", [(0, 5), (99, -2.5)]) for seed in range(3)], day(70))
    console = Console(file=io.StringIO(), width=80)
    sweep._show(console, ranking, 2, "AUD")
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert "┃ fixed_qty ┃ P&L, AUD ┃ trades ┃ Sharpe ┃ AUD ┃ trades ┃ Sharpe ┃" in lines and "P&L after," in lines[2]
    assert sum("│ 5.00 │ 1 │" in line and "│ -2.50 │ 1 │" in line for line in lines) == 2
    assert lines[-1] == "… and 1 more in ranking.csv"


# Before and after the split


@pytest.mark.parametrize(
    ("days", "share", "split"),
    [(10, 0.3, 7), (31, 0.3, 22), (2, 0.3, 1), (3, 0.3, 2), (365, 0.3, 255), (10, 0.5, 5), (10, 0.01, 9)],
)
def test_the_last_days_are_out_of_sample(days, share, split):
    assert split_date(FIRST, day(days - 1), share=share) == day(split)


def test_the_user_chooses_the_split():
    assert split_date(FIRST, day(9), day(1)) == day(1)
    assert split_date(FIRST, day(9), day(9)) == day(9)
    for wrong in (FIRST, day(10), day(-3)):
        with pytest.raises(ConfigError, match=f"--split: {wrong} does not split 2025-05-01 to 2025-05-10 in two"):
            split_date(FIRST, day(9), wrong)
    with pytest.raises(ConfigError, match="more dates"):
        split_date(FIRST, FIRST)


def test_parts_by_hand():
    equity = points(
        ("05-01 04:00", "start", "1000"),
        ("05-02 00:00", "midnight", "990", "20"),
        ("05-02 15:00", "settlement", "900"),  # no midnight: only the drawdown sees it
        ("05-03 00:00", "midnight", "989.8"),  # the split
        ("05-04 00:00", "midnight", "1088.78"),
        ("05-04 15:00", "end", "1034.341"),
    )
    trades = [
        trade(qty=1, price="0.40", fee="0.02", pays="1", decided="05-02 23:59", settled="05-03 15:00"),  # 0.58
        trade(qty=1, price="0.40", fee="0.02", pays="0", decided="05-03 00:00", settled="05-03 15:00"),  # -0.42
        trade(qty=2, price="0.40", fee="0.04", pays="0", decided="05-04 01:00", settled="05-04 15:00"),  # -0.84
    ]
    before, after = period_figures(outcome_of(equity, trades), at("05-03 00:00"))
    assert (before.pnl_usd, before.num_trades, after.pnl_usd, after.num_trades) == (0.58, 1, -1.26, 2)
    assert before.sharpe == pytest.approx((0.01 - 0.02) / 2 / statistics.stdev([0.01, -0.02]) * YEAR)
    assert after.sharpe == pytest.approx((0.1 - 0.05) / 2 / statistics.stdev([0.1, -0.05]) * YEAR)
    assert (before.max_drawdown_usd, before.max_drawdown_pct) == (110, pytest.approx(110 / 1010 * 100))
    assert (after.max_drawdown_usd, after.max_drawdown_pct) == (54.439, pytest.approx(5))  # the peak starts anew


CURVES = st.dictionaries(st.integers(0, 40).map(lambda n: n * 21_600), st.integers(-(10**6), 10**10), max_size=30)


@given(CURVES, st.integers(0, 11))
def test_parts_are_metrics_of_the_points_before_and_after(worth, split):
    """Reference: the functions of metrics.json on the points of each part, exactly."""
    curve = [Point(ts, "settlement", value // 2, value - value // 2) for ts, value in sorted(worth.items())]
    split_ts = split * DAY
    until = [p for p in curve if p.ts <= split_ts]
    since = [p for p in curve if p.ts > split_ts]
    since = until[-1:] + since if since else []
    figures = period_figures(outcome_of(curve, []), split_ts)
    for part, expected in zip(figures, (until, since), strict=True):
        returns = metrics.daily_returns(expected)
        assert (part.sharpe, part.sortino) == (metrics.sharpe(returns, 365), metrics.sortino(returns, 365))
        assert (part.max_drawdown_usd, part.max_drawdown_pct) == metrics.max_drawdown(expected)
        assert (part.pnl_usd, part.num_trades) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-(10**9), 10**9)), max_size=20), st.integers(0, 10))
def test_every_trade_is_in_one_part(trades, split):
    found = outcome([0.01] * 9, trades=[(n, micro / 10**6) for n, micro in trades])
    before, after = period_figures(found, midnight(day(split)))
    assert before.num_trades + after.num_trades == len(trades)
    assert before.num_trades == sum(n < split for n, _ in trades)
    assert round((before.pnl_usd + after.pnl_usd) * 10**6) == sum(micro for _, micro in trades)


def test_trades_that_earn_while_they_are_held_earn_in_both_parts():
    found = dataclasses.replace(outcome([0.01] * 9, trades=[(2, 5)]), earns_while_held=True)
    before, after = period_figures(found, midnight(day(5)))
    at_split = int(found.equity_micro[found.equity_ts <= midnight(day(5))][-1])
    assert before.pnl_usd == (at_split - int(found.equity_micro[0])) / 10**6 > 0
    assert after.pnl_usd == (int(found.equity_micro[-1]) - at_split) / 10**6 > 0
    assert (before.num_trades, after.num_trades) == (1, 0)
    assert period_figures(found, midnight(day(99)))[1].pnl_usd == 0


def test_what_happens_after_the_split_changes_nothing_before_it():
    calm, wild = (outcome(noise(1, 10) + end, trades=[(2, 5), (15, 9)]) for end in ([0.0] * 10, [0.5, -0.9] * 5))
    assert period_figures(calm, midnight(day(10)))[0] == period_figures(wild, midnight(day(10)))[0]


def test_a_run_without_anything_has_nulls():
    before, after = period_figures(outcome_of([], []), midnight(day(3)))
    assert dataclasses.astuple(before) == dataclasses.astuple(after) == (0.0, 0, None, None, None, None, False)


# Ranking


def test_best_first_undefined_last_ties_by_run_id():
    flat = [0.0] * 20
    found = rank([outcome(flat, "z"), outcome(noise(2, 20), "c"), outcome(flat, "y"), outcome(noise(2, 20), "b"),
                  outcome([0.02, 0.01] * 10, "a")], day(14))  # fmt: skip
    assert [row.run_id for row in found.rows] == ["a", "b", "c", "y", "z"]
    assert [row.in_sample.sharpe is None for row in found.rows] == [False, False, False, True, True]
    assert found.rows[1].in_sample == found.rows[2].in_sample


@pytest.mark.parametrize(
    ("by", "best"), [("sharpe", "steady"), ("sortino", "bold"), ("pnl", "bold"), ("drawdown", "steady")]
)
def test_the_caller_chooses_the_metric(by, best):
    steady = outcome([0.011, 0.009] * 10, "steady", trades=[(1, 5)])  # without a losing day: no Sortino, so last by it
    bold = outcome([0.2, -0.1] * 10, "bold", trades=[(1, 50), (18, -500)])
    assert rank([steady, bold], day(14), by).rows[0].run_id == best


def test_an_unknown_metric_is_refused():
    with pytest.raises(ConfigError, match=r"--rank-by: unknown metric 'sharp'. Known: .* Did you mean sharpe\?"):
        rank([outcome([0.1, 0.2])], day(1), "sharp")


@given(st.permutations(range(6)), st.sampled_from(sorted(RANK_BY)))
def test_the_order_of_the_points_does_not_matter(order, by):
    made = [outcome(noise(n // 2, 20), f"run{n}", trades=[(n, n)]) for n in range(6)]
    assert rank([made[n] for n in order], day(14), by) == rank(made, day(14), by)


def test_the_same_returns_are_one_trial_and_none_is_no_trial():
    made = [outcome(noise(n % 3), f"run{n}") for n in range(9)] + [outcome([0.0] * 100, "idle")]
    found = rank(made, day(70))
    assert (found.luck.trials, len(found.rows)) == (3, 10)
    assert found.luck == rank([*made[:3], made[-1]], day(70)).luck


def test_luck_is_the_papers_formula_on_what_was_ranked():
    made = [outcome(noise(n), f"run{n}") for n in range(20)]
    found = rank(made, day(70)).luck
    daily = [[b / a - 1 for a, b in itertools.pairwise(o.equity_micro[:71].tolist())] for o in made]
    ratios = [statistics.mean(r) / statistics.stdev(r) for r in daily]
    best = max(ratios)
    returns = daily[ratios.index(best)]
    mean, deviation = statistics.mean(returns), statistics.pstdev(returns)
    skewness, kurtosis = (statistics.mean(((r - mean) / deviation) ** power for r in returns) for power in (3, 4))
    assert (found.trials, found.observations) == (20, 70)
    assert found.sharpe == pytest.approx(best * YEAR)
    assert found.expected_best == pytest.approx(luck.expected_maximum(statistics.variance(ratios), 20) * YEAR)
    assert found.probability == pytest.approx(
        luck.deflated_sharpe(best, 70, skewness, kurtosis, statistics.variance(ratios), 20)
    )


def test_a_year_has_the_days_of_its_family():
    """Luck is reckoned from daily ratios: how many days make a year changes what is shown, not how likely luck is."""
    around = [outcome(noise(n), f"run{n}") for n in range(20)]
    traded = [dataclasses.replace(one, days_per_year=252, around_the_clock=False) for one in around]
    one, other = rank(around, day(70)), rank(traded, day(70))
    shorter = math.sqrt(252 / 365)
    assert other.rows[0].in_sample.sharpe == pytest.approx(one.rows[0].in_sample.sharpe * shorter)
    assert other.luck.sharpe == pytest.approx(one.luck.sharpe * shorter)
    assert other.luck.expected_best == pytest.approx(one.luck.expected_best * shorter)
    assert other.luck.probability == pytest.approx(one.luck.probability)


def test_worthless_strategies_are_called_luck_and_a_good_one_is_not():
    worthless = [outcome(noise(n, 300), f"run{n:03}") for n in range(100)]
    found = rank(worthless, day(210))
    assert found.luck.sharpe > 1.5  # looks good, and
    assert found.luck.probability < 0.9  # is not
    assert abs(found.correlation) < 0.3
    found = rank([*worthless, outcome(noise(1000, 300, mean=0.005), "good")], day(210))
    assert found.rows[0].run_id == "good"
    assert found.luck.probability > 0.95


def test_a_single_point_is_not_the_best_of_anything():
    found = rank([outcome(noise(3))], day(70))
    assert (found.luck.trials, found.luck.expected_best, found.correlation) == (1, 0, None)


def test_rank_correlation_uses_points_that_have_both():
    good = [
        outcome([0.01 * n, 0.0, 0.0] * 4 + [0.01 * n, 0.0] * 4, f"run{n}", trades=[(1, n), (13, n)])
        for n in range(1, 6)
    ]
    assert rank(good, day(12), "pnl").correlation == pytest.approx(1)
    turned = [dataclasses.replace(o, pnl_micro=o.pnl_micro * [1, -1]) for o in good]
    assert rank(turned, day(12), "pnl").correlation == pytest.approx(-1)
    assert rank([*good[:2], outcome([0.0] * 20, "idle")], day(12)).correlation is None  # two pairs say nothing


# Luck


def test_the_papers_example():
    """Bailey and López de Prado (2014), "A numerical example": SR 2.5 a year, 1250 days of 250, 100 trials, V = 1/2."""
    variance, sharpe = 1 / 2 / 250, 2.5 / math.sqrt(250)
    assert luck.expected_maximum(variance, 100) == pytest.approx(0.1132, abs=5e-5)
    assert luck.deflated_sharpe(sharpe, 1250, -3, 10, variance, 100) == pytest.approx(0.9004, abs=5e-5)
    assert luck.deflated_sharpe(sharpe, 1250, -3, 10, variance, 46) == pytest.approx(0.9505, abs=5e-5)
    assert luck.deflated_sharpe(sharpe, 1250, 0, 3, variance, 88) == pytest.approx(0.9505, abs=5e-4)


@pytest.mark.parametrize("trials", [2, 5, 20, 100, 1000])
def test_the_expected_maximum_is_what_simulation_shows(trials):
    drawn = np.random.default_rng(1).normal(0, 0.5, (4000, trials)).max(axis=1).mean()
    assert luck.expected_maximum(0.25, trials) == pytest.approx(drawn, abs=0.03)


RATIOS = st.floats(-0.5, 0.5)
SHAPES = st.tuples(st.floats(-2, 2), st.floats(0.1, 10)).map(lambda s: (s[0], 1 + s[0] ** 2 + s[1]))  # what is possible


@given(RATIOS, RATIOS, st.integers(2, 3000), SHAPES)
def test_the_probability_is_one_and_grows_with_what_was_shown(sharpe, benchmark, observations, shape):
    found = luck.probabilistic_sharpe(sharpe, benchmark, observations, *shape)
    assert 0 <= found <= 1
    assert (found >= 0.5) == (sharpe >= benchmark) or found == pytest.approx(0.5)
    longer = luck.probabilistic_sharpe(sharpe, benchmark, observations * 2, *shape)
    assert abs(longer - 0.5) >= abs(found - 0.5) - 1e-12  # more observations, more certainty
    lower = luck.probabilistic_sharpe(sharpe, benchmark - 0.1, observations, *shape)
    assert lower >= found


@given(RATIOS, st.integers(2, 3000), SHAPES, st.floats(0, 0.1), st.integers(1, 10_000))
def test_more_trials_never_make_it_more_credible(sharpe, observations, shape, variance, trials):
    first, more = (luck.deflated_sharpe(sharpe, observations, *shape, variance, n) for n in (trials, trials + 1))
    assert more <= first + 1e-12
    if trials > 1:
        wider = luck.deflated_sharpe(sharpe, observations, *shape, variance + 0.01, trials)
        assert wider <= first + 1e-12


@given(st.floats(0.01, 0.3), st.integers(10, 3000), st.floats(0.1, 5))
def test_losses_that_come_at_once_are_less_credible(sharpe, observations, spread):
    calm, tail = (luck.probabilistic_sharpe(sharpe, 0, observations, skewness, 5 + spread) for skewness in (0, -2))
    fat = luck.probabilistic_sharpe(sharpe, 0, observations, 0, 20)
    assert tail <= calm and fat <= calm


def test_luck_is_undefined_without_observations_or_variance():
    assert luck.probabilistic_sharpe(0.1, 0, 1, 0, 3) is None
    assert luck.probabilistic_sharpe(1, 0, 100, 2, 5) is None  # returns of two values, of which one is never seen again
    assert luck.expected_maximum(0.5, 1) == luck.expected_maximum(0, 100) == 0


@given(st.lists(st.integers(-500, 500).map(lambda n: n / 1000), min_size=2, max_size=50))
def test_moments_are_their_definition(returns):
    assume(len(set(returns)) > 1)
    mean, deviation = statistics.mean(returns), statistics.pstdev(returns)
    expected = [statistics.mean(((r - mean) / deviation) ** power for r in returns) for power in (3, 4)]
    assert luck.skewness_kurtosis(np.array(returns)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 4000], 1),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1),
        ([106, 100, 86, 101, 99, 103, 97, 113, 112, 110], [7, 27, 2, 50, 28, 29, 20, 12, 6, 17], -29 / 165),
        ([1, 2, 2, 3], [1, 2, 3, 4], 4.5 / math.sqrt(4.5 * 5)),  # equal values share the mean of their ranks
        ([1, 1, 1], [1, 2, 3], None),
        ([1, 2], [1, 2], None),
        ([], [], None),
    ],
)
def test_rank_correlation(first, second, expected):
    assert luck.spearman(first, second) == (None if expected is None else pytest.approx(expected))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=30))
def test_rank_correlation_is_symmetric_and_sees_order_only(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    found = luck.spearman(first, second)
    assert found == luck.spearman(second, first)
    if found is None:
        assert len(set(first)) == 1 or len(set(second)) == 1
        return
    assert -1 - 1e-12 <= found <= 1 + 1e-12
    assert luck.spearman([math.exp(n) for n in first], second) == pytest.approx(found)
    assert luck.spearman([-n for n in first], second) == pytest.approx(-found)


# In words


def test_the_verdict_in_words():
    made = [outcome(noise(n), f"run{n}", trades=[(5, 1), (80, 2.5)], **{"risk.fixed_qty": n}) for n in range(20)]
    found = rank(made, day(70))
    text = verdict(found, "USD")
    best = found.rows[0]
    assert text.startswith(
        f"20 configurations were tried. The best by Sharpe ratio before 2025-07-10 is "
        f"risk.fixed_qty={best.settings['risk.fixed_qty']}. Its in-sample Sharpe ratio is {best.in_sample.sharpe:.2f}, from "
        f"70 daily returns; the best of 20 worthless strategies would be expected to show {found.luck.expected_best:.2f}. "
        f"The probability that it is not luck is {math.floor(found.luck.probability * 100)} % (deflated Sharpe ratio), "
        "which is below the usual 95 %. Out of sample, from 2025-07-10 on, its P&L was 2.50 USD in 1 trade, "
        f"with a Sharpe ratio of {best.out_of_sample.sharpe:.2f}; by Sharpe ratio it was number "
    )
    place = 1 + sum(row.out_of_sample.sharpe > best.out_of_sample.sharpe for row in found.rows)
    assert f"number {place} of 20 there. The rank correlation of the Sharpe ratio before" in text
    assert f"is {found.correlation:.2f} (1: the same order" in text


def test_the_verdict_never_promises_certainty():
    sure = [outcome(noise(n, 300, mean=0.02 if n == 3 else 0), f"run{n}") for n in range(20)]
    assert "not luck is more than 99 % (deflated Sharpe ratio). Out of sample" in verdict(rank(sure, day(210)), "USD")
    bad = [outcome(noise(n, 300, mean=-0.01), f"run{n}") for n in range(3)]
    assert "not luck is less than 1 %" in verdict(rank(bad, day(210)), "USD")


def test_the_verdict_where_little_is_known():
    idle = verdict(rank([outcome([0.0] * 20, "a"), outcome([0.0] * 20, "b")], day(14)), "USD")
    assert "2 configurations were tried." in idle and "whether it is luck is unknown" in idle
    assert "its P&L was 0.00 USD in 0 trades." in idle
    single = verdict(rank([outcome(noise(1))], day(70), "pnl"), "USD")
    assert single.startswith("1 configuration was tried. The best by P&L before 2025-07-10 is risk.fixed_qty=1.")
    assert "; a worthless strategy would be expected to show 0.00." in single
    same = verdict(rank([outcome(noise(n % 2), f"run{n}") for n in range(5)], day(70)), "USD")
    assert "the best of 2 worthless strategies (3 more gave no Sharpe ratio or the same returns) would" in same
