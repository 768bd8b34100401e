"""Same inputs, same bytes: whatever the number of threads, the size of batches, and the order that a process gives its sets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import os, sys
from pathlib import Path
from tests.reference.worlds import make_world
from tradewinds.families.kalshi_weather import batches, replay
from tradewinds.families.kalshi_weather.report.event_sections import REPORT
from tradewinds.families.kalshi_weather.run_files import write_market_names
from tradewinds.results.artifacts import write_artifacts
from tradewinds.pipeline.simulate import about_run
from tradewinds.results.manifest import evidence_of, write_manifest
from tradewinds.results.report.write import write_report

threads, batches.EVENTS_PER_BATCH, *seeds = map(int, sys.argv[2:])
for seed in seeds:
    folder = Path(sys.argv[1]) / str(seed)
    (folder / "world").mkdir(parents=True)
    world = make_world(folder / "world", seed)
    result = replay.replay_events(*world.inputs, threads=threads, climate=world.climate)
    run_id = "5f0c1c1e-6f0d-5b5e-9d53-7d8f3f6a2b10"
    write_artifacts(folder / "run", run_id, world.config, result)
    write_market_names(folder / "run", world.inputs[1].values(), {trade.market_ticker for trade in result.trades})
    if seed == 3:
        os.chdir(folder)  # the command that reproduces a run has its path
        write_manifest("run", run_id, world.config, about_run(world.config), evidence_of([]), result.watermark)
        write_report("run", REPORT)
    print(len(result.trades))
"""
FILES = (
    "trades.csv",
    "trades.parquet",
    "metrics.json",
    "journal.parquet",
    "equity.csv",
    "decisions.parquet",
    "positions_daily.csv",
    "markets.csv",
)
SEEDS = (3, 40, 46)  # the first with a report
REPORT = {".md", ".html", ".svg", ".png"}


@pytest.mark.slow
def test_trades_metrics_and_report_are_the_same_bytes(tmp_path):
    traded = []
    for name, threads, batch, order in (("one", 1, 24, "1"), ("other", 4, 1, "12345")):
        environment = {**os.environ, "PYTHONHASHSEED": order, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        arguments = [str(tmp_path / name), str(threads), str(batch), *map(str, SEEDS)]
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        traded.append([int(line) for line in done.stdout.splitlines()])
    assert traded[0] == traded[1] and len(traded[0]) == len(SEEDS) and min(traded[0]) > 0, traded
    report = [path.relative_to(tmp_path / "one") for path in tmp_path.glob("one/*/run/**/*.*") if path.suffix in REPORT]
    assert len(report) > 8
    for name in (*(Path(str(seed), "run", name) for seed in SEEDS for name in FILES), *report):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes(), name
