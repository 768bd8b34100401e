"""Both strategies of daily equities over recorded ASX bars: seconds and memory, beside backtesting.py on the same rules.

    python benchmarks/equities.py [--bars FILE] [--work FOLDER] [--every N] [--runs N] [--record]

Imports the bars once. Then it measures three processes one after the other, `--runs` times: all symbols with both strategies
on one account each; each symbol alone in Tradewinds; each symbol alone in backtesting.py (whose environment is made in
--work). The best run of each counts, by wall time and by CPU time, which other work on the machine disturbs less. Nothing is
extrapolated. Exit 1 if a trade of the two engines differs. It takes about a minute and a half.

`--record` writes benchmarks/equities.json, for PERFORMANCE.md. `--every N` takes every Nth symbol only, for a quick look; the
start of the processes then has a larger part in the figures.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILED = ROOT / "benchmarks" / "scratch" / "compiled"
sys.path.insert(0, str(ROOT))

BARS = ROOT.parent / "shared" / "data" / "asx" / "daily_251_symbols_2012_2024.parquet"
DATES = {"date_start_local": "2012-01-03", "date_end_local": "2024-05-31"}
STRATEGIES = ("Mean Reversion", "Breakout")
RECORD = Path(__file__).resolve().with_suffix(".json")
MOST_SECONDS, LEAST_TIMES = 10, 20


def config_of(bars: Path, symbols: list[str], strategy: str, **changes):
    """Return the resolved config of a strategy over all recorded years."""
    raw = {"universe": symbols, **DATES, "strategy": {"name": strategy}, "calendar": "XASX"}
    raw |= {"bars": {"source": "files", "path": str(bars)}, "risk": {"currency": "AUD"}, "on_missing": {"bars": "skip"}}
    from tradewinds.config import resolve

    return resolve.resolve({**raw, **changes})


def prepare(bars: Path, every: list[str]) -> dict:
    """Import the bars of every Nth symbol (`every` is [N]); returns symbols, number of files and seconds."""
    from tradewinds.families.equities_daily.bar_panel import make_panel
    from tradewinds.families.equities_daily.fetch import user_bars
    from tradewinds.families.plan import run_plan

    begun = time.perf_counter()
    symbols = user_bars.symbols(str(bars), "symbol")[:: int(every[0])]
    conf = config_of(bars, symbols, STRATEGIES[0])
    made = run_plan(conf)
    user_bars.import_bars(
        str(bars), conf["bars"]["columns"], [(file.name, file.year, file.path) for file in made.files.years]
    )
    make_panel(made)
    return {"symbols": symbols, "files": len(made.files.years), "import_s": round(time.perf_counter() - begun, 2)}


def portfolio(bars: Path, symbols: list[str]) -> dict:
    """Replay all symbols on one account per strategy, as `tradewinds sweep` does; returns trades and end balances."""
    from tradewinds.families.equities_daily import replay
    from tradewinds.families.plan import run_plan

    confs = [config_of(bars, symbols, name) for name in STRATEGIES]
    made = replay.replay_shares_many(confs, run_plan(confs[0]), os.cpu_count() or 1)
    return {
        name: {"trades": len(run.pnl_micro), "end_balance": float(run.equity_micro[-1]) / 1e6}
        for name, run in zip(STRATEGIES, made, strict=True)
    }


def alone(bars: Path, symbols: list[str]) -> dict:
    """Replay each symbol by itself, without costs; returns seconds, and days and prices of every trade.

    A symbol without bars is held, as backtesting.py does. The recorded bars all have a volume.
    """
    from tradewinds.engine.shares.share_rules import BACKTEST_END
    from tradewinds.families.equities_daily import replay
    from tradewinds.families.equities_daily.bar_panel import date_of
    from tradewinds.families.plan import run_plan

    free = {
        "costs": {"commission_pct": 0, "slippage_pct": 0},
        "risk": {"start_balance": 1_000_000_000, "position_size_pct": 1, "exit_after_missing_days": None},
    }
    confs = [config_of(bars, symbols, name, **free) for name in STRATEGIES]
    begun = time.perf_counter()
    shares = replay.SharesReplay.of(confs, run_plan(confs[0]))
    ready = time.perf_counter()
    found: dict[str, list] = {}
    held, dates = shares.loaded.bars, {day: str(date_of(day)) for day in shares.market.days}
    for conf in confs:
        unlimited = {**conf, "risk": {**conf["risk"], "max_positions": len(symbols)}}
        for t in shares.run(unlimited).trades:
            days = [dates[shares.market.day[row]] for row in (t.entry_row, t.exit_row)]
            name = f"{conf['strategy']['name']} {held.symbols[t.symbol]}"
            forced = t.exit_reason == BACKTEST_END  # at the last close; in backtesting.py at the last open
            found.setdefault(name, []).append([*days, t.entry_price, None if forced else t.exit_price])
    return {"load_s": ready - begun, "simulate_s": time.perf_counter() - ready, "trades": found}


def child(*arguments: str, python: str = sys.executable, module: str = "benchmarks.equities") -> dict:
    """Run a part of this benchmark in a process of its own.

    Args:
        arguments: command line of the process.
        python: path of its Python.
        module: module to run.

    Returns:
        What it printed in its last line, with its wall seconds, CPU seconds and peak memory.
    """
    begun = time.perf_counter()
    process = subprocess.Popen([python, "-m", module, *arguments], stdout=subprocess.PIPE, text=True, env=environment())
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{module} {arguments[0]} failed")
    told = json.loads(output.splitlines()[-1])
    cpu = round(used.ru_utime + used.ru_stime, 2)
    return {**told, "process_s": round(time.perf_counter() - begun, 2), "cpu_s": cpu, "peak_mb": used.ru_maxrss // 1024}


def environment() -> dict[str, str]:
    """Return the environment variables of every process here.

    Numerical libraries use one thread, as in the workflow's jobs (tradewinds.pipeline.jobs.ONE_THREAD). Every module is
    compiled once and kept, as an installation does it.
    """
    own = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}", "PYTHONPYCACHEPREFIX": str(COMPILED)}
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {"OPENBLAS_NUM_THREADS": "1", **inherited, **own}


def peer_python(work: Path) -> str:
    """Return the Python of the environment of backtesting.py, which is made if it is missing."""
    home = work / "backtestingpy"
    if not (home / "done").exists():
        requirements = ROOT / "benchmarks" / "peers" / "requirements-backtestingpy.txt"
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        install = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        subprocess.run(install, check=True, stderr=subprocess.DEVNULL)
        (home / "done").touch()
    return str(home / "bin" / "python")


def differences(ours: dict, theirs: dict) -> list[str]:
    """Return the names of runs whose trades differ in a day or a price."""
    names = sorted({*ours, *theirs})
    return [name for name in names if not _same(ours.get(name, []), theirs.get(name, []))]


def _same(ours: list, theirs: list) -> bool:
    """Whether two lists of trades have the same days and prices.

    The exit price of a sale at the end of the data is not compared: Tradewinds takes the last close, backtesting.py the last
    open.
    """
    return len(ours) == len(theirs) and all(
        a[:3] == b[:3] and a[3] in (None, b[3]) for a, b in zip(ours, theirs, strict=True)
    )


def main() -> int:
    """Measure and print; with --record also write benchmarks/equities.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bars", type=Path, default=BARS)
    parser.add_argument("--work", type=Path, default=Path("bench-equities"))
    parser.add_argument("--every", type=int, default=1, help="every Nth symbol only")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    bars = given.bars.resolve()
    given.work.mkdir(parents=True, exist_ok=True)
    os.chdir(given.work)
    # import the bars, then run the three processes in turn
    made = child("--task", "prepare", str(bars), str(given.every))
    python, symbols = peer_python(Path.cwd()), ",".join(made["symbols"])
    rounds: dict[str, list[dict]] = {"both_strategies": [], "each_alone": [], "backtestingpy": []}
    wrong: list[str] = []
    for _ in range(given.runs):
        both = child("--task", "portfolio", str(bars), symbols)
        own = child("--task", "alone", str(bars), symbols)
        theirs = child(str(bars), symbols, python=python, module="benchmarks.peers.backtestingpy_equities")
        wrong += differences(own.pop("trades"), theirs.pop("trades"))
        for found, one in zip(rounds.values(), (both, own, theirs), strict=True):
            found.append(one)
    result = summary(made, rounds, wrong)
    print(json.dumps(result, indent=2))
    if given.record:
        RECORD.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return bool(wrong)


def summary(made: dict, rounds: dict[str, list[dict]], wrong: list[str]) -> dict:
    """Summarise all rounds.

    Args:
        made: seconds and sizes of the import.
        rounds: figures of every round by name of the process.
        wrong: names of runs whose trades differ.

    Returns:
        The best figures of each process, and how many times as long backtesting.py takes.
    """

    def times(name: str, key: str) -> float:
        best = {which: min(one[key] for one in rounds[which]) for which in (name, "backtestingpy")}
        return round(best["backtestingpy"] / best[name], 1)

    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "symbols": len(made["symbols"]),
        "files": made["files"],
        "import_of_bars_s": made["import_s"],
        "rounds": rounds,
        "times_as_fast": {
            "both strategies, whole process": times("both_strategies", "process_s"),
            "both strategies, whole process, CPU": times("both_strategies", "cpu_s"),
            "each symbol alone, whole process": times("each_alone", "process_s"),
            "each symbol alone, whole process, CPU": times("each_alone", "cpu_s"),
            "each symbol alone, replay only": times("each_alone", "simulate_s"),
        },
        "trades_that_differ": wrong,
    }


def table(found: dict) -> str:
    """Return the best run of each process as rows of the table in PERFORMANCE.md."""
    rows = {
        "Tradewinds, both strategies, one account each": (
            "both_strategies",
            f"≤ {MOST_SECONDS} s, ≥ {LEAST_TIMES} times",
        ),
        "Tradewinds, each symbol alone": ("each_alone", f"≥ {LEAST_TIMES} times"),
        "backtesting.py, each symbol alone": ("backtestingpy", ""),
    }
    peer = min(one["process_s"] for one in found["rounds"]["backtestingpy"])
    lines = []
    for text, (name, target) in rows.items():
        best = {key: min(one[key] for one in found["rounds"][name]) for key in ("process_s", "cpu_s", "peak_mb")}
        cells = f"{best['process_s']:.2f} | {best['cpu_s']:.2f} | {best['peak_mb']} | {peer / best['process_s']:.1f}"
        lines.append(f"| {text} | {cells} | {target} |")
    return "\n".join(lines)


TASKS = {"prepare": prepare, "portfolio": portfolio, "alone": alone}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        from tradewinds.pipeline.jobs import tune_garbage_collector

        tune_garbage_collector()  # as every job does
        task, path, *rest = sys.argv[2:]
        print(json.dumps(TASKS[task](Path(path), *[text.split(",") for text in rest])))
    else:
        sys.exit(main())
