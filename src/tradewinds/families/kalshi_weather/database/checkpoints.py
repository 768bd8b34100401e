"""The backfill's checkpoints: one row per event file, saying what the file says.

The files are the truth. A row is SUCCESS only from the metadata of a file that is there; RUNNING and FAILED say what
`tradewinds run` is doing about the files that are missing, and why it could not get them. The fetch jobs themselves know
no database.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tradewinds.core import files
from tradewinds.core.errors import TradewindsError
from tradewinds.core.signals import stop_signals_held
from tradewinds.database import schema
from tradewinds.database.connect import explained, open_database
from tradewinds.database.tables import upsert
from tradewinds.families.kalshi_weather import climate_days
from tradewinds.families.kalshi_weather.database import kalshi_tables

ERROR_CHARACTERS = 2000

Key = tuple[str, dt.date, str]  # series, climate date, window
Row = dict[str, Any]


def key_of(path: str | Path) -> Key:
    """What a candle file's path names: …/{window}/{series}/{date}.parquet (schemas.candle_path)."""
    window, series, name = Path(path).parts[-3:]
    return series, dt.date.fromisoformat(name.removesuffix(".parquet")), window


def record_files(connection: sa.Connection, paths: Iterable[str]) -> None:
    """Write the checkpoints of candle files that are there.

    Args:
        connection: the caller's transaction.
        paths: the files.

    Raises:
        DamagedFile: a file cannot be read.
    """
    _write(connection, [_success(path) for path in paths])


@contextlib.contextmanager
def backfill(url: str, missing: list[str], reasons: Callable[[], Mapping[str, str]]) -> Iterator[None]:
    """Show missing candle files as RUNNING while the block fetches them; settle their rows however it ends.

    After the block a file that is there is SUCCESS, one that was tried is FAILED with its reason, and one that was not
    reached is FAILED as it was before, or has no row. A process that is killed leaves RUNNING rows to the next run.

    Args:
        url: the database.
        missing: paths of the candle files to fetch.
        reasons: called when the block has ended: why a file could not be fetched, by path.

    Raises:
        DatabaseError: the database refuses, before the block or after it went well.
        DamagedFile: a file that the block made is not whole.
    """
    failed_before = _begin(url, missing)
    try:
        yield
    except BaseException:
        # what stopped the run is what its user must read; rows that stay RUNNING are settled by the next run
        with stop_signals_held(), contextlib.suppress(TradewindsError):
            _settle(url, missing, failed_before, reasons())
        raise
    _settle(url, missing, failed_before, reasons())


@contextlib.contextmanager
def _transaction(url: str) -> Iterator[sa.Connection]:
    engine = open_database(url)
    try:
        with explained(url):
            schema.upgrade(engine)
            with engine.begin() as connection:
                yield connection
    finally:
        engine.dispose()


def _begin(url: str, missing: list[str]) -> dict[Key, Row]:
    """Mark files RUNNING; the rows of those that were FAILED before."""
    running = [_row(path, "RUNNING") for path in missing]
    with _transaction(url) as connection:
        failed = _failed(connection, [key_of(path) for path in missing])
        _write(connection, running)
    return failed


def _failed(connection: sa.Connection, keys: list[Key]) -> dict[Key, Row]:
    """The FAILED rows of these series and dates."""
    table, dates = kalshi_tables.kalshi_backfill_checkpoint, [date for _, date, _ in keys]
    query = sa.select(table).where(
        table.c.status == "FAILED",
        table.c.series_ticker.in_({series for series, _, _ in keys}),
        table.c.climate_date.between(min(dates), max(dates)),
    )
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return {(row["series_ticker"], row["climate_date"], row["window_key"]): row for row in rows}


def _settle(url: str, missing: list[str], failed_before: Mapping[Key, Row], reasons: Mapping[str, str]) -> None:
    rows, unreached = [], []
    for path in missing:
        key = key_of(path)
        if Path(path).exists():
            rows.append(_success(path))
        elif path in reasons:
            rows.append(_row(path, "FAILED", error=reasons[path][:ERROR_CHARACTERS]))
        elif key in failed_before:
            rows.append(failed_before[key])
        else:
            unreached.append(dict(zip(("series", "date", "window"), key, strict=True)))
    with _transaction(url) as connection:
        _write(connection, rows)
        _forget(connection, unreached)


def _write(connection: sa.Connection, rows: list[Row]) -> None:
    if rows:
        connection.execute(upsert(kalshi_tables.kalshi_backfill_checkpoint, connection.dialect), rows)


def _forget(connection: sa.Connection, keys: list[Row]) -> None:
    table = kalshi_tables.kalshi_backfill_checkpoint
    same_event = (
        (table.c.series_ticker == sa.bindparam("series"))
        & (table.c.climate_date == sa.bindparam("date"))
        & (table.c.window_key == sa.bindparam("window"))
    )
    if keys:
        connection.execute(sa.delete(table).where(same_event), keys)


def _row(path: str, status: str, **known: Any) -> Row:
    """A row with every column; what is not known yet is null."""
    series, date, window = key_of(path)
    row: Row = dict.fromkeys(column.name for column in kalshi_tables.kalshi_backfill_checkpoint.columns)
    named = {"series_ticker": series, "climate_date": date, "window_key": window, "file_path": path, "status": status}
    event = climate_days.event_ticker_of(series, date)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    return row | named | {"event_ticker": event, "updated_at_utc": now} | known


def _success(path: str) -> Row:
    meta = files.read_meta(path)
    return _row(
        path,
        "SUCCESS",
        event_ticker=meta["event_ticker"],
        num_rows=sum(meta["rows_per_market"].values()),
        num_markets=len(meta["markets"]),
        missing_minutes=sum(meta["missing_minutes"].values()),
        requests=meta["requests"],
        retries=meta["retries"],
        tier=meta["tier"],
        reason_if_empty=meta["reason"],
        retrieved_at_utc=dt.datetime.fromisoformat(meta["retrieved_at"]).replace(tzinfo=None),
    )
