"""Open the results database; whatever goes wrong is one paragraph without the password."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event, exc

from tradewinds.database import masked
from tradewinds.errors import DatabaseError

_VARIABLE = re.compile(r"\$\{(\w+)\}")

# What servers say, and what to do about it; the first that occurs in a message is shown.
_REMEDIES = (
    ("Access denied", "Check user and password."),
    ("Unknown database", "Create it first: CREATE DATABASE … CHARACTER SET utf8mb4."),
    ("command denied", "The user needs CREATE, SELECT, INSERT, UPDATE and DELETE on this database."),
    ("Can't connect", "Is the server running, and are host and port right?"),
    ("readonly database", "The file cannot be written: check its permissions."),
    ("unable to open database file", "The folder must exist and be writable."),
    ("not a database", "The file is something else: name another one."),
    ("database is locked", "Another program holds it; try again when it is done."),
    ("disk is full", "Make room and run again."),
)


def expand(url: str) -> str:
    """Put environment variables into `${NAME}`; in the user part of the URL they are quoted, so any password will do.

    Raises:
        DatabaseError: one is not set.
    """
    credentials_end = url.rfind("@")

    def value(found: re.Match[str]) -> str:
        if found[1] not in os.environ:
            raise DatabaseError(f"environment variable {found[1]} is not set.", where="database.url", remedy="Set it.")
        text = os.environ[found[1]]
        return quote(text, safe="") if found.start() < credentials_end else text

    return _VARIABLE.sub(value, url)


def open_database(url: str) -> sa.Engine:
    """An engine for a URL; the folder of an SQLite file is made, foreign keys are enforced.

    Raises:
        DatabaseError: the URL cannot be understood, or its driver is missing.
    """
    try:
        parsed = sa.make_url(expand(url))
        if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(parsed)
    except (exc.ArgumentError, exc.NoSuchModuleError, ModuleNotFoundError, OSError) as error:
        remedy = (
            "For example sqlite:///backtests/tradewinds.db or mysql+pymysql://user:${PASSWORD}@127.0.0.1/tradewinds."
        )
        raise DatabaseError(f"cannot be used ({_short(error)}).", where=_where(url), remedy=remedy) from None
    except ValueError:  # its text would repeat a part of the URL, perhaps of the password
        remedy = "Quote special characters of user and password (%40 for @), or put them into ${NAME}."
        raise DatabaseError("this URL cannot be understood.", where=_where(url), remedy=remedy) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _foreign_keys)
    return engine


def _foreign_keys(connection: sqlite3.Connection, _: Any) -> None:
    connection.execute("PRAGMA foreign_keys = ON")


@contextlib.contextmanager
def explained(url: str) -> Iterator[None]:
    """Turn the database's own errors into a DatabaseError."""
    try:
        yield
    except (exc.SQLAlchemyError, RuntimeError) as error:  # PyMySQL's RuntimeError: a package for its login is missing
        text = _short(error)
        remedy = next((hint for words, hint in _REMEDIES if words in text), "Nothing was half loaded; run it again.")
        raise DatabaseError(f"{text}.", where=_where(url), remedy=remedy) from None


def _where(url: str) -> str:
    return f"database {masked(url)}"


def _short(error: BaseException) -> str:
    """The server's own words, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    message = cause.args[-1] if cause.args else str(cause)
    return " ".join(str(message).split())[:300].rstrip(".")
