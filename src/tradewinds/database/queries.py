"""Queries for tables, JSON, CSV and web pages: plain rows. Nothing here changes the database.

Every function takes a connection that `reading` opened. Amounts are Decimals in the currency of the run's account, times are
UTC without zone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from tradewinds.config import markets
from tradewinds.core.errors import ConfigError
from tradewinds.core.text import plain
from tradewinds.database import schema
from tradewinds.database import tables as t
from tradewinds.database.connect import explained, open_database
from tradewinds.database.load_locks import INTERRUPTED, interrupted_loads
from tradewinds.database.query_filters import ALL_RUNS, ALL_TRADES, RunFilter, TradeFilter, seen_status
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
    "name",
    "note",
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
_REAL_DIGITS = 15  # that a float keeps
# What a leaderboard can be sorted by: (column, whether less is better).
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


# Columns that trades can be sorted by; seq is the order of execution.
TRADE_SORTS = (
    *("seq", "decision_ts_utc", "market_ticker", "side", "qty", "entry_price", "entry_fee", "model_prob_yes"),
    *("ev_net_per_contract", "reason_code", "settled_result", "payout", "pnl"),
)


@contextlib.contextmanager
def reading(url: str) -> Iterator[sa.Connection]:
    """Open a connection that can only read.

    Args:
        url: the database.

    Raises:
        NothingLoaded: the database is not there, or has none of Tradewinds' tables.
        DatabaseError: the database refuses, or its schema is not the current one.
    """
    engine = open_database(url, read_only=True)
    try:
        with explained(url), engine.begin() as connection:
            schema.require_current(connection)
            yield connection
    finally:
        engine.dispose()


@dataclass(frozen=True)
class TradeTotals:
    """Sums over trades.

    Attributes:
        trades: how many there are.
        contracts: the sum of their quantities; an int if it is whole.
        pnl: the sum of their P&L in the account's currency, exact.
    """

    trades: int
    contracts: int | Decimal
    pnl: Decimal


def list_runs(
    connection: sa.Connection, which: RunFilter = ALL_RUNS, *, limit: int | None = None, offset: int = 0
) -> list[Row]:
    """List runs, the latest first, with their main figures.

    Args:
        connection: from `reading`.
        which: conditions on the runs.
        limit: how many at most; None for all.
        offset: how many to leave out at the beginning.

    Returns:
        One row per run: columns of backtest_runs and backtest_metrics, and `reason` (reason_of). Figures of a run that was
        never loaded to its end are None.
    """
    runs, metrics, interrupted = t.backtest_runs, t.backtest_metrics, interrupted_loads(connection)
    named = {name: runs.c[name] for name in _RUN_COLUMNS} | {"status": seen_status(interrupted).label("status")}
    columns = [*named.values(), *(metrics.c[name] for name in _RUN_METRICS)]
    query = sa.select(*columns).outerjoin_from(runs, metrics, runs.c.run_id == metrics.c.run_id)
    query = query.where(*which.conditions(interrupted)).order_by(runs.c.created_at_utc.desc(), runs.c.run_id)
    return [row | {"reason": reason_of(row)} for row in _rows(connection, _page(query, limit, offset))]


def reason_of(run: Row) -> str | None:
    """Return why a run has no result, from its row: what stopped it, or that its load was killed; None for any other run."""
    if run["status"] == INTERRUPTED:
        return "its load was killed; run its config again to load it."
    return str(run["error"]) if run["error"] else None


def count_runs(connection: sa.Connection, which: RunFilter = ALL_RUNS) -> int:
    """Count the runs that meet some conditions."""
    query = sa.select(sa.func.count()).select_from(t.backtest_runs)
    query = query.where(*which.conditions(interrupted_loads(connection)))
    return connection.execute(query).scalar_one()


def account_currencies(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """Look up the currency of the accounts of some runs, by run id, as their market families name it; "" if that is unknown."""
    runs = t.backtest_runs.c
    query = sa.select(runs.run_id, runs.market, runs.config).where(runs.run_id.in_(run_ids))
    return {run_id: markets.currency_of(market, config) for run_id, market, config in connection.execute(query)}


def one_run(connection: sa.Connection, run_id: str) -> Row | None:
    """Read a run's row of backtest_runs, with its config, its whole metrics.json and `reason`; None if there is no such run."""
    rows = _rows(connection, sa.select(t.backtest_runs).where(t.backtest_runs.c.run_id == run_id))
    if rows and rows[0]["status"] == "RUNNING" and run_id in interrupted_loads(connection):
        rows[0]["status"] = INTERRUPTED
    return rows[0] | {"reason": reason_of(rows[0])} if rows else None


def configs_of(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The configs of some runs, by run id."""
    runs = t.backtest_runs.c
    query = sa.select(runs.run_id, runs.config).where(runs.run_id.in_(run_ids))
    return dict(connection.execute(query).tuples().all())


def given_names(connection: sa.Connection, run_ids: Sequence[str]) -> dict[str, str]:
    """Return what the user calls some runs, by run id; runs without a name are left out."""
    runs = t.backtest_runs.c
    query = sa.select(runs.run_id, runs.name).where(runs.run_id.in_(run_ids), runs.name.is_not(None))
    return dict(connection.execute(query).tuples().all())


def names_of_runs(connection: sa.Connection) -> dict[str, set[str]]:
    """Return the names that runs have: `strategy` and `series`."""
    runs = t.backtest_runs.c
    found = connection.execute(sa.select(runs.strategy, runs.series).distinct()).all()
    return {"strategy": {name for name, _ in found}, "series": {one for _, names in found for one in names}}


def runs_named(connection: sa.Connection, prefix: str) -> list[str]:
    """List the ids that begin with `prefix`, in their order."""
    ids = t.backtest_runs.c.run_id
    return list(connection.scalars(sa.select(ids).where(ids.startswith(prefix, autoescape=True)).order_by(ids)))


def list_trades(
    connection: sa.Connection,
    run_id: str,
    which: TradeFilter = ALL_TRADES,
    *,
    sort: str = "seq",
    descending: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> Iterator[Row]:
    """List the trades of a run.

    Args:
        connection: from `reading`; it must stay open while rows are taken.
        run_id: the run.
        which: conditions on the trades.
        sort: one of TRADE_SORTS; trades that are equal in it are in the order of execution.
        descending: the greatest first.
        limit: how many at most; None for all.
        offset: how many to leave out at the beginning.

    Returns:
        Rows of backtest_trades, read from the database as they are taken.
    """
    column = t.backtest_trades.c[sort]
    query = sa.select(t.backtest_trades).where(*which.conditions(run_id))
    query = query.order_by(column.desc() if descending else column, t.backtest_trades.c.seq)
    found = connection.execute(_page(query, limit, offset), execution_options={"yield_per": CHUNK})
    return (dict(row) for row in found.mappings())


def trade_totals(connection: sa.Connection, run_id: str, which: TradeFilter = ALL_TRADES) -> TradeTotals:
    """Sum over the trades of a run that meet some conditions."""
    trades = t.backtest_trades.c
    sums = (_exact_sum(connection, trades.qty), _exact_sum(connection, trades.pnl))
    count, contracts, pnl = connection.execute(sa.select(sa.func.count(), *sums).where(*which.conditions(run_id))).one()
    quantity = _summed(connection, contracts)
    whole = quantity == quantity.to_integral_value()
    return TradeTotals(count, int(quantity) if whole else quantity, _summed(connection, pnl))


def trade_kinds(connection: sa.Connection, run_id: str) -> dict[str, list[str]]:
    """List the different values of columns that have few of them.

    Returns:
        Sorted values by column: series_ticker, side, reason_code, settled_result.
    """
    trades = t.backtest_trades.c
    columns = [trades[name] for name in ("series_ticker", "side", "reason_code", "settled_result")]
    rows = _rows(connection, sa.select(*columns).where(trades.run_id == run_id).distinct())
    return {column.name: sorted({row[column.name] for row in rows}) for column in columns}


def traded_markets(connection: sa.Connection, run_id: str, most: int) -> list[str]:
    """List the markets of a run's trades in alphabetical order, at most `most` of them."""
    market = t.backtest_trades.c.market_ticker
    chosen = sa.select(market).where(t.backtest_trades.c.run_id == run_id).distinct().order_by(market).limit(most)
    return [row["market_ticker"] for row in _rows(connection, chosen)]


def core_metrics(connection: sa.Connection, run_id: str) -> Row | None:
    """Read a run's row of backtest_metrics; None if the run was never loaded to its end."""
    rows = _rows(connection, sa.select(t.backtest_metrics).where(t.backtest_metrics.c.run_id == run_id))
    return rows[0] if rows else None


def results_by_event(connection: sa.Connection, run_id: str) -> list[tuple[str, dt.date, int, Decimal]]:
    """Sum the trades of a run by event and date.

    Returns:
        (event_ticker, UTC date of the decision, number of trades, exact P&L in the account's currency).
    """
    trades = t.backtest_trades.c
    keys = (trades.event_ticker, sa.func.date(trades.decision_ts_utc))
    query = (
        sa.select(*keys, sa.func.count(), _exact_sum(connection, trades.pnl))
        .where(trades.run_id == run_id)
        .group_by(*keys)
    )
    return [
        (str(event), dt.date.fromisoformat(str(date)), count, _summed(connection, total))
        for event, date, count, total in connection.execute(query)
    ]


def _exact_sum(connection: sa.Connection, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the sum of a column of exact decimals, for `_summed`.

    Servers add decimals exactly. SQLite would add floats: there each value is first made a whole number of its last decimal,
    in units of 10^-PLACES. A float keeps 15 digits, so the larger a value is, the fewer decimals it can have.
    """
    if connection.dialect.name != "sqlite":
        return sa.func.sum(sa.type_coerce(column, sa.Numeric(38, t.PLACES)))
    value = sa.type_coerce(column, sa.Float)
    whole = [
        (sa.func.abs(value) < 10 ** (_REAL_DIGITS - places), _whole_units(value, places))
        for places in range(t.PLACES, 0, -1)
    ]
    return sa.func.sum(sa.case(*whole, else_=_whole_units(value, 0)))


def _whole_units(value: sa.ColumnElement[Any], places: int) -> sa.ColumnElement[Any]:
    """Return a float with some decimals in units of 10^-PLACES, as an integer."""
    whole: sa.ColumnElement[Any] = sa.cast(sa.func.round(value * 10**places), sa.BigInteger)
    units: sa.ColumnElement[Any] = whole * 10 ** (t.PLACES - places)
    return units


def _summed(connection: sa.Connection, total: Any) -> Decimal:
    """Return what a database gave for `_exact_sum` as a decimal without needless zeros; None counts as 0."""
    units = connection.dialect.name == "sqlite"
    exact = Decimal(total or 0).scaleb(-t.PLACES) if units else Decimal(total or 0)
    return Decimal(plain(exact))


def leaderboard(connection: sa.Connection, *, sort: str = "sharpe", limit: int | None = None) -> list[Row]:
    """List the successful runs, the best first; runs without the figure come last.

    Args:
        connection: from `reading`.
        sort: one of SORTS.
        limit: how many at most; None for all.

    Returns:
        Rows of the view v_backtest_leaderboard.

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
    """List the strategies that the database knows, by name: rows of `strategies` with the number of their `runs`."""
    runs = t.backtest_runs.c
    counted = sa.select(sa.func.count()).where(runs.strategy == t.strategies.c.name).scalar_subquery().label("runs")
    return _rows(connection, sa.select(t.strategies, counted).order_by(t.strategies.c.name))


def _page(query: sa.Select[Any], limit: int | None, offset: int) -> sa.Select[Any]:
    return query if limit is None else query.limit(limit).offset(offset)


def _rows(connection: sa.Connection, query: sa.Executable) -> list[Row]:
    return [dict(row) for row in connection.execute(query).mappings()]
