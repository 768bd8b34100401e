"""Cost of a year of twenty series, beside a tenth and a thirtieth of it: whether cost grows faster than the number of rows.

    python benchmarks/scale.py [--runs 1] [--work FOLDER]

Makes 7,300 files (0.5 GB) once, then replays 12, 120 and 365 days of them under three questions, each in a fresh process: the
common workload's rule with $10 and with $1,000,000, and the built-in strategy. Writes scale.json and prints the table of
PERFORMANCE.md. Making the files and replaying them takes some minutes. Exit 1 if a result is not as expected.

This process imports little: on Linux the peak memory of a child is never reported below that of its parent.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LENGTHS = (12, 120, 365)  # days
QUESTIONS = (("first_side", 10), ("first_side", 1_000_000), ("ev_threshold", 10))  # strategy, start balance in dollars
MADE = "made.json"
MOST_SECONDS, MOST_MB = 5, 1000  # targets for the year


def part_of(conf: dict[str, Any], days: int) -> dict[str, Any]:
    """Return the config of a year's first days."""
    return conf | {"date_end_local": conf["date_start_local"] + dt.timedelta(days=days - 1)}


def measure(data: Path, runs: int) -> dict:
    """Replay every question at every length, `runs` times in turn, and return the figures."""
    made = json.loads((data / MADE).read_text(encoding="utf-8"))
    cases = [(strategy, cash, days) for strategy, cash in QUESTIONS for days in LENGTHS]
    found: dict[tuple, list[dict]] = {case: [] for case in cases}
    for question in QUESTIONS:
        one(data, *question, LENGTHS[0])  # warms up the file cache
    before = os.getloadavg()[0]
    for _ in range(runs):
        for case in cases:
            found[case].append(one(data, *case))
            print(f"{' '.join(map(str, case)):28} {found[case][-1]['wall_s']:6.2f} s", flush=True)
    rows = [summary(case, found[case], made["rows_per_file"]) for case in cases]
    for question in QUESTIONS:
        compare([row for row in rows if (row["strategy"], row["cash_usd"]) == question])
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "load": [before, os.getloadavg()[0]]}
    date = dt.datetime.now(dt.UTC).date().isoformat()
    return {"date": date, "machine": machine, "made": made, "runs": runs, "replays": rows}


def compare(rows: list[dict]) -> None:
    """Add to each row of a question its time per row beside the shortest length, and the time per additional row."""
    least = rows[0]["wall_s"] / rows[0]["rows"]
    for smaller, row in zip([None, *rows], rows, strict=False):
        row["per_row_to_smallest"] = row["wall_s"] / row["rows"] / least
        row["cpu_ns_per_further_row"] = smaller and round(
            1e9 * (row["cpu_s"] - smaller["cpu_s"]) / (row["rows"] - smaller["rows"])
        )


def one(data: Path, strategy: str, cash_usd: int, days: int) -> dict:
    """Replay once in a process, and a process group, of its own.

    Args:
        data: folder of the year.
        strategy: name of the strategy.
        cash_usd: start balance in dollars.
        days: number of days.

    Returns:
        Seconds, CPU seconds and peak memory, and what the process printed.
    """
    command = [sys.executable, "-m", "benchmarks.scale_replay", str(data)]
    command += ["--days", str(days), "--cash-usd", str(cash_usd), "--strategy", strategy]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True, process_group=0
    )
    try:
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:  # Ctrl-C does not reach the child's group
        os.killpg(process.pid, signal.SIGKILL)
        raise
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    spent = {"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "peak_rss_mb": used.ru_maxrss / 1024}
    return spent | json.loads(text.splitlines()[-1])


def summary(case: tuple, runs: list[dict], rows_per_file: int) -> dict:
    """Return the fastest of the runs of one case, with the largest peak memory of them."""
    strategy, cash_usd, days = case
    best = min(runs, key=lambda run: run["wall_s"])
    rows = best["events"] * rows_per_file
    return {
        "strategy": strategy,
        "cash_usd": cash_usd,
        "days": days,
        "rows": rows,
        **best,
        "peak_rss_mb": max(run["peak_rss_mb"] for run in runs),
        "rows_per_s": rows / best["wall_s"],
        "rows_per_cpu_s": rows / best["cpu_s"],
    }


def table(figures: dict) -> str:
    """Return the replays as a table in Markdown."""
    heads = ("days", "rows", "seconds", "CPU s", "peak MB", "rows/s", "rows/s of CPU")
    heads += ("time a row, smallest = 1", "CPU ns a further row", "trades")
    text = f"| strategy, balance | {' | '.join(heads)} |\n|---|{'---:|' * len(heads)}\n"
    for row in figures["replays"]:
        cells = [
            f"{row['strategy']}, ${row['cash_usd']:,}",
            str(row["days"]),
            f"{row['rows']:,}",
            f"{row['wall_s']:.1f}",
            f"{row['cpu_s']:.1f}",
            f"{row['peak_rss_mb']:.0f}",
            f"{row['rows_per_s']:,.0f}",
            f"{row['rows_per_cpu_s']:,.0f}",
            f"{row['per_row_to_smallest']:.2f}",
            str(row["cpu_ns_per_further_row"] or ""),
            f"{row['trades']:,}",
        ]
        text += f"| {' | '.join(cells)} |\n"
    return text


def problems(figures: dict) -> list[str]:
    """Return what is wrong with the results; speed is not judged."""
    found = []
    for row in figures["replays"]:
        name = f"{row['strategy']}, ${row['cash_usd']:,}, {row['days']} days"
        if row["agreed"] is False:
            found.append(f"{name}: the common workload's events do not come to its agreed result")
        if row["skipped"]:
            found.append(f"{name}: events are skipped: {row['skipped']}")
    return found


def _environment() -> dict[str, str]:
    """Return the environment variables of the processes."""
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": ""}


def main() -> None:
    """Measure, write scale.json and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks" / "scratch" / "scale")
    given = parser.parse_args()
    data = given.work.resolve()
    if not (data / MADE).exists():
        command = [sys.executable, str(ROOT / "benchmarks" / "scale_workload.py"), str(data)]
        subprocess.run(command, check=True, env=_environment())
    figures = measure(data, given.runs)
    wrong = problems(figures)
    print(table(figures))
    if wrong:
        sys.exit("\n".join(wrong))
    (ROOT / "benchmarks" / "scale.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
