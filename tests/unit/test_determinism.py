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
from tradewinds.results.manifest import write_manifest
from tradewinds.results.report import write_report

folder, seed, threads, batch = Path(sys.argv[1]), *map(int, sys.argv[2:])
batches.EVENTS_PER_BATCH = batch
(folder / "world").mkdir(parents=True)
world = make_world(folder / "world", seed)
result = replay.replay_events(*world.inputs, threads=threads, climate=world.climate)
run_id = "5f0c1c1e-6f0d-5b5e-9d53-7d8f3f6a2b10"
write_artifacts(folder / "run", run_id, world.config, result)
write_market_names(folder / "run", world.inputs[1].values(), {trade.market_ticker for trade in result.trades})
if seed == 3:
    os.chdir(folder)  # the command that reproduces a run has its path
    write_manifest("run", run_id, world.config, about_run(world.config), [], result.watermark)
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
REPORT = {".md", ".html", ".svg", ".png"}


@pytest.mark.parametrize("seed", [3, 40, 46])
def test_trades_and_metrics_are_the_same_bytes(tmp_path, seed):
    traded = set()
    for name, threads, batch, order in (("one", 1, 24, "1"), ("other", 4, 1, "12345")):
        environment = {**os.environ, "PYTHONHASHSEED": order, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        arguments = [str(tmp_path / name), str(seed), str(threads), str(batch)]
        done = subprocess.run(
            [sys.executable, "-c", RUN, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        traded.add(int(done.stdout))
    assert len(traded) == 1 and min(traded) > 0, traded
    report = [
        path.relative_to(tmp_path / "one/run") for path in tmp_path.glob("one/run/**/*.*") if path.suffix in REPORT
    ]
    assert (len(report) > 8) == (seed == 3)
    for name in (*FILES, *report):
        one, other = (tmp_path / run / "run" / name for run in ("one", "other"))
        assert one.read_bytes() == other.read_bytes(), name
