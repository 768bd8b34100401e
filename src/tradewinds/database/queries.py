"""What people ask the database: plain rows for tables, JSON, CSV and pages. Nothing here changes anything.

Every question takes a connection that `reading` opened. Amounts are Decimals, times UTC without zone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tradewinds.core.errors import ConfigError
from tradewinds.core.units import MICRO
from tradewinds.database import schema
from tradewinds.database import tables as t
from tradewinds.database.connect import explained, open_database
from tradewinds.database.rows import CHUNK

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


# what trades can be sorted by; seq is the order of execution
TRADE_SORTS = (
    *("seq", "decision_ts_utc", "market_ticker", "side", "qty", "entry_price", "entry_fee", "model_prob_yes"),
    *("ev_net_per_contract", "reason_code", "settled_result", "payout", "pnl"),
)


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
    """Which trades of a run: those that have all that is named.

    Decided in [since, until) (UTC, no zone), with a pnl from min_pnl to max_pnl (USD, both included).
    """

    series: str | None = None
    event: str | None = None
    market: str | None = None
    side: str | None = None
    reason_code: str | None = None
    settled_result: str | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    min_pnl: Decimal | None = None
    max_pnl: Decimal | None = None

    def conditions(self, run_id: str) -> list[sa.ColumnElement[bool]]:
        """As SQL."""
        trades = t.backtest_trades.c
        named = (
            (self.series, trades.series_ticker.__eq__),
            (self.event, trades.event_ticker.__eq__),
            (self.market, trades.market_ticker.__eq__),
            (self.side, trades.side.__eq__),
            (self.reason_code, trades.reason_code.__eq__),
            (self.settled_result, trades.settled_result.__eq__),
            (self.since, trades.decision_ts_utc.__ge__),
            (self.until, trades.decision_ts_utc.__lt__),
            (self.min_pnl, trades.pnl.__ge__),
            (self.max_pnl, trades.pnl.__le__),
        )
        return [trades.run_id == run_id, *(compare(value) for value, compare in named if value is not None)]


@dataclass(frozen=True)
class TradeTotals:
    """What some trades are together; pnl in USD, exact."""

    trades: int
    contracts: int
    pnl: Decimal


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


def account_currencies(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """Look up the currency of the accounts of some runs, by run id; USD for a run whose metrics.json names none."""
    runs = t.backtest_runs.c
    query = sa.select(runs.run_id, runs.metrics_json["currency"].as_string()).where(runs.run_id.in_(run_ids))
    return {run_id: currency or "USD" for run_id, currency in connection.execute(query)}


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
    sort: str = "seq",
    descending: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[Row]:
    """Trades of a run by one of TRADE_SORTS, equal ones in execution order; read as they are asked for."""
    column = t.backtest_trades.c[sort]
    query = sa.select(t.backtest_trades).where(*which.conditions(run_id))
    query = query.order_by(column.desc() if descending else column, t.backtest_trades.c.seq)
    found = connection.execute(_page(query, limit, offset), execution_options={"yield_per": CHUNK})
    return (dict(row) for row in found.mappings())


def trade_totals(connection: sa.Connection, run_id: str, which: TradeFilter = TradeFilter()) -> TradeTotals:
    """All pages of `list_trades` together."""
    trades = t.backtest_trades.c
    query = sa.select(sa.func.count(), sa.func.sum(trades.qty), _micro(trades.pnl)).where(*which.conditions(run_id))
    count, contracts, micro = connection.execute(query).one()
    return TradeTotals(count, int(contracts or 0), Decimal(int(micro or 0)) / MICRO)


def trade_kinds(connection: sa.Connection, run_id: str) -> dict[str, list[str]]:
    """The values that the trades of a run have in the columns with few of them."""
    trades = t.backtest_trades.c
    columns = [trades[name] for name in ("series_ticker", "side", "reason_code", "settled_result")]
    rows = _rows(connection, sa.select(*columns).where(trades.run_id == run_id).distinct())
    return {column.name: sorted({row[column.name] for row in rows}) for column in columns}


def core_metrics(connection: sa.Connection, run_id: str) -> Row | None:
    """The row of backtest_metrics of a run, or None."""
    rows = _rows(connection, sa.select(t.backtest_metrics).where(t.backtest_metrics.c.run_id == run_id))
    return rows[0] if rows else None


def results_by_event(connection: sa.Connection, run_id: str) -> list[tuple[str, dt.date, int, Decimal]]:
    """Trades and exact P&L of a run, by event and UTC date of the decision: (event, date, trades, P&L)."""
    trades = t.backtest_trades.c
    keys = (trades.event_ticker, sa.func.date(trades.decision_ts_utc))
    query = sa.select(*keys, sa.func.count(), _micro(trades.pnl)).where(trades.run_id == run_id).group_by(*keys)
    return [
        (str(event), dt.date.fromisoformat(str(date)), count, Decimal(int(total)) / MICRO)
        for event, date, count, total in connection.execute(query)
    ]


def _micro(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """The sum of an amount in millionths of a dollar: exact on every server."""
    return sa.func.sum(sa.cast(sa.func.round(sa.type_coerce(column, sa.Numeric) * MICRO), sa.BigInteger))


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
