"""Load the positions and funding payments of a run into the database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from tradewinds.core.errors import DatabaseError
from tradewinds.database import rows
from tradewinds.families.funding_carry.database.carry_tables import funding_payments, funding_positions

# names of the files' columns that are others in the database: some of the files' names are words of SQL
_NAMES = {"open_time": "open_ts_utc", "close_time": "close_ts_utc", "time": "ts_utc", "interval": "interval_hours"}
_FILES = ((funding_positions, "positions.parquet"), (funding_payments, "funding.parquet"))


def load_carry_rows(connection: sa.Connection, run: Mapping[str, Any]) -> None:
    """Replace the rows of a run by those of its folder, in the transaction that loads the run.

    Args:
        connection: the load's.
        run: its row of backtest_runs.

    Raises:
        DatabaseError: a file is missing.
        DamagedFile: a file is not as it was written.
    """
    run_id, folder = run["run_id"], Path(run["artifact_path"])
    for table, name in _FILES:
        path = folder / name
        if not path.exists():
            raise DatabaseError(f"the run has no {name}.", where=str(path), remedy="Run it again.")
        connection.execute(sa.delete(table).where(table.c.run_id == run_id))
        for batch in rows.batches(path):
            rows.insert(connection, table, _named(batch), {"run_id": [run_id] * len(batch)})


def _named(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with the names of the table's columns; a yearly return is a float there."""
    found = batch.rename_columns([_NAMES.get(name, name) for name in batch.schema.names])
    if "apr_on_capital" not in found.schema.names:
        return found
    place = found.schema.names.index("apr_on_capital")
    return found.set_column(place, "apr_on_capital", found.column(place).cast(pa.float64()))
