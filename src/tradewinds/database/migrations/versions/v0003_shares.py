"""Trades of shares have no probability and no expected value."""

from __future__ import annotations

from alembic import op

from tradewinds.database.tables import VIEWS, Exact

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """SQLite changes a column by copying the table, for which no view may look at it; an upgrade makes the views anew."""
    for name in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {name}")  # names are constants
    with op.batch_alter_table("backtest_trades") as table:
        for name in ("model_prob_yes", "ev_gross_per_contract", "ev_net_per_contract"):
            table.alter_column(name, existing_type=Exact(15, 12), nullable=True)
