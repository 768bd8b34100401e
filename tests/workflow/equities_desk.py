"""A working folder with prices of shares, and the command line in it."""

import csv
import dataclasses
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests import warm
from tests.unit.share_worlds import flat
from tests.workflow.harness import PATIENCE_SECONDS, ROOT
from tradewinds.archive.archive import ArchiveWriter
from tradewinds.families.equities_daily.archive_routes import add_bars, bars_table

FALLS = [10] * 21 + ["9.90", "9.80", "9.65", "9.60", "9.90", "9.95", *["10"] * 40]
RISES = [10] * 21 + ["10.30", "10.50", "10.80", "10.20", *["10.10"] * 40]
CONFIG = {
    "market": "equities_daily",
    "universe": ["FALL", "RISE"],
    "date_start_local": "2024-01-15",
    "date_end_local": "2024-06-30",
    "strategy": {"name": "Mean Reversion"},
    "bars": {"source": "files", "path": "bars.csv"},
    "calendar": "XASX",
    "risk": {"currency": "AUD"},
}


def write_archive(folder: Path) -> None:
    """Write an archive with the bars of `world`, in the chart API's place."""

    def row(bar):
        prices = {name: float(getattr(bar, name)) for name in ("open", "high", "low", "close")}
        return {"date": bar.date, **prices, "adj_close": float(bar.close), "volume": bar.volume}

    about = {"timezone": "Australia/Sydney", "currency": "AUD", "splits": {}}
    writer = ArchiveWriter(folder)
    for symbol, found in world().items():
        add_bars(writer, f"{symbol}.AX", bars_table([row(bar) for bar in found]), about)


class Shares:
    """The folder; `config` is written as config.yaml, `world` as bars.csv."""

    def __init__(self, folder: Path, world, **changes) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.write(world)
        self.config = {**CONFIG, **changes}
        (folder / "config.yaml").write_text(yaml.safe_dump(self.config))

    @classmethod
    def copy_of(cls, finished: Path, folder: Path) -> "Shares":
        """A copy of the folder of `shares_run`, as it was left."""
        shutil.copytree(finished, folder)
        desk = cls.__new__(cls)
        desk.folder, desk.config = folder, dict(CONFIG)
        return desk

    def write(self, world) -> None:
        with open(self.folder / "bars.csv", "w", newline="") as handle:
            out = csv.writer(handle)
            out.writerow(["symbol", "date", "open", "high", "low", "close", "volume"])
            for symbol, rows in world.items():
                for bar in rows:
                    out.writerow([symbol, bar.date, bar.open, bar.high, bar.low, bar.close, bar.volume])

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._call([sys.executable, "-m", "tradewinds.cli", *arguments])

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        flags = ["--snakefile", str(ROOT / "Snakefile"), "--configfile", "config.yaml", "-j", "2"]
        return self._call([sys.executable, "-m", "snakemake", *flags, *arguments])

    def _call(self, command):
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200", "NO_COLOR": "1"}
        return warm.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def backtest(self, strategy: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        dates = ("--start", "2024-01-15", "--end", "2024-06-30", "--config", "config.yaml")
        return self("backtest", "--strategy", strategy, *dates, *arguments)

    def read(self, name: str) -> str:
        (path,) = self.folder.glob(f"backtests/*-*/{name}")
        return path.read_text()

    def rows(self, name: str):
        return list(csv.DictReader(self.read(name).splitlines()))

    def json(self, *arguments: str):
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


def world():
    """Two shares: one that Mean Reversion buys, one that Breakout buys."""
    first = dt.date(2024, 1, 1)
    rise = flat(first, RISES)
    heavy = [dataclasses.replace(bar, volume=900_000) if i == 21 else bar for i, bar in enumerate(rise)]
    return {"FALL": flat(first, FALLS), "RISE": heavy}
