"""Load a run's folder into the database: all in one transaction; loading again replaces.

While a load works, the run is RUNNING; SUCCESS appears together with its trades and its one row of metrics. If the load
fails, the run is FAILED with its error, and what was loaded before stays. A killed load leaves RUNNING, which readers see as
INTERRUPTED (load_locks.py). Rows that only some markets have (Family.load_extra)
are part of the same transaction.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import sqlalchemy as sa

from tradewinds.config import markets
from tradewinds.core.errors import DatabaseError
from tradewinds.core.run_names import read_name
from tradewinds.core.signals import stop_signals_held
from tradewinds.core.url_secrets import masked
from tradewinds.database import rows, schema
from tradewinds.database import tables as t
from tradewinds.database.connect import explained, open_database
from tradewinds.database.load_locks import load_lock

ATTEMPTS = 5
UNDONE_FOR_ANOTHER = (1213, 1020)  # servers' error codes: deadlock; a row has changed since it was read


@dataclass(frozen=True)
class _Load:
    """A run to load.

    Attributes:
        run: its row of backtest_runs, and `metrics` and `strategy_version`.
        folder: its artifacts.
        recorded: paths of data files of which its market family loads rows, by kind.
        tell: called with the numbers of trades loaded and of all trades.
    """

    run: dict[str, Any]
    folder: Path
    recorded: Mapping[str, Sequence[str]]
    tell: Callable[[int, int], None]


def load_run(
    folder: str | Path,
    url: str,
    recorded: Mapping[str, Sequence[str]] | None = None,
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Load a run into a database, whose schema is brought up to date first.

    Args:
        folder: the run's artifacts.
        url: the database.
        recorded: paths of the data files of which the run's market family loads rows, by kind (Plan.recorded); None for
            none.
        tell: called after each batch with the numbers of trades loaded and of all trades.

    Returns:
        How many trades the run has.

    Raises:
        DatabaseError: the run's books do not add up, and the database was not touched; or the database refuses, or the run's
            folder is not complete, and the run is marked FAILED if it can be.
        DamagedFile: a file of the run or a recorded one is not whole.
    """
    load = _Load(_read_run(Path(folder)), Path(folder), recorded or {}, tell)
    _refuse_wrong_books(load)
    engine = open_database(url)
    try:
        with explained(url):
            schema.upgrade(engine)
            with engine.connect() as connection, load_lock(connection, load.run["run_id"]):
                with connection.begin():
                    _register(connection, load.run)
                try:
                    return _in_one_transaction(connection, load)
                except BaseException as error:  # whatever stops a load, the run must not stay RUNNING
                    with stop_signals_held():
                        _mark_failed(engine, load.run["run_id"], _said(error))
                    raise
    finally:
        engine.dispose()


def _said(error: BaseException) -> str:
    """What stopped a load, in words."""
    if isinstance(error, KeyboardInterrupt):
        return "the load was interrupted; run the same command again."
    return masked(str(getattr(error, "orig", None) or error))


def _in_one_transaction(connection: sa.Connection, load: _Load) -> int:
    """Replace everything of a run, or nothing; the number of its trades.

    A transaction that the server gave up in favour of another loader's is tried again, ATTEMPTS times in all.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with connection.begin():
                return _replace(connection, load)
        except sa.exc.OperationalError as error:
            if attempt == ATTEMPTS or getattr(error.orig, "args", (None,))[0] not in UNDONE_FOR_ANOTHER:
                raise
    raise AssertionError("unreachable")


def _read_run(folder: Path) -> dict[str, Any]:
    """The run of a folder, as `_Load.run` has it."""
    try:
        manifest = json.loads((folder / "run_manifest.json").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"), parse_float=Decimal)
        # JSON of another shape is no run, either
        if not isinstance(metrics, dict) or "market" not in manifest["config"]:
            raise ValueError("its manifest or metrics are none")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatabaseError(f"the run cannot be read ({error}).", where=str(folder), remedy="Run it again.") from None
    config, named = manifest["config"], read_name(folder)
    if config["market"] not in markets.NAMES:
        what = f"this Tradewinds knows no market {config['market']!r}."
        raise DatabaseError(what, where=str(folder), remedy="Load the run with the Tradewinds that made it.")
    return {
        "run_id": manifest["run_id"],
        "strategy": config["strategy"]["name"],
        "market": config["market"],
        "series": manifest["series"],
        "date_start": dt.date.fromisoformat(config["date_start_local"]),
        "date_end": dt.date.fromisoformat(config["date_end_local"]),
        "config": config,
        "git_sha": manifest["git_sha"],
        "tradewinds_version": manifest["tradewinds_version"],
        "strategy_version": manifest["strategy_version"],
        "seed": manifest["seed"],
        "artifact_path": folder.as_posix(),
        "created_at_utc": dt.datetime.fromisoformat(manifest["created_at_utc"]).replace(tzinfo=None),
        "name": named.name or None,
        "note": named.note or None,
        "metrics": metrics,
    }


def _refuse_wrong_books(load: _Load) -> None:
    """Compare journal.parquet with the balances of metrics.json, which are whole micro-units below eight billion and the
    nearest float above."""
    path = load.folder / "journal.parquet"
    if not path.exists():
        raise DatabaseError("the run has no journal.parquet.", where=str(path), remedy="Run it again.")
    change = Decimal(0)
    for batch in rows.batches(path, ["cash_change"]):
        change += pc.sum(batch.column("cash_change"), min_count=0).as_py()
    start, end = (Decimal(load.run["metrics"][key]) for key in ("start_balance_usd", "end_balance_usd"))
    if abs(start + change - end) > math.ulp(max(abs(start), abs(end), abs(change))):
        raise DatabaseError(
            f"the run's books do not add up: start balance {start} and changes of cash {change} come to {start + change}, but "
            f"metrics.json has an end balance of {end}.",
            where=str(path),
            remedy="A file of the run was changed or is of another run; run it again.",
        )


def _register(connection: sa.Connection, run: dict[str, Any]) -> None:
    """Show the run as RUNNING. Its strategy gets the version and parameters of this run, and is active when it is new."""
    told = {"version": run["strategy_version"], "parameters": run["config"]["strategy"].get("parameters", {})}
    statement = t.upsert(t.strategies, connection.dialect, list(told))
    connection.execute(statement, told | {"name": run["strategy"], "is_active": True})
    of_others = ("metrics", "strategy_version")
    columns = {key: value for key, value in run.items() if key not in of_others} | {"status": "RUNNING", "error": None}
    statement = t.upsert(t.backtest_runs, connection.dialect, [name for name in columns if name != "run_id"])
    connection.execute(statement, columns)


def _replace(connection: sa.Connection, load: _Load) -> int:
    """Replace the run's rows, and show it as SUCCESS; the number of its trades."""
    run_id = load.run["run_id"]
    # the row's lock lets two loaders of one run take turns (SQLite locks as a whole)
    where = t.backtest_runs.c.run_id == run_id
    connection.execute(sa.select(t.backtest_runs.c.run_id).where(where).with_for_update())
    for table in (t.backtest_trades, t.backtest_metrics):
        connection.execute(sa.delete(table).where(table.c.run_id == run_id))
    count = _insert_trades(connection, load)
    connection.execute(sa.insert(t.backtest_metrics), _metrics_row(load.run))
    markets.family_of(load.run["market"]).load_extra(connection, load.run, load.recorded)
    done = {
        "status": "SUCCESS",
        "error": None,  # of a loader that was killed while this one waited
        "metrics_json": json.loads((load.folder / "metrics.json").read_text(encoding="utf-8")),
        "loaded_at_utc": dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0),
    }
    connection.execute(sa.update(t.backtest_runs).where(where).values(done))
    return count


def _insert_trades(connection: sa.Connection, load: _Load) -> int:
    """Insert the run's trades, a batch at a time; their number."""
    path = load.folder / "trades.parquet"
    if not path.exists():
        raise DatabaseError("the run has no trades.parquet.", where=str(path), remedy="Run it again.")
    count, metrics = 0, load.run["metrics"]
    total = metrics.get("num_fills", metrics["num_trades"])  # of a run with a row per fill
    for batch in rows.batches(path):
        numbered = {"run_id": [load.run["run_id"]] * len(batch), "seq": list(range(count, count + len(batch)))}
        rows.insert(connection, t.backtest_trades, batch, numbered)
        count += len(batch)
        load.tell(count, total)
    return count


def _metrics_row(run: dict[str, Any]) -> dict[str, Any]:
    """The run's row of backtest_metrics: amounts stay exact, other figures become floats."""
    metrics = run["metrics"]
    row: dict[str, Any] = {"run_id": run["run_id"]}
    for column in t.backtest_metrics.columns:
        if column.name != "run_id":
            value = metrics[column.name]
            exact = isinstance(column.type, t.Exact)
            row[column.name] = value if exact or not isinstance(value, Decimal) else float(value)
    return row


def _mark_failed(engine: sa.Engine, run_id: str, message: str) -> None:
    """Show the run as FAILED, in a transaction of its own; if even that is refused, the first error is the one to report."""
    values = {"status": "FAILED", "error": message[:2000]}
    where = t.backtest_runs.c.run_id == run_id
    try:
        with engine.begin() as connection:
            connection.execute(sa.update(t.backtest_runs).where(where).values(values))
    except sa.exc.SQLAlchemyError:
        return
