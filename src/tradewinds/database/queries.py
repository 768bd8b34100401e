"""What people ask the database: plain rows for tables, JSON and CSV."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from tradewinds.database import tables as t
from tradewinds.database.connect import explained, open_database

_RUN_COLUMNS = (
    "run_id",
    "strategy",
    "status",
    "market",
    "date_start",
    "date_end",
    "loaded_at_utc",
    "artifact_path",
    "error",
)


def list_runs(url: str) -> list[dict[str, Any]]:
    """All runs, the latest first."""
    table = t.backtest_runs
    columns = [table.c[name] for name in _RUN_COLUMNS]
    return _rows(url, sa.select(*columns).order_by(table.c.created_at_utc.desc(), table.c.run_id))


_LEADERBOARD_TYPES: dict[str, Any] = {
    "date_start": sa.Date,
    "date_end": sa.Date,
    "total_pnl_usd": t.backtest_metrics.c.total_pnl_usd.type,
    "max_drawdown_usd": t.backtest_metrics.c.max_drawdown_usd.type,
}


def leaderboard(url: str) -> list[dict[str, Any]]:
    """Successful runs by Sharpe, runs without one last."""
    return _rows(url, sa.text("SELECT * FROM v_backtest_leaderboard").columns(**_LEADERBOARD_TYPES))


def run_status(url: str, run_id: str) -> str | None:
    """RUNNING, SUCCESS or FAILED; None for a run the database does not have."""
    table = t.backtest_runs
    rows = _rows(url, sa.select(table.c.status).where(table.c.run_id == run_id))
    return rows[0]["status"] if rows else None


def _rows(url: str, query: sa.Executable) -> list[dict[str, Any]]:
    engine = open_database(url)
    try:
        with explained(url), engine.begin() as connection:
            t.create_schema(connection)
            return [dict(row) for row in connection.execute(query).mappings()]
    finally:
        engine.dispose()
