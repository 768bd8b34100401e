"""Give amounts and quantities eight decimals, trades a price before slippage, and carry runs two tables.

The new tables are a copy that never changes, so that this step makes the same tables whatever they are later.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tradewinds.database.tables import VIEWS, Exact

revision, down_revision = "0004", "0003"

_OLD, _AMOUNT, _QUANTITY = Exact(20, 6), Exact(22, 8), Exact(22, 8)
_TRADE_AMOUNTS = ("entry_price", "entry_fee", "payout", "pnl")
_RUN_AMOUNTS = ("start_balance_usd", "end_balance_usd", "total_pnl_usd", "total_fees_usd")
_ADDED = ("reference_price", "slippage")
_INNODB = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
}


def upgrade() -> None:
    """Change the columns and add what is not there: a server that stopped half-way has made some of it.

    SQLite changes a column by copying the table, and a view on it would stand in the way. An upgrade makes all views anew
    at its end.
    """
    for name in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {name}")  # names are constants
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("backtest_trades")}
    with op.batch_alter_table("backtest_trades") as table:
        table.alter_column("qty", existing_type=sa.BigInteger(), type_=_QUANTITY, existing_nullable=False)
        for name in _TRADE_AMOUNTS:
            table.alter_column(name, existing_type=_OLD, type_=_AMOUNT, existing_nullable=False)
        for name in _ADDED:
            if name not in there:
                table.add_column(sa.Column(name, _AMOUNT))
    with op.batch_alter_table("backtest_metrics") as table:
        for name in _RUN_AMOUNTS:
            table.alter_column(name, existing_type=_OLD, type_=_AMOUNT, existing_nullable=False)
        table.alter_column("max_drawdown_usd", existing_type=_OLD, type_=_AMOUNT, existing_nullable=True)
    made = _new_tables()
    made.create_all(op.get_bind(), [made.tables[name] for name in ("funding_positions", "funding_payments")])


def _new_tables() -> sa.MetaData:
    """Return the two tables, and as much of the table of runs as their keys need."""
    made = sa.MetaData()
    sa.Table("backtest_runs", made, sa.Column("run_id", sa.String(36), primary_key=True), **_INNODB)  # type: ignore[arg-type]
    amounts = ("funding", "price_pnl", "fees", "slippage", "borrow", "liquidation_cost", "net_pnl")
    sa.Table(
        "funding_positions",
        made,
        sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position_id", sa.String(16), primary_key=True),
        sa.Column("symbol", sa.String(64), nullable=False, index=True),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("open_ts_utc", sa.DateTime, nullable=False),
        sa.Column("close_ts_utc", sa.DateTime, nullable=False),
        sa.Column("qty", _QUANTITY, nullable=False),
        *(sa.Column(name, _AMOUNT, nullable=False) for name in ("spot_entry", "perp_entry", "spot_exit", "perp_exit")),
        *(sa.Column(name, _AMOUNT, nullable=False) for name in amounts),
        sa.Column("periods", sa.Integer, nullable=False),
        sa.Column("breakeven_periods", sa.Integer),
        sa.Column("entry_rate", Exact(15, 12), nullable=False),
        sa.Column("entry_score", Exact(9, 6)),
        sa.Column("exit_reason", sa.String(64), nullable=False),
        sa.Column("capital", _AMOUNT, nullable=False),
        sa.Column("apr_on_capital", sa.Double),
        **_INNODB,  # type: ignore[arg-type]
    )
    sa.Table(
        "funding_payments",
        made,
        sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position_id", sa.String(16), primary_key=True),
        sa.Column("ts_utc", sa.DateTime, primary_key=True),
        sa.Column("symbol", sa.String(64), nullable=False, index=True),
        sa.Column("rate", Exact(15, 12), nullable=False),
        sa.Column("interval_hours", sa.Integer, nullable=False),
        sa.Column("mark", _AMOUNT, nullable=False),
        sa.Column("mark_source", sa.String(16), nullable=False),
        sa.Column("qty", _QUANTITY, nullable=False),
        sa.Column("payment", _AMOUNT, nullable=False),
        **_INNODB,  # type: ignore[arg-type]
    )
    return made
