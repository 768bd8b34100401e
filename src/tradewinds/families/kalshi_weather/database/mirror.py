"""Mirror candle files into the table kalshi_candlestick_1m, for people who ask in SQL.

One transaction per event file, with its receipt: an interrupted mirror goes on with the file it stopped at, and a file that
is in already (by its SHA-256) costs one look. Rows are upserted, so two windows of one event share theirs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from tradewinds.core.files import read_meta
from tradewinds.database import rows, schema
from tradewinds.database.connect import explained, open_database
from tradewinds.database.tables import upsert
from tradewinds.families.kalshi_weather.database import kalshi_tables
from tradewinds.families.kalshi_weather.database.checkpoints import key_of

Row = dict[str, Any]


def mirror_candles(paths: Sequence[str], url: str) -> tuple[int, int]:
    """Upsert the candles of some files.

    Args:
        paths: the candle files.
        url: the database.

    Returns:
        How many of the files were not in yet, and how many rows they have.

    Raises:
        DatabaseError: the database refuses. The files before it are in.
        DamagedFile: a file cannot be read. The files before it are in.
    """
    files = candles = 0
    engine = open_database(url)
    try:
        with explained(url):
            schema.upgrade(engine)
            for path in paths:
                with engine.begin() as connection:
                    count = _mirror_file(connection, path)
                files, candles = files + (count is not None), candles + (count or 0)
    finally:
        engine.dispose()
    return files, candles


def _mirror_file(connection: sa.Connection, path: str) -> int | None:
    """Upsert one file and its receipt; None if it is in already."""
    receipt = _receipt(path)
    table = kalshi_tables.kalshi_candlestick_mirrored
    same = [table.c[name] == receipt[name] for name in ("series_ticker", "climate_date", "window_key", "file_sha256")]
    if connection.scalar(sa.select(table.c.num_rows).where(*same)) is not None:
        return None
    meta = read_meta(path)
    event = {name: meta[name] for name in ("series_ticker", "event_ticker", "period_interval_minutes")}
    statement = upsert(kalshi_tables.kalshi_candlestick_1m, connection.dialect)
    count = 0
    for chunk in _chunks(path, event):
        connection.execute(statement, chunk)
        count += len(chunk)
    now = dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0)
    done = receipt | {"num_rows": count, "mirrored_at_utc": now}
    connection.execute(upsert(table, connection.dialect), done)
    return count


def _receipt(path: str) -> Row:
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    series, date, window = key_of(path)
    return {"series_ticker": series, "climate_date": date, "window_key": window, "file_sha256": digest}


def _chunks(path: str, event: Row) -> Iterator[list[Row]]:
    """A file's rows as the table has them, some thousand at a time."""
    for batch in rows.batches(path):
        columns = rows.columns(batch)
        columns["end_period_ts_utc"] = [_utc(ts) for ts in columns.pop("end_period_ts")]
        columns["retrieved_at_utc"] = columns.pop("retrieved_at")
        names = tuple(columns)
        yield [event | dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _utc(ts: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ts, dt.UTC).replace(tzinfo=None)
