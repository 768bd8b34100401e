"""Run the product as a user does: a working folder, the command line, the server of archives."""

import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import yaml

from tests import warm
from tradewinds.archive.server import ArchiveServer

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 900  # no test depends on it: it ends one that would hang

CHICAGO = {
    "series_tickers": ["KXHIGHCHI"],
    "date_start_local": "2025-05-02",
    "date_end_local": "2025-05-30",
    "asof_policy": {"local_time": "23:00", "days_before": 1},
    "trade_window_policy": "market_close",
    "cadence_minutes": 1,
    "execution_model": "taker",
    "probabilities": {"source": "gaussian", "models": ["GFS", "NAM"]},  # the models that the month's recordings have
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

# Ten of its days, whose markets lie on both sides of a cutoff at the 16th: where the month would prove no more.
TEN_DAYS = {"date_start_local": "2025-05-11", "date_end_local": "2025-05-20"}


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
        return warm.run(
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
        nowhere = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with self.started(self.command("run", "--config", "config.yaml"), fork=True, **nowhere) as process:
            wait_until(when, process)

    @contextlib.contextmanager
    def started(self, command: list[str], *, fork: bool = False, **streams) -> Iterator[subprocess.Popen[str]]:
        """Start a program here; whatever the block does, nothing of the program is left at its end.

        Args:
            command: its command line.
            fork: the program needs no start of its own (tests/warm); its jobs are then no children of it.
            streams: as `subprocess.Popen` takes them.
        """
        environment = self.environment()
        if fork:
            command, environment = warm.served(command, environment)
        process = subprocess.Popen(command, cwd=self.folder, env=environment, text=True, **streams)
        try:
            yield process
        finally:
            kill_family(process)
            if fork:
                kill_those_in(self.folder)

    def candle_files(self) -> list[Path]:
        return sorted(self.folder.glob("data/candles/kalshi/*/*/*.parquet"))

    def run_folder(self) -> Path:
        [folder] = [path.parent for path in (self.folder / "backtests").glob("*/run_manifest.json")]
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


def but_for_candles(done: Desk, folder: Path) -> Path:
    """Copy the catalogs and the weather of a finished run to another folder, whose runs then fetch candles alone."""
    for name in ("catalog", "climate", "guidance"):
        shutil.copytree(done.folder / "data" / name, folder / "data" / name)
    return folder


def fetched_by(done: Desk, folder: Path) -> Path:
    """Copy all that a finished run has fetched to another folder, and nothing that it has made of it."""
    for name in ("catalog", "climate", "guidance", "candles"):
        shutil.copytree(done.folder / "data" / name, folder / "data" / name)
    return folder


def call_demo(folder: Path) -> subprocess.CompletedProcess[str]:
    """Make the demo in a folder, as `make demo` does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "120", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "tradewinds.cli", "demo"]
    return warm.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
    )


def wait_until(holds: Callable[[], object], *processes: subprocess.Popen[str], pause: float = 0.005) -> None:
    """Wait for an event, which processes that must still run bring about; `pause`: seconds between two looks."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        for process in processes:
            output = process.stdout or process.stderr
            assert process.poll() is None, output.read() if output else "it ended before the event"
        assert time.monotonic() < deadline
        time.sleep(pause)


def kill_family(process: subprocess.Popen[str]) -> None:
    """Kill -9 a process and all below it."""
    family = []
    if process.poll() is None:
        family = psutil.Process(process.pid).children(recursive=True)
    for member in (process, *family):
        with contextlib.suppress(psutil.NoSuchProcess):
            member.send_signal(signal.SIGKILL)
    process.wait()
    psutil.wait_procs(family, timeout=PATIENCE_SECONDS)
    for stream in (process.stdout, process.stderr):
        if stream:
            stream.close()


def kill_those_in(folder: Path) -> None:
    """Kill -9 all processes that work in a folder, until there is none."""
    place, me = str(folder.resolve()), os.getpid()
    while found := [one for one in psutil.process_iter(["cwd"]) if one.info["cwd"] == place and one.pid != me]:
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        time.sleep(0.005)


def dead_links(page: str) -> set[str]:
    """The anchors of a page to which a link leads and which it does not have."""
    return set(re.findall(r'href="#([^"]+)"', page)) - set(re.findall(r'\bid="([^"]+)"', page))


def no_client(server: ArchiveServer) -> bool:
    """Whether no client is connected to a server, so all requests that were under way are noted."""
    port = server.http.server_address[1]
    open_ones = (psutil.CONN_ESTABLISHED, psutil.CONN_CLOSE_WAIT)
    mine = psutil.net_connections("tcp4")
    return not [one for one in mine if one.laddr and one.laddr.port == port and one.status in open_ones]


def candle_requests(server: ArchiveServer) -> Counter[str]:
    """Candle requests the server has seen, per path."""
    return Counter(seen.path for seen in server.requests if seen.path.endswith("/candlesticks"))


def candles_of(desk: Desk) -> dict[str, list]:
    """All candle files without their retrieval times."""
    return {path.name: pq.read_table(path).drop_columns("retrieved_at").to_pylist() for path in desk.candle_files()}
