"""Open the results database; every error is one paragraph without the password."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from tradewinds.core.database_urls import expand, masked
from tradewinds.core.errors import DatabaseError, NothingLoaded

WAIT_SECONDS = 600  # for another loader of the same run
FILE_WAIT_SECONDS = 120  # for another loader of the same SQLite file; a browser with an open transaction holds it, too

_PACKAGES = {"MySQLdb": "mysqlclient"}  # packages whose module has another name

# Words of a database's messages, and what to do about it; the first that occurs in a message is shown.
_REMEDIES = (
    ("to database", "The user needs rights on that database: GRANT ALL ON … TO …, by an administrator."),
    ("Access denied", "Check user and password."),
    ("Unknown database", "Create it first: CREATE DATABASE … CHARACTER SET utf8mb4."),
    (
        "command denied",
        "The user needs SELECT to read, INSERT, UPDATE and DELETE to load, and more to make or upgrade tables.",
    ),
    ("Lock wait timeout", "Another loader has held it for ten minutes; try again when it is done."),
    ("Can't connect", "Is the server running, and are host and port right?"),
    ("readonly database", "The file cannot be written: check its permissions."),
    ("unable to open database file", "The folder must exist and be writable."),
    ("not a database", "The file is something else: name another one."),
    ("database is locked", "Another program holds it; try again when it is done."),
    ("disk is full", "Make room and run again."),
)


def open_database(url: str, *, read_only: bool = False) -> sa.Engine:
    """Make an engine for a URL.

    Args:
        url: the database; `${NAME}` is an environment variable.
        read_only: its connections can change nothing. Without it, the folder of an SQLite file is made.

    Raises:
        DatabaseError: the URL cannot be understood, or its driver is missing.
        NothingLoaded: a reader's SQLite file is not there.
    """
    try:
        parsed = sa.make_url(expand(url))
        lite = parsed.get_backend_name() == "sqlite"
        named = lite and not (parsed.database or ":memory:").startswith((":memory:", "file:"))
        file = parsed.database if named else None
        if file and not read_only:
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        waits = {"timeout": FILE_WAIT_SECONDS} if lite and "timeout" not in parsed.query else {}
        engine = sa.create_engine(parsed, connect_args=waits, **({} if lite else {"paramstyle": "format"}))
    except ModuleNotFoundError as error:
        what = f"the package of its driver is not installed: {error.name}."
        raise DatabaseError(what, where=_where(url), remedy=_how_to_install(str(error.name))) from None
    except (exc.ArgumentError, exc.NoSuchModuleError, OSError) as error:
        remedy = (
            "For example sqlite:///backtests/tradewinds.db or mysql+pymysql://user:${PASSWORD}@127.0.0.1/tradewinds."
        )
        raise DatabaseError(f"cannot be used ({_short(error)}).", where=_where(url), remedy=remedy) from None
    except ValueError:  # its text would repeat a part of the URL, perhaps of the password
        remedy = "Quote special characters of user and password (%40 for @), or put them into ${NAME}."
        raise DatabaseError("this URL cannot be understood.", where=_where(url), remedy=remedy) from None
    if file and read_only and not Path(file).exists():
        remedy = "tradewinds run makes it when it loads its first run."
        raise NothingLoaded("there is no such database yet.", where=_where(url), remedy=remedy)
    (_listen_sqlite if lite else _listen_server)(engine, read_only)
    return engine


def _how_to_install(module: str) -> str:
    """Return what to do about a driver's package that is missing, as a sentence."""
    drivers = "mysql+pymysql:// takes the one that comes with Tradewinds"
    return f"Install it (pip install {_PACKAGES.get(module, module)}), or take another driver: {drivers}."


def _listen_sqlite(engine: sa.Engine, read_only: bool) -> None:
    """Set up SQLite: transactions include DDL, and while one program writes, others read the rows of before.

    The latter takes SQLite's write-ahead log. The log exists while a loader works: at rest the database is one plain file.
    """

    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # Python's sqlite3 begins no transaction of its own
        connection.execute("PRAGMA foreign_keys = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            _journal(connection, "WAL")

    def begun(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    if not read_only:
        event.listen(engine, "close", lambda connection, _: _journal(connection, "DELETE"))


def _journal(connection: sqlite3.Connection, mode: str) -> None:
    """Change the journal's mode, unless another program uses the file.

    Every mode is correct; without the write-ahead log readers wait for a writer.
    """
    with contextlib.suppress(sqlite3.DatabaseError):
        connection.execute(f"PRAGMA journal_mode = {mode}")


def _listen_server(engine: sa.Engine, read_only: bool) -> None:
    """Set up a server's sessions: a value that does not fit is an error, and a second loader of a run waits for the first."""

    def connected(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = CONCAT_WS(',', NULLIF(@@sql_mode, ''), 'STRICT_ALL_TABLES')")
            cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {WAIT_SECONDS}")
            if read_only:
                cursor.execute("SET SESSION TRANSACTION READ ONLY")

    event.listen(engine, "connect", connected)


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn the database's own errors in the block into a DatabaseError.

    Args:
        url: the database, which the message names without its password.

    Raises:
        DatabaseError: with the database's own words and what to do about it.
    """
    try:
        yield
    except DatabaseError as error:
        error.where = error.where or _where(url)
        raise
    except (exc.SQLAlchemyError, RuntimeError) as error:  # PyMySQL's RuntimeError: a package for its login is missing
        text = _short(error)
        remedy = next((hint for words, hint in _REMEDIES if words in text), "Nothing was half loaded; run it again.")
        raise DatabaseError(f"{text}.", where=_where(url), remedy=remedy) from None


def _where(url: str) -> str:
    return f"database {masked(url)}"


def _short(error: BaseException) -> str:
    """The database's own words, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    message = cause.args[-1] if cause.args else str(cause)
    return " ".join(str(message).split())[:300].rstrip(".")
