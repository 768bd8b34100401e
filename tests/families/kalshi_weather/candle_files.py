"""Candle files as a fetch leaves them, and what a database of any kind must make of them."""

import datetime as dt
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from tradewinds.core import files
from tradewinds.core.errors import DamagedFile, FetchError
from tradewinds.database import schema
from tradewinds.database.connect import open_database
from tradewinds.families.kalshi_weather import schemas
from tradewinds.families.kalshi_weather.database import checkpoints, kalshi_tables, mirror

RETRIEVED = dt.datetime(2025, 7, 1, 12, tzinfo=dt.UTC)
FIRST = int(dt.datetime(2025, 5, 1, 14, 1, tzinfo=dt.UTC).timestamp())
PROGRAM = """
import os, signal, sys
from tradewinds.families.kalshi_weather.database import checkpoints
with checkpoints.backfill(sys.argv[1], sys.argv[2:], dict):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def path_of(folder: Path, day: int, window: str = "full_1m", series: str = "KXHIGHCHI") -> str:
    return str(folder / schemas.candle_path(window, series, dt.date(2025, 5, day)))


def write_candles(path: str, minutes: int = 3, bid: str = "0.351", first: int = FIRST, **changes) -> str:
    """A file of two markets with some minutes each; the second market has prices of trades, the first has none."""
    series, date, _ = checkpoints.key_of(path)
    event = f"{series}-{date:%y%b%d}".upper()
    rows = [
        dict.fromkeys(schemas.PRICE_COLUMNS, Decimal(bid) if ticker.endswith("T60") else Decimal("0.123456"))
        | (
            dict.fromkeys(
                name for name in schemas.PRICE_COLUMNS if name.startswith("price_") and ticker.endswith("B55")
            )
        )
        | {"market_ticker": ticker, "end_period_ts": first + 60 * minute, "retrieved_at": RETRIEVED}
        | {"volume": Decimal("1234567.89"), "open_interest": Decimal("0.01")}
        for ticker in (f"{event}-B55", f"{event}-T60")
        for minute in range(minutes)
    ]
    counts = {f"{event}-B55": minutes, f"{event}-T60": minutes}
    meta = {"series_ticker": series, "event_ticker": event, "climate_date": date.isoformat(), "tier": "historical"}
    meta |= {"period_interval_minutes": 1, "markets": sorted(counts), "rows_per_market": counts, "requests": 2}
    meta |= {"retrieved_at": RETRIEVED.isoformat()}
    meta |= {"missing_minutes": {f"{event}-B55": 7, f"{event}-T60": 4}, "retries": 1, "reason": None}
    files.write_parquet(path, pa.Table.from_pylist(rows, schemas.CANDLES), meta | changes)
    return path


def stored(url: str, table: sa.Table) -> list[dict]:
    engine = open_database(url)
    try:
        schema.upgrade(engine)
        with engine.begin() as connection:
            return [dict(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings()]
    finally:
        engine.dispose()


def states(url: str) -> dict[int, tuple[str, str | None]]:
    """Status and error by day of May, of the files of full windows."""
    rows = [row for row in stored(url, kalshi_tables.kalshi_backfill_checkpoint) if row["window_key"] == "full_1m"]
    return {row["climate_date"].day: (row["status"], row["error"]) for row in rows}


def the_life_of_checkpoints(url: str, folder: Path) -> None:
    """Four events: fetched, failed, never reached, killed; then all there."""
    paths = {day: path_of(folder, day) for day in (1, 2, 3, 4)}
    others = [path_of(folder, 3, window="trade_2300_d1_1m"), path_of(folder, 9)]
    with checkpoints.backfill(url, others, dict):
        for path in others:
            write_candles(path)

    with pytest.raises(FetchError), checkpoints.backfill(url, list(paths.values()), lambda: {paths[2]: "no answer"}):
        assert states(url) == dict.fromkeys((1, 2, 3, 4), ("RUNNING", None)) | {9: ("SUCCESS", None)}
        write_candles(paths[1])
        raise FetchError("no answer")
    assert states(url) == {1: ("SUCCESS", None), 2: ("FAILED", "no answer"), 9: ("SUCCESS", None)}

    missing = [paths[day] for day in (2, 3, 4)]
    with pytest.raises(KeyboardInterrupt), checkpoints.backfill(url, missing, dict):
        assert states(url)[2] == ("RUNNING", None)
        raise KeyboardInterrupt
    assert states(url) == {1: ("SUCCESS", None), 2: ("FAILED", "no answer"), 9: ("SUCCESS", None)}, "nothing new of 2"

    killed = subprocess.run([sys.executable, "-c", PROGRAM, url, *missing], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert states(url)[2] == states(url)[3] == states(url)[4] == ("RUNNING", None)
    with checkpoints.backfill(url, missing, lambda: {paths[4]: "x" * 5000}):
        write_candles(paths[2])
    assert states(url) == dict.fromkeys((1, 2, 9), ("SUCCESS", None)) | {4: ("FAILED", "x" * 2000)}
    empty = {"markets": [], "rows_per_market": {}, "missing_minutes": {}, "tier": None, "reason": "NO_EVENT"}
    with checkpoints.backfill(url, [paths[3], paths[4]], dict):
        write_candles(paths[3], minutes=0, **empty)
        write_candles(paths[4])
    found = stored(url, kalshi_tables.kalshi_backfill_checkpoint)
    assert [row["status"] for row in found] == ["SUCCESS"] * 6
    assert [row["file_path"] for row in found] == [paths[1], paths[2], paths[3], others[0], paths[4], others[1]]
    told = {key: found[0][key] for key in ("num_rows", "num_markets", "missing_minutes", "requests", "retries", "tier")}
    assert told == dict(zip(told, (6, 2, 11, 2, 1, "historical"), strict=True))
    assert (found[0]["event_ticker"], found[0]["window_key"]) == ("KXHIGHCHI-25MAY01", "full_1m")
    assert found[0]["retrieved_at_utc"] == RETRIEVED.replace(tzinfo=None)
    assert abs(found[0]["updated_at_utc"] - dt.datetime.now(dt.UTC).replace(tzinfo=None)) < dt.timedelta(minutes=5)
    assert [found[2][key] for key in ("num_rows", "reason_if_empty", "tier")] == [0, "NO_EVENT", None]
    assert found[2]["retrieved_at_utc"] == RETRIEVED.replace(tzinfo=None), "when nothing was there is known, too"


def wanted_rows(*paths: str) -> list[dict]:
    """What the mirror must hold of some files, from the files themselves."""
    rows = []
    for path in paths:
        meta = files.read_meta(path)
        named = {name: meta[name] for name in ("series_ticker", "event_ticker", "period_interval_minutes")}
        for row in pq.read_table(path).to_pylist():
            end = dt.datetime.fromtimestamp(row.pop("end_period_ts"), dt.UTC).replace(tzinfo=None)
            retrieved = row.pop("retrieved_at").replace(tzinfo=None)
            rows.append(named | row | {"end_period_ts_utc": end, "retrieved_at_utc": retrieved})
    return sorted(rows, key=lambda row: (row["market_ticker"], row["end_period_ts_utc"]))


def the_mirror_holds_each_candle_once(url: str, folder: Path) -> None:
    """Mirrored, interrupted, refetched, seen through another window: every candle once, to the last digit."""
    one, two, three = (write_candles(path_of(folder, day)) for day in (1, 2, 3))
    whole = Path(two).read_bytes()
    Path(two).write_bytes(b"half a file")
    with pytest.raises(DamagedFile, match=r"2025-05-02\.parquet: the file is damaged"):
        mirror.mirror_candles([one, two, three], url)
    assert stored(url, kalshi_tables.kalshi_candlestick_1m) == wanted_rows(one), "what came before the stop is in"
    Path(two).write_bytes(whole)
    assert mirror.mirror_candles([one, two, three], url) == (2, 12), "and is not done again"
    assert stored(url, kalshi_tables.kalshi_candlestick_1m) == wanted_rows(one, two, three)
    assert mirror.mirror_candles([one, two, three], url) == (0, 0)
    write_candles(two, minutes=4, bid="0.99")
    part = write_candles(path_of(folder, 1, "trade_2300_d1_1m"), minutes=1, first=FIRST + 120)
    assert mirror.mirror_candles([one, two, three, part], url) == (2, 10)
    assert stored(url, kalshi_tables.kalshi_candlestick_1m) == wanted_rows(one, two, three)
    receipts = stored(url, kalshi_tables.kalshi_candlestick_mirrored)
    assert [(row["climate_date"].day, row["num_rows"]) for row in receipts] == [(1, 6), (1, 2), (2, 8), (3, 6)]
