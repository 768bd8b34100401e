"""Opening the results database: its URL, its schema, and errors that say what to do. Passwords never reach a message."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import exc

from tradewinds.errors import DatabaseError

BUSY_SECONDS = 60
CONNECT_SECONDS = 10

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HINTS = (
    (("1045", "1698"), "Check user and password of database.url."),
    (("1044", "1142"), "Grant the user all rights on the database, views included."),
    (("1049",), "Create it first: CREATE DATABASE name CHARACTER SET utf8mb4."),
    (("2003", "2005", "2013"), "Check host and port of database.url and that the server runs."),
    (("readonly",), "The file, or the folder it is in, is read-only: change its permissions or database.url."),
    (("unable to open",), "The file's folder is not one we may write in: change database.url."),
    (("locked",), "Another program keeps it locked: close that one and load again."),
    (("not a database",), "The file exists and is something else: change database.url."),
)


def expand(url: str, environment: Mapping[str, str] = os.environ) -> str:
    """Put environment variables into a URL's `${NAME}` places; those before the host's `@` are quoted as URLs need it.

    Raises:
        DatabaseError: a variable is not set.
    """
    credentials_end = url.rfind("@")

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in environment:
            remedy = f"Set {name} in the environment, or change database.url."
            raise DatabaseError(f"the environment variable {name} is not set.", where="database.url", remedy=remedy)
        return quote(environment[name], safe="") if match.start() < credentials_end else environment[name]

    return _PLACEHOLDER.sub(value_of, url)


def shown(url: sa.URL) -> str:
    """A URL fit for messages: password starred, options (which may hold keys) left out."""
    return url.set(query={}).render_as_string(hide_password=True)


def parse(url: str) -> sa.URL:
    """Expand and parse a database URL.

    Raises:
        DatabaseError: it is no URL; the text is not repeated, it may hold a password.
    """
    try:
        return sa.make_url(expand(url))
    except (exc.ArgumentError, ValueError):
        remedy = "Write sqlite:///folder/file.db or mysql+pymysql://user:${DB_PASSWORD}@host/name; quote @ / : in a password."
        raise DatabaseError("this is no database URL.", where="database.url", remedy=remedy) from None


def connect(url: str) -> sa.Engine:
    """An engine for a URL; the folder of an SQLite file is made. No connection is opened yet.

    Raises:
        DatabaseError: unknown kind of database, driver not installed, folder cannot be made.
    """
    parsed = parse(url)
    options: dict[str, Any] = {"pool_pre_ping": True}
    if parsed.get_backend_name() == "sqlite":
        _make_folder(parsed)
        options["connect_args"] = {"timeout": BUSY_SECONDS}
    elif parsed.drivername.endswith("+pymysql"):
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS, "charset": "utf8mb4"}
    try:
        engine = sa.create_engine(parsed, **options)
    except exc.NoSuchModuleError:
        remedy = "Use sqlite, mysql+pymysql or mariadb+pymysql."
        raise DatabaseError(
            f"unknown kind of database {parsed.drivername!r}.", where="database.url", remedy=remedy
        ) from None
    except ModuleNotFoundError as error:
        remedy = f"Install it (pip install {error.name}), or use mysql+pymysql."
        raise DatabaseError(
            f"the driver {error.name!r} is not installed.", where=shown(parsed), remedy=remedy
        ) from None
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _sqlite_settings)
    return engine


def _make_folder(url: sa.URL) -> None:
    if not url.database or url.database == ":memory:":
        return
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseError(f"its folder cannot be made ({error.strerror}).", where=shown(url)) from None


def _sqlite_settings(connection: sqlite3.Connection, _record: object) -> None:
    """Foreign keys hold; one file and no write-ahead log beside it, so that the database can be copied as it lies."""
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_mode=DELETE")


@contextlib.contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turn what the driver says into one paragraph with a remedy; SQL and its values stay out of it.

    Raises:
        DatabaseError: whatever failed inside the block on the database's side.
    """
    try:
        yield
    except exc.DBAPIError as error:
        raise _explain(str(error.orig), engine) from error
    except exc.SQLAlchemyError as error:
        raise _explain(str(error.args[0] if error.args else error), engine) from error
    except RuntimeError as error:
        # PyMySQL says so when a server's password method needs a package that is not there
        if "cryptography" not in str(error):
            raise
        remedy = "Install it: pip install cryptography."
        what = "this server's way to check passwords needs the package cryptography."
        raise DatabaseError(what, where=shown(engine.url), remedy=remedy) from error


def _explain(message: str, engine: sa.Engine) -> DatabaseError:
    password = engine.url.password
    safe = message.replace(str(password), "***") if password else message
    remedy = next((hint for marks, hint in _HINTS if any(mark in safe for mark in marks)), "")
    return DatabaseError(f"the database says: {' '.join(safe.split())}.", where=shown(engine.url), remedy=remedy)
