"""The version of a database's schema: a load brings it up to date, a reader only checks it.

Each version is one file of migrations/versions; the table `tradewinds_schema` says which one a database has. Views hold no
rows, so an upgrade makes them all anew: a changed view needs a version, too, if only an empty one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import sqlalchemy as sa

from tradewinds.config import markets
from tradewinds.core.errors import DatabaseError, NothingLoaded
from tradewinds.database import tables as t
from tradewinds.database.connect import WAIT_SECONDS, explained, open_database
from tradewinds.database.versions import CURRENT, MIGRATIONS, VERSION_TABLE, known_version

UNVERSIONED = "unversioned"  # tables that Tradewinds made before its schemas had versions

_OLDER = "Run any config against it, or the same one again: the load brings it up to date and keeps what is there."


def all_tables() -> sa.MetaData:
    """Every table of the newest schema: those of any run, and those that market families add.

    Raises:
        TypeError: a family declares its tables on another MetaData.
    """
    for market in markets.NAMES:
        module = markets.family_of(market).tables  # importing it adds its tables to the common ones
        if module is not None and module.metadata is not t.metadata:
            raise TypeError(f"{module.__name__} does not declare its tables on tradewinds.database.tables.metadata.")
    return t.metadata


def version_of(connection: sa.Connection) -> str | None:
    """The version of a database's schema.

    Returns:
        One of VERSIONS, UNVERSIONED, or None for a database without Tradewinds' tables.

    Raises:
        DatabaseError: this Tradewinds does not know the version.
    """
    names = set(sa.inspect(connection).get_table_names())
    known = VERSION_TABLE in names and connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))
    if not known:
        return UNVERSIONED if t.backtest_runs.name in names else None
    return known_version(str(known))


def require_current(connection: sa.Connection) -> None:
    """Refuse a database whose schema is not the current one. For readers, who must not change it.

    Raises:
        NothingLoaded: the database has none of Tradewinds' tables.
        DatabaseError: its schema is older or newer.
    """
    found = version_of(connection)
    if found is None:
        raise NothingLoaded("no run has been loaded here yet.", remedy="tradewinds run loads the first one.")
    if found != CURRENT:
        what = f"its schema is older ({found}) than this Tradewinds ({CURRENT})."
        raise DatabaseError(what, remedy=_OLDER)


@contextlib.contextmanager
def writable(url: str) -> Iterator[sa.Engine]:
    """Open a database to write rows into it, with its schema brought up to date.

    Args:
        url: the database.

    Yields:
        The engine, which is closed after the block.

    Raises:
        DatabaseError: the database refuses, also inside the block.
    """
    engine = open_database(url)
    try:
        with explained(url):
            upgrade(engine)
            yield engine
    finally:
        engine.dispose()


def upgrade(engine: sa.Engine) -> None:
    """Bring a database's schema to the current version.

    An empty database gets all tables, tables from before there were versions are adopted, and an older version takes the
    steps between.

    Raises:
        DatabaseError: the schema is newer, or another program made tables with the same names.
    """
    with engine.connect() as connection:
        if version_of(connection) == CURRENT:
            return
    with engine.begin() as connection, _alone(connection):
        if version_of(connection) == UNVERSIONED:
            _refuse_foreign(connection)
        _take_steps(connection)
        _make_views(connection)


@contextlib.contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """Hold the right to change the schema while the block runs.

    SQLite's transaction keeps others out. Servers commit each DDL statement by itself, so there a named lock does.
    """
    if connection.dialect.name == "sqlite":
        yield
        return
    name = sa.func.concat("tradewinds schema ", sa.func.left(sa.func.database(), 40))
    if connection.scalar(sa.select(sa.func.get_lock(name, WAIT_SECONDS))) != 1:
        raise DatabaseError("another program is changing its schema.", remedy="Try again when it is done.")
    try:
        yield
    finally:
        connection.execute(sa.select(sa.func.release_lock(name)))


def _take_steps(connection: sa.Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")


def _make_views(connection: sa.Connection) -> None:
    for name, query in t.VIEWS.items():  # names are constants
        connection.execute(sa.text(f"DROP VIEW IF EXISTS {name}"))
        connection.execute(sa.text(f"CREATE VIEW {name} AS {query}"))


def _refuse_foreign(connection: sa.Connection) -> None:
    """Refuse tables from before the versions that differ from what the first version makes; missing ones do not count."""
    from tradewinds.database.migrations.versions.v0001_first import BASE

    differences = [d for d in compared(connection, BASE) if d[0] not in ("add_table", "add_index")]
    if differences:
        found = ", ".join(sorted({_named(difference) for difference in differences}))
        what = f"it has tables with the names of ours that Tradewinds did not make so ({found})."
        raise DatabaseError(what, remedy="Use an empty database, or rename those tables.")


def compared(connection: sa.Connection, wanted: sa.MetaData) -> list[tuple[object, ...]]:
    """How a database's tables differ from those wanted; other tables do not count.

    Args:
        connection: to the database.
        wanted: the tables to compare with.

    Returns:
        One tuple per difference, as alembic's compare_metadata gives them: (kind, table or column, …).
    """
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def ours(_: object, name: str | None, kind: str, __: bool, ___: object) -> bool:
        return kind != "table" or name in wanted.tables

    options = {"include_object": ours, "compare_type": _type_differs, "version_table": VERSION_TABLE}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), wanted)
    return [d for change in found for d in (change if isinstance(change, list) else [change])]


def _type_differs(
    _: object, __: object, ___: object, found: sa.types.TypeEngine[object], wanted: object
) -> bool | None:
    """False for JSON, which MariaDB keeps as LONGTEXT; None leaves every other type to alembic."""
    return False if isinstance(wanted, sa.JSON) and isinstance(found, sa.Text) else None


def _named(difference: tuple[object, ...]) -> str:
    """The table that a difference is about: (kind, table or column, …) or (kind, schema, table, …)."""
    return str(getattr(difference[1], "table", difference[1] if difference[1] is not None else difference[2]))
