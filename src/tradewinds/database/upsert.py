"""Insert or update, in each backend's own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, sqlite

CHUNK_ROWS = 1000


def upsert(
    connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]], keep: Sequence[str] = ()
) -> None:
    """Insert rows; those whose identity is there already replace it, except for the columns in `keep`.

    Identity is the table's unique constraint if it has one, else its primary key. Rows go in in the order given: callers
    that write the same tables at once give them sorted, so that they never lock each other out.
    """
    unique = next((c for c in table.constraints if isinstance(c, sa.UniqueConstraint)), table.primary_key)
    identity = [column.name for column in unique.columns]
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = list(rows[start : start + CHUNK_ROWS])
        changed = [name for name in chunk[0] if name not in (*identity, *keep)]
        connection.execute(_statement(connection, table, identity, changed), chunk)


def _statement(connection: sa.Connection, table: sa.Table, identity: list[str], changed: list[str]) -> sa.Insert:
    if connection.dialect.name == "sqlite":
        insert = sqlite.insert(table)
        return insert.on_conflict_do_update(
            index_elements=identity, set_={name: insert.excluded[name] for name in changed}
        )
    statement = mysql.insert(table)
    return statement.on_duplicate_key_update({name: statement.inserted[name] for name in changed})
