"""The common workload in small: its files are the project's, and engine, plain loop and naive replay agree to the cent."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import check_common_workload as naive
from benchmarks import common_workload, compare_engines, scale
from benchmarks.peers.plain_loop import read, replays
from benchmarks.peers.tradewinds_engine import run_workload
from benchmarks.peers.workload import Workload
from tradewinds.config import resolve
from tradewinds.core.damage import damaged_files
from tradewinds.families.kalshi_weather.plan import plan_of

EVENTS = 3
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("workload")
    common_workload.write(made, EVENTS)
    return made


@pytest.fixture(scope="module")
def workload(folder):
    return naive.read_project(folder)


def test_its_files_are_whole_and_nothing_is_missing(folder, monkeypatch):
    monkeypatch.chdir(folder)
    plan = plan_of(resolve.load("config.yaml"))
    assert plan.missing() == []
    assert list(damaged_files(plan.data_files)) == []


@pytest.mark.slow
def test_with_other_series_beside_it_its_own_files_stay_the_same(folder, tmp_path, monkeypatch):
    seeds = {common_workload.SERIES: common_workload.SEED, "KXHIGHTPHX": 7}
    common_workload.write(tmp_path, EVENTS, seeds, processes=2)
    patterns = (
        f"data/candles/*/*/{common_workload.SERIES}/*.parquet",
        f"data/catalog/*/{common_workload.SERIES}.parquet",
    )
    own = [path.relative_to(folder) for pattern in patterns for path in folder.glob(pattern)]
    assert len(own) == EVENTS + 1
    assert all((tmp_path / path).read_bytes() == (folder / path).read_bytes() for path in own)
    monkeypatch.chdir(tmp_path)
    plan = plan_of(resolve.load("config.yaml"))
    assert plan.missing() == []
    other = common_workload.days(1, seed=7)
    assert (next(other).bid != next(common_workload.days(1)).bid).any()


def test_every_minute_of_every_market_is_a_row_and_a_fifth_is_silent(workload):
    markets, rows = workload
    assert len(rows) == len(markets) * 1800 == EVENTS * 6 * 1800
    assert 0.19 < sum(row.bid is None for row in rows) / len(rows) < 0.21
    assert all((row.bid is None) == (row.ask is None) for row in rows)


@pytest.mark.parametrize("cash", [1000, 100_000])
def test_the_engine_comes_to_the_naive_result_best_first(folder, workload, cash):
    found = run_workload(folder, cash)
    expected = naive.replay(*workload, cash, best_first=True)
    assert (found["trades"], found["pnl_cents"], found["fees_cents"]) == expected
    assert found["rows"] == len(workload[1])


@pytest.mark.parametrize("cash", [1000, 100_000])
def test_the_plain_loop_comes_to_the_naive_result(folder, workload, cash):
    work = Workload(folder)
    (account,) = replays(work, read(work), "shared", cash)
    assert (account.trades, account.cash - cash, account.fees) == naive.replay(*workload, cash)


@pytest.mark.slow
def test_an_engine_tells_one_line_of_json(folder):
    command = [sys.executable, "-m", "benchmarks.peers.plain_loop", str(folder), "--mode", "isolated", "--events", "2"]
    told = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    assert told["rows"] == 2 * 6 * 1800
    assert {"trades", "pnl_cents", "fees_cents", "import_s", "load_s", "simulate_s"} <= told.keys()


def test_a_part_is_told_for_all_with_what_one_event_takes_counted_once():
    part = {"wall_s": 5.0, "least_wall_s": 4.9, "cpu_s": 4.0, "rows": 20, "peak_rss_mb": 7}
    one = compare_engines.Run(wall_s=3.1, cpu_s=2.1, peak_rss_mb=1, events=1, told={})
    told = compare_engines.extrapolated(part, one)
    assert told["wall_s"] == pytest.approx(3.1 + 199 * 0.1)
    assert told["cpu_s"] == pytest.approx(2.1 + 199 * 0.1)
    assert (told["rows"], told["peak_rss_mb"]) == (200, 7)


def test_rows_of_the_year_are_told_beside_the_smallest_and_beyond_the_next_smaller():
    rows = [{"rows": n, "wall_s": 1 + n, "cpu_s": 2 + n / 1e9} for n in (1, 3, 9)]
    scale.compare(rows)
    assert [row["per_row_to_smallest"] for row in rows] == pytest.approx([1, 4 / 6, 10 / 18])
    assert [row["cpu_ns_per_further_row"] for row in rows] == [None, 1, 1]
