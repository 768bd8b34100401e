"""Loading a run: its rows into the database, replacing what an earlier load of the same run left.

A run is seen as RUNNING first (a short transaction of its own), then trades, metrics, market data and SUCCESS come in one
transaction: whoever reads sees all of the old or all of the new. A failure leaves the old trades and a FAILED run that
says why.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from tradewinds.database import tables
from tradewinds.database.connect import connect, explained
from tradewinds.database.market_rows import checkpoint_rows, market_rows
from tradewinds.database.market_tables import kalshi_backfill_checkpoint, kalshi_event, kalshi_market
from tradewinds.database.run_files import RunFiles, read_run
from tradewinds.database.schema import prepare
from tradewinds.database.upsert import upsert

CHUNK_ROWS = 5000

_runs = tables.backtest_runs


def load_run(folder: str | Path, url: str, catalogs: Sequence[str | Path] | None = None) -> int:
    """Load the run in a folder.

    Args:
        folder: the run's folder (run_manifest.json, metrics.json, trades.parquet).
        url: SQLAlchemy URL; `${NAME}` is taken from the environment here and nowhere else.
        catalogs: catalog files of the run's series, for events and markets; None loads none.

    Returns:
        Number of trades loaded.

    Raises:
        DatabaseError: files or database cannot be read or written; the run is then FAILED, if the database could be told.
    """
    run = read_run(folder)
    engine = connect(url)
    try:
        prepare(engine)
        register_run(engine, run)
        with _failing(engine, run.run_id), explained(engine), engine.begin() as connection:
            return _publish(connection, run, catalogs or ())
    finally:
        engine.dispose()


def register_run(engine: sa.Engine, run: RunFiles) -> None:
    """Make a run visible as RUNNING, with its strategy; rows of an earlier load stay until the new ones are there."""
    with explained(engine), engine.begin() as connection:
        upsert(connection, tables.strategies, [run.strategy_row()], keep=("created_at_utc",))
        strategy = run.strategy_row()
        wanted = [tables.strategies.c[key] == strategy[key] for key in ("name", "version", "parameters_sha256")]
        strategy_id = connection.scalar(sa.select(tables.strategies.c.strategy_id).where(*wanted))
        row = {**run.run_row(), "strategy_id": strategy_id, "status": tables.RUNNING, "error": None}
        upsert(connection, _runs, [row])


def mark_failed(engine: sa.Engine, run_id: str, error: str) -> None:
    """Say that a run's load failed, and why."""
    with explained(engine), engine.begin() as connection:
        connection.execute(_runs.update().where(_runs.c.run_id == run_id).values(status=tables.FAILED, error=error))


@contextlib.contextmanager
def _failing(engine: sa.Engine, run_id: str) -> Iterator[None]:
    """Mark the run FAILED when the block fails, for whatever reason, and let the failure go on."""
    try:
        yield
    except BaseException as error:
        try:
            mark_failed(engine, run_id, str(error) or type(error).__name__)
        except exc.SQLAlchemyError as second:
            logging.getLogger(__name__).error("run %s stays RUNNING: %s", run_id, type(second).__name__)
        raise


def _publish(connection: sa.Connection, run: RunFiles, catalogs: Sequence[str | Path]) -> int:
    """Replace the run's rows and make it a SUCCESS; the caller's transaction makes it one step."""
    # First of all a write to the run's own row: it makes a second load of the same run wait for this one.
    connection.execute(
        _runs.update().where(_runs.c.run_id == run.run_id).values(loaded_at_utc=run.run_row()["loaded_at_utc"])
    )
    for table in (tables.backtest_trades, tables.backtest_metrics):
        connection.execute(table.delete().where(table.c.run_id == run.run_id))
    for rows in run.trade_rows(CHUNK_ROWS):
        connection.execute(tables.backtest_trades.insert(), rows)
    connection.execute(tables.backtest_metrics.insert(), run.metrics_row())
    _load_market_data(connection, run, catalogs)
    done: dict[str, Any] = {"status": tables.SUCCESS, "metrics_json": run.metrics_text, "error": None}
    connection.execute(_runs.update().where(_runs.c.run_id == run.run_id).values(**done))
    return run.trades.num_rows


def _load_market_data(connection: sa.Connection, run: RunFiles, catalogs: Sequence[str | Path]) -> None:
    events, markets = market_rows(catalogs, run.run_row())
    upsert(connection, kalshi_event, events)
    upsert(connection, kalshi_market, markets)
    upsert(connection, kalshi_backfill_checkpoint, checkpoint_rows(run.manifest["inputs"]))
