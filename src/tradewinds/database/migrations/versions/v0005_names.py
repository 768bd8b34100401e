"""Give runs a name and a note, which a user writes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    """Add the columns, each if it is not there: a server that stopped half-way has made the first."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("backtest_runs")}
    for column in (sa.Column("name", sa.String(200)), sa.Column("note", sa.Text)):
        if column.name not in there:
            op.add_column("backtest_runs", column)
