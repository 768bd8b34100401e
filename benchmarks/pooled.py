"""A recorded month on the forecast alone and on the forecast pooled with the price, and what the figures of edge cost.

    python benchmarks/pooled.py DATA [--json]

DATA is the folder of recorded data (tests/conftest.py). The month is Chicago's May of 2025 with the settings of
config/kalshi_chicago.yaml; nothing is fetched from the internet. Cost is CPU seconds: of a run whose data is there (a changed
setting, report and load included), and of everything that makes the keys `edge` and `ages` of its calibration.json.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.core.files import read_rows
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded
from tradewinds.families.kalshi_weather.calibration.against_price import edge_scores
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.families.kalshi_weather.pooling.price_ladders import event_ladders

ROOT = Path(__file__).resolve().parents[1]
SOURCES = {
    "gaussian": {"source": "gaussian", "models": ["GFS", "NAM"]},
    "pooled": {"source": "pooled", "models": ["GFS", "NAM"]},
    "pooled, no limit of age": {"source": "pooled", "models": ["GFS", "NAM"], "pooled": {"valid_minutes": None}},
}
ROWS = (
    ("trades", lambda metrics, scores: f"{metrics['num_trades']:,}"),
    ("P&L, USD", lambda metrics, scores: f"{metrics['total_pnl_usd']:+.2f}"),
    ("claimed, USD", lambda metrics, scores: f"{metrics['edge']['expected']:+.2f}"),
    ("fees, USD", lambda metrics, scores: f"{metrics['total_fees_usd']:.2f}"),
    ("deepest drawdown, USD", lambda metrics, scores: f"{metrics['max_drawdown_usd']:.2f}"),
    ("Brier score", lambda metrics, scores: f"{metrics['brier']:.4f}"),
    ("log loss", lambda metrics, scores: f"{metrics['log_loss']:.4f}"),
    ("Brier skill over the price", lambda metrics, scores: f"{scores['against']['market']['skill']:+.3f}"),
)


def run(folder: Path, config: dict, name: str) -> tuple[dict, dict, float]:
    """Run a config: its metrics, its calibration, and the CPU seconds of all its processes."""
    (folder / name).write_text(yaml.safe_dump(config), encoding="utf-8")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "tradewinds.cli", "run", "--quiet", "--config", name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with contextlib.chdir(folder):
        run_dir = Path(plan_of(resolve.load(name)).run_dir)
        found = [json.loads((run_dir / file).read_bytes()) for file in ("metrics.json", "calibration.json")]
    return found[0], found[1], after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def edge_seconds(folder: Path, name: str) -> float:
    """CPU seconds of the keys `edge` and `ages` of a run, reading the quotes included; the least of five."""
    with contextlib.chdir(folder):
        config = resolve.load(name)
        files = plan_of(config).files
        p = {row["market_ticker"]: float(row["p_yes"]) for row in read_rows(files.probabilities)}
        least = float("inf")
        for _ in range(5):
            began = time.process_time()
            edge_scores(event_ladders(config, files.catalogs, files.candles, p), {})
            least = min(least, time.process_time() - began)
    return least


def measure(data: Path) -> dict:
    """Run the month on every source."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work, "desk")
        folder.mkdir()
        import_recorded(
            markets=[data / "kalshi/markets_KXHIGHCHI_2025-05.parquet"],
            candles=[data / "kalshi/candles_1m_KXHIGHCHI_2025-05.parquet"],
            guidance=[data / "weather/mos_12z_daily_KMDW_KMIA.parquet"],
            climate=[data / "weather/climate_high_6stations_2023_2025.parquet"],
            out=Path(work, "archive"),
        )
        config = yaml.safe_load((ROOT / "config/kalshi_chicago.yaml").read_text(encoding="utf-8"))
        with running_server(Path(work, "archive")) as server:
            for name in ("kalshi", "iem"):
                config[name] = {"base_url": server.urls[name], "requests_per_second": 400}
            runs = {
                source: run(folder, {**config, "probabilities": settings}, f"{number}.yaml")
                for number, (source, settings) in enumerate(SOURCES.items())
            }
            changed = {
                **config,
                "probabilities": SOURCES["gaussian"],
                "risk": {**config["risk"], "start_balance_usd": 5000},
            }
            cpu = [run(folder, {**changed, "seed": seed}, "changed.yaml")[2] for seed in range(3)]
        table = {source: {what: show(*found[:2]) for what, show in ROWS} for source, found in runs.items()}
        return {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "runs": table,
            "run_cpu_s": round(min(cpu), 3),
            "edge_cpu_s": round(edge_seconds(folder, "0.yaml"), 3),
        }


def page(found: dict) -> str:
    """The table of docs/edge.md."""
    sources = list(found["runs"])
    lines = [f"| | {' | '.join(sources)} |", f"|---|{'---:|' * len(sources)}"]
    lines += [f"| {what} | {' | '.join(found['runs'][source][what] for source in sources)} |" for what, _ in ROWS]
    share = 100 * found["edge_cpu_s"] / found["run_cpu_s"]
    cost = (
        f"The figures of edge take {found['edge_cpu_s']:.3f} s of CPU, reading the quotes included, of the "
        f"{found['run_cpu_s']:.2f} s of a run whose data is there: {share:.1f} %."
    )
    return "\n".join([*lines, "", cost])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder of recorded data")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    asked = parser.parse_args()
    found = measure(asked.data.resolve())
    print(json.dumps(found, indent=2) if asked.json else page(found))


if __name__ == "__main__":
    main()
