"""A point of a sweep that fails is listed with its reason, and the others are ranked."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from tests.unit.test_sweep_ranking import day
from tests.workflow.harness import CHICAGO
from tradewinds.config import resolve
from tradewinds.core.errors import DamagedFile, SimulationError
from tradewinds.sweeps import chunks, ranking_files, replays
from tradewinds.sweeps.grid import grid_points
from tradewinds.sweeps.outcomes import FailedPoint
from tradewinds.sweeps.ranking import judge, rank, rank_judged
from tradewinds.sweeps.verdict import verdict

SPLIT = day(70)


@pytest.fixture(scope="module")
def points():
    return grid_points(resolve.resolve(CHICAGO), ["risk.fixed_qty=1:100:1"])


class Family:
    """Replays that fail for some quantities; the P&L of the others is their quantity."""

    days_per_year, around_the_clock = 365, True

    def __init__(self, bad, error=SimulationError):
        self.bad, self.error, self.replayed = bad, error, 0

    def replay_many(self, configs, plan, workers):
        quantities = [config["risk"]["fixed_qty"] for config in configs]
        self.replayed += len(quantities)
        if wrong := [quantity for quantity in quantities if quantity in self.bad]:
            raise self.error(f"{wrong[0]} is too many.")
        for quantity in quantities:
            column = np.array([quantity * 10**6], np.int64)
            times = np.array([0, 86_400 * 365 * 60], np.int64)
            yield SimpleNamespace(
                equity_ts=times,
                equity_micro=np.repeat(column, 2),
                decision_ts=np.zeros(1, np.int64),
                pnl_micro=column,
                places=6,
                earns_while_held=False,
            )


def replayed(points, family, monkeypatch):
    monkeypatch.setattr(replays.markets, "family_of", lambda name: family)
    monkeypatch.setattr(replays, "run_plan", lambda config: None)
    return list(replays.outcomes(points))


def test_points_that_fail_keep_their_places_and_their_reasons(points, monkeypatch):
    family = Family({7, 64, 65})
    found = replayed(points, family, monkeypatch)
    assert [one.run_id for one in found] == [point.run_id for point in points]
    failed = [(one.settings["risk.fixed_qty"], one.reason) for one in found if isinstance(one, FailedPoint)]
    assert failed == [(n, f"{n} is too many.") for n in (7, 64, 65)]
    assert family.replayed < 5 * len(points), "halves, not every point by itself"


def test_damaged_data_are_no_failure_of_a_point(points, monkeypatch):
    family = Family({7}, lambda what: DamagedFile("data/x.parquet", what))
    with pytest.raises(DamagedFile):
        replayed(points, family, monkeypatch)


@pytest.mark.slow
def test_files_and_sentences_name_what_failed(points, tmp_path, monkeypatch):
    ranking = rank(replayed(points, Family({7, 64}), monkeypatch), SPLIT, "pnl")
    assert [row.settings["risk.fixed_qty"] for row in ranking.rows[:2]] == [100, 99] and len(ranking.rows) == 98
    ranking_files.write_ranking(tmp_path, ranking, points, verdict(ranking, "USD"))
    with open(tmp_path / "failed.csv", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {(row["risk.fixed_qty"], row["reason"]) for row in rows} == {
        ("7", "7 is too many."),
        ("64", "64 is too many."),
    }
    summary = json.loads((tmp_path / "sweep.json").read_text())
    assert (summary["points"], summary["failed"]) == (98, 2) and "2 more fail and have no rank" in summary["verdict"]
    assert len((tmp_path / "ranking.csv").read_text().splitlines()) == 99


@pytest.mark.slow
def test_figures_of_jobs_keep_what_failed(points, tmp_path, monkeypatch):
    judged = [judge(one, SPLIT) for one in replayed(points, Family({7, 64}), monkeypatch)]
    chunks.write_figures(tmp_path / "figures.json", judged)
    settings = {point.run_id: point.settings for point in points}
    assert list(chunks.read_figures(tmp_path / "figures.json", settings)) == judged


def test_a_sweep_of_which_every_point_fails_is_an_error(points, monkeypatch):
    found = replayed(points[:3], Family({1, 2, 3}), monkeypatch)
    with pytest.raises(
        SimulationError, match=r"all 3 points fail\. The first, risk\.fixed_qty=\d: \d is too many"
    ) as caught:
        rank_judged(found, SPLIT, "pnl")
    assert caught.value.exit_code == 5
