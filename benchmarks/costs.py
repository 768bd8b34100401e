"""Costs as they grow, for every market family: once, ten and thirty times as much of what a replay goes through.

    python benchmarks/costs.py [--work FOLDER] [--only FAMILY] [--record]

What grows, one at a time: days, symbols (of temperature events: series, of which there are fewer), and settings of a sweep.
Data are invented and made before anything is measured. Each figure is that of a fresh process: CPU seconds of the replay alone,
and peak memory of the whole process. Exit 1 if a unit costs more at thirty times as much than at once.

`--record` writes benchmarks/costs.json and the section of PERFORMANCE.md. The whole takes some ten minutes.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import performance_page  # noqa: E402
from benchmarks.equities import child  # noqa: E402

WORK = ROOT / "benchmarks" / "scratch" / "costs"
RECORD = Path(__file__).resolve().with_suffix(".json")
HEAD = "## Costs as they grow"
HERE = "benchmarks.costs"
TIMES = (1, 10, 30)
SERIES = 20  # of temperature events: what the table of stations begins with
DEAREST = 1.2  # cost of a unit at thirty times as much over that at once; noise of a busy machine included
FIRSTS = {"equities_daily": dt.date(2001, 1, 2)}  # 24 years of them
FIRST = dt.date(2015, 1, 5)

# By family: days, symbols and settings at 1×; the key that a sweep varies, and from where to where.
SIZES = {
    "kalshi_weather": (12, 1, 30, "risk.min_ev_per_contract", (0.01, 0.5)),
    "equities_daily": (200, 10, 30, "strategy.parameters.fall_pct", (0.5, 5)),
    "equities_intraday": (12, 2, 30, "trade.primary_r", (0.5, 3)),
    "funding_carry": (36, 2, 10, "strategy.parameters.entry_threshold", (0.3, 0.9)),
}


def config_of(family: str, days: int, symbols: int) -> dict[str, Any]:
    """Return a config of a family over invented data, as a user would write it.

    Args:
        family: its name.
        days: climate days, trading days, sessions or days of settlements, roughly.
        symbols: how many.
    """
    calendar_days = round(days * 365 / 252) if family.startswith("equities") else days
    first = FIRSTS.get(family, FIRST)
    last = first + dt.timedelta(days=calendar_days - 1)
    dates = {"date_start_local": first.isoformat(), "date_end_local": last.isoformat()}
    names = [f"S{number:03}" for number in range(symbols)]
    if family == "equities_daily":
        shares = {"strategy": {"name": "Mean Reversion"}, "bars": {"source": "synthetic"}, "calendar": "XNYS"}
        return {"market": family, "universe": names, **dates, **shares}
    if family == "equities_intraday":
        return {"market": family, "symbols": names, **dates, "bars": {"source": "synthetic"}}
    perpetuals = [f"{name}/USDT:USDT" for name in names]
    return {
        "market": family,
        "symbols": perpetuals,
        **dates,
        "strategy": {"preset": "balanced"},
        "data": {"source": "synthetic"},
    }


def prepare(family: str, days: str, symbols: str) -> dict:
    """Make the data of a config in the working directory, and the config's file."""
    import yaml

    from tradewinds.config import resolve

    if family == "kalshi_weather":
        from benchmarks import common_workload
        from tradewinds.families.kalshi_weather import climate_days

        series = [name for name in climate_days.stations() if name != common_workload.SERIES][: int(symbols) - 1]
        seeds = {name: number for number, name in enumerate([common_workload.SERIES, *series], common_workload.SEED)}
        common_workload.write(Path(), int(days), seeds)
        raw = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))
        raw["strategy"] = {"name": "ev_threshold"}
    else:
        from tradewinds.pipeline.make import make_inputs
        from tradewinds.pipeline.runner import RunOptions
        from tradewinds.pipeline.screen import Screen

        raw = config_of(family, int(days), int(symbols))
        make_inputs(resolve.resolve(raw), RunOptions(), Screen(quiet=True))
    Path("config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return {}


def replay(family: str, settings: str) -> dict:
    """Replay the config of the working directory with some settings; returns CPU seconds and what was replayed."""
    from tradewinds.config import markets, resolve
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline import jobs
    from tradewinds.sweeps import replays
    from tradewinds.sweeps.grid import grid_points

    jobs.tune_garbage_collector()
    conf, count = resolve.load("config.yaml"), int(settings)
    plan = run_plan(conf)
    if count == 1:
        begun = time.process_time()
        result = markets.family_of(family).replay(conf, plan, os.cpu_count() or 1, lambda done, total: None)
        return {"replay_s": round(time.process_time() - begun, 3), "trades": len(result.trades)}
    key, (low, high) = SIZES[family][3:]
    values = ",".join(f"{low + (high - low) * number / count:.5f}" for number in range(count))
    points = grid_points(conf, [f"{key}={values}"])
    begun = time.process_time()
    found = list(replays.outcomes(points))
    return {"replay_s": round(time.process_time() - begun, 3), "points": len(found)}


TASKS = {"prepare": prepare, "replay": replay}


def measured(folder: Path, family: str, days: int, symbols: int, settings: int) -> dict:
    """Measure one size in fresh processes, the data of which is made first if it is not there."""
    place = folder / f"{family}-{days}-{symbols}"
    if not (place / "config.yaml").exists():
        place.mkdir(parents=True, exist_ok=True)
        with contextlib.chdir(place):
            child("task", "prepare", family, str(days), str(symbols), module=HERE)
    with contextlib.chdir(place):
        found = [child("task", "replay", family, str(settings), module=HERE) for _ in range(2)]
    return min(found, key=lambda one: one["replay_s"])


def measure(folder: Path, families: list[str]) -> list[dict]:
    """Measure every growth of some families; a row for each."""
    rows = []
    for family in families:
        days, symbols, settings = SIZES[family][:3]
        most = SERIES if family == "kalshi_weather" else max(TIMES)
        growths = {
            "days": [(days * times, symbols, 1) for times in TIMES],
            "symbols": [(days, symbols * min(times, most), 1) for times in TIMES],
            "settings": [(days, symbols, settings * times) for times in TIMES],
        }
        for grows, sizes in growths.items():
            found = [measured(folder, family, *size) for size in sizes]
            units = [size[("days", "symbols", "settings").index(grows)] for size in sizes]
            seconds = [one["replay_s"] for one in found]
            row = {
                "family": family,
                "grows": grows,
                "units": units,
                "seconds": seconds,
                "unit_cost": round(seconds[-1] / units[-1] / (seconds[0] / units[0]), 2),
                "peak_mb": [one["peak_mb"] for one in found],
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
    return rows


def section(rows: list[dict]) -> str:
    """Return the section of PERFORMANCE.md."""
    lines = [
        f"{HEAD}\n\n`python benchmarks/costs.py --record`, {dt.datetime.now(dt.UTC).date()}, {os.cpu_count()} cores,",
        f"Python {platform.python_version()}: CPU seconds of the replay and peak memory of its process, for once, ten and",
        f"thirty times as much (of temperature series, of which there are fewer, {SERIES} times). The cost of a unit is",
        "that of the largest size over that of the smallest: below 1 it falls.",
        "",
        "| family | what grows | units | CPU s | cost of a unit | peak MB |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        units, seconds, peaks = (
            " / ".join(f"{value:,}" for value in row[key]) for key in ("units", "seconds", "peak_mb")
        )
        lines.append(f"| {row['family']} | {row['grows']} | {units} | {seconds} | {row['unit_cost']} | {peaks} |")
    return "\n".join(lines) + "\n"


def record(rows: list[dict]) -> None:
    """Write the figures and the section of the page."""
    RECORD.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    performance_page.write_section(HEAD, section(rows))


if __name__ == "__main__":
    if sys.argv[1:2] == ["task"]:
        print(json.dumps(TASKS[sys.argv[2]](*sys.argv[3:])))
        raise SystemExit
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=WORK)
    parser.add_argument("--only", choices=SIZES)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    made = measure(given.work.resolve(), [given.only] if given.only else list(SIZES))
    if given.record and not given.only:
        record(made)
    dear = [row for row in made if row["unit_cost"] > DEAREST]
    if dear:
        raise SystemExit(f"a unit costs more where there is more: {dear}")
