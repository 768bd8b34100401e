"""Find out before a run whether its database will take what the run loads. Nothing is written and no table is made.

An SQLite file is looked at with Python's own module: importing SQLAlchemy takes as long as a whole dry run.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from pathlib import Path

from tradewinds.core.database_urls import expand, masked
from tradewinds.core.errors import DatabaseError
from tradewinds.database.versions import VERSION_TABLE, known_version

_LITE = re.compile(r"sqlite(?:\+pysqlite)?://(?:/(?P<file>[^?]*))?(?:\?.*)?")


def check_write_access(url: str) -> None:
    """Refuse a database into which no run could be loaded.

    Args:
        url: the database; `${NAME}` is an environment variable.

    Raises:
        DatabaseError: a variable is not set, the driver is missing, the server or file cannot be reached, it is no database or
            of a newer Tradewinds, or the user may not write to it; says what to do.
    """
    lite = _LITE.fullmatch(expand(url))
    if lite is None:
        from tradewinds.database.server_rights import check_rights

        check_rights(url)
        return
    name = lite["file"] or ":memory:"
    if name.startswith((":memory:", "file:")):  # in memory, or for SQLite itself to find
        return
    try:
        _check_file(Path(name))
        _check_content(Path(name))
    except DatabaseError as error:
        raise DatabaseError(error.what, where=f"database {masked(url)}", remedy=error.remedy) from None


def _check_file(file: Path) -> None:
    """Refuse a file that cannot be written; SQLite also needs to make a journal beside it.

    Raises:
        DatabaseError: the file or its folder cannot be written.
    """
    remedy = "Make it writable, or name another database in database.url."
    if file.exists() and not (file.is_file() and os.access(file, os.R_OK | os.W_OK)):
        kind = "the file is read-only or of another user" if file.is_file() else "it is no file"
        raise DatabaseError(f"cannot be written: {kind}.", remedy=remedy)
    folder = next(place for place in file.absolute().parents if place.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        what = "is read-only or of another user" if folder.is_dir() else "is no folder"
        raise DatabaseError(f"cannot be written: {folder} {what}, and SQLite keeps a journal there.", remedy=remedy)


def _check_content(file: Path) -> None:
    """Refuse a file that is no database, or has the schema of a newer Tradewinds; one that is not there or empty is made.

    Raises:
        DatabaseError: the file is something else.
    """
    if not file.exists() or not file.stat().st_size:
        return
    address = f"{file.absolute().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if VERSION_TABLE in tables:
                versions = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()  # a constant
                for (version,) in versions:
                    known_version(str(version))
    except sqlite3.Error as error:
        remedy = "The file is something else, or damaged: name another one in database.url."
        raise DatabaseError(f"cannot be read ({error}).", remedy=remedy) from None
