"""A recorded month with the probability of one as-of time and with the last one known at each decision, side by side.

    python benchmarks/latest.py DATA [--json]

DATA is the folder of recorded data (tests/conftest.py). The month is Chicago's May of 2025 with the settings of
config/kalshi_chicago.yaml; nothing is fetched from the internet. The recording has one run a day of two models, the 12Z runs of
the day before, and no readings of the running day: `latest` has little to bring up to date, and the table shows what that is.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tradewinds.archive.server import running_server
from tradewinds.config import resolve
from tradewinds.core.files import read_rows
from tradewinds.families.kalshi_weather.archive.import_recorded import import_recorded
from tradewinds.families.kalshi_weather.plan import plan_of

ROOT = Path(__file__).resolve().parents[1]
POLICIES = {
    "fixed, 23:00": {"local_time": "23:00", "days_before": 1},
    "latest from 23:00": {"mode": "latest", "local_time": "23:00", "days_before": 1},
    "fixed, 12:05": {"local_time": "12:05", "days_before": 1},
    "latest from the opening": {"mode": "latest"},
}
ROWS = (
    ("trades", lambda found: f"{found['num_trades']:,}"),
    ("P&L, USD", lambda found: f"{found['total_pnl_usd']:+.2f}"),
    ("claimed, USD", lambda found: f"{found['edge']['expected']:+.2f}"),
    ("fees, USD", lambda found: f"{found['total_fees_usd']:.2f}"),
    ("Brier score of the first probability", lambda found: f"{found['brier']:.4f}"),
    ("probabilities of a market, mean", lambda found: f"{found['rows'] / found['markets']:.1f}"),
)


def run(folder: Path, config: dict, name: str) -> tuple[dict, list[dict]]:
    """Run a config: its metrics with the number of probabilities, and its scores by lead."""
    (folder / name).write_text(yaml.safe_dump(config), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-m", "tradewinds.cli", "run", "--quiet", "--config", name],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        check=True,
    )
    with contextlib.chdir(folder):
        plan = plan_of(resolve.load(name))
        metrics, scores = (
            json.loads(Path(plan.run_dir, file).read_bytes()) for file in ("metrics.json", "calibration.json")
        )
        tickers = [row["market_ticker"] for row in read_rows(plan.files.probabilities, ["market_ticker"])]
    return {**metrics, "rows": len(tickers), "markets": len(set(tickers))}, scores.get("leads", [])


def measure(data: Path) -> dict:
    """Run the month by every policy."""
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
                policy: run(folder, {**config, "asof_policy": settings}, f"{number}.yaml")
                for number, (policy, settings) in enumerate(POLICIES.items())
            }
        return {
            "date": dt.datetime.now(dt.UTC).date().isoformat(),
            "runs": {policy: {what: show(found) for what, show in ROWS} for policy, (found, _) in runs.items()},
            "leads": runs["latest from the opening"][1],
        }


def page(found: dict) -> str:
    """The tables of docs/forecasts.md."""
    policies = list(found["runs"])
    lines = [f"| | {' | '.join(policies)} |", f"|---|{'---:|' * len(policies)}"]
    lines += [f"| {what} | {' | '.join(found['runs'][policy][what] for policy in policies)} |" for what, _ in ROWS]
    lines += [
        "",
        "| hours before the close | markets | Brier | of the price | skill | CRPS, °F |",
        f"|---:|{'---:|' * 5}",
    ]
    for lead in found["leads"]:
        model, price = lead["probabilities"]["model"], lead["probabilities"].get("market")
        figures = (f"{model['n']:,}", f"{model['brier']:.4f}", f"{price['brier']:.4f}" if price else "—")
        skill, warm = lead["against_market"]["skill"], lead["temperatures"]
        more = ("—" if skill is None else f"{skill:+.2f}", f"{warm['crps_f']:.2f}" if warm else "—")
        lines.append(f"| {lead['hours_before_close']} | {' | '.join((*figures, *more))} |")
    return "\n".join(lines)


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
