"""A sweep in jobs: wall time for 1, 2 and 4 workers on this machine, and by a model of measured parts for more machines.

    python benchmarks/sweep_fan_out.py [--days 365] [--points 2000] [--jobs N] [--record]

The workload is the common one in five series. By default it is the whole question, 2,000 points over a year in jobs of the
usual size: four times some five minutes of CPU time, and 60 MB. A smaller one is cut into `--jobs` jobs. The files must be
the same bytes as from one process. `--record` writes sweep_fan_out.json and with it the table of docs/scaling.md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import math
import os
import re
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
from tradewinds.cli.sweep import SweepOptions, carry_out_sweep
from tradewinds.config import resolve
from tradewinds.families.plan import POINTS_PER_PASS
from tradewinds.pipeline import jobs
from tradewinds.pipeline.runner import RunOptions
from tradewinds.sweeps import chunks, replays
from tradewinds.sweeps.grid import grid_points

SERIES = 5
WORKERS, ELSEWHERE = (1, 2, 4), (1, 2, 4, 16, 128)
YEAR_EVENTS, YEAR_POINTS = 365 * SERIES, 2000
AXIS = 4  # number of values on the grid's second axis
FILES = {"ranking.csv", "best.yaml", "sweep.json"}
ROOT = Path(__file__).resolve().parents[1]
RECORD, DOCUMENT = Path(__file__).with_suffix(".json"), ROOT / "docs" / "scaling.md"
BLOCK = re.compile(r"(?<=<!-- sweep_fan_out: made by the command below -->\n).*?(?=<!-- end -->)", re.DOTALL)


def measure(days: int, points: int, count: int | None) -> dict:
    """Measure the parts of the cost, and wall seconds by number of workers.

    Args:
        days: number of days.
        points: number of points.
        count: number of jobs; None for jobs of the usual size.

    Returns:
        Parts and wall seconds, with the model of the year.
    """
    steps = [f"risk.min_ev_per_contract=0.0005:{points / AXIS * 0.0005:.4f}:0.0005"]
    grid = [*steps, f"risk.max_contracts_per_market=1:{AXIS}:1"]
    events = days * SERIES
    size = math.ceil(points / count) if count else chunks.points_per_chunk(events)
    sizes = [min(size, points - at) for at in range(0, points, size)]
    passes = sum(math.ceil(one / POINTS_PER_PASS) for one in sizes)
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        common_workload.write(Path(), days, dict(list(seeds().items())[:SERIES]), processes=os.cpu_count() or 1)
        parts = _parts(grid, events)
        with mock.patch.object(chunks, "points_per_chunk", lambda events: size):
            one, one_s = _swept(grid, None)
            walls = {}
            for workers in WORKERS:
                with mock.patch("os.cpu_count", lambda workers=workers: workers):  # --cores follows it
                    found, walls[workers] = _swept(grid, "default")
                if found != one or found.keys() != FILES:
                    raise SystemExit(f"the sweep in jobs with {workers} workers is not the sweep in one process")
            _, start_s = _swept(grid, "default", keep=True)
    in_jobs = parts["read_s"] * events * passes + parts["replay_s"] * events * points
    parts |= {"start_s": start_s, "around_a_job_s": max(0.0, (walls[1] - start_s - in_jobs) / len(sizes))}
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[2],
        "days": days,
        "events": events,
        "points": points,
        "jobs": len(sizes),
        "asked_jobs": count,
        "points_per_job": size,
        "job_cpu_s": in_jobs / len(sizes),
        "one_process_s": one_s,
        "wall_s": {str(workers): wall for workers, wall in walls.items()},
        **parts,
        "year_jobs": math.ceil(YEAR_POINTS / chunks.points_per_chunk(YEAR_EVENTS)),
        "model_s": {str(workers): model(parts, workers) for workers in ELSEWHERE},
    }


def model(parts: dict, workers: int) -> float:
    """Return wall seconds of 2,000 points over a year of five series, each worker with a core of its own."""
    size = chunks.points_per_chunk(YEAR_EVENTS)
    passes = math.ceil(size / POINTS_PER_PASS)
    job = YEAR_EVENTS * (passes * parts["read_s"] + size * parts["replay_s"]) + parts["around_a_job_s"]
    return parts["start_s"] + math.ceil(math.ceil(YEAR_POINTS / size) / workers) * job


def table(found: dict) -> str:
    """Return the text of docs/scaling.md on a measurement."""
    rows = []
    for workers in ELSEWHERE:
        wall = found["wall_s"].get(str(workers))
        few = f" (on {found['cores']} cores)" if workers > found["cores"] else ""
        rows.append(f"| {workers} | {f'{wall:.1f}{few}' if wall else '—'} | {found['model_s'][str(workers)]:.0f} |")
    lines = "\n".join(rows)
    asked = f" --jobs {found['asked_jobs']}" if found["asked_jobs"] else ""
    return f"""\
`python benchmarks/sweep_fan_out.py --days {found["days"]} --points {found["points"]}{asked}`, made on {found["date"]} with {found["cores"]} cores, load
average before it {found["load_before"]:.1f}; wall seconds; in one process {found["one_process_s"]:.1f}. The same bytes each time.

| workers | measured, {found["points"]:,} points × {found["events"]:,} events in {found["jobs"]} jobs | by model, {YEAR_POINTS:,} points × {YEAR_EVENTS:,} events in {found["year_jobs"]} jobs |
|---:|---:|---:|
{lines}

The model: the start ({found["start_s"]:.1f} s) and then rounds of jobs, each its reading ({found["read_s"] * 1e3:.2f} ms per event and pass), its replay
({found["replay_s"] * 1e3:.3f} ms per event and point) and what is around it ({found["around_a_job_s"]:.1f} s), every worker with a core of its own, without
the cluster's queue.
"""  # noqa: E501


def record(found: dict) -> None:
    """Write a measurement to sweep_fan_out.json and into docs/scaling.md."""
    RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    text = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(BLOCK.sub(lambda block: table(found), text), encoding="utf-8")


def _parts(grid: list[str], events: int) -> dict:
    """Return CPU seconds per event: of reading the candles once, and of one point's replay."""
    made = grid_points(resolve.load(Path("config.yaml")), grid)
    list(replays.outcomes(made[:2], workers=1))  # warm up
    one = _cpu(lambda: list(replays.outcomes(made[:1], workers=1)))
    one_pass = made[:POINTS_PER_PASS]
    many = _cpu(lambda: list(replays.outcomes(one_pass, workers=1)))
    replay = (many - one) / (len(one_pass) - 1)
    return {"read_s": (one - replay) / events, "replay_s": replay / events}


def _cpu(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def _swept(grid: list[str], profile: str | None, keep: bool = False) -> tuple[dict[str, bytes], float]:
    """Run a sweep and return its files and its wall seconds."""
    if not keep:
        shutil.rmtree("backtests", ignore_errors=True)
    split = resolve.load(Path("config.yaml"))["date_end_local"] - dt.timedelta(days=3)
    started = time.perf_counter()
    options = RunOptions(fetch="never", max_parallel_events=1, profile=profile)
    carry_out_sweep(Path("config.yaml"), SweepOptions(grid, split=split), options, Console(quiet=True))
    seconds = time.perf_counter() - started
    [folder] = Path("backtests/sweeps").iterdir()
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}, seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--points", type=int, default=YEAR_POINTS, help=f"a multiple of {AXIS}")
    parser.add_argument("--jobs", type=int, help="cut the points into so many jobs (default: as the project does)")
    parser.add_argument(
        "--record", action="store_true", help="write sweep_fan_out.json and the table of docs/scaling.md"
    )
    asked = parser.parse_args()
    if asked.points % AXIS:
        parser.error(f"--points must be a multiple of {AXIS}")
    jobs.tune_garbage_collector()
    measured = measure(asked.days, asked.points, asked.jobs)
    print(json.dumps(measured, indent=1))
    if asked.record:
        record(measured)
