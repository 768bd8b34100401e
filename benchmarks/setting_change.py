"""Seconds until a person sees the result of a changed setting: `tradewinds run`, and `tw.run` in a session of Python.

    python benchmarks/setting_change.py DATA [--other CHECKOUT] [--runs 5] [--record]

DATA is a folder in which `tradewinds demo` has made its run of 22 events (the folder `demo`); it is copied, not changed. With
--other the same is measured in turns with another checkout whose loops are compiled, which needs no `tw.run`; one that is too
old for the folder's database wants a copy of the folder without backtests/. The least of the runs counts, because other work on
the machine only adds to it.

- command: a changed setting, from the start of the process to its end, pictures included.
- nothing: the same command again.
- cold, warm: until `tw.run` has returned, the first time in a process (imports included) and the next time.
- report: from there until the report is drawn, by a second process.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "setting_change.json"
SESSION = """
import os, time
began = time.perf_counter(), time.process_time()
def lap():
    global began
    now = time.perf_counter(), time.process_time()
    print(*(round(b - a, 3) for a, b in zip(began, now)))
    began = now
import tradewinds as tw
config = tw.Config.load("config.yaml")
tw.run(config.with_(risk={{"start_balance_usd": {first}}}))
lap()
run = tw.run(config.with_(risk={{"start_balance_usd": {first} + 1}}))
lap()
run.wait()
lap()
"""
NAMES = ("command", "nothing", "cold", "warm", "report")
Pair = tuple[float, float]  # wall seconds, CPU seconds


def timed(checkout: Path, folder: Path, *command: str) -> tuple[Pair, str]:
    """Run a program with a checkout's code: its wall and CPU seconds with all that it started, and what it prints."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(checkout / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (round(wall, 3), round(cpu, 3)), done.stdout


def measure(checkout: Path, folder: Path, balance: int, *, with_session: bool) -> dict[str, Pair]:
    """Measure everything once.

    Args:
        checkout: whose code runs.
        folder: with the demo's data and config.
        balance: a start balance that no run there has had; the next two are used, too.
        with_session: whether the checkout has `tw.run`.
    """
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["risk"]["start_balance_usd"] = balance
    (folder / "changed.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = ("-m", "tradewinds.cli", "run", "--quiet", "--no-fetch", "--config", "changed.yaml")
    found = {"command": timed(checkout, folder, *command)[0], "nothing": timed(checkout, folder, *command)[0]}
    if with_session:
        _, said = timed(checkout, folder, "-c", SESSION.format(first=balance + 1))
        pairs = [tuple(map(float, line.split())) for line in said.splitlines()]
        found |= dict(zip(("cold", "warm", "report"), pairs, strict=True))
    return found


def least(runs: list[dict[str, Pair]]) -> dict[str, dict[str, float]]:
    """The least wall and CPU seconds of each measurement."""
    return {
        name: {"wall_s": min(run[name][0] for run in runs), "cpu_s": min(run[name][1] for run in runs)}
        for name in NAMES
        if name in runs[0]
    }


def section(found: dict) -> str:
    """The section of PERFORMANCE.md."""
    words = {
        "command": ("`tradewinds run`, a changed setting, report and load included", "≤ 2.5 s"),
        "nothing": ("`tradewinds run`, nothing to be done", "≤ 1.0 s"),
        "cold": ("first `tw.run` of a process, imports included", ""),
        "warm": ("`tw.run`, a changed setting: tables, figures and load", "≤ 0.5 s"),
        "report": ("… from there until the report is drawn, by a second process", ""),
    }
    before, after = found.get("before", {}), found["after"]
    rows = []
    for name, (what, target) in words.items():
        old = before.get(name)
        shown = f"{old['wall_s']:.2f} | {old['cpu_s']:.2f}" if old else "— | —"
        own = "" if name == "report" else f"{after[name]['cpu_s']:.2f}"
        rows.append(f"| {what} | {shown} | {after[name]['wall_s']:.2f} | {own} | {target} |")
    commit = f" Before: {found['other']}." if before else ""
    return "\n".join(
        [
            f"`python benchmarks/setting_change.py demo --other CHECKOUT --record`, made on {found['date']}, load average "
            f"{found['load']:.1f}: the 22 events of `make demo`, whose data is there; the least of {found['runs']} runs in "
            f"turns.{commit} CPU of a command is that of all its processes, of `tw.run` that of the caller's.",
            "",
            "| | before, s | CPU s | now, s | CPU s | target |",
            "|---|---:|---:|---:|---:|---:|",
            *rows,
        ]
    )


def main() -> None:
    """Measure, print the section, and record it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder that `tradewinds demo` has made")
    parser.add_argument("--other", type=Path, help="checkout of the earlier code")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.name}")
    asked = parser.parse_args()
    checkouts = {"after": ROOT} | ({"before": asked.other.resolve()} if asked.other else {})
    runs: dict[str, list[dict[str, Pair]]] = {side: [] for side in checkouts}
    with tempfile.TemporaryDirectory() as work:
        for side, checkout in checkouts.items():
            # without the database: earlier code refuses one that later code has brought up to date
            shutil.copytree(asked.data, Path(work, side), ignore=shutil.ignore_patterns("archive", "*.db"))
            measure(checkout, Path(work, side), 5000, with_session=side == "after")  # makes verdicts, warms files
        for turn in range(asked.runs):
            for side, checkout in checkouts.items():
                runs[side].append(measure(checkout, Path(work, side), 6000 + 10 * turn, with_session=side == "after"))
    found = {"date": dt.datetime.now(dt.UTC).date().isoformat(), "load": os.getloadavg()[0], "runs": asked.runs}
    found |= {side: least(measured) for side, measured in runs.items()}
    if asked.other:
        command = ["git", "-C", str(asked.other), "rev-parse", "--short", "HEAD"]
        found["other"] = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    print(section(found))
    if asked.record:
        RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
