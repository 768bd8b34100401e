"""Backfill of many months, as a user runs it: requests planned and counted, use of the allowed rate, CPU time of an event.

It checks that the server counts exactly the requests of the plan. At the keyless rate, 3 a second, 2,016 requests take 11
minutes; at the rate of the lowest tier of users with a key, 20 a second, 2. So it is run by hand:
python benchmarks/backfill.py [--days 504] [--rate 3 20]
"""

import argparse
import collections
import collections.abc
import datetime as dt
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import yaml

from tests.workflow.fault_world import WINDOWS, make_world
from tradewinds.archive.server import ArchiveServer, running_server
from tradewinds.core import files
from tradewinds.core.paths import workflow_root

ROOT = workflow_root()
WORK = ROOT / "benchmarks" / "scratch" / "backfill"
DAYS = 504
RECORD = ROOT / "benchmarks" / "backfill.json"
RATES = [3.0, 20.0]  # without a key; with one, in the lowest tier


def measure(days: int, rate: float) -> dict:
    """Run a backfill of all series of the world.

    Args:
        days: number of climate dates.
        rate: allowed requests per second.

    Returns:
        Requests planned and counted, seconds, use of the rate, most requests in a window.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    dates = make_world(WORK / "archive", days)
    with running_server(WORK / "archive", cutoff=dates[0].replace(year=2020), log=WORK / "requests.log") as server:
        config = {
            "series_tickers": sorted(WINDOWS),
            "date_start_local": dates[0].isoformat(),
            "date_end_local": dates[-1].isoformat(),
            "asof_policy": {"local_time": "23:00", "days_before": 1},
            "trade_window_policy": "market_close",
            "cadence_minutes": 1,
            "execution_model": "taker",
            "risk": {"start_balance_usd": 1000},
            "output_dir": "backtests",
            "candles": {"window_policy": "TRADE_WINDOW_ONLY"},
            "probabilities": {"source": "file", "path": "mine.csv"},
            "kalshi": {"base_url": server.url_of("kalshi"), "requests_per_second": rate},
            "iem": {"base_url": server.url_of("iem")},
        }
        (WORK / "config.yaml").write_text(yaml.safe_dump(config))
        # requests for catalogs first: the plan of the run counts those for candles
        _own_probability("KXHIGHCHI-25JAN03-T1")  # no market is known yet
        _snakemake("--until", "sync_catalog")
        catalog = WORK / "data" / "catalog" / "kalshi" / f"{sorted(WINDOWS)[0]}.parquet"
        _own_probability(files.read_table(catalog)["market_ticker"][0].as_py())
        catalogs = len(server.requests)
        planned = int(
            re.search(r"([\d,]+) requests to the exchange", _tradewinds("--dry-run").stdout)[1].replace(",", "")
        )
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        _tradewinds()
        seconds = time.monotonic() - started
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = spent.ru_utime + spent.ru_stime - before.ru_utime - before.ru_stime
        # a second run has nothing to do
        nothing = _seconds_of(_tradewinds)
        return _figures(server, catalogs, rate) | {
            "events": len(dates) * len(WINDOWS),
            "planned": planned,
            "whole_run_s": round(seconds),
            "cpu_per_event_s": cpu / (len(dates) * len(WINDOWS)),
            "peak_of_the_largest_process_mb": spent.ru_maxrss // 1024,
            "nothing_to_be_done_s": round(nothing, 1),
        }


def _own_probability(market: str) -> None:
    """Write the user's file, with one row of a market."""
    (WORK / "mine.csv").write_text(f"market_ticker,known_at_utc,p_yes\n{market},2024-01-01T00:00:00Z,0.5\n")


def _figures(server: ArchiveServer, catalogs: int, rate: float) -> dict:
    """Return what the server counted, given the requests for catalogs and the allowed rate."""
    seen = server.requests[catalogs:]
    times = sorted(request.at for request in seen)  # they are listed as they were answered
    worst = max(sum(1 for other in times[i : i + int(2 * rate) + 2] if other < at + 1) for i, at in enumerate(times))
    return {
        "counted": len(seen),
        "status": dict(collections.Counter(request.status for request in seen)),
        "most_in_a_second": worst,
        "use": (len(times) - 1) / (times[-1] - times[0]) / rate,
    }


def _tradewinds(*flags: str) -> subprocess.CompletedProcess[str]:
    """Run `tradewinds run` with some flags in the work folder."""
    command = [sys.executable, "-m", "tradewinds.cli", "run", "--config", "config.yaml", *flags]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=WORK, env=environment, check=True, capture_output=True, text=True)


def _snakemake(*flags: str) -> None:
    """Run `snakemake` with some flags in the work folder."""
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "-s",
        str(ROOT / "Snakefile"),
        "--configfile",
        "config.yaml",
        "-j",
        "2",
    ]
    subprocess.run([*command, *flags], cwd=WORK, check=True, capture_output=True)


def _seconds_of(call: collections.abc.Callable[[], object]) -> float:
    """Return the wall seconds of a call."""
    started = time.monotonic()
    call()
    return time.monotonic() - started


def section(record: dict) -> str:
    """Return the section of PERFORMANCE.md.

    Args:
        record: what `measure` returned, by the name of the rate.
    """
    found = list(record.values())
    rates = [name.removesuffix("_per_second") for name in record]
    rows = [
        ("requests planned / counted by the server", [f"{f['planned']:,} / {f['counted']:,}" for f in found], "equal"),
        (
            "answers by status",
            [", ".join(f"{n:,} × {code}" for code, n in f["status"].items()) for f in found],
            "no 429",
        ),
        ("most in any 1-second window", [str(f["most_in_a_second"]) for f in found], "≤ the rate"),
        ("use of the allowed rate", [f"{f['use']:.1%}" for f in found], "≥ 95 %"),
        (
            "CPU per event, everything from the command line to the database",
            [f"{f['cpu_per_event_s']:.3f} s" for f in found],
            "≤ 0.09 s",
        ),
        ("peak memory of the largest process", [f"{f['peak_of_the_largest_process_mb']} MB" for f in found], ""),
        ("the same command again: nothing to be done", [f"{f['nothing_to_be_done_s']} s" for f in found], ""),
        ("made on", [f["date"] for f in found], ""),
    ]
    lines = [
        f"`python benchmarks/backfill.py --keep`, as a user runs it: {found[0]['events']:,} events of four series in the live",
        "tier, one request each, at the rate without a key and at that of the lowest tier with one.",
        "",
        f"| requests allowed per second | {' | '.join(rates)} | target |",
        f"|---|{'---:|' * (len(rates) + 1)}",
        *(f"| {name} | {' | '.join(values)} | {target} |" for name, values, target in rows),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure at each rate and keep the figures, beside those of other rates that are there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS, help="climate dates; four events each")
    parser.add_argument("--rate", type=float, nargs="+", default=RATES, help="allowed requests per second")
    parser.add_argument("--keep", action="store_true", help="write the figures to benchmarks/backfill.json")
    options = parser.parse_args()
    figures = json.loads(RECORD.read_text(encoding="utf-8"))
    for rate in options.rate:
        figures[f"{rate:g}_per_second"] = measure(options.days, rate) | {
            "date": dt.datetime.now(dt.UTC).date().isoformat()
        }
        print(json.dumps({f"{rate:g}_per_second": figures[f"{rate:g}_per_second"]}, indent=2), flush=True)
    if options.keep:
        RECORD.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
