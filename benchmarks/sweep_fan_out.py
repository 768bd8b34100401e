"""A sweep in jobs: wall time for 1, 2 and 4 workers on this machine, and by model from measured parts for more machines.

    python benchmarks/sweep_fan_out.py [--days 20] [--points 192] [--jobs 6]

The workload is the common one in five series. It is smaller than the question that is modelled (2,000 points, a year), and its
jobs are as much shorter as it takes to have `--jobs` of them. What comes out must be the same bytes as in one process.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import math
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console

from benchmarks import common_workload
from benchmarks.scale_workload import seeds
from tradewinds import config, jobs
from tradewinds.runner import RunOptions
from tradewinds.sweep_command import SweepOptions, sweep
from tradewinds.sweeps import chunks, replays
from tradewinds.sweeps.grid import grid_points

SERIES = 5
WORKERS, ELSEWHERE = (1, 2, 4), (1, 2, 4, 16, 128)
YEAR_EVENTS, YEAR_POINTS = 365 * SERIES, 2000


def measure(days: int, points: int, count: int) -> dict:
    """Parts of the cost, wall seconds by workers, and the model of the year."""
    grid = [f"risk.min_ev_per_contract=0.0005:{points / 4 * 0.0005:.4f}:0.0005", "risk.max_contracts_per_market=1:4:1"]
    events = days * SERIES
    size = math.ceil(points / count)
    passes = math.ceil(size / replays.POINTS_PER_PASS)
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        common_workload.write(Path(), days, dict(list(seeds().items())[:SERIES]))
        parts = _parts(grid, events)
        seconds = events * (passes * chunks.READ_SECONDS + size * chunks.REPLAY_SECONDS)
        with mock.patch.object(chunks, "points_per_chunk", lambda events: size):
            one, one_s = _swept(grid, None)
            walls, again_s = {}, 0.0
            for workers in WORKERS:
                with mock.patch("os.cpu_count", lambda workers=workers: workers):  # what --cores is taken from
                    found, walls[workers] = _swept(grid, "default")
                    if found != one:
                        raise SystemExit("the sweep in jobs is not the sweep in one process")
                    _, again_s = _swept(grid, "default", keep=True)
    by_job = walls[1] - again_s - parts["read_s"] * events * passes * count - parts["replay_s"] * events * points
    parts |= {"start_s": again_s, "around_a_job_s": by_job / count}
    return {
        "events": events,
        "points": points,
        "jobs": count,
        "expected_job_cpu_s": seconds,
        "cores": os.cpu_count(),
        "one_process_s": one_s,
        "wall_s": walls,
        **parts,
        "model_s": {workers: model(parts, workers) for workers in ELSEWHERE},
    }


def model(parts: dict, workers: int) -> float:
    """Wall seconds of 2,000 points over a year of five series, each worker with a core of its own."""
    size = chunks.points_per_chunk(YEAR_EVENTS)
    passes = math.ceil(size / replays.POINTS_PER_PASS)
    job = YEAR_EVENTS * (passes * parts["read_s"] + size * parts["replay_s"]) + parts["around_a_job_s"]
    return parts["start_s"] + math.ceil(math.ceil(YEAR_POINTS / size) / workers) * job


def _parts(grid: list[str], events: int) -> dict:
    """CPU seconds an event: of reading the candles once, and of one point's replay."""
    made = grid_points(config.load(Path("config.yaml")), grid)
    list(replays.outcomes(made[:2], workers=1))  # warms up
    one = _cpu(lambda: list(replays.outcomes(made[:1], workers=1)))
    many = _cpu(lambda: list(replays.outcomes(made[: replays.POINTS_PER_PASS], workers=1)))
    replay = (many - one) / (replays.POINTS_PER_PASS - 1)
    return {"read_s": (one - replay) / events, "replay_s": replay / events}


def _cpu(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


def _swept(grid: list[str], profile: str | None, keep: bool = False) -> tuple[dict[str, bytes], float]:
    """The files of a sweep, and its wall seconds."""
    if not keep:
        shutil.rmtree("backtests", ignore_errors=True)
    split = config.load(Path("config.yaml"))["date_end_local"] - dt.timedelta(days=3)
    started = time.perf_counter()
    options = RunOptions(fetch="never", max_parallel_events=1, profile=profile)
    sweep(Path("config.yaml"), SweepOptions(grid, split=split), options, Console(quiet=True))
    seconds = time.perf_counter() - started
    [folder] = Path("backtests/sweeps").iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}, seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--points", type=int, default=192)
    parser.add_argument("--jobs", type=int, default=6)
    asked = parser.parse_args()
    jobs.travel_light()
    print(json.dumps(measure(asked.days, asked.points, asked.jobs), indent=1))
