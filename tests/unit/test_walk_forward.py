"""Walk-forward: folds, picks and the chained equity against a second computation, and a future that changes no pick."""

import dataclasses
import datetime as dt
import itertools
import os
import statistics
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference import naive_shares
from tests.unit.walk_forward_worlds import share_world, write_events, write_shares
from tradewinds.config import markets
from tradewinds.core.errors import ConfigError, SimulationError
from tradewinds.families.kalshi_weather import replay as events_replay
from tradewinds.families.plan import run_plan
from tradewinds.results import metrics
from tradewinds.sweeps import replays
from tradewinds.sweeps.chained_equity import chained
from tradewinds.sweeps.folds import fold_dates, refuse_short_range
from tradewinds.sweeps.grid import grid_points
from tradewinds.sweeps.outcomes import FailedPoint, PointOutcome
from tradewinds.sweeps.stability import stability
from tradewinds.sweeps.walk_forward import WindowReplays, walk_forward
from tradewinds.sweeps.walk_forward_files import finished

SHARE_GRID = ["risk.position_size_pct=5,20", "risk.max_positions=1,3", "fill=next_open,same_close"]
EVENT_GRID = ["risk.fixed_qty=1,3", "risk.min_ev_per_contract=0.02,0.1,0.3"]


def walked(conf, grid, train, test, by="pnl", anchored=False):
    """The product's walk-forward of a config whose files are in the working folder."""
    windows = WindowReplays(grid_points(conf, grid))
    days = markets.family_of(conf["market"]).days(conf, run_plan(conf))
    return walk_forward(windows, fold_dates(days, train, test, anchored=anchored), by, days)


# Folds


@given(st.lists(st.integers(0, 300), unique=True, max_size=60), st.integers(1, 20), st.integers(1, 9), st.booleans())
def test_folds_are_those_that_a_walk_day_by_day_makes(numbers, train, test, anchored):
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=number) for number in sorted(numbers)]
    wanted, rest = [], days[train:]
    while len(rest) >= test:
        period, rest = rest[:test], rest[test:]
        before = [day for day in days if day < period[0]]
        wanted.append(((before if anchored else before[-train:])[0], before[-1], period[0], period[-1]))
    if not wanted:
        with pytest.raises(ConfigError, match="--train, --test"):
            fold_dates(days, train, test, anchored=anchored)
        return
    made = fold_dates(days, train, test, anchored=anchored)
    assert [(f.train_first, f.train_last, f.test_first, f.test_last) for f in made] == wanted
    assert [fold.number for fold in made] == list(range(1, len(wanted) + 1))


def test_a_range_with_too_few_dates_is_refused_before_its_data_is_there():
    conf = {"date_start_local": dt.date(2025, 5, 1), "date_end_local": dt.date(2025, 5, 30)}
    refuse_short_range(conf, 20, 10)
    with pytest.raises(ConfigError, match=r"20 training and 11 test days are 31, and .* has only 30 dates"):
        refuse_short_range(conf, 20, 11)


# Shares, against the naive replay


def naive_walk(world, start, end, train, test, value_of, anchored):
    """Folds, picks, chained equity and the best in hindsight of SHARE_GRID, with the naive replay of shares alone."""
    grid = list(itertools.product((5, 20), (1, 3), (False, True)))
    dates = sorted({bar.date for rows in world.values() for bar in rows if start <= bar.date <= end})

    def equity(point, first, last):
        size, most, same = point
        asked = naive_shares.Settings(
            "Mean Reversion", first, last, size_pct=Decimal(size), max_positions=most, same_close=same
        )
        return [Decimal(100_000), *(worth for _, worth in naive_shares.run(world, asked)[1])]

    def best(first, last):
        values = [value_of(equity(point, first, last)) for point in grid]
        known = [value for value in values if value is not None]
        return values.index(max(known)) if known else 0

    picks, chain, at = [], [Decimal(100_000)], train
    while at + test <= len(dates):
        pick = best(dates[0] if anchored else dates[at - train], dates[at - 1])
        curve = equity(grid[pick], dates[at], dates[at + test - 1])
        chain += [chain[-1] + worth - Decimal(100_000) for worth in curve[1:]]
        picks.append((pick, value_of(curve)))
        at += test
    return picks, chain, best(start, end)


def naive_pnl(curve):
    return curve[-1] - curve[0]


def naive_sharpe(curve):
    returns = [float(b / a - 1) for a, b in itertools.pairwise(curve)]
    deviation = statistics.stdev(returns)
    return None if max(returns) == min(returns) else statistics.mean(returns) / deviation * 252**0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "train", "test", "by", "anchored"),
    [(1, 30, 10, "pnl", False), (2, 40, 12, "sharpe", False), (3, 25, 20, "pnl", True), (7, 30, 9, "sharpe", True)],
)
def test_shares_agree_with_a_naive_walk(tmp_path, monkeypatch, seed, train, test, by, anchored):
    monkeypatch.chdir(tmp_path)
    world = share_world(seed)
    conf = write_shares(world)
    made = walked(conf, SHARE_GRID, train, test, by, anchored)
    value_of = {"pnl": naive_pnl, "sharpe": naive_sharpe}[by]
    picks, chain, best = naive_walk(
        world, conf["date_start_local"], conf["date_end_local"], train, test, value_of, anchored
    )
    assert [fold.pick for fold in made.folds] == [pick for pick, _ in picks]
    field = {"pnl": "pnl_usd", "sharpe": "sharpe"}[by]
    assert [getattr(fold.test, field) for fold in made.folds] == [
        value if value is None else pytest.approx(float(value), rel=1e-9) for _, value in picks
    ]
    assert [Decimal(micro).scaleb(-6) for micro in made.chain.outcome.equity_micro.tolist()] == chain
    assert made.best == best
    assert len({pick for pick, _ in picks}) > 1 and sum(fold.test.num_trades for fold in made.folds) > 5


def test_the_files_of_the_whole_range_give_the_run_of_a_part(tmp_path, monkeypatch):
    """A period's run is the one that `tradewinds run` makes of a config with its dates, under the id that folds.csv has."""
    monkeypatch.chdir(tmp_path)
    world = share_world(5)
    conf = write_shares(world)
    windows = WindowReplays(grid_points(conf, SHARE_GRID))
    first, last = dt.date(2024, 4, 2), dt.date(2024, 5, 10)
    parts = windows.on(first, last)
    alone = write_shares(world, date_start_local=first, date_end_local=last)
    for part, (found,) in zip(parts, ([one] for one in _alone(alone)), strict=True):
        assert part.pnl_micro.tolist() == found.pnl_micro.tolist()
        assert part.equity_micro.tolist() == found.equity_micro.tolist()
        assert part.equity_ts.tolist() == found.equity_ts.tolist()


def _alone(conf):
    points = grid_points(conf, SHARE_GRID)
    return [next(replays.outcomes([point])) for point in points]


# Events, against one run after another


def events_walk(conf, train, test, by):
    """Folds, picks and chained equity of EVENT_GRID from single runs: each figure from a list of equity points."""
    points = grid_points(conf, EVENT_GRID)
    dates = [conf["date_start_local"] + dt.timedelta(days=n) for n in range(12)]

    def run(point, first, last):
        files = run_plan(conf).files
        config = {**point.config, "date_start_local": first, "date_end_local": last}
        wanted = {key: path for key, path in files.candles.items() if first <= key[1] <= last}
        return events_replay.replay_events(config, files.catalogs, wanted, files.probabilities)

    def value(curve):
        if by == "pnl":
            return curve[-1].equity_micro - curve[0].equity_micro
        return metrics.sharpe(metrics.daily_returns(curve), 365)

    picks, total, at, made = [], conf["risk"]["start_balance_usd"] * 10**6, train, []
    while at + test <= len(dates):
        tests = [run(point, dates[at], dates[at + test - 1]) for point in points]
        begins = min(one.equity[0].ts for one in tests)
        trains = [run(point, dates[at - train], dates[at - 1]).equity for point in points]
        values = [value([one for one in curve if one.ts <= begins]) for curve in trains]
        known = [one for one in values if one is not None]
        pick = values.index(max(known)) if known else 0
        total += sum(trade.pnl_micro for trade in tests[pick].trades)
        picks.append(pick)
        made.append(tests[pick])
        at += test
    return picks, total, made


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "by"), [(4, "pnl"), (5, "sharpe"), (6, "pnl")])
def test_events_agree_with_single_runs(tmp_path, monkeypatch, seed, by):
    monkeypatch.chdir(tmp_path)
    conf = write_events(seed)
    made = walked(conf, EVENT_GRID, 4, 2, by)
    picks, total, runs = events_walk(conf, 4, 2, by)
    assert [fold.pick for fold in made.folds] == picks
    assert [fold.test.num_trades for fold in made.folds] == [len(run.trades) for run in runs]
    assert int(made.chain.outcome.equity_micro[-1]) == total == made.chain.start_micro + made.chain.pnl_micro
    assert made.chain.outcome.equity_ts.tolist() == sorted(
        {point.ts for run in runs for point in run.equity[1:]} | {runs[0].equity[0].ts}
    )
    assert sum(fold.test.num_trades for fold in made.folds) > 10 and len(picks) == 4


# No leak


def trained(made, upto):
    """What folds decided and knew, up to a number of them."""
    return [(fold.dates, fold.pick, fold.train, fold.traded) for fold in made.folds[:upto]]


@pytest.mark.slow
@pytest.mark.parametrize("fold", [0, 2, 4])
def test_another_future_of_shares_changes_no_earlier_pick(tmp_path, monkeypatch, fold):
    monkeypatch.chdir(tmp_path)
    world = share_world(3)
    before = walked(write_shares(world), SHARE_GRID, 40, 12)
    cut = before.folds[fold].dates.test_first
    other = {
        symbol: [bar if bar.date < cut else dataclasses.replace(new, volume=bar.volume) for bar, new in _paired(rows)]
        for symbol, rows in world.items()
    }
    after = walked(write_shares(other), SHARE_GRID, 40, 12)
    assert trained(after, fold + 1) == trained(before, fold + 1)
    assert after.folds[fold].test != before.folds[fold].test


def _paired(rows):
    """Each bar with one of the same date, whose prices fall by 10 % a bar on three of seven bars."""
    for number, bar in enumerate(rows):
        factor = Decimal("0.9") ** (number % 7 if number % 7 < 4 else 0)
        prices = {name: getattr(bar, name) * factor for name in ("open", "high", "low", "close")}
        yield (
            bar,
            dataclasses.replace(bar, **{name: value.quantize(Decimal("0.001")) for name, value in prices.items()}),
        )


@pytest.mark.slow
@pytest.mark.parametrize("fold", [0, 1, 3])
def test_another_future_of_events_changes_no_earlier_pick(tmp_path, monkeypatch, fold):
    monkeypatch.chdir(tmp_path)
    before = walked(write_events(4), EVENT_GRID, 4, 2)
    cut = before.folds[fold].dates.test_first
    after = walked(write_events(4, poisoned_from=cut), EVENT_GRID, 4, 2)
    assert trained(after, fold + 1) == trained(before, fold + 1)
    assert after.folds[fold].test != before.folds[fold].test


@pytest.mark.slow
def test_a_result_that_comes_after_the_test_has_begun_is_not_known(tmp_path, monkeypatch):
    """The last event of a training settles on the first day of the test: its winner changes nothing that the pick knows."""
    monkeypatch.chdir(tmp_path)
    conf = write_events(4)
    dates = fold_dates(markets.family_of(conf["market"]).days(conf, run_plan(conf)), 4, 2)[0]
    points = grid_points(conf, EVENT_GRID)

    def whole_training():
        return [run.pnl_micro.tolist() for run in WindowReplays(points).on(dates.train_first, dates.train_last)]

    before, known = whole_training(), walked(conf, EVENT_GRID, 4, 2).folds[0]
    write_events(4, turned=dates.train_last)
    assert whole_training() != before
    assert trained(walked(conf, EVENT_GRID, 4, 2), 1) == [(known.dates, known.pick, known.train, known.traded)]
    # Two days earlier it settles before the test begins.
    write_events(4, turned=dates.train_last - dt.timedelta(days=2))
    assert walked(conf, EVENT_GRID, 4, 2).folds[0].train != known.train


# Chains, picks and folds without trades


def outcome(start_ts, changes, start=1000):
    """A run that begins at an instant, with these changes of equity, an hour apart."""
    ts = start_ts + 3600 * np.arange(len(changes) + 1)
    equity = start + np.concatenate([[0], np.cumsum(changes)]).astype(np.int64)
    return PointOutcome({}, "a", ts, equity, ts[1:], np.array(changes, np.int64), 365, True)


def test_a_chain_adds_the_changes_of_folds_that_overlap():
    chain = chained([outcome(0, [5, -2, 4]), outcome(7200, [10, -1])])
    assert chain.outcome.equity_ts.tolist() == [0, 3600, 7200, 10800, 14400]
    assert chain.outcome.equity_micro.tolist() == [1000, 1005, 1003, 1017, 1016]
    assert chain.pnl_micro == 16 and list(chain.fold) == [1, 1, 1, 2, 2]


def test_a_chain_of_folds_without_any_equity_is_empty():
    empty = PointOutcome({}, "a", *(np.zeros(0, np.int64) for _ in range(4)), 365, True)
    chain = chained([empty, empty])
    assert (chain.pnl_micro, len(chain.outcome.equity_ts), list(chain.fold)) == (0, 0, [])
    assert chained([empty, outcome(0, [3])]).outcome.equity_micro.tolist() == [1000, 1003]


def test_neighbours_are_one_value_away_in_every_key():
    settings = [{"a": a, "b": b} for a in (1, 5, 9) for b in ("x", "y")]
    picks = [0, 0, 3, 4, 0, 5]  # (1,x) (1,x) (5,y) (9,x) (1,x) (9,y)
    found = stability(picks, settings)
    assert (found.different, found.most, found.most_folds) == (4, 0, 3)
    assert (found.steps, found.same, found.near) == (5, 1, 3)


def test_of_equal_points_the_first_of_the_grid_is_taken(tmp_path, monkeypatch):
    """A limit that never binds makes equal runs."""
    monkeypatch.chdir(tmp_path)
    conf = write_shares(share_world(3))
    made = walked(conf, ["risk.max_positions=99,50,70"], 40, 12)
    assert [fold.pick for fold in made.folds] == [0] * len(made.folds) and made.best == 0


def test_without_a_trade_in_any_fold_there_is_nothing_to_choose_by(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conf = write_shares(share_world(3), strategy={"name": "Mean Reversion", "parameters": {"fall_pct": 99}})
    with pytest.raises(SimulationError, match="no point made a trade in any of the 5 folds"):
        walked(conf, ["risk.max_positions=1,2"], 40, 12)


class Failing(WindowReplays):
    """Replays in which some points fail on some dates: `fails` takes a point's index and the first date of a period."""

    def __init__(self, points, fails):
        super().__init__(points)
        self.fails = fails

    def on(self, first, last):
        return [
            FailedPoint(one.settings, one.run_id, "it broke.") if self.fails(index, first) else one
            for index, one in enumerate(super().on(first, last))
        ]


def test_a_point_that_fails_in_training_cannot_be_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conf = write_shares(share_world(3))
    points = grid_points(conf, SHARE_GRID)
    days = markets.family_of(conf["market"]).days(conf, run_plan(conf))
    dates = fold_dates(days, 40, 12)
    usual = walk_forward(WindowReplays(points), dates, "pnl", days)
    pick = usual.folds[1].pick
    windows = Failing(points, lambda index, first: (index, first) == (pick, dates[1].train_first))
    made = walk_forward(windows, dates, "pnl", days)
    assert made.folds[1].pick != pick and (made.folds[0].failed, made.folds[1].failed) == (0, 1)
    windows = Failing(points, lambda index, first: (index, first) == (pick, dates[1].test_first))
    with pytest.raises(SimulationError, match=r"fold 2, .* which its training picked, fails: it broke"):
        walk_forward(windows, dates, "pnl", days)
    windows = Failing(points, lambda index, first: first == dates[0].train_first)
    with pytest.raises(SimulationError, match="all 8 points fail"):
        walk_forward(windows, dates, "pnl", days)


# The folder


def test_a_folder_is_finished_only_while_it_is_whole_and_nothing_is_newer(tmp_path):
    source = tmp_path / "bars.csv"
    source.write_text("x")
    folder = tmp_path / "walk"
    (folder / "plots").mkdir(parents=True)
    for name in ("folds.csv", "equity.csv", "walk_forward.md"):
        (folder / name).write_text("x")
    inputs, result = [str(source), str(tmp_path / "absent")], folder / "walk_forward.json"
    assert finished(folder, "c0de", inputs) is None
    result.write_text('{"code": "c0de", "verdict": "fine"}')
    assert finished(folder, "c0de", inputs) == {"code": "c0de", "verdict": "fine"}
    assert finished(folder, "other", inputs) is None
    result.write_text('{"code": "c0')
    assert finished(folder, "c0de", inputs) is None
    result.write_text('{"code": "c0de"}')
    (folder / "equity.csv").unlink()
    assert finished(folder, "c0de", inputs) is None
    (folder / "equity.csv").write_text("x")
    assert finished(folder, "c0de", inputs) == {"code": "c0de"}
    later = result.stat().st_mtime_ns + 10**9
    os.utime(source, ns=(later, later))
    assert finished(folder, "c0de", inputs) is None
