"""Find out whether a server's user may do what a load does. Nothing is written and no table is made.

The server is asked to do it, in statements that concern no row or can never succeed: it judges the user's rights first.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy import exc

from tradewinds.core.errors import DatabaseError
from tradewinds.database import schema
from tradewinds.database.connect import explained, open_database
from tradewinds.database.versions import CURRENT

_GRANT = "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW"
# Servers' error codes. A user may not do that at all, to a table, or to a column; or the server takes no changes.
_DENIED = (1044, 1142, 1143, 1227, 1290, 1370, 1836)
_READ_ONLY = (1290, 1836)
# Statements with which a schema is made or brought up to date. Each names a column twice, or a table that is not there.
_PROBE = "tradewinds_probe"
_DDL = {
    "CREATE": f"CREATE TABLE {_PROBE} (a INT, a INT)",
    "CREATE VIEW": f"CREATE VIEW {_PROBE} AS SELECT 1 AS a, 1 AS a",
    "ALTER": f"ALTER TABLE {_PROBE} ADD COLUMN a INT",
    "DROP": f"DROP TABLE {_PROBE}",
}


def check_rights(url: str) -> None:
    """Refuse a server's database in which the user may not do what a load does.

    Args:
        url: the database; `${NAME}` is an environment variable.

    Raises:
        DatabaseError: the driver is missing, the server cannot be reached, or the user lacks rights; names those, and the
            statement that gives them.
    """
    engine = open_database(url)
    try:
        with explained(url):
            with engine.connect() as connection:
                lacking = dict.fromkeys(_denied(connection))
                connection.rollback()
            if lacking:
                raise DatabaseError(f"the user may not {', '.join(lacking)}.", remedy=_how_to_grant(engine.url))
    finally:
        engine.dispose()


def _denied(connection: sa.Connection) -> Iterator[str]:
    """Yield each right that a load needs and the user does not have, with its table.

    Raises:
        DatabaseError: the server takes no changes from anyone.
    """
    version = schema.version_of(connection)
    present = set(sa.inspect(connection).get_table_names())
    statements: list[tuple[str, str]] = []
    # what is loaded into tables that are there: no row is touched
    for table in (table for table in schema.all_tables().sorted_tables if table.name in present):
        name, column = table.name, next(iter(table.primary_key)).name
        statements += [
            (f"INSERT INTO {name}", f"INSERT INTO {name} ({column}) SELECT {column} FROM {name} WHERE 1 = 0"),
            (f"UPDATE {name}", f"UPDATE {name} SET {column} = {column} WHERE 1 = 0"),
            (f"DELETE FROM {name}", f"DELETE FROM {name} WHERE 1 = 0"),
        ]
    # a schema that is made or brought up to date: no such statement can succeed
    if version != CURRENT:
        statements += _DDL.items()
    for right, statement in statements:
        code = _error_code(connection, statement)
        if code in _READ_ONLY:
            what = "the server takes no changes (it is read-only)."
            raise DatabaseError(
                what, remedy="Name a server that may be written in database.url, or end its read-only mode."
            )
        if code in _DENIED:
            yield right


def _error_code(connection: sa.Connection, statement: str) -> int | None:
    """Execute a statement that changes nothing; return the server's error code, None if it has none."""
    try:
        connection.exec_driver_sql(statement)
    except exc.DBAPIError as error:
        if connection.invalidated:
            raise
        code = getattr(error.orig, "args", (None,))[0]
        return code if isinstance(code, int) else None
    return None


def _how_to_grant(url: sa.URL) -> str:
    """Return what an administrator has to do, as a sentence."""
    return f"An administrator gives the rights: {_GRANT} ON {url.database}.* TO '{url.username}'@'%'."
