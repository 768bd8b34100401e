"""A bare DuckDB scan of the columns that Tradewinds' engine reads: the least cost of any reader of these files."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.peers.process import Stopwatch, arguments, tell

SCAN = """SELECT count(*), sum(yes_bid_close), sum(yes_ask_close), sum(volume), max(end_period_ts), max(market_ticker)
          FROM read_parquet(?)"""


def simulate(folder: Path, events: int | None, twice: bool) -> None:
    """Scan the files, twice if asked, and print the figures; `events` is the number of events, None for all."""
    watch = Stopwatch()
    files = [str(path) for path in sorted(folder.glob("data/candles/*/*/*/*.parquet"))[:events]]
    connection = duckdb.connect()
    rows = connection.execute(SCAN, [files]).fetchall()[0][0]
    watch.lap("load")
    if twice:
        connection.execute(SCAN, [files]).fetchall()
        watch.lap("load_again")
    tell(duckdb.__version__, rows, 0, 0, 0, watch)


if __name__ == "__main__":
    given = arguments(__doc__)
    simulate(given.folder, given.events, given.twice)
