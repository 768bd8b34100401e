"""Change the name and the note of a run that is in the database."""

from __future__ import annotations

import sqlalchemy as sa

from tradewinds.core.run_names import RunName
from tradewinds.database import schema
from tradewinds.database import tables as t


def write_annotation(url: str, run_id: str, name: RunName) -> bool:
    """Write a run's name and note into its row; the schema is brought up to date first.

    Args:
        url: the database.
        run_id: the run.
        name: of the run; "" is no name or no note.

    Returns:
        Whether the database has the run.

    Raises:
        DatabaseError: the database refuses.
    """
    run = t.backtest_runs.c
    with schema.writable(url) as engine, engine.begin() as connection:
        # counted, because a statement says how many rows it changed and not how many it found
        found = connection.scalar(sa.select(sa.func.count()).where(run.run_id == run_id))
        values = {"name": name.name or None, "note": name.note or None}
        connection.execute(sa.update(t.backtest_runs).where(run.run_id == run_id).values(values))
        return bool(found)
