"""Cost of replays and sweeps in two checkouts, side by side in one run: whether a change of the code made them slower.

    python benchmarks/before_after.py OTHER_CHECKOUT [--runs 5] [--only help process common sweep year]
        [--work FOLDER] [--record]

`help` and `process` are whole processes: `tradewinds --help`, and the common workload as the simulate job replays it. The
others are replays in one process.

OTHER_CHECKOUT is a checkout of the earlier code with its loops compiled; each checkout runs its own code on the same market, in
files that it has made itself. The runs alternate, and the least CPU time of each counts, because other work on the machine only
adds to it. `--record` writes benchmarks/before_after.json, from which PERFORMANCE.md has its table.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMMON = (
    "import subprocess, sys; from pathlib import Path; from benchmarks.peers.tradewinds_engine import run_workload; "
    "data = Path({folder!r}); (data / 'config.yaml').exists() or "
    "subprocess.run([sys.executable, 'benchmarks/common_workload.py', str(data)], check=True); "
    "[run_workload(data, cash) for cash in (1000, 100_000) for _ in range(5)]"
)
SWEEP = "from pathlib import Path; from benchmarks import sweep_cost; print(sweep_cost.measure(Path({folder!r})))"
YEAR = (
    "import subprocess, sys; from pathlib import Path; from benchmarks import scale; data = Path({folder!r}); "
    "(data / scale.MADE).exists() or subprocess.run([sys.executable, 'benchmarks/scale_workload.py', str(data)], check=True); "
    "print(scale.one(data, 'first_side', 10, 365))"
)
HELP = "import subprocess, sys; subprocess.run([sys.executable, '-m', 'tradewinds.cli', '--help'], check=True)"
PROCESS = (
    "import subprocess, sys; from pathlib import Path; data = Path({folder!r}); "
    "(data / 'config.yaml').exists() or "
    "subprocess.run([sys.executable, 'benchmarks/common_workload.py', str(data)], check=True); "
    "subprocess.run([sys.executable, '-m', 'benchmarks.peers.tradewinds_engine', str(data)], check=True)"
)
WORKLOADS = {"help": HELP, "process": PROCESS, "common": COMMON, "sweep": SWEEP, "year": YEAR}

WHAT = {
    "help": "`tradewinds --help`, whole process",
    "process": "the common workload, whole process",
    "common": "the common workload ten times in one process",
    "sweep": "two sweeps of 1,000 settings of it",
    "year": "a year of twenty series",
}
RECORD = ROOT / "benchmarks" / "before_after.json"
HEAD = "| workload | CPU s before | CPU s after | ratio |\n|---|---:|---:|---:|"


def table(workloads: list[dict]) -> str:
    """Return rows of the table in Markdown."""
    return "\n".join(
        f"| {WHAT[row['workload']]} | {row['before_cpu_s']:.2f} | {row['after_cpu_s']:.2f} "
        f"| {row['after_cpu_s'] / row['before_cpu_s']:.2f} |"
        for row in workloads
    )


def section() -> str:
    """Return the section of PERFORMANCE.md, from the recorded figures."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    return (
        f"`python benchmarks/before_after.py CHECKOUT --record`, {record['date']}: two checkouts side by side in turns, before "
        f"at {record['before']}; the least CPU seconds of {record['runs']} runs.\n\n{HEAD}\n{table(record['workloads'])}\n"
    )


def cpu_seconds(checkout: Path, program: str) -> float:
    """Run a program with a checkout's code.

    Returns:
        CPU seconds of it and of what it started.

    Raises:
        CalledProcessError: it failed.
    """
    paths = os.pathsep.join([str(checkout / "src"), str(checkout)])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-c", program],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": ""},  # an installed program has its bytecode
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("other", type=Path, help="checkout of the earlier code")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks/scratch/before_after")
    parser.add_argument("--record", action="store_true")
    asked = parser.parse_args()
    found = []
    print(HEAD, flush=True)
    for name in asked.only:
        # each checkout writes the config that means the same to it, so each has files of its own
        checkouts = {"before": asked.other.resolve(), "after": ROOT}
        programs = {
            checkout: WORKLOADS[name].format(folder=str((asked.work / f"{name}-{side}").resolve()))
            for side, checkout in checkouts.items()
        }
        for checkout, program in programs.items():
            cpu_seconds(checkout, program)  # makes the files, and warms them
        pairs = [[cpu_seconds(*each) for each in programs.items()] for _ in range(asked.runs)]
        before, after = (min(column) for column in zip(*pairs, strict=True))
        found.append({"workload": name, "before_cpu_s": round(before, 3), "after_cpu_s": round(after, 3)})
        print(table(found[-1:]), flush=True)
    if asked.record:
        commit = ["git", "-C", str(asked.other), "rev-parse", "--short", "HEAD"]
        earlier = subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip()
        record = {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "before": earlier,
            "runs": asked.runs,
            "workloads": found,
        }
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
