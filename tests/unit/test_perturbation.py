"""Perturbation: each number of a config alone, 10 and 20 % lower and higher; what is left out is said."""

import csv
import json
from decimal import Decimal

import pytest

from tests.unit.walk_forward_worlds import share_world, write_events, write_shares
from tradewinds.config import resolve
from tradewinds.families.plan import run_plan
from tradewinds.sweeps import perturbation_files, replays
from tradewinds.sweeps.grid import SweepPoint
from tradewinds.sweeps.keys import with_settings
from tradewinds.sweeps.outcomes import FailedPoint, split_date
from tradewinds.sweeps.perturbation import (
    PERCENTS,
    current_value,
    job_groups,
    numbers,
    perturbation,
    perturbed_points,
    share_of,
    without_missing,
)
from tradewinds.sweeps.ranking import judge


@pytest.mark.parametrize(
    ("value", "percent", "whole", "wanted"),
    [
        (10, -20, True, 8),
        (5, -10, True, 5),  # 4.5: halves go away from 0
        (-5, 10, True, -6),
        (3, 10, True, 3),
        (0.1, 10, False, 0.11),  # in floats 0.11000000000000001
        (0.3, -20, False, 0.24),
        (100_000, 20, False, 120_000),
        (7, 10, False, 7.7),
        (1, -20, True, 1),
    ],
)
def test_a_share_is_exact_in_decimals(value, percent, whole, wanted):
    found = share_of(value, percent, whole=whole)
    assert found == wanted and type(found) is type(wanted)


def shares(**changes):
    return resolve.resolve(
        {
            "market": "equities_daily",
            "universe": ["AAA"],
            "date_start_local": "2024-02-05",
            "date_end_local": "2024-06-28",
            "strategy": {"name": "Mean Reversion"},
            "bars": {"source": "synthetic"},
            "calendar": "XNYS",
            "risk": {"currency": "USD"},
            **changes,
        }
    )


def test_the_numbers_of_shares_are_those_of_risk_costs_and_the_strategy():
    found = {key: value for key, value, _ in numbers(shares())}
    assert {key.partition(".")[0] for key in found} == {"risk", "costs", "strategy", "seed"}
    assert found["strategy.parameters.fall_pct"] == 3.0 and found["strategy.parameters.max_days"] == 10
    mine = shares(strategy={"name": "Mean Reversion", "parameters": {"fall_pct": 4.5}})
    assert {key: value for key, value, _ in numbers(mine)}["strategy.parameters.fall_pct"] == 4.5


def test_what_is_no_amount_is_0_is_rounded_away_or_out_of_range_is_left_out_and_said():
    conf = shares(risk={"currency": "USD", "max_positions": 3, "position_size_pct": 90})
    points, left_out = perturbed_points(conf)
    said = {(one.key, one.percent): one.reason for one in left_out}
    assert "random numbers" in said["seed", None]
    assert "it is 0" in said["costs.min_commission", None]
    # 2.4 is 2, 2.7 and 3.3 are 3, 3.6 is 4
    assert said["risk.max_positions", -10] == "rounded it is 3, which is the config's own"
    assert [one.value for one in points if one.key == "risk.max_positions"] == [2, 4]
    # 99 may be, 108 may not
    assert [one.value for one in points if one.key == "risk.position_size_pct"] == [72, 81, 99]
    assert "risk.position_size_pct=108" in said["risk.position_size_pct", 20]
    # each key's four values are points or left out
    counts = {key: sum(one.key == key for one in points) for key, _, _ in numbers(conf)}
    for key, count in counts.items():
        assert count + (4 if (key, None) in said else sum(found == key for found, _ in said)) == len(PERCENTS)


def test_two_shares_that_round_to_the_same_are_one_point():
    conf = shares(risk={"currency": "USD", "max_positions": 1})
    points, left_out = perturbed_points(shares(risk={"currency": "USD", "max_positions": 5}))
    assert [one.value for one in points if one.key == "risk.max_positions"] == [4, 6]
    reasons = {one.percent: one.reason for one in left_out if one.key == "risk.max_positions"}
    own, other = "rounded it is 5, which is the config's own", "rounded it is 6, which is that of +10 %"
    assert reasons == {-10: own, 20: other}
    assert not [one for one in perturbed_points(conf)[0] if one.key == "risk.max_positions"]


def test_a_point_is_the_run_of_a_config_with_the_value_in_it():
    conf = shares()
    for one in perturbed_points(conf)[0]:
        alone = resolve.resolve(with_settings(conf, {one.key: one.value}))
        assert one.point.run_id == resolve.run_id(alone) != resolve.run_id(conf)
        assert current_value(one.point.config, one.key) == one.value
        own = {key: value for key, value, _ in numbers(conf)}[one.key]
        assert abs(Decimal(str(one.value)) / Decimal(str(own)) - 1) <= Decimal("0.34")


def perturbed(conf, by):
    """The perturbation of a config whose files are in the working folder, and its base's point."""
    split = split_date(conf["date_start_local"], conf["date_end_local"])
    base = SweepPoint({}, conf, resolve.run_id(conf))
    own = judge(next(replays.outcomes([base])), split)
    tried, left_out = without_missing(perturbed_points(conf)[0])
    groups = replays.groups([one.point for one in tried])
    judged = [judge(one, split) for group in groups for one in replays.outcomes(group)]
    return perturbation(own.row, conf, tried, judged, left_out, by), split


@pytest.mark.slow
@pytest.mark.parametrize("by", ["pnl", "sharpe", "drawdown"])
def test_the_worst_change_is_that_of_one_run_after_another(tmp_path, monkeypatch, by):
    monkeypatch.chdir(tmp_path)
    conf = write_shares(share_world(3))
    found, split = perturbed(conf, by)
    field, better = {"pnl": ("pnl_usd", 1), "sharpe": ("sharpe", 1), "drawdown": ("max_drawdown_pct", -1)}[by]

    def alone(config):
        point = SweepPoint({}, config, resolve.run_id(config))
        return getattr(judge(next(replays.outcomes([point])), split).row.in_sample, field)

    own, moved = alone(conf), 0
    for key in found.keys:
        values = [
            alone(resolve.resolve(with_settings(conf, {key.key: one.tried.value}))) for one in key.results.values()
        ]
        worst = min(values) if better == 1 else max(values)
        assert key.worst == worst - own
        moved += worst != own
    assert moved > 5 and {key.key for key in found.keys} > {"strategy.parameters.fall_pct", "costs.slippage_pct"}


def test_events_have_their_numbers_varied_too_and_what_would_be_fetched_is_left_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conf = write_events(4, cadence_minutes=10)
    found, _ = perturbed(conf, "pnl")
    tried = {one.key: {percent: result.tried.value for percent, result in one.results.items()} for one in found.keys}
    assert tried["cadence_minutes"] == {-20: 8, -10: 9, 10: 11, 20: 12}
    assert tried["risk.start_balance_usd"] == {-20: 80, -10: 90, 10: 110, 20: 120}
    assert tried["risk.min_ev_per_contract"][10] == pytest.approx(conf["risk"]["min_ev_per_contract"] * 1.1)
    assert not any(key.startswith(("kalshi", "iem", "validations")) for key in tried)
    assert any(one.worst for one in found.keys)


def test_the_files_say_what_the_table_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conf = write_shares(share_world(3))
    found, _ = perturbed(conf, "pnl")
    perturbation_files.write_perturbation(tmp_path, found)
    with open("perturbation.csv", newline="", encoding="utf-8") as handle:
        base, *rows = csv.DictReader(handle)
    assert float(base["in_sample_pnl_usd"]) == found.base.in_sample.pnl_usd and base["percent"] == "0"
    values = {(row["key"], int(row["percent"])): row["in_sample_pnl_usd"] for row in rows}
    assert len(values) == len(rows) == sum(len(one.results) for one in found.keys)
    summary = perturbation_files.summary(found)
    assert {
        (key["key"], point["percent"]): str(point["metric"]) for key in summary["keys"] for point in key["points"]
    } == values
    json.dumps(summary)
    page = (tmp_path / "perturbation.md").read_text(encoding="utf-8")
    for one in found.keys:
        assert f"| {one.key} |" in page
    assert "## Left out" in page or not found.left_out


def test_a_perturbed_run_that_fails_is_named_and_does_not_end_the_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    conf = write_shares(share_world(3))
    usual, split = perturbed(conf, "pnl")
    tried = [result.tried for one in usual.keys for result in one.results.values()]
    judged = [judge(next(replays.outcomes([one.point])), split) for one in tried]
    judged[0] = FailedPoint(tried[0].point.settings, tried[0].point.run_id, "it broke.")
    found = perturbation(usual.base, conf, tried, judged, [], "pnl")
    first = found.keys[0]
    assert "fails" in " ".join(perturbation_files.cells(first, "pnl"))
    assert first.results[tried[0].percent].reason == "it broke." and first.worst is not None


def test_points_of_a_job_vary_the_same_key_of_the_same_files():
    """A job sets the keys of its points in one config: the base's where they read its files, else that of the first point."""
    conf = shares()
    base = SweepPoint({}, conf, resolve.run_id(conf))
    points = [one.point for one in perturbed_points(conf)[0]]
    groups = replays.groups(points)
    pieces = job_groups(base, points)
    assert sorted(point.run_id for _, piece in pieces for point in piece) == sorted(point.run_id for point in points)
    assert pieces[0][0] is conf and len({key for point in pieces[0][1] for key in point.settings}) > 1
    for config, piece in pieces:
        for point in piece:
            again = resolve.resolve(with_settings(config, point.settings))
            assert resolve.run_id(again) == point.run_id
            assert run_plan(point.config).inputs == run_plan(config).inputs
        assert sum(all(point in group for point in piece) for group in groups) == 1
