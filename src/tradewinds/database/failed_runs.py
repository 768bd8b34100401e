"""A run that stopped before its load: its row of backtest_runs says FAILED, and why, until a later success is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from tradewinds.core.url_secrets import masked
from tradewinds.database import schema
from tradewinds.database import tables as t
from tradewinds.database.load_locks import load_lock

MOST_REASON = 2000  # characters


def record_failure(url: str, run: Mapping[str, Any], strategy_version: str, reason: str, *, has_results: bool) -> None:
    """Show a run as FAILED, in one transaction; the schema is brought up to date first.

    A run that was loaded before keeps its trades and figures. If its results are there as they were, it stays a success: the
    attempt that failed has changed nothing of it.

    Args:
        url: the database.
        run: columns of backtest_runs: all that cannot be null.
        strategy_version: for a strategy that the database does not know.
        reason: what stopped the run; secrets of URLs are masked.
        has_results: whether results of an earlier run are still there.

    Raises:
        DatabaseError: the database refuses.
    """
    with (
        schema.writable(url) as engine,
        engine.connect() as connection,
        load_lock(connection, run["run_id"]),
        connection.begin(),
    ):
        _record(connection, run, strategy_version, masked(reason)[:MOST_REASON], has_results=has_results)


def _record(
    connection: sa.Connection, run: Mapping[str, Any], strategy_version: str, reason: str, *, has_results: bool
) -> None:
    """Write the row of a failed run."""
    runs = t.backtest_runs.c
    status = connection.scalar(sa.select(runs.status).where(runs.run_id == run["run_id"]))
    if status == "SUCCESS" and has_results:
        return
    strategy = {"name": run["strategy"], "version": strategy_version, "is_active": True, "parameters": {}}
    connection.execute(t.upsert(t.strategies, connection.dialect, ["name"]), strategy)
    row = {**run, "status": "FAILED", "error": reason}
    changed = [name for name in row if name != "run_id"]
    connection.execute(t.upsert(t.backtest_runs, connection.dialect, changed), row)
