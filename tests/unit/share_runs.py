"""Runs of shares on disk, as the workflow leaves them: bars from a user's file, replay, artifacts, report."""

import contextlib
import csv
from pathlib import Path

from tradewinds.config import markets, resolve
from tradewinds.families import plan
from tradewinds.families.equities_daily.bar_panel import make_panel
from tradewinds.families.equities_daily.fetch import user_bars
from tradewinds.pipeline.simulate import simulate
from tradewinds.results.report.write import write_report

CONFIG = {
    "market": "equities_daily",
    "date_start_local": "2024-01-15",
    "date_end_local": "2024-03-29",
    "strategy": {"name": "Mean Reversion"},
    "bars": {"source": "files", "path": "bars.csv"},
    "calendar": "XASX",
    "risk": {"currency": "AUD"},
}


def write(folder: Path, world, **changes) -> Path:
    """Run a config over a world's bars in a folder; the run's own folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.chdir(folder):
        with open("bars.csv", "w", encoding="utf-8", newline="") as handle:
            out = csv.writer(handle)
            out.writerow(["symbol", "date", "open", "high", "low", "close", "volume"])
            for symbol, rows in world.items():
                out.writerows([symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume] for bar in rows)
        conf = resolve.resolve({**CONFIG, "universe": sorted(world), **changes})
        made = plan.run_plan(conf)
        years = [(file.name, file.year, file.path) for file in made.files.years]
        user_bars.import_bars("bars.csv", conf["bars"]["columns"], years)
        make_panel(made)
        simulate(conf, made, [], 1)
        write_report(made.run_dir, markets.family_of(conf["market"]).report())
    return folder / made.run_dir
