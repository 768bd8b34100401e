"""Pieces of a sweep: which points go together, what is ordered, and that figures come back to the last digit."""

import dataclasses
import datetime as dt
import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import sweep_fan_out
from tests.unit.test_sweep_ranking import day, noise, outcome
from tests.workflow.harness import CHICAGO
from tradewinds.config import resolve
from tradewinds.core.errors import SimulationError
from tradewinds.families.plan import POINTS_PER_PASS
from tradewinds.sweeps import chunks
from tradewinds.sweeps.grid import grid_points
from tradewinds.sweeps.ranking import judge, rank, rank_judged

SPLIT = day(70)
GRID = ["risk.min_ev_per_contract=0.01:0.10:0.01", "risk.fixed_qty=1:13:1"]


@pytest.fixture(scope="module")
def points():
    return grid_points(resolve.resolve(CHICAGO), GRID)


@given(st.integers(1, 500_000))
def test_a_job_takes_near_a_minute_whatever_the_number_of_events(events):
    size = chunks.points_per_chunk(events)
    reading, replaying = events * chunks.READ_SECONDS, events * chunks.REPLAY_SECONDS
    passes = -(-size // POINTS_PER_PASS)
    seconds = passes * reading + size * replaying
    assert size >= 1 and (seconds <= chunks.JOB_SECONDS or size == 1)
    if size > POINTS_PER_PASS:
        assert size % POINTS_PER_PASS == 0
        assert seconds + reading + POINTS_PER_PASS * replaying > chunks.JOB_SECONDS, "no room for another pass"


def test_two_thousand_points_of_a_year_of_five_series_are_five_jobs():
    assert -(-2000 // chunks.points_per_chunk(5 * 365)) == 5


def test_every_point_is_in_one_piece_and_the_same_sweep_has_the_same_pieces(points, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "points_per_chunk", lambda events: 48)
    pieces = chunks.chunks(points, 29, SPLIT, tmp_path)
    assert [len(piece.points) for piece in pieces] == [48, 48, 34]
    assert [point for piece in pieces for point in piece.points] == points
    assert pieces == chunks.chunks(points, 29, SPLIT, tmp_path)
    assert len({piece.figures for piece in pieces}) == 3
    moved = chunks.chunks(points, 29, SPLIT + dt.timedelta(days=1), tmp_path)
    assert not {piece.figures for piece in pieces} & {piece.figures for piece in moved}, "figures depend on the split"


def test_an_order_is_read_as_the_points_that_were_ordered(points, tmp_path):
    [piece] = chunks.chunks(points, 1, SPLIT, tmp_path)
    chunks.write_points(piece, SPLIT)
    written = piece.points_file.stat().st_mtime_ns
    chunks.write_points(piece, SPLIT)
    assert piece.points_file.stat().st_mtime_ns == written, "points that stand make no figures older"
    base = resolve.resolve(yaml.safe_load(yaml.safe_dump(points[0].config)))
    assert chunks.read_points(piece.points_file, base) == (points, SPLIT)


def test_an_order_that_means_another_run_here_is_refused(points, tmp_path):
    [piece] = chunks.chunks(points[:2], 1, SPLIT, tmp_path)
    chunks.write_points(piece, SPLIT)
    other = resolve.resolve({**CHICAGO, "seed": 1})
    with pytest.raises(SimulationError, match=r"Install the same version"):
        chunks.read_points(piece.points_file, other)


def test_a_ranking_of_figures_from_elsewhere_is_the_ranking_of_the_runs(tmp_path):
    made = [outcome(noise(n % 7), f"run{n}", trades=[(1, 0.3), (80, -0.1)], n=n) for n in range(20)]
    made += [outcome([0.0] * 100, "idle"), outcome([-1.0] + [0.0] * 99, "ruined")]
    halves = made[11:], made[:11]
    for number, half in enumerate(halves):
        chunks.write_figures(tmp_path / f"{number}.json", [judge(one, SPLIT) for one in half])
    settings = {one.run_id: one.settings for one in made}
    read = [one for number in (0, 1) for one in chunks.read_figures(tmp_path / f"{number}.json", settings)]
    found, alone = rank_judged(read, SPLIT), rank(made, SPLIT)
    assert found == alone and dataclasses.astuple(found.luck) == dataclasses.astuple(alone.luck)


def test_the_table_of_the_documentation_is_the_recorded_measurement():
    """After a change: python benchmarks/sweep_fan_out.py --record."""
    [shown] = sweep_fan_out.BLOCK.findall(sweep_fan_out.DOCUMENT.read_text(encoding="utf-8"))
    recorded = json.loads(sweep_fan_out.RECORD.read_text(encoding="utf-8"))
    assert shown == sweep_fan_out.table(recorded)
    models = {int(workers): sweep_fan_out.model(recorded, int(workers)) for workers in recorded["model_s"]}
    assert {str(workers): seconds for workers, seconds in models.items()} == recorded["model_s"]
    assert models[1] > models[2] > models[4] > models[16] == models[128], "as many jobs as near a minute each make"
