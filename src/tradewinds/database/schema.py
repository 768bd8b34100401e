"""The schema of a database: made where it is missing, refused where it is newer than this program."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator

import sqlalchemy as sa

from tradewinds.database import market_tables, tables
from tradewinds.database.connect import BUSY_SECONDS, explained, shown
from tradewinds.database.views import VIEWS
from tradewinds.errors import DatabaseError

# market_tables adds its tables to the same metadata
METADATA = market_tables.metadata

_LOCK = "tradewinds_schema"


def prepare(engine: sa.Engine) -> None:
    """Make whatever is missing of tables and views.

    Raises:
        DatabaseError: no access, or the schema is of a newer version than this program knows.
    """
    with explained(engine), _alone(engine) as connection:
        METADATA.create_all(connection)
        _check_version(connection)
        present = set(sa.inspect(connection).get_view_names())
        for name, body in VIEWS.items():
            if name not in present:
                connection.execute(sa.text(f"CREATE VIEW {name} AS {body}"))


@contextlib.contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that no other process shares: two first loads at once must not both make the tables."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
            connection.commit()
            return
        connection.execute(sa.select(sa.func.get_lock(_LOCK, BUSY_SECONDS)))
        try:
            yield connection
            connection.commit()
        finally:
            connection.execute(sa.select(sa.func.release_lock(_LOCK)))


def _check_version(connection: sa.Connection) -> None:
    version = connection.scalar(sa.select(sa.func.max(tables.schema_version.c.version)))
    if version is None:
        now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        connection.execute(tables.schema_version.insert(), {"version": tables.SCHEMA_VERSION, "applied_at_utc": now})
    elif version > tables.SCHEMA_VERSION:
        what = f"its schema is version {version}, this program knows {tables.SCHEMA_VERSION}."
        raise DatabaseError(
            what, where=shown(connection.engine.url), remedy="Update Tradewinds, or use another database."
        )
