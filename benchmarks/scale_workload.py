"""A year of twenty series: events of the common workload side by side against one balance; 7,300 files, 78.84 million rows.

    python benchmarks/scale_workload.py FOLDER

The first 200 days of the common workload's series are the common workload. Each length of LENGTHS has a table of
probabilities of its own, as a config of those dates would. `made.json` is written last.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import common_workload
from benchmarks.scale import LENGTHS, MADE, part_of
from tradewinds.config import resolve
from tradewinds.core.files import read_table, write_text
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.pipeline import jobs

SERIES = 20


def seeds() -> dict[str, int]:
    """Return the first series of stations.csv, each with a seed of its own."""
    others = [series for series in list(climate_days.stations())[:SERIES] if series != common_workload.SERIES]
    return {series: common_workload.SEED + number for number, series in enumerate([common_workload.SERIES, *others])}


def write(folder: Path) -> None:
    """Write the year, and the probabilities of its parts."""
    started = time.perf_counter()
    common_workload.write(folder, max(LENGTHS), seeds(), processes=os.cpu_count() or 1)
    year = resolve.load(folder / "config.yaml")
    table = read_table(folder / plan_of(year).files.probabilities)
    for days in LENGTHS:
        part = part_of(year, days)
        kept = table.filter(pc.less_equal(table["climate_date"], part["date_end_local"]))
        common_workload.write_probabilities(folder, part, kept)
    files = [path for path in folder.rglob("*.parquet") if "candles" in path.parts]
    (rows,) = {pq.read_metadata(path).num_rows for path in files}
    made = {
        "files": len(files),
        "rows_per_file": rows,
        "mb": round(sum(path.stat().st_size for path in files) / 1e6),
        "made_in_s": round(time.perf_counter() - started),
    }
    write_text(folder / MADE, json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    jobs.tune_garbage_collector()
    write(Path(sys.argv[1]))
