"""Change the name and the note of a run that is in the database."""

from __future__ import annotations

import sqlalchemy as sa

from tradewinds.core.run_names import RunName
from tradewinds.database import schema
from tradewinds.database import tables as t
from tradewinds.database.connect import explained, open_database


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
    engine = open_database(url)
    try:
        with explained(url):
            schema.upgrade(engine)
            with engine.begin() as connection:
                values = {"name": name.name or None, "note": name.note or None}
                statement = sa.update(t.backtest_runs).where(t.backtest_runs.c.run_id == run_id).values(values)
                found = connection.scalar(
                    sa.select(sa.func.count()).where(t.backtest_runs.c.run_id == run_id)
                )  # rows that are matched, not those that are changed
                connection.execute(statement)
                return bool(found)
    finally:
        engine.dispose()
