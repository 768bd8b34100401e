"""Which runs that stand as RUNNING are not being loaded any more: their loader was killed.

A loader holds a lock that ends with its process or its connection: on a server a named lock of the connection that loads,
beside an SQLite file a locked file of the run. So a killed loader needs no one to clean up after it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tradewinds.database import tables as t
from tradewinds.database.connect import WAIT_SECONDS

INTERRUPTED = "INTERRUPTED"
"""The status that readers see in place of RUNNING; no table holds it."""


@contextlib.contextmanager
def load_lock(connection: sa.Connection, run_id: str) -> Iterator[None]:
    """Hold the lock of a run's load while the block runs.

    Args:
        connection: the one that loads, outside a transaction.
        run_id: the run.
    """
    if connection.dialect.name == "sqlite":
        with _locked_file(_file(connection, run_id)):
            yield
        return
    # A second loader of the run waits for the first; after WAIT_SECONDS the lock of the run's row says what is wrong.
    connection.execute(sa.select(sa.func.GET_LOCK(_name(connection, run_id), WAIT_SECONDS)))
    connection.commit()
    try:
        yield
    finally:
        if not (connection.invalidated or connection.closed):  # a lost connection has lost its lock, too
            connection.rollback()
            connection.execute(sa.select(sa.func.RELEASE_LOCK(_name(connection, run_id))))
            connection.commit()


def interrupted_loads(connection: sa.Connection) -> frozenset[str]:
    """Ids of the runs that are RUNNING and that no process loads.

    Args:
        connection: from `queries.reading`.
    """
    left = [run_id for run_id in _running(connection) if _is_free(connection, run_id)]
    if not left:
        return frozenset()
    # A load may have ended since this transaction began: another one sees what it left.
    with connection.engine.connect() as later:
        return frozenset(run_id for run_id in _running(later) if run_id in left and _is_free(later, run_id))


def _running(connection: sa.Connection) -> list[str]:
    runs = t.backtest_runs.c
    return list(connection.scalars(sa.select(runs.run_id).where(runs.status == "RUNNING")))


def _is_free(connection: sa.Connection, run_id: str) -> bool:
    """Whether no process holds the lock of a run's load."""
    if connection.dialect.name != "sqlite":
        return connection.scalar(sa.select(sa.func.IS_FREE_LOCK(_name(connection, run_id)))) == 1
    file = _file(connection, run_id)
    try:
        handle = os.open(file, os.O_RDONLY) if file else None
    except FileNotFoundError:
        return True
    except PermissionError:  # of another user: all that is known is that it is there
        return False
    if handle is None:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(handle)
    return True


def _name(connection: sa.Connection, run_id: str) -> str:
    """The name of a run's lock on a server, which has at most 64 characters and is the same for no other database."""
    database = hashlib.sha256(str(connection.engine.url.database).encode()).hexdigest()[:8]
    return f"tradewinds-{database}-{run_id}"


def _file(connection: sa.Connection, run_id: str) -> Path | None:
    """The file that is locked while a run is loaded; None for a database that is no plain file."""
    database = connection.engine.url.database or ":memory:"
    return None if database.startswith((":memory:", "file:")) else Path(f"{database}-loading-{run_id}")


@contextlib.contextmanager
def _locked_file(file: Path | None) -> Iterator[None]:
    """Make and lock a file while the block runs, together with other loaders of the run; the last one removes it."""
    if file is None:
        yield
        return
    with contextlib.ExitStack() as opened:
        while True:
            handle = opened.enter_context(open(file, "a"))
            fcntl.flock(handle, fcntl.LOCK_SH)
            # Another loader may have removed the file between the two lines above.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(file.stat(), os.fstat(handle.fileno())):
                    break
        try:
            yield
        finally:
            with contextlib.suppress(BlockingIOError):  # another loader works
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.unlink(missing_ok=True)
