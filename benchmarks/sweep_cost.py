"""Cost of a thousand settings beside one, both over the common workload in one warm process.

    python benchmarks/sweep_cost.py

One setting uses the threads that the replay of a run takes (one that reads, one that replays), a thousand use a thread per
core: CPU seconds stand beside the seconds. It also checks that a sweep's points are the runs they stand for: some points are
drawn and run alone, from a config file with their values written in. Run id, decision times, P&L of every trade and equity
must be those of the sweep.
"""

from __future__ import annotations

import contextlib
import copy
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import yaml

from benchmarks import common_workload
from tradewinds.config import resolve
from tradewinds.engine.result import RunResult
from tradewinds.families.kalshi_weather import replay
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.pipeline import jobs
from tradewinds.sweeps import replays
from tradewinds.sweeps.grid import SweepPoint, grid_points
from tradewinds.sweeps.outcomes import PointOutcome

WORK = Path(__file__).resolve().parent / "scratch" / "engines" / "workload"
BUILT_IN = {"name": "ev_threshold"}
# by name: strategy section of the config, and arguments of --grid (50 × 20 and 1,000 points)
SWEEPS = {
    "built-in strategy": (
        BUILT_IN,
        ["risk.min_ev_per_contract=0.002:0.1:0.002", "risk.max_contracts_per_market=1:20:1"],
    ),
    "a user's strategy": (None, ["strategy.parameters.edge=0.0001:0.1:0.0001"]),
}
CHECKED, SEED = 5, 1
MOST_OVER_ONE = {"built-in strategy": 15, "a user's strategy": 25}
COLUMNS = ("equity_ts", "equity_micro", "decision_ts", "pnl_micro")


def measure(folder: Path = WORK) -> dict[str, dict]:
    """Measure both sweeps; returns points, seconds of one and of all, and how many points were checked, by name."""
    if not (folder / "config.yaml").exists():
        common_workload.write(folder)
    jobs.tune_garbage_collector()
    with contextlib.chdir(folder):
        return {name: _measure(strategy, grid) for name, (strategy, grid) in SWEEPS.items()}


def _measure(strategy: dict[str, Any] | None, grid: list[str]) -> dict:
    """Measure one sweep, given the strategy section of its config and the arguments of --grid."""
    raw = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))
    raw |= {"strategy": strategy} if strategy else {}
    points, made_s = _timed(lambda: grid_points(resolve.resolve(raw), grid))
    drawn = random.Random(SEED).sample(range(len(points)), CHECKED)
    alone = {number: _alone(raw, points[number]) for number in drawn}  # this also warms up
    list(replays.outcomes(points[:2]))
    one_s = min(_timed(lambda number=number: _run(points[number].config))[1] for number in drawn)
    cpu = time.process_time()
    swept, all_s = _timed(lambda: list(replays.outcomes(points)))
    all_cpu_s = time.process_time() - cpu
    different = [points[n].settings for n, outcome in alone.items() if not _same(outcome, swept[n])]
    if different:
        raise SystemExit(f"a sweep's run is not the run of its config alone: {different}")
    return {
        "grid": grid,
        "points": len(points),
        "points_made_in_s": made_s,
        "one_s": one_s,
        "all_s": all_s,
        "all_cpu_s": all_cpu_s,
        "all_over_one": all_s / one_s,
        "checked": len(alone),
    }


def _alone(raw: dict[str, Any], point: SweepPoint) -> PointOutcome:
    """Return the run of a config file with a point's values written in."""
    written = copy.deepcopy(raw)
    for key, value in point.settings.items():
        *sections, name = key.split(".")
        section = written
        for part in sections:
            section = section[part]
        section[name] = value
    conf = resolve.resolve(written)
    run = _run(conf)
    return PointOutcome(
        point.settings,
        resolve.run_id(conf),
        equity_ts=np.array([one.ts for one in run.equity], np.int64),
        equity_micro=np.array([one.equity_micro for one in run.equity], np.int64),
        decision_ts=np.array([trade.decision_ts for trade in run.trades], np.int64),
        pnl_micro=np.array([trade.pnl_micro for trade in run.trades], np.int64),
        days_per_year=run.days_per_year,
        around_the_clock=run.around_the_clock,
    )


def _run(conf: resolve.Config) -> RunResult:
    """Replay one config."""
    plan = plan_of(conf)
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.files.events}
    return replay.replay_events(conf, plan.files.catalogs, candles, plan.files.probabilities)


def _same(one: PointOutcome, other: PointOutcome) -> bool:
    """Whether two outcomes have the same trades and equity."""
    same = (np.array_equal(getattr(one, name), getattr(other, name)) for name in COLUMNS)
    return one.run_id == other.run_id and all(same)


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Return the result of a call and its seconds."""
    started = time.perf_counter()
    return call(), time.perf_counter() - started


def table(sweeps: dict[str, dict]) -> str:
    """Return the rows of the table in PERFORMANCE.md."""
    return "\n".join(
        f"| {name}: `{'`, `'.join(found['grid'])}` | {found['one_s']:.2f} | {found['all_s']:.1f} | {found['all_cpu_s']:.1f} "
        f"| {found['all_over_one']:.0f} | ≤ {MOST_OVER_ONE[name]} |"
        for name, found in sweeps.items()
    )


if __name__ == "__main__":
    print(json.dumps(measure(), indent=1))
