"""Time of a plan of 10,000 events, and of a run that finds nothing to be done."""

import datetime as dt
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil
import yaml

from benchmarks import common_workload
from tradewinds.config.resolve import resolve
from tradewinds.core import files
from tradewinds.core.paths import workflow_root
from tradewinds.families.kalshi_weather import climate_days, schemas
from tradewinds.families.kalshi_weather.fetch.event_candles import event_meta
from tradewinds.families.kalshi_weather.plan import plan_of

ROOT = workflow_root()
SERIES = [
    *(
        "KXHIGHNY",
        "KXHIGHCHI",
        "KXHIGHMIA",
        "KXHIGHAUS",
        "KXHIGHDEN",
        "KXHIGHPHIL",
        "KXHIGHLAX",
        "KXLOWTNYC",
        "KXLOWTCHI",
    ),
    *("KXLOWTMIA", "KXLOWTAUS", "KXLOWTDEN", "KXLOWTPHIL", "KXLOWTLAX", "KXHIGHTSFO", "KXHIGHTSEA", "KXHIGHTDC"),
    *("KXHIGHTLV", "KXHIGHTNOLA", "KXHIGHTATL"),
]


def measure(work: Path, days: int = 500) -> dict:
    """Measure planning.

    Args:
        work: work folder.
        days: number of climate dates.

    Returns:
        Seconds and peak memory of the plan without files, and of a run with all files.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    first = dt.date(2024, 1, 1)
    config = {
        "series_tickers": SERIES,
        "date_start_local": first.isoformat(),
        "date_end_local": (first + dt.timedelta(days=days - 1)).isoformat(),
        "asof_policy": {"local_time": "23:00", "days_before": 1},
        "trade_window_policy": "market_close",
        "cadence_minutes": 1,
        "execution_model": "taker",
        "risk": {"start_balance_usd": 1000},
        "output_dir": "backtests",
        "probabilities": {"source": "file", "path": "mine.csv"},
    }
    (work / "config.yaml").write_text(yaml.safe_dump(config))
    (work / "mine.csv").write_text("market_ticker,known_at_utc,p_yes\n")
    # the plan without files, by both programs, then a run that has all files
    run = [sys.executable, "-m", "tradewinds.cli", "run", "--config", "config.yaml"]
    snakemake = [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), "--configfile", "config.yaml"]
    figures = {
        "events": len(SERIES) * days,
        "plan_tradewinds": _timed([*run, "--dry-run"], work),
        "plan_snakemake": _timed([*snakemake, "-n", "--quiet", "all"], work),
    }
    _write_empty(work, config)
    (market, *_) = common_workload.write_day(work, resolve(config))  # a run without any trade window is an error
    (work / "mine.csv").write_text(f"market_ticker,known_at_utc,p_yes\n{market},2024-12-30T00:00:00Z,0.5\n")
    _timed([*run, "--no-fetch"], work)
    return figures | {
        "nothing_to_be_done": _timed([*run, "--no-fetch"], work),
        "bare_snakemake": _bare(work, len(SERIES) * days),
    }


def _bare(work: Path, jobs: int) -> dict:
    """Measure the plan of a workflow that has nothing but as many jobs: what Snakemake itself takes.

    Args:
        work: work folder.
        jobs: their number.
    """
    folder = work / "bare"
    folder.mkdir()
    (folder / "Snakefile").write_text(
        f"rule all:\n    input: expand('made/{{n}}.txt', n=range({jobs}))\n"
        "rule make:\n    output: 'made/{n}.txt'\n    shell: 'touch {output}'\n"
    )
    command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "all", "--cores", "2", "--scheduler", "greedy"]
    return _timed(command, folder)


def _write_empty(work: Path, config: dict) -> None:
    """Write every file of the plan, as if the exchange had listed no market."""
    plan = plan_of(resolve(config))
    now = dt.datetime.now(dt.UTC).isoformat()
    covered = {"covers_through": "2025-12-31", "asked_through": "2025-12-31", "requests": 3}
    for path in plan.files.catalogs.values():
        files.write_parquet(work / path, schemas.CATALOG.empty_table(), covered)
    told = {"tier": None, "requests": 0, "retries": 0, "kept_from": None, "retrieved_at": now}
    nothing = schemas.CANDLES.empty_table()
    for event in plan.files.events:
        station = climate_days.station_of(event.series_ticker)
        meta = event_meta(station, event.climate_date, [], {}, nothing, 1)
        files.write_parquet(work / event.path, nothing, meta | told)


def _timed(command: list[str], folder: Path) -> dict:
    """Run a command and return its seconds, and the peak memory of it and its children together in MB."""
    started, peak = time.monotonic(), 0
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, _memory(process.pid))
            time.sleep(0.1)
        if process.returncode:
            raise SystemExit(process.stderr.read() if process.stderr else f"{command} failed")
    return {"seconds": round(time.monotonic() - started, 1), "peak_mb": peak // 2**20}


def _memory(pid: int) -> int:
    """Return the memory of a process and its children in bytes; 0 if it has ended."""
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return sum(member.memory_info().rss for member in family)
    except psutil.NoSuchProcess:  # it has ended since
        return 0


if __name__ == "__main__":
    print(json.dumps(measure(ROOT / "benchmarks/scratch/plan_scale", *(int(arg) for arg in sys.argv[1:])), indent=2))
