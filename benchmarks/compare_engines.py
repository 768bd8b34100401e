"""The common workload in several engines side by side, each run in a process of its own and checked to the cent.

    python benchmarks/compare_engines.py [--runs 3] [--work FOLDER] [--out FOLDER] [--only MODULE …] [--events N]
        [--beside NAME COMMAND …]

`--beside` takes a program of your own into the comparison, under both shared balances: a command line with {data} (the folder
of benchmarks/common_workload.py) and {cash} (cents), which prints a line of JSON with trades, pnl_cents and fees_cents.

Makes the workload and an environment for every other engine once. Then it runs all engines in turn, round by round, so that
other work on the machine disturbs all of them alike. Writes engines.json and engines.md. Exit 1 if an engine's result is not
the agreed one.

Every engine may use all cores: each runs with its own default number of threads, and CPU seconds stand beside the seconds.
Python keeps the bytecode of what it has imported once, as it does unless told otherwise, for all engines alike.

This process imports little: on Linux the peak memory of a child is never reported below that of its parent.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import os
import platform
import resource
import shlex
import signal
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.common_results import EXPECTED, Outcome  # noqa: E402

EVENTS = 200
ROWS = EVENTS * 6 * 1800
LONGEST_CPU_SECONDS = 60  # a longer run is stopped and extrapolated from a run of PART events and one of a single event
PART = 20


@dataclass(frozen=True)
class Engine:
    """An engine and the question it answers: a row of the table.

    Attributes:
        name: name in the table.
        module: module of benchmarks.peers.
        mode: shared (one balance), isolated (a balance per event) or per_market (no balance).
        remark: what the row includes, for the page.
        cash: start balance in cents.
        own: runs in this environment, instead of in one of its own.
        question: key of EXPECTED, where it is not the mode; "scan" has no result.
        command: command line instead of a module, with {data} and {cash}.
    """

    name: str
    module: str
    mode: str
    remark: str
    cash: int = 1000
    own: bool = False
    question: str = ""
    command: str = ""


def beside(name: str, command: str) -> list[Engine]:
    """Return a program of the user's as two engines, one for each shared balance."""
    return [Engine(name, "beside", "shared", "ledger only", cash, True, command=command) for cash in (1000, 100_000)]


ENGINES = [
    Engine("bare DuckDB scan", "duckdb_scan", "shared", "no rule, no result: what any reader pays", 0, True, "scan"),
    Engine("Tradewinds", "tradewinds_engine", "shared", "validations, equity, refusals by reason included", 1000, True),
    Engine("plain Python loop", "plain_loop", "shared", "ledger only"),
    Engine("nautilus_trader", "nautilus", "shared", "simulates book and orders; the balance is kept in the strategy"),
    Engine("Tradewinds", "tradewinds_engine", "shared", "the same with $1,000", 100_000, True),
    Engine("plain Python loop", "plain_loop", "shared", "the same with $1,000", 100_000),
    Engine("vectorbt", "vectorbt", "isolated", "$10 an event: a shared balance does not fit its grid"),
    Engine("plain Python loop", "plain_loop", "isolated", "the same question"),
    Engine("backtesting.py", "backtestingpy", "per_market", "a run a market: no common cash, no limit an event", 0),
    Engine("plain Python loop", "plain_loop", "per_market", "the same question", 0),
]


@dataclass
class Run:
    """One process of an engine.

    Attributes:
        wall_s: wall seconds of the whole process.
        cpu_s: CPU seconds of the whole process.
        peak_rss_mb: peak memory in MB.
        events: number of events of the run; None for all.
        told: what the process printed, as JSON.
    """

    wall_s: float
    cpu_s: float
    peak_rss_mb: float
    events: int | None
    told: dict

    @property
    def outcome(self) -> Outcome:
        """Trades, P&L and fees of the run."""
        return Outcome(*(self.told[key] for key in Outcome._fields))


class Bench:
    """The environments, data and processes below a work folder."""

    def __init__(self, work: Path) -> None:
        self.work, self.data = work, work / "workload"
        work.mkdir(parents=True, exist_ok=True)

    def prepare(self, modules: set[str]) -> None:
        """Make the workload and the environments of the other engines, as far as they are missing."""
        if not (self.data / "config.yaml").exists():
            command = [sys.executable, str(ROOT / "benchmarks/common_workload.py"), str(self.data)]
            subprocess.run(command, check=True, env=self._environment(own=True))
        for module in sorted(modules):
            pins = ROOT / f"benchmarks/peers/requirements-{module}.txt"
            made = self.work / "environments" / module / ".made-from"
            wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
            if made.exists() and made.read_text() == wanted:
                continue
            print(f"environment for {module} …", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(made.parent)], check=True)
            pip = [str(made.parent / "bin/python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
            subprocess.run([*pip, "--requirement", str(pins)], check=True)
            made.write_text(wanted)

    def _environment(self, *, own: bool) -> dict[str, str]:
        """Return the environment variables of a process, for this or for another Python environment."""
        kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE")}
        kept["NUMBA_CACHE_DIR"] = str(self.work / "numba")
        return kept | ({"PYTHONPATH": str(ROOT / "src")} if own else {})

    def run(self, engine: Engine, events: int | None, *, twice: bool = False) -> Run | None:
        """Run an engine in a process.

        Args:
            engine: the engine.
            events: number of events; None for all.
            twice: let the process replay twice, to show compile time.

        Returns:
            What was measured; None if the process took too long.
        """
        python = sys.executable if engine.own else str(self.work / "environments" / engine.module / "bin/python")
        command = [python, "-m", f"benchmarks.peers.{engine.module}", str(self.data)]
        command += ["--mode", engine.mode, "--cash", str(engine.cash)]
        command += ["--events", str(events)] if events else []
        command += ["--twice"] if twice else []
        if engine.command:
            command = shlex.split(engine.command.format(data=self.data, cash=engine.cash))
        # start it; the kernel stops it after too much CPU time
        started = time.perf_counter()
        with open(self.work / f"{engine.module}.stderr", "w") as errors:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self._environment(own=engine.own),
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (LONGEST_CPU_SECONDS, LONGEST_CPU_SECONDS + 5))
        # wait for its end and take its own CPU time and peak memory
        text = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        if process.returncode == -signal.SIGXCPU:
            return None
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{Path(errors.name).read_text()[-2000:]}")
        told = {"version": "", "rows": ROWS, **json.loads(text.splitlines()[-1])}
        return Run(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, events, told)

    def expected(self, engine: Engine, events: int | None) -> Outcome | None:
        """Return what an engine must come to.

        Returns:
            The agreed result for all events, that of the plain loop for a part of them; None where neither exists.
        """
        question = engine.question or engine.mode
        if question == "scan":
            return None
        if events is None:
            return EXPECTED[question, engine.cash]
        if question != engine.mode:
            return None
        loop = self.run(Engine("", "plain_loop", engine.mode, "", engine.cash), events)
        return loop.outcome if loop else None


def measure(bench: Bench, engines: list[Engine], runs: int, events: int | None) -> list[dict]:
    """Run all engines in turn, `runs` times.

    Args:
        bench: environments and data.
        engines: the engines.
        runs: number of rounds.
        events: number of events; None for all.

    Returns:
        A row of the table per engine.
    """
    found: dict[Engine, list[Run]] = {engine: [] for engine in engines}
    part = dict.fromkeys(engines, events)
    for _ in range(runs):
        for engine in engines:
            run = bench.run(engine, part[engine])
            if run is None:
                part[engine], found[engine] = PART, []
                run = bench.run(engine, PART)
            if run is None:
                raise SystemExit(f"{engine.name} took more than {LONGEST_CPU_SECONDS} s of CPU for {PART} events")
            found[engine].append(run)
            print(f"{engine.name:18} {engine.mode:10} {run.wall_s:6.2f} s  CPU {run.cpu_s:6.2f} s", flush=True)
    return [summary(bench, engine, found[engine], events) for engine in engines]


def summary(bench: Bench, engine: Engine, runs: list[Run], asked: int | None) -> dict:
    """Summarise the runs of an engine as a row of the table.

    Args:
        bench: environments and data.
        engine: the engine.
        runs: its runs, which must all have the same result.
        asked: number of events that were asked for; None for all.
    """
    outcomes = {run.outcome for run in runs}
    if len(outcomes) > 1:
        raise SystemExit(f"{engine.name} came to different results: {outcomes}")
    outcome, expected = outcomes.pop(), bench.expected(engine, runs[0].events)
    phases = {key for key in runs[0].told if key.endswith("_s")}
    again = {}
    if engine.module in ("vectorbt", "duckdb_scan") and (second := bench.run(engine, runs[0].events, twice=True)):
        again = {key: value for key, value in second.told.items() if key.endswith("_s") and key not in phases}
    row = {
        **{name: value for name, value in asdict(engine).items() if name != "command"},  # it has paths of this machine
        "version": runs[0].told["version"],
        "events": runs[0].events or EVENTS,
        "rows": runs[0].told["rows"],
        "extrapolated": runs[0].events != asked,
        **outcome._asdict(),
        "expected": expected and list(expected),
        "as_expected": None if expected is None else outcome == expected,
        "wall_s": statistics.median(run.wall_s for run in runs),
        "least_wall_s": min(run.wall_s for run in runs),
        "cpu_s": statistics.median(run.cpu_s for run in runs),
        "peak_rss_mb": max(run.peak_rss_mb for run in runs),
        "phases_s": {key: statistics.median(run.told[key] for run in runs) for key in sorted(phases)} | again,
        "runs": [asdict(run) for run in runs],
    }
    return extrapolated(row, bench.run(engine, 1)) if row["extrapolated"] else row


def extrapolated(row: dict, one: Run) -> dict:
    """Extrapolate a row of PART events to all events.

    The time of one event is taken as fixed cost, the rest grows with the number of events. Memory is not extrapolated.

    Args:
        row: the row of PART events.
        one: a run of one event.
    """

    def grown(part: float, single: float) -> float:
        return single + (part - single) * (EVENTS - 1) / (PART - 1)

    walls = {key: grown(row[key], one.wall_s) for key in ("wall_s", "least_wall_s")}
    return row | walls | {"cpu_s": grown(row["cpu_s"], one.cpu_s), "rows": row["rows"] * EVENTS // PART}


HEAD = """# Engines side by side

Made by `benchmarks/compare_engines.py` on {date}: {cores} cores ({cpu}), Python {python}, load average {before:.1f} before and
{after:.1f} after. Every run is a fresh process on the same files; engines take turns; median of {runs} (least in brackets).
Seconds and CPU are the whole process', imports included; where other work loads the machine, CPU is the fairer figure.
{rows:,} rows: {events} events × 6 markets × 1,800 minutes.

| engine | balance | seconds | CPU s | rows/s | peak MB | seconds and CPU, Tradewinds = 1 | trades | P&L, USD | fees, USD |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|
"""


def page(machine: dict, rows: list[dict]) -> str:
    """Return the table in Markdown, with a note on each row below it."""
    rows_read = max(row["rows"] for row in rows)
    text = HEAD.format(**machine, rows=rows_read, events=rows_read // (6 * 1800))
    ours = next((row for row in rows if row["module"] == "tradewinds_engine"), None)
    for row in rows:
        about = "≈ " if row["extrapolated"] else ""
        scan = row["question"] == "scan"
        money = (
            ["—"] * 3 if scan else [f"{row['trades']:,}", *(f"{row[k] / 100:.2f}" for k in ("pnl_cents", "fees_cents"))]
        )
        cells = [
            f"{row['name']} {row['version']}".strip(),
            "—" if scan else _balance(row),
            f"{about}{row['wall_s']:.2f} ({row['least_wall_s']:.2f})",
            f"{about}{row['cpu_s']:.2f}",
            f"{about}{row['rows'] / row['wall_s']:,.0f}",
            f"{row['peak_rss_mb']:.0f}",
            about + ", ".join(f"{row[k] / ours[k]:.2f}" for k in ("wall_s", "cpu_s")) if ours else "",
            *money,
        ]
        text += f"| {' | '.join(cells)} |\n"
    return text + "\n" + "".join(f"- {_note(row)}\n" for row in rows)


def _balance(row: dict) -> str:
    """Return the balance of a row as text."""
    if row["mode"] == "per_market":
        return "none"
    return f"${row['cash'] / 100:,.0f} {row['mode'] if row['mode'] == 'shared' else 'an event'}"


def _note(row: dict) -> str:
    """Return the note on a row: what it includes, whether the result is the agreed one, and seconds by phase."""
    phases = ", ".join(f"{key.removesuffix('_s').replace('_', ' ')} {s:.2f} s" for key, s in row["phases_s"].items())
    balance = "" if row["question"] == "scan" else f", {_balance(row)}"
    judged = {True: "Result as agreed.", False: f"**Not the result: {row['expected']}.**", None: ""}[row["as_expected"]]
    part = f" Extrapolated from {row['events']} of {EVENTS} events." if row["extrapolated"] else ""
    return f"{row['name']}{balance}: {row['remark']}. {judged}{part} Of one run: {phases}.".replace("  ", " ")


def main() -> None:
    """Measure the engines on the command line and write engines.json and engines.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--work", type=Path, default=ROOT / "benchmarks/scratch/engines")
    parser.add_argument("--out", type=Path, help="default: the work folder")
    parser.add_argument("--only", nargs="+", metavar="MODULE", help="of benchmarks/peers, for example vectorbt")
    parser.add_argument("--events", type=int, help="only the first so many, for a quick look")
    parser.add_argument("--beside", nargs=2, action="append", default=[], metavar=("NAME", "COMMAND"))
    given = parser.parse_args()
    # prepare data and environments, then measure
    engines = [engine for engine in ENGINES if not given.only or engine.module in given.only]
    engines += [engine for name, command in given.beside for engine in beside(name, command)]
    bench = Bench(given.work.resolve())
    bench.prepare({engine.module for engine in engines if not engine.own} | ({"plain_loop"} if given.events else set()))
    machine = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "cpu": _processor(),
        "python": platform.python_version(),
        "runs": given.runs,
        "before": os.getloadavg()[0],
    }
    rows = measure(bench, engines, given.runs, given.events)
    machine["after"] = os.getloadavg()[0]
    # write the figures and the page
    out = given.out or given.work
    out.mkdir(parents=True, exist_ok=True)
    (out / "engines.json").write_text(
        json.dumps({"machine": machine, "engines": rows}, indent=1) + "\n", encoding="utf-8"
    )
    (out / "engines.md").write_text(page(machine, rows), encoding="utf-8")
    print(page(machine, rows))
    if wrong := [row for row in rows if row["as_expected"] is False]:
        sys.exit("not as agreed: " + ", ".join(f"{row['name']} ({row['mode']})" for row in wrong))


def _processor() -> str:
    """Return the name of the machine's processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
