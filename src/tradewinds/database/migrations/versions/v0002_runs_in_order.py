"""Add the version of Tradewinds to runs, and an index of their times."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Add the column and the index, each if it is not there.

    Servers commit each statement by itself, so an upgrade that stopped may have made the first of them.
    """
    there = sa.inspect(op.get_bind())
    if "tradewinds_version" not in {column["name"] for column in there.get_columns("backtest_runs")}:
        op.add_column("backtest_runs", sa.Column("tradewinds_version", sa.String(32)))
    if "ix_runs_created" not in {index["name"] for index in there.get_indexes("backtest_runs")}:
        op.create_index("ix_runs_created", "backtest_runs", ["created_at_utc"])
