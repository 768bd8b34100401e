"""Cost of loading very many trades into SQLite and MariaDB: trades a second and memory, beside row-by-row INSERTs.

    python benchmarks/database_load.py [TRADES]

Row by row is one INSERT and one commit per row, with the same driver and table; a second comparison is one INSERT per row in
one transaction. The MariaDB server is a process in a temporary folder, as in the tests, with its default durability.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sqlalchemy as sa

from tests.services import mariadb
from tests.unit.database_parts import write_many
from tradewinds.database import rows, schema
from tradewinds.database import tables as t
from tradewinds.database.connect import open_database
from tradewinds.database.load import load_run

TRADES = 1_000_000
BY_ROW = {True: 1_000, False: 10_000}  # number of rows with a commit each (True) and in one transaction (False)
LEAST_RATIO = 10
MOST_MB = 400


def load_once(folder: str, url: str) -> dict:
    """Load a run in this process and return seconds and peak memory in MB."""
    started = time.perf_counter()
    count = load_run(folder, url)
    seconds = time.perf_counter() - started
    [peak] = re.findall(
        r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text()
    )  # ru_maxrss would count the parent too
    return {"trades": count, "seconds": seconds, "peak_mb": int(peak) // 1024}


def by_row(folder: Path, url: str, commits: bool) -> float:
    """Return trades a second with one INSERT each, into the table that the load has filled.

    Args:
        folder: folder of the run.
        url: URL of the database.
        commits: commit after each row, instead of once.
    """
    batch = next(iter(rows.batches(folder / "trades.parquet")))
    found, count = rows.columns(batch), BY_ROW[commits]
    engine = open_database(url)
    try:
        with engine.connect() as connection:
            connection.execute(sa.delete(t.backtest_trades))
            run_id = connection.scalar(sa.select(t.backtest_runs.c.run_id))
            connection.commit()
            started = time.perf_counter()
            for seq in range(count):
                row = {name: column[seq % len(batch)] for name, column in found.items()}
                connection.execute(sa.insert(t.backtest_trades), row | {"run_id": run_id, "seq": seq})
                if commits:
                    connection.commit()
            connection.commit()
            return count / (time.perf_counter() - started)
    finally:
        engine.dispose()


def measure(folder: Path, url: str) -> dict:
    """Load in a fresh process, load a second time to replace the rows, and insert row by row; returns the figures."""
    program = (
        "import json, sys; from benchmarks import database_load as d; print(json.dumps(d.load_once(*sys.argv[1:])))"
    )
    root = Path(__file__).resolve().parents[1]

    def fresh() -> dict:
        command = [sys.executable, "-c", program, str(folder), url]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=root).stdout)

    engine = open_database(url)
    schema.upgrade(engine)  # making tables is not part of a load
    engine.dispose()
    first, again = fresh(), fresh()
    plain, together = by_row(folder, url, True), by_row(folder, url, False)
    rate = first["trades"] / first["seconds"]
    return first | {"rate": rate, "again_seconds": again["seconds"], "plain": plain, "together": together}


def main(trades: int) -> None:
    """Make a run of so many trades and print the figures of both databases."""
    with tempfile.TemporaryDirectory(prefix="tradewinds-") as name:
        work = Path(name)
        write_many(work / "run", trades)
        places = {"SQLite": f"sqlite:///{work}/t.db"}
        server = None
        if mariadb.programs():
            (work / "server").mkdir()
            server = mariadb.make_server(work / "server", flush=1)
            server.new_database("bench")
            places["MariaDB"] = server.url("bench")
        try:
            found = {place: measure(work / "run", url) for place, url in places.items()}
        finally:
            if server:
                server.stop()
    for place, m in found.items():
        print(
            f"{place}: {m['trades']:,} trades in {m['seconds']:.1f} s ({m['rate']:,.0f}/s), peak {m['peak_mb']} MB; "
            f"replaced in {m['again_seconds']:.1f} s; {m['rate'] / m['plain']:.0f} times as fast as row by row "
            f"({m['plain']:,.0f}/s), {m['rate'] / m['together']:.1f} times as fast as that in one transaction"
        )
    if any(m["rate"] < LEAST_RATIO * m["plain"] or m["peak_mb"] > MOST_MB for m in found.values()):
        sys.exit(f"wanted: {LEAST_RATIO} times as fast as row by row, at most {MOST_MB} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else TRADES)
