"""Measure everything and write PERFORMANCE.md. Figures are of the machine they were made on; the ratios are the point."""

import datetime as dt
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import budget_use, fetch_cost, simulation

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "benchmarks" / "work"

PAGE = """# Performance

Made by `make bench` (`benchmarks/run_all.py`) on {date}: {cores} cores, Python {python}, {system}.
Everything side by side in one run; absolute figures are one small, shared machine's, the ratios are what counts.

## Fetching

| | figure | target |
|---|---:|---:|
| CPU per event job beyond the network, Snakemake and all included (six markets) | {cpu:.2f} s | ≤ 0.30 s |
| … of the fetch process alone | {alone:.2f} s | |
| bytes per event file | {bytes:,} | |
| requests allowed per second / most in any 1-second window, four processes | {limit} / {worst} | ≤ {limit} |
| use of the allowed rate while there is work | {use:.1%} | ≥ 95 % |

{events} synthetic events, fetched over HTTP from the replay server on the same machine.

## Simulation

| | rows/s | |
|---|---:|---:|
| bare DuckDB scan of the same {files} files ({rows:,} rows) | {scan:,.0f} | 1× |
| simulation: catalog, quotes, {trades:,} trades, equity, diagnostics | {sim:,.0f} | {ratio:.0f}× the time of the scan |
"""


def main() -> None:
    WORK.mkdir(parents=True, exist_ok=True)
    fetch, budget, sim = (
        fetch_cost.measure(WORK / "fetch"),
        budget_use.measure(),
        simulation.measure(WORK / "simulation"),
    )
    page = PAGE.format(
        date=dt.datetime.now(dt.UTC).date(),
        cores=os.cpu_count(),
        python=platform.python_version(),
        system=platform.system(),
        cpu=fetch["cpu_per_event_job_s"],
        alone=fetch["cpu_of_the_process_alone_s"],
        bytes=fetch["bytes_per_event"],
        events=fetch["events"],
        limit=budget["limit"],
        worst=budget["most_in_a_second"],
        use=budget["use"],
        files=sim["events"],
        rows=sim["rows"],
        scan=sim["scan_rows_per_s"],
        trades=sim["trades"],
        sim=sim["simulation_rows_per_s"],
        ratio=sim["simulation_over_scan"],
    )
    (ROOT / "PERFORMANCE.md").write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
