"""Tables of funding carry: positions and funding payments of each run.

They are in one schema with the tables of every run (tradewinds.database.tables). A change here needs a step in
src/tradewinds/database/migrations/versions.
"""

from __future__ import annotations

import sqlalchemy as sa

from tradewinds.database.tables import ON_SERVERS, Exact, fine_money, key, metadata, quantity, ratio

funding_positions = sa.Table(
    "funding_positions",
    metadata,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position_id", key(16), primary_key=True),
    sa.Column("symbol", key(), nullable=False, index=True),
    sa.Column("direction", sa.String(16), nullable=False),
    sa.Column("open_ts_utc", sa.DateTime, nullable=False),
    sa.Column("close_ts_utc", sa.DateTime, nullable=False),
    sa.Column("qty", quantity(), nullable=False),
    *(sa.Column(f"{leg}_{end}", fine_money(), nullable=False) for end in ("entry", "exit") for leg in ("spot", "perp")),
    sa.Column("funding", fine_money(), nullable=False),
    sa.Column("price_pnl", fine_money(), nullable=False),
    sa.Column("fees", fine_money(), nullable=False),
    sa.Column("slippage", fine_money(), nullable=False),
    sa.Column("borrow", fine_money(), nullable=False),
    sa.Column("liquidation_cost", fine_money(), nullable=False),
    sa.Column("net_pnl", fine_money(), nullable=False),
    sa.Column("periods", sa.Integer, nullable=False),
    sa.Column("breakeven_periods", sa.Integer),  # null: its payments never earned its costs
    sa.Column("entry_rate", ratio(), nullable=False),
    sa.Column("entry_score", Exact(9, 6)),  # null of a strategy without a score
    sa.Column("exit_reason", sa.String(64), nullable=False),
    sa.Column("capital", fine_money(), nullable=False),
    sa.Column("apr_on_capital", sa.Double),
    **ON_SERVERS,
)

funding_payments = sa.Table(
    "funding_payments",
    metadata,
    sa.Column("run_id", sa.ForeignKey("backtest_runs.run_id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position_id", key(16), primary_key=True),
    sa.Column("ts_utc", sa.DateTime, primary_key=True),
    sa.Column("symbol", key(), nullable=False, index=True),
    sa.Column("rate", ratio(), nullable=False),
    sa.Column("interval_hours", sa.Integer, nullable=False),
    sa.Column("mark", fine_money(), nullable=False),
    sa.Column("mark_source", sa.String(16), nullable=False),
    sa.Column("qty", quantity(), nullable=False),
    sa.Column("payment", fine_money(), nullable=False),
    **ON_SERVERS,
)
