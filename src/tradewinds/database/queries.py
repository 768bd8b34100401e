"""What people ask the database: plain rows for tables, JSON, CSV and pages. Nothing here changes anything.

Every question takes a connection that `reading` opened. Amounts are Decimals, times UTC without zone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tradewinds.database import schema
from tradewinds.database import tables as t
from tradewinds.database.connect import explained, open_database
from tradewinds.errors import ConfigError

MICRO = 1_000_000

Row = dict[str, Any]

_RUN_COLUMNS = (
    "run_id",
    "strategy",
    "status",
    "market",
    "series",
    "date_start",
    "date_end",
    "created_at_utc",
    "loaded_at_utc",
    "artifact_path",
    "error",
)
_RUN_METRICS = ("total_pnl_usd", "num_trades", "sharpe")

_BOARD = sa.table(
    "v_backtest_leaderboard",
    *(sa.column(name, t.backtest_runs.c[name].type) for name in ("run_id", "strategy", "market")),
    *(sa.column(name, t.backtest_runs.c[name].type) for name in ("date_start", "date_end")),
    *(
        sa.column(name, t.backtest_metrics.c[name].type)
        for name in ("total_pnl_usd", "roi_pct", "num_trades", "win_rate_pct", "profit_factor", "max_drawdown_usd")
    ),
    *(sa.column(name, t.backtest_metrics.c[name].type) for name in ("sharpe", "sortino", "brier")),
)
# what a leaderboard can be sorted by: column, and whether less is better
SORTS = {
    "sharpe": ("sharpe", False),
    "sortino": ("sortino", False),
    "pnl": ("total_pnl_usd", False),
    "roi": ("roi_pct", False),
    "trades": ("num_trades", False),
    "win_rate": ("win_rate_pct", False),
    "profit_factor": ("profit_factor", False),
    "drawdown": ("max_drawdown_usd", True),
    "brier": ("brier", True),
}


@contextlib.contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """A connection that can only read, to a database whose schema is today's.

    Raises:
        DatabaseError: it is not there, refuses, or has another schema.
    """
    engine = open_database(url, read_only=True)
    try:
        with explained(url), engine.begin() as connection:
            schema.require_current(connection)
            yield connection
    finally:
        engine.dispose()


@dataclass(frozen=True)
class RunFilter:
    """Which runs: those that have all that is named."""

    status: str | None = None
    series: str | None = None
    strategy: str | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """As SQL."""
        runs, found = t.backtest_runs.c, []
        if self.status is not None:
            found.append(runs.status == self.status)
        if self.strategy is not None:
            found.append(runs.strategy == self.strategy)
        if self.series is not None:  # a list of names as JSON text, on every server
            found.append(sa.cast(runs.series, sa.String(65_535)).contains(f'"{self.series}"', autoescape=True))
        return found


@dataclass(frozen=True)
class TradeFilter:
    """Which trades of a run: those of an event, of a market, decided in [since, until) (UTC, no zone)."""

    event: str | None = None
    market: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def conditions(self, run_id: str) -> list[sa.ColumnElement[bool]]:
        """As SQL."""
        trades = t.backtest_trades.c
        found = [trades.run_id == run_id]
        if self.event is not None:
            found.append(trades.event_ticker == self.event)
        if self.market is not None:
            found.append(trades.market_ticker == self.market)
        if self.since is not None:
            found.append(trades.decision_ts_utc >= self.since)
        if self.until is not None:
            found.append(trades.decision_ts_utc < self.until)
        return found


def list_runs(
    connection: sa.Connection, which: RunFilter = RunFilter(), *, limit: int | None = None, offset: int = 0
) -> list[Row]:
    """Runs, the latest first, with their main metrics (null unless loaded)."""
    runs, metrics = t.backtest_runs, t.backtest_metrics
    columns = [*(runs.c[name] for name in _RUN_COLUMNS), *(metrics.c[name] for name in _RUN_METRICS)]
    query = sa.select(*columns).outerjoin_from(runs, metrics, runs.c.run_id == metrics.c.run_id)
    query = query.where(*which.conditions()).order_by(runs.c.created_at_utc.desc(), runs.c.run_id)
    return _rows(connection, _page(query, limit, offset))


def count_runs(connection: sa.Connection, which: RunFilter = RunFilter()) -> int:
    """How many runs `list_runs` has on all its pages."""
    query = sa.select(sa.func.count()).select_from(t.backtest_runs).where(*which.conditions())
    return connection.execute(query).scalar_one()


def one_run(connection: sa.Connection, run_id: str) -> Row | None:
    """A run with its config and all of its metrics.json, or None."""
    rows = _rows(connection, sa.select(t.backtest_runs).where(t.backtest_runs.c.run_id == run_id))
    return rows[0] if rows else None


def runs_named(connection: sa.Connection, prefix: str) -> list[str]:
    """Ids of the runs whose id begins so."""
    ids = t.backtest_runs.c.run_id
    return list(connection.scalars(sa.select(ids).where(ids.startswith(prefix, autoescape=True)).order_by(ids)))


def list_trades(
    connection: sa.Connection,
    run_id: str,
    which: TradeFilter = TradeFilter(),
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[Row]:
    """Trades of a run in execution order."""
    query = sa.select(t.backtest_trades).where(*which.conditions(run_id)).order_by(t.backtest_trades.c.seq)
    return _rows(connection, _page(query, limit, offset))


def count_trades(connection: sa.Connection, run_id: str, which: TradeFilter = TradeFilter()) -> int:
    """How many trades `list_trades` has on all its pages."""
    query = sa.select(sa.func.count()).select_from(t.backtest_trades).where(*which.conditions(run_id))
    return connection.execute(query).scalar_one()


def results_by(connection: sa.Connection, run_id: str, event: bool = True) -> dict[str, tuple[int, Decimal]]:
    """Trades and P&L of a run by event, or by date of the decision; exact, because it is summed in millionths."""
    trades = t.backtest_trades.c
    micro = sa.func.sum(sa.cast(sa.func.round(sa.type_coerce(trades.pnl, sa.Numeric) * MICRO), sa.BigInteger))
    key = trades.event_ticker if event else sa.func.date(trades.decision_ts_utc)
    found = connection.execute(sa.select(key, sa.func.count(), micro).where(trades.run_id == run_id).group_by(key))
    return {str(name): (count, Decimal(int(total)) / MICRO) for name, count, total in found}


def leaderboard(connection: sa.Connection, *, sort: str = "sharpe", limit: int | None = None) -> list[Row]:
    """Successful runs, the best first; runs without the metric come last.

    Raises:
        ConfigError: there is no such sort.
    """
    if sort not in SORTS:
        raise ConfigError(
            f"{sort!r} is no sort of the leaderboard.", where="--sort", remedy=f"One of {', '.join(SORTS)}."
        )
    name, less_is_better = SORTS[sort]
    column = _BOARD.c[name]
    order = [column.is_(None), column.asc() if less_is_better else column.desc(), _BOARD.c.run_id]
    return _rows(connection, _page(sa.select(_BOARD).order_by(*order), limit, 0))


def list_strategies(connection: sa.Connection) -> list[Row]:
    """The strategies that runs were loaded of, with the number of their runs."""
    runs = t.backtest_runs.c
    counted = sa.select(sa.func.count()).where(runs.strategy == t.strategies.c.name).scalar_subquery().label("runs")
    return _rows(connection, sa.select(t.strategies, counted).order_by(t.strategies.c.name))


def _page(query: sa.Select[Any], limit: int | None, offset: int) -> sa.Select[Any]:
    return query if limit is None else query.limit(limit).offset(offset)


def _rows(connection: sa.Connection, query: sa.Executable) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
