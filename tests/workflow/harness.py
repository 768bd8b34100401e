"""Run the product as a user does: a working folder, the command line, the server of archives."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import yaml

from tradewinds.archive.server import ArchiveServer

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 240

CHICAGO = {
    "series_tickers": ["KXHIGHCHI"],
    "date_start_local": "2025-05-02",
    "date_end_local": "2025-05-30",
    "asof_policy": {"local_time": "23:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 1,
    "execution_model": "taker",
    "risk": {
        "start_balance_usd": 1000,
        "max_contracts_per_market": 5,
        "max_contracts_per_event": 20,
        "max_total_open_contracts": 200,
        "max_notional_per_event_usd": 100,
        "max_trades_per_event_per_day": 50,
    },
    "output_dir": "backtests",
}


class Desk:
    """A working folder with a config that points at a server of an archive."""

    def __init__(
        self, folder: Path, server: ArchiveServer | None, rate: float = 400, root: Path = ROOT, **changes
    ) -> None:
        self.folder, self.server, self.root = folder, server, root
        folder.mkdir(parents=True, exist_ok=True)
        nobody = {"kalshi": "http://127.0.0.1:9/trade-api/v2", "iem": "http://127.0.0.1:9"}
        urls = server.urls if server else nobody
        self.config = {
            **CHICAGO,
            "kalshi": {"base_url": urls["kalshi"], "requests_per_second": rate},
            "iem": {"base_url": urls["iem"], "requests_per_second": rate},
            **changes,
        }
        (folder / "config.yaml").write_text(yaml.safe_dump(self.config))

    def environment(self) -> dict[str, str]:
        source = str(self.root / "src")
        return {**os.environ, "PYTHONPATH": source, "COLUMNS": "120", "NO_COLOR": "1"}

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "tradewinds.cli", *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._call(self.command("run", "--config", "config.yaml", *arguments))

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        flags = ["--snakefile", str(self.root / "Snakefile"), "--configfile", "config.yaml", "-j", "4"]
        return self._call([sys.executable, "-m", "snakemake", *flags, *arguments])

    def _call(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )

    def run_and_kill(self, when: Callable[[], bool]) -> None:
        """Start a run and kill -9 everything of it as soon as `when` holds."""
        process = subprocess.Popen(
            self.command("run", "--config", "config.yaml"),
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not when():
            assert process.poll() is None, "the run ended before the moment to kill it came"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        family = [process, *psutil.Process(process.pid).children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                member.send_signal(signal.SIGKILL)
        process.wait()

    def candle_files(self) -> list[Path]:
        return sorted(self.folder.glob("data/candles/kalshi/*/*/*.parquet"))

    def run_folder(self) -> Path:
        [folder] = [path for path in (self.folder / "backtests").iterdir() if path.is_dir()]
        return folder

    def metrics(self) -> dict:
        return json.loads((self.run_folder() / "metrics.json").read_text())

    def checkpoints(self) -> dict[str, list[str]]:
        """Climate dates by status of their backfill, as the default database has them."""
        with contextlib.closing(sqlite3.connect(self.folder / "backtests/tradewinds.db")) as database:
            query = "SELECT status, climate_date FROM kalshi_backfill_checkpoint ORDER BY climate_date"
            found: dict[str, list[str]] = {}
            for status, date in database.execute(query):
                found.setdefault(status, []).append(date)
        return found

    def leftovers(self) -> list[Path]:
        return list(self.folder.glob("data/**/*.part"))


def candle_requests(server: ArchiveServer) -> Counter[str]:
    """Candle requests the server has seen, per path."""
    return Counter(seen.path for seen in server.requests if seen.path.endswith("/candlesticks"))


def candles_of(desk: Desk) -> dict[str, list]:
    """All candle files without their retrieval times."""
    return {path.name: pq.read_table(path).drop_columns("retrieved_at").to_pylist() for path in desk.candle_files()}
