"""Measure everything and write PERFORMANCE.md.

The absolute figures are those of the machine that measures; the ratios can be compared.
"""

import datetime as dt
import json
import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import (
    backfill,
    before_after,
    budget_use,
    carry,
    equities,
    fetch_cost,
    forecasts,
    orb,
    performance_page,
    plan_scale,
    scale,
    setting_change,
    simulation,
    sweep_cost,
)

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "benchmarks" / "scratch"

PAGE = """# Performance

Made by `make bench` (`benchmarks/run_all.py`) on {date}: {cores} cores, Python {python}, {system}.
Everything side by side in one run; absolute figures are one small, shared machine's, the ratios are what counts.

## Fetching

| | figure | target |
|---|---:|---:|
| CPU per event job beyond the network, Snakemake and all included (six markets), least of three | {cpu:.2f} s | ≤ 0.30 s |
| … of the fetch process alone | {alone:.2f} s | |
| bytes per event file | {bytes:,} | |
| requests allowed per second / most in any 1-second window, four processes | {limit} / {worst} | ≤ {limit} |
| use of the allowed rate while there is work | {use:.1%} | ≥ 95 % |

{events} synthetic events, fetched over HTTP from a served archive on the same machine.

### A backfill of many months

{backfill}

### A plan of {plan[events]:,} events

| | seconds | peak MB | target |
|---|---:|---:|---:|
| `tradewinds run --dry-run`, nothing there | {plan[plan_tradewinds][seconds]} | {plan[plan_tradewinds][peak_mb]} | 30 s |
| `snakemake -n`, nothing there | {plan[plan_snakemake][seconds]} | {plan[plan_snakemake][peak_mb]} | 5 s, or Snakemake's own |
| the same of a Snakefile with one rule and as many jobs | {plan[bare_snakemake][seconds]} | {plan[bare_snakemake][peak_mb]} | |
| `tradewinds run`, nothing to be done | {plan[nothing_to_be_done][seconds]} | {plan[nothing_to_be_done][peak_mb]} | 4 s |

## Simulation

| | rows/s | |
|---|---:|---:|
| bare DuckDB scan of the same {files} files ({rows:,} rows) | {scan:,.0f} | 1× |
| simulation: catalog, quotes, {trades:,} trades, equity, diagnostics | {sim:,.0f} | {ratio:.0f}× the time of the scan |

The common workload (200 events, a quote every minute: {common[rows]:,} rows), best of five in a warm process:

| | rows/s | target |
|---|---:|---:|
| bare DuckDB scan of its files | {common[scan]:,.0f} | |
| simulation, $1,000: cash never binds | {common[never_binds]:,.0f} | ≥ 10,000,000 |
| simulation, $10: cash binds | {common[binds]:,.0f} | ≥ 4,000,000 |
| … of candles and events in memory, $1,000 | {common[never_binds_in_memory]:,.0f} | |
| … of candles and events in memory, $10 | {common[binds_in_memory]:,.0f} | |

Others publish the rate from memory: arrays that are there, to fills. Here it is all that a run does between reading files and
writing results: validations, what the strategy wants of each offer, the replay, equity, refusals by reason, books and trades.

Other engines on the same workload, side by side: [benchmarks/engines.md](benchmarks/engines.md)
(`python benchmarks/compare_engines.py`).

### A year of twenty series

`python benchmarks/scale.py`, made on {scale[date]}, load average {scale[machine][load][0]:.1f}: {scale[made][files]:,} event
files ({scale[made][mb]} MB) against one balance, each row of the table a fresh process from its start to its end. Wanted: the
year in at most {most_seconds} s and {most_mb:,} MB, and a cost that grows with the rows and no faster.

{scale_table}
The first row of each strategy is mostly the start of the process; "CPU ns a further row" is what each row beyond the line
above takes. With $1,000,000 the events that are the common workload's come to its agreed result.

## Sweeps

{points:,} settings of the common workload in one warm process, against one of them:

| | one, s | all, s | all, CPU s | all over one | target |
|---|---:|---:|---:|---:|---:|
{sweeps}

Of each, {checked} points drawn at random were run alone: same run id, decision times, P&L of every trade, equity.

## Before and after

{before_after}
## Forecasts

`python benchmarks/forecasts.py` on years of recorded guidance, walk-forward, mean CRPS in °F; {forecast_cpu} s of CPU for
{forecast_years} station-years with every model alone beside them ([docs/forecasts.md](docs/forecasts.md)).

| | days | climatology | raw guidance | best single model | EMOS | EMOS better by | target |
|---|---:|---:|---:|---:|---:|---:|---:|
{forecasts}

## Daily equities

`python benchmarks/equities.py --record`, made on {shares[date]}: {symbols} recorded symbols, 2012 to 2024, both strategies,
after the import; the best of {share_runs} runs in turns ([docs/equities_daily.md](docs/equities_daily.md#speed)).

| | seconds, whole process | CPU s | peak MB | times as fast as backtesting.py | target |
|---|---:|---:|---:|---:|---:|
{share_table}

## A changed setting

{setting_change}

## Opening ranges

{orb}

{carry}"""


def main() -> None:
    """Run the benchmarks that take little time, and write the page from their figures and the recorded ones of the others."""
    # measured now
    WORK.mkdir(parents=True, exist_ok=True)
    fetch, budget, sim = (
        fetch_cost.measure(WORK / "fetch"),
        budget_use.measure(),
        simulation.measure(WORK / "simulation"),
    )
    plan = plan_scale.measure(WORK / "plan_scale")
    common, sweeps = simulation.measure_common(sweep_cost.WORK), sweep_cost.measure()
    # recorded by benchmarks that are run by hand
    year = json.loads((ROOT / "benchmarks" / "scale.json").read_text(encoding="utf-8"))
    recorded = json.loads((ROOT / "benchmarks" / "forecasts.json").read_text(encoding="utf-8"))
    shares = json.loads(equities.RECORD.read_text(encoding="utf-8"))
    page = PAGE.format(
        before_after=before_after.section(),
        setting_change=setting_change.section(json.loads(setting_change.RECORD.read_text(encoding="utf-8"))),
        orb=orb.section(),
        carry=carry.section(json.loads(carry.RECORD.read_text(encoding="utf-8"))),
        shares=shares,
        symbols=shares["symbols"],
        share_runs=len(shares["rounds"]["backtestingpy"]),
        share_table=equities.table(shares),
        plan=plan,
        backfill=backfill.section(json.loads(backfill.RECORD.read_text(encoding="utf-8"))),
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
        common=common,
        scale=year,
        scale_table=scale.table(year),
        most_seconds=scale.MOST_SECONDS,
        most_mb=scale.MOST_MB,
        sweeps=sweep_cost.table(sweeps),
        points=max(sweep["points"] for sweep in sweeps.values()),
        forecasts=forecasts.table(recorded),
        forecast_cpu=round(recorded["cpu_seconds"]),
        forecast_years=sum(len(one["years"]) for one in recorded["stations"].values()),
        checked=min(sweep["checked"] for sweep in sweeps.values()),
    )
    performance_page.write_page(page)
    print(page)


if __name__ == "__main__":
    main()
