"""Funding carry: seconds and memory, beside a plain loop with the same rule.

    python benchmarks/carry.py [--data FOLDER] [--work FOLDER] [--runs N] [--symbols N] [--record]

Five parts, each process measured from its start to its end, after the records were put into the panel:
1. the rule that other engines can be told as well, on BTC from 2020 to 2025: the job `simulate` with its run folder, and a
   plain loop in exact decimals (benchmarks/carry_loop.py), in turns. Exit 1 if positions or money are not the agreed ones.
2. BTC and ETH from 2020 to 2025 under the preset `balanced`.
3. three years of synthetic records of many symbols (--symbols, default 200), with the default rules.
4. the default grid of the composite strategy (45 points) over the second part's records, against one run.
5. the cost of a settlement: a tenth, a quarter, a half and all of the symbols of part 3.

`--record` writes benchmarks/carry.json and the section of PERFORMANCE.md. The whole takes some minutes; few symbols make it
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

from benchmarks import performance_page  # noqa: E402
from benchmarks.equities import child  # noqa: E402

DATA = ROOT.parent / "shared" / "data" / "crypto"
RECORD = Path(__file__).resolve().with_suffix(".json")
HEAD = "## Funding carry\n\n"
SIX_YEARS = {"date_start_local": "2020-01-01", "date_end_local": "2025-12-31"}
THREE_YEARS = {"date_start_local": "2022-01-01", "date_end_local": "2024-12-31"}
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
AGREED = (14, "2035.459234")  # positions and USDT that all engines of the rule agree on
MOST_SECONDS, MOST_MANY, MOST_MB, MOST_OF_ONE = 0.8, 20, 1024, 10
HERE = "benchmarks.carry"
PARTS = (10, 4, 2, 1)  # part 5 replays a tenth, a quarter, a half and all of the symbols


def rule(data: str) -> dict:
    """Return the resolved config of the peers' rule; `data` is the folder of records."""
    return _resolved(
        {
            "symbols": [BTC],
            **SIX_YEARS,
            "strategy": {"name": "funding_simple"},
            "data": {"source": "files", "path": data},
            "costs": {"fees": {"schedule": "binance_vip0"}},
            "margin": {"capital_rule": "spot_only"},
            "risk": {"start_balance": 1_000_000, "max_position_base": 0.1},
        }
    )


def balanced(data: str) -> dict:
    """Return the resolved config of two symbols; `data` is the folder of records."""
    files = {"source": "files", "path": data}
    return _resolved({"symbols": [BTC, ETH], **SIX_YEARS, "strategy": {"preset": "balanced"}, "data": files})


def many(symbols: str) -> dict:
    """Return the resolved config of synthetic records; `symbols` is their number."""
    names = [f"C{number:03}/USDT:USDT" for number in range(int(symbols))]
    source = {"source": "synthetic"}
    return _resolved({"symbols": names, **THREE_YEARS, "strategy": {"name": "funding_simple"}, "data": source})


def _resolved(config: dict) -> dict:
    from tradewinds.config import resolve

    return resolve.resolve({"market": "funding_carry", **config})


CONFIGS = {"rule": rule, "balanced": balanced, "many": many}


def prepare(kind: str, argument: str) -> dict:
    """Make the month files and the panel of a config (CONFIGS); returns the numbers of its records and seconds."""
    from tradewinds.families.funding_carry.carry_panel import read_carry_panel
    from tradewinds.families.funding_carry.fetch import synthetic_perps, user_perps
    from tradewinds.families.funding_carry.make_panel import make_carry_panel
    from tradewinds.families.plan import run_plan

    begun = time.perf_counter()
    conf = CONFIGS[kind](argument)
    plan = run_plan(conf)
    make = synthetic_perps.make_perps if kind == "many" else user_perps.import_perps
    make(conf, plan.files.months)
    make_carry_panel(conf, plan)
    markets = read_carry_panel(plan.files.panel, conf)
    candles = sum(len(leg.open_ts) for one in markets for leg in (one.spot, one.perp, one.mark))
    settlements = sum(len(one.rates.ts) for one in markets)
    return {"settlements": settlements, "candles": candles, "seconds": round(time.perf_counter() - begun, 2)}


def simulate(kind: str, argument: str) -> dict:
    """Do the job `simulate` of a config and write its run folder; returns positions and net profit."""
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline import jobs
    from tradewinds.pipeline.simulate import simulate as job

    jobs.tune_garbage_collector()  # as every job of the workflow does
    conf = CONFIGS[kind](argument)
    plan = run_plan(conf)
    job(conf, plan, [*plan.files.panel], 1)
    metrics = json.loads(Path(plan.run_dir, "metrics.json").read_text(encoding="utf-8"))
    return {"positions": metrics["num_trades"], "net": f"{metrics['net_pnl']:.6f}", "payments": metrics["payments"]}


def sweep(data: str) -> dict:
    """Replay one setting and the default grid of the composite strategy; returns the seconds of each, reading included."""
    from tradewinds.config import resolve
    from tradewinds.families.funding_carry import replay
    from tradewinds.families.plan import run_plan

    base = balanced(data)
    plan = run_plan(base)
    grid = [
        {"entry_threshold": enter, "exit_threshold": leave, "weight_rate_level": weight}
        for enter in (0.3, 0.4, 0.5, 0.6, 0.7)
        for leave in (0.2, 0.3, 0.4)
        for weight in (0.25, 0.35, 0.45)
        if leave <= enter
    ]
    configs = [
        resolve.resolve({**_written(base), "strategy": {"preset": "balanced", "parameters": point}}) for point in grid
    ]
    seconds = []
    for chosen in ([base], configs):
        begun = time.perf_counter()
        found = replay.simulate_many(chosen, plan, os.cpu_count() or 1)
        seconds.append(round(time.perf_counter() - begun, 3))
        assert len(found) == len(chosen)
    return {"points": len(configs), "one_s": seconds[0], "all_s": seconds[1]}


def _written(conf: dict) -> dict:
    """Return the keys of a config that a user would write."""
    return {key: conf[key] for key in ("market", "symbols", "date_start_local", "date_end_local", "data")}


TASKS = {"prepare": prepare, "simulate": simulate, "sweep": sweep}


def measured(arguments: list[str], runs: int) -> dict:
    """Run a task of this file in fresh processes; returns the figures of the quickest."""
    found = [child(*arguments, module=HERE) for _ in range(runs)]
    return min(found, key=lambda one: one["process_s"])


def beside_the_loop(data: str, runs: int) -> dict:
    """Measure part 1: our process and the plain loop in turns.

    Raises:
        SystemExit: one of them does not have the agreed result.
    """
    child("task", "prepare", "rule", data, module=HERE)
    ours, loop = [], []
    for _ in range(runs):
        ours.append(child("task", "simulate", "rule", data, module=HERE))
        loop.append(child(data, module="benchmarks.carry_loop"))
    for name, one in (("tradewinds", ours[0]), ("plain loop", loop[0])):
        if (one["positions"], one["net"]) != AGREED:
            raise SystemExit(f"{name}: {one['positions']} positions, net {one['net']}; agreed are {AGREED}")
    least = {"ours": min(ours, key=_wall), "loop": min(loop, key=_wall)}
    return {**least, "ratio": round(_wall(least["ours"]) / _wall(least["loop"]), 2)}


def _wall(one: dict) -> float:
    return one["process_s"]


def measure(data: str, symbols: int, runs: int) -> dict:
    """Measure all parts."""
    found: dict = {"agreed_rule": beside_the_loop(data, runs)}
    made = child("task", "prepare", "balanced", data, module=HERE)
    found["two_symbols"] = measured(["task", "simulate", "balanced", data], runs) | {
        "settlements": made["settlements"],
        "candles": made["candles"],
    }
    found["grid"] = measured(["task", "sweep", data], runs)
    found["cost"] = []
    for part in PARTS:
        count = str(max(1, symbols // part))
        made = child("task", "prepare", "many", count, module=HERE)
        one = measured(["task", "simulate", "many", count], 1 if part == 1 else min(runs, 2))
        row = {"symbols": int(count), "settlements": made["settlements"], "candles": made["candles"]}
        found["cost"].append(one | row | {"prepare_s": made["process_s"]})
    return found


def section(found: dict) -> str:
    """Return the section of PERFORMANCE.md."""
    rule_part, two, grid, cost = found["agreed_rule"], found["two_symbols"], found["grid"], found["cost"]
    ours, loop, all_of_them = rule_part["ours"], rule_part["loop"], cost[-1]
    page = "| {} | {:.2f} | {:.2f} | {:.0f} | {} |"
    head = f"agreed rule, BTC, six years: {ours['positions']} positions, net {ours['net']} USDT"
    middle = f"BTC and ETH, six years, balanced: {two['settlements']:,} settlements, {two['candles']:,} candles"
    rest = f"{all_of_them['symbols']} symbols, three years: {all_of_them['settlements']:,} settlements"

    def row(what: str, one: dict, beside: str) -> str:
        return page.format(what, one["process_s"], one["cpu_s"], one["peak_mb"], beside)

    lines = [
        HEAD.rstrip(),
        "",
        f"`python benchmarks/carry.py --record`, {found['date']}, {found['machine']}. Whole processes, imports included; the",
        f"least of {found['runs']} runs. Targets: two symbols {MOST_SECONDS} s; 200 symbols {MOST_MANY} s and {MOST_MB:,} MB;",
        f"the grid {MOST_OF_ONE} × one run.",
        "",
        "| what | seconds | CPU s | peak MB | beside |",
        "|---|---:|---:|---:|---|",
        row(head, ours, f"{rule_part['ratio']} × the plain loop"),
        row("the plain loop in decimals", loop, "the same result"),
        row(middle, two, f"{two['positions']} positions"),
        row(f"{rest}, {all_of_them['candles']:,} candles", all_of_them, f"{all_of_them['positions']:,} positions"),
        f"| {grid['points']} points of the default grid, records read once | {grid['all_s']:.2f} | | |"
        f" {grid['all_s'] / grid['one_s']:.1f} × one |",
        "",
        "| symbols | settlements | candles | seconds | µs a settlement |",
        "|---:|---:|---:|---:|---:|",
        *(
            f"| {one['symbols']} | {one['settlements']:,} | {one['candles']:,} | {one['process_s']:.2f} |"
            f" {one['process_s'] / one['settlements'] * 1e6:.1f} |"
            for one in cost
        ),
    ]
    return "\n".join(lines) + "\n"


def record(found: dict) -> None:
    """Write carry.json and the section of PERFORMANCE.md."""
    RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    performance_page.write_section(HEAD.strip(), section(found))


def main() -> None:
    """Measure, print and record; or do one task in a process of its own."""
    if sys.argv[1:2] == ["task"]:
        print(json.dumps(TASKS[sys.argv[2]](*sys.argv[3:])))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks/scratch/carry")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--symbols", type=int, default=200)
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    data = str(asked.data.resolve())
    asked.work.mkdir(parents=True, exist_ok=True)
    os.chdir(asked.work)
    found = measure(data, asked.symbols, asked.runs) | {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "runs": asked.runs,
    }
    print(section(found))
    if asked.record:
        record(found)


if __name__ == "__main__":
    main()
