"""Allow trades without a probability and an expected value, as those of shares are."""

from __future__ import annotations

from alembic import op

from tradewinds.database.tables import VIEWS, Exact

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Allow nulls in the three columns.

    SQLite changes a column by copying the table, and a view on it would stand in the way. An upgrade makes all views anew
    at its end.
    """
    for name in VIEWS:
        op.execute(f"DROP VIEW IF EXISTS {name}")  # names are constants
    with op.batch_alter_table("backtest_trades") as table:
        for name in ("model_prob_yes", "ev_gross_per_contract", "ev_net_per_contract"):
            table.alter_column(name, existing_type=Exact(15, 12), nullable=True)
