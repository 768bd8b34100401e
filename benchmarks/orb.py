"""Intraday equities: seconds and memory of opening ranges, beside a numpy loop with the same rule.

    python benchmarks/orb.py [--bars FILE] [--work FOLDER] [--runs N] [--symbols N] [--points N] [--year YEAR] [--record]

Five parts, each process measured from its start to its end, after the bars were put into the panel:
1. the rule that other engines can be told as well, on 255 sessions of SPY: the job `simulate` with its run folder, and the
   numpy loop (benchmarks/orb_numpy.py), in turns. Exit 1 if trades or points are not the agreed ones.
2. a year of synthetic bars of many symbols (--symbols, default 100), with the default rules.
3. a sweep of --points (1,000) settings over the first part's bars, against one setting.
4. the cost of a bar: replays of a tenth, a quarter, a half and all of the symbols of part 2.
5. backtesting.py with the first part's rule, in an environment of its own, in turns with a replay of the same bars: seconds
   of a symbol once the start of both is paid. Of it the simulation alone counts; ours reads the bars, too.

`--record` writes benchmarks/orb.json and the section of PERFORMANCE.md. The whole takes some minutes; small numbers make it
quick to try.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.equities import child, peer_python  # noqa: E402

BARS = ROOT.parent / "shared" / "data" / "us1m" / "SPY_2024-03_2025-04.parquet"
RECORD = Path(__file__).resolve().with_suffix(".json")
PAGE, HEAD = ROOT / "PERFORMANCE.md", "## Opening ranges\n\n"
DATES = {"date_start_local": "2024-03-26", "date_end_local": "2025-04-01"}
AGREED = {
    "15 other": (255, 29.2185),
    "5 middle": (255, 24.3812),
}  # trades and points that all engines of the rule agree on
SHARES = 100
FREE = {
    "tick": None,
    "slippage_ticks": 0,
    "commission_per_share": 0,
    "min_commission": 0,
}  # the word none keeps the tick
MOST_OF_NUMPY, MOST_SECONDS, MOST_MB, MOST_OF_ONE, LEAST_OVER_PEER = 1.2, 5, 1024, 30, 20
PARTS = (10, 4, 2, 1)  # part 4 replays a tenth, a quarter, a half and all of the symbols


def rule(bars: str, length: str, side: str) -> dict:
    """Return the resolved config of the peers' rule.

    Args:
        bars: path of the file of bars.
        length: minutes of the range.
        side: `other` for a stop at the other side of the range, `middle` for one in its middle.
    """
    from tradewinds.config import resolve

    return resolve.resolve(
        {
            "market": "equities_intraday",
            "symbols": ["SPY"],
            **DATES,
            "bars": {"source": "files", "path": bars},
            "orb": {"base_minutes": int(length), "adaptive": False, "enable_validity_filter": False},
            "buffers": {"fixed": 0},
            "trade": {
                "stop_mode": "or_opposite" if side == "other" else "or_mid",
                "extra_stop_buffer": 0,
                "partials": False,
                "primary_r": None,
                "move_be_at_r": None,
            },
            "risk": {"sizing": "fixed_shares", "fixed_shares": SHARES},
            "costs": FREE,
            "governance": {"max_signals_per_day": 1, "lockout_after_losses": None, "time_cutoff": None},
            "scoring": {"enabled": False},
        }
    )


def year_of(year: str, symbols: str) -> dict:
    """Return the resolved config of a year of synthetic bars with the default rules.

    Args:
        year: the year.
        symbols: how many.
    """
    from tradewinds.config import resolve

    return resolve.resolve(
        {
            "market": "equities_intraday",
            "symbols": [f"S{number:03}" for number in range(int(symbols))],
            "date_start_local": f"{year}-01-01",
            "date_end_local": f"{year}-12-31",
            "bars": {"source": "synthetic"},
        }
    )


CONFIGS = {"rule": rule, "year": year_of}


def prepare(kind: str, *arguments: str) -> dict:
    """Make the bars and the panel of a config (CONFIGS); returns the number of its bars and seconds."""
    from tradewinds.families.equities_intraday.fetch import synthetic_minutes, user_minutes
    from tradewinds.families.equities_intraday.session_panel import make_session_panel, read_session_panel
    from tradewinds.families.plan import run_plan

    begun = time.perf_counter()
    conf = CONFIGS[kind](*arguments)
    plan = run_plan(conf)
    make = user_minutes.import_minutes if kind == "rule" else synthetic_minutes.make_minutes
    make(conf, plan.files.months)
    make_session_panel(conf, plan)
    return {"bars": len(read_session_panel(plan.files.panel).minute), "seconds": round(time.perf_counter() - begun, 2)}


def simulate(kind: str, *arguments: str) -> dict:
    """Do the job `simulate` of a config and write its run folder; returns trades and points."""
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline import jobs
    from tradewinds.pipeline.simulate import simulate as job

    jobs.tune_garbage_collector()  # as every job of the workflow does
    conf = CONFIGS[kind](*arguments)
    plan = run_plan(conf)
    job(conf, plan, [plan.files.panel], 1)
    metrics = json.loads(Path(plan.run_dir, "metrics.json").read_text(encoding="utf-8"))
    return {"trades": metrics["num_trades"], "points": round(metrics["total_pnl_usd"] / SHARES, 4)}


def sweep(bars: str, points: str) -> dict:
    """Replay one setting and many; returns the seconds of each, the bars read once for all of them.

    Args:
        bars: path of the file of bars.
        points: how many settings; they differ in a target.
    """
    from tradewinds.families.equities_intraday.family import FAMILY
    from tradewinds.families.plan import run_plan

    conf = rule(bars, "15", "other")
    plan, workers = run_plan(conf), os.cpu_count() or 1
    many = [{**conf, "trade": {**conf["trade"], "primary_r": 1 + number / 1000}} for number in range(int(points))]
    seconds = []
    for group in (many[:1], many):
        begun = time.perf_counter()
        assert len(FAMILY.replay_many(group, plan, workers)) == len(group)
        seconds.append(round(time.perf_counter() - begun, 3))
    return {"points": len(many), "one_s": seconds[0], "all_s": seconds[1]}


def cost(year: str, symbols: str, runs: str) -> dict:
    """Replay the bars of a part of the symbols; returns bars, least seconds of some runs, and microseconds a bar."""
    from tradewinds.families.equities_intraday.replay import IntradayStudy
    from tradewinds.families.plan import run_plan

    conf = year_of(year, symbols)
    plan, seconds = run_plan(conf), []
    for _ in range(int(runs)):
        begun = time.perf_counter()
        study = IntradayStudy.of(conf, plan)
        study.replay(conf)
        seconds.append(time.perf_counter() - begun)
    bars = len(study.bars.minute)
    return {
        "symbols": int(symbols),
        "bars": bars,
        "seconds": round(min(seconds), 3),
        "us_a_bar": round(1e6 * min(seconds) / bars, 4),
    }


def replay(bars: str, length: str, side: str, runs: str) -> dict:
    """Read and replay the bars of the rule; returns trades, points, and the least seconds of some runs."""
    from tradewinds.families.equities_intraday.replay import IntradayStudy
    from tradewinds.families.plan import run_plan

    conf = rule(bars, length, side)
    plan, seconds = run_plan(conf), []
    for _ in range(int(runs)):
        begun = time.perf_counter()
        made = IntradayStudy.of(conf, plan).replay(conf)
        seconds.append(time.perf_counter() - begun)
    points = sum(trade.pnl for trade in made.trades) / SHARES / 10**6
    return {"trades": len(made.trades), "points": round(points, 4), "seconds": round(min(seconds), 4)}


TASKS = {"prepare": prepare, "simulate": simulate, "sweep": sweep, "cost": cost, "replay": replay}


def task(name: str, *arguments: str) -> dict:
    """Do a task in a process of its own; returns what it tells, with its wall seconds, CPU seconds and peak memory."""
    return child("--task", name, *arguments, module="benchmarks.orb")


def measure(bars: str, runs: int, symbols: int, points: int, year: int) -> dict:
    """Measure all parts.

    Args:
        bars: path of SPY's bars.
        runs: rounds of part 1, and replays of part 4.
        symbols: of part 2.
        points: of part 3.
        year: of parts 2 and 4.
    """
    # 1: both in turns, so that other work on the machine disturbs both
    made, rules = task("prepare", "rule", bars, "15", "other"), {}
    for name in AGREED:
        rounds: dict[str, list[dict]] = {"tradewinds": [], "numpy": []}
        for _ in range(runs):
            rounds["tradewinds"].append(task("simulate", "rule", bars, *name.split()))
            rounds["numpy"].append(child(bars, *name.split(), module="benchmarks.orb_numpy"))
        rules[name] = {engine: best(found) for engine, found in rounds.items()}
    # 5: one symbol once the start is paid, in turns as well
    peer, python = [], peer_python(Path.cwd())
    for _ in range(runs):
        ours = task("replay", bars, "15", "other", str(runs))
        theirs = child(bars, python=python, module="benchmarks.peers.backtestingpy_orb")
        peer.append({"ours": ours, "theirs": theirs})
    # 2 to 4
    year_made = task("prepare", "year", str(year), str(symbols))
    parts = sorted({max(1, symbols // part) for part in PARTS})
    for part in parts[:-1]:
        task("prepare", "year", str(year), str(part))
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": round(os.getloadavg()[0], 1),
        "bars": made["bars"],
        "rounds": runs,
        "rules": rules,
        "year": {
            "symbols": symbols,
            "bars": year_made["bars"],
            "prepare_s": year_made["seconds"],
            **task("simulate", "year", str(year), str(symbols)),
        },
        "sweep": task("sweep", bars, str(points)),
        "backtestingpy": against(peer),
        "cost": [task("cost", str(year), str(part), str(runs)) for part in parts],
    }


def against(rounds: list[dict]) -> dict:
    """Return the least seconds of backtesting.py's simulation and of ours, with its version, trades and points."""
    theirs = rounds[0]["theirs"]
    return {
        "version": theirs["version"],
        "trades": theirs["trades"],
        "points": theirs["points"],
        "theirs_s": min(one["theirs"]["simulate_s"] for one in rounds),
        "ours_s": min(one["ours"]["seconds"] for one in rounds),
    }


def best(rounds: list[dict]) -> dict:
    """Return what all rounds of a process told, with the least of its seconds and memory."""
    least = {key: min(one[key] for one in rounds) for key in ("process_s", "cpu_s", "peak_mb")}
    return {"trades": rounds[0]["trades"], "points": rounds[0]["points"], **least}


def wrong(found: dict) -> list[str]:
    """Return the processes whose trades or points are not the agreed ones."""
    return [
        f"{engine}, {name}: {told['trades']} trades, {told['points']} points"
        for name, engines in [*found["rules"].items(), ("15 other", {"backtesting.py": found["backtestingpy"]})]
        for engine, told in engines.items()
        if (told["trades"], told["points"]) != AGREED[name]
    ]


def table(found: dict) -> str:
    """Return the tables of PERFORMANCE.md."""
    lines = ["| | seconds, whole process | CPU s | peak MB | trades | points | over numpy | target |"]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, engines in found["rules"].items():
        length, side = name.split()
        for engine, told in engines.items():
            over = told["process_s"] / engines["numpy"]["process_s"]
            words = (
                "Tradewinds, with its run folder"
                if engine == "tradewinds"
                else "a numpy loop, which prints two numbers"
            )
            figures = f"{told['process_s']:.2f} | {told['cpu_s']:.2f} | {told['peak_mb']} | {told['trades']} | {told['points']}"
            target = f"≤ {MOST_OF_NUMPY}" if engine == "tradewinds" else ""
            where = "at the other side" if side == "other" else "in the middle"
            lines.append(f"| {length} minutes, stop {where}: {words} | {figures} | {over:.2f} | {target} |")
    year, swept, peer = found["year"], found["sweep"], found["backtestingpy"]
    lines += [
        "",
        "| | figure | target |",
        "|---|---:|---:|",
        f"| {year['symbols']} symbols, a year ({year['bars']:,} bars): seconds, whole process | {year['process_s']:.2f} | "
        f"≤ {MOST_SECONDS} |",
        f"| … peak MB | {year['peak_mb']:,} | ≤ {MOST_MB:,} |",
        f"| sweep of {swept['points']:,} points over one point ({swept['all_s']} s, {swept['one_s']} s) | "
        f"{swept['all_s'] / swept['one_s']:.1f} | ≤ {MOST_OF_ONE} |",
        f"| a symbol once the start is paid: backtesting.py {peer['version']} ({peer['theirs_s']:.3f} s, simulation alone) "
        f"over ours ({peer['ours_s']:.3f} s, bars read and replayed) | {peer['theirs_s'] / peer['ours_s']:.0f} | "
        f"≥ {LEAST_OVER_PEER} |",
        "",
        "| symbols | bars | seconds, read and replayed | µs a bar |",
        "|---:|---:|---:|---:|",
        *(
            f"| {one['symbols']} | {one['bars']:,} | {one['seconds']:.3f} | {one['us_a_bar']:.4f} |"
            for one in found["cost"]
        ),
    ]
    return "\n".join(lines)


def section() -> str:
    """Return the section of PERFORMANCE.md, from the recorded figures; without them, how they are made."""
    if not RECORD.exists():
        return "Not measured yet: `python benchmarks/orb.py --record`."
    found = json.loads(RECORD.read_text(encoding="utf-8"))
    head = (
        f"`python benchmarks/orb.py --record`, made on {found['date']}, load average {found['load']}: one rule on\n"
        f"{found['bars']:,} bars of SPY, each process {found['rounds']} times in turns, the least of each; trades and points\n"
        "are those that other engines agree on "
        "([docs/equities_intraday.md](docs/equities_intraday.md#what-happens-inside-a-bar))."
    )
    return f"{head}\n\n{table(found)}"


def main() -> int:
    """Measure and print; with --record also write benchmarks/orb.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=Path, default=BARS)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks/scratch/orb")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--symbols", type=int, default=100)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--year", type=int, default=2024)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    bars = str(given.bars.resolve())
    given.work.mkdir(parents=True, exist_ok=True)
    os.chdir(given.work)
    found = measure(bars, given.runs, given.symbols, given.points, given.year)
    print(json.dumps(found, indent=2))
    print(table(found))
    if given.record:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(HEAD)
        after = rest[rest.index("\n## ") :] if "\n## " in rest else "\n"  # the sections that follow
        PAGE.write_text(f"{before}{HEAD}{section().rstrip()}\n{after}", encoding="utf-8")
    for line in wrong(found):
        print(f"not the agreed result: {line}", file=sys.stderr)
    return bool(wrong(found))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        from tradewinds.pipeline.jobs import tune_garbage_collector

        tune_garbage_collector()  # as every job does
        print(json.dumps(TASKS[sys.argv[2]](*sys.argv[3:])))
    else:
        sys.exit(main())
