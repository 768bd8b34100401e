"""`snakemake mirror_candles`: a real month in SQL, through a kill -9, each candle once."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys
import time

import pyarrow.parquet as pq

from tests.workflow.harness import Desk

PROGRAM = """
import sys
from tradewinds.families.kalshi_weather.database.mirror import mirror_candles
mirror_candles(sys.argv[2:], sys.argv[1])
"""


def count(folder, what):
    with contextlib.closing(sqlite3.connect(f"file:{folder}/backtests/tradewinds.db?mode=ro", uri=True)) as database:
        return database.execute(f"SELECT count(*) FROM kalshi_candlestick_{what}").fetchone()[0]


def test_a_month_is_mirrored_through_a_kill(finished, tmp_path):
    for name in ("data", "backtests", ".snakemake"):
        shutil.copytree(finished.folder / name, tmp_path / name)
    desk = Desk(tmp_path, None)
    files = desk.candle_files()
    relative = [str(path.relative_to(tmp_path)) for path in files]
    command = [sys.executable, "-c", PROGRAM, "sqlite:///backtests/tradewinds.db", *relative]
    with subprocess.Popen(command, cwd=tmp_path, env=desk.environment()) as process:
        while count(tmp_path, "mirrored") < 5:
            assert process.poll() is None, "it ended before the moment to kill it came"
            time.sleep(0.005)
        process.kill()
    begun = count(tmp_path, "mirrored")
    assert 5 <= begun < len(files)
    assert count(tmp_path, "1m") == sum(pq.read_metadata(path).num_rows for path in files[:begun])
    done = desk.snakemake("mirror_candles")
    assert done.returncode == 0, done.stderr
    [log] = tmp_path.glob("logs/mirror_candles/*.log")
    assert f"{len(files) - begun} of {len(files)} files were not in yet" in log.read_text()
    assert count(tmp_path, "1m") == sum(pq.read_metadata(path).num_rows for path in files) > 150_000
    assert "Nothing to be done" in desk.snakemake("mirror_candles").stderr
    assert "mirror_candles" not in desk.snakemake("-n").stdout, "it is no part of a run"
