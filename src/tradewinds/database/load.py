"""Load a run's folder into the database: everything in one transaction, loading again replaces.

While it works the run is RUNNING; SUCCESS appears together with its trades and its one row of metrics. If it fails the
run is FAILED with its error, and what was loaded before stays.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import sqlalchemy as sa

from tradewinds import strategies
from tradewinds.config.markets import family_of
from tradewinds.core import files
from tradewinds.core.errors import DatabaseError
from tradewinds.database import rows, schema
from tradewinds.database import tables as t
from tradewinds.database.connect import explained, open_database
from tradewinds.families.kalshi_weather.database.checkpoints import record_files

ATTEMPTS = 5
UNDONE_FOR_ANOTHER = (1213, 1020)  # servers' error codes: deadlock; a row has changed since it was read

_CATALOG_COLUMNS = {
    "event_ticker": "event_ticker",
    "market_ticker": "market_ticker",
    "strike_type": "strike_type",
    "floor_strike": "floor_strike",
    "cap_strike": "cap_strike",
    "yes_sub_title": "yes_sub_title",
    "status": "status",
    "result": "result",
    "settlement_value": "settlement_value",
    "open_time": "open_time_utc",
    "close_time": "close_time_utc",
    "settlement_ts": "settlement_ts_utc",
}


@dataclass(frozen=True)
class _Load:
    """A run to load: what its files say in short, and where the rest is."""

    run: dict[str, Any]
    folder: Path
    catalogs: Sequence[str]
    candles: Sequence[str]
    tell: Callable[[int, int], None]


def load_run(
    folder: str | Path,
    url: str,
    catalogs: Sequence[str] = (),
    candles: Sequence[str] = (),
    tell: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Load a run; the number of its trades.

    Args:
        folder: the run's artifacts; url: the database; catalogs: Parquet files whose events and markets in the run's range
            are loaded too; candles: the run's candle files, whose checkpoints are written; tell: hears of trades done, of
            how many.

    Raises:
        DatabaseError: the run's books do not add up, and the database was not touched; or the database refuses, and the run
            is marked FAILED there if it can be. DamagedFile: a file of the run.
    """
    load = _Load(_read_run(Path(folder)), Path(folder), catalogs, candles, tell)
    _refuse_wrong_books(load)
    engine = open_database(url)
    try:
        with explained(url):
            schema.upgrade(engine)
            with engine.begin() as connection:
                _register(connection, load.run)
            try:
                return _in_one_transaction(engine, load)
            except BaseException as error:  # whatever stops a load, the run must not stay RUNNING
                _mark_failed(engine, load.run["run_id"], str(getattr(error, "orig", None) or error))
                raise
    finally:
        engine.dispose()


def _in_one_transaction(engine: sa.Engine, load: _Load) -> int:
    """Everything of a run, or nothing; a server that undid it in favour of another loader's is asked again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                return _replace(connection, load)
        except sa.exc.OperationalError as error:
            if attempt == ATTEMPTS or getattr(error.orig, "args", (None,))[0] not in UNDONE_FOR_ANOTHER:
                raise
    raise AssertionError("unreachable")


def _read_run(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / "run_manifest.json").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, ValueError) as error:
        raise DatabaseError(f"the run cannot be read ({error}).", where=str(folder), remedy="Run it again.") from None
    config = manifest["config"]
    return {
        "run_id": manifest["run_id"],
        "strategy": config["strategy"]["name"],
        "market": config["market"],
        "series": family_of(config["market"]).series(config),
        "date_start": dt.date.fromisoformat(config["date_start_local"]),
        "date_end": dt.date.fromisoformat(config["date_end_local"]),
        "config": config,
        "git_sha": manifest["git_sha"],
        "tradewinds_version": manifest["tradewinds_version"],
        "seed": manifest["seed"],
        "artifact_path": folder.as_posix(),
        "created_at_utc": dt.datetime.fromisoformat(manifest["created_at_utc"]).replace(tzinfo=None),
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
    version = strategies.version_of(run["strategy"]) or run["tradewinds_version"]
    told = {"version": version, "parameters": run["config"]["strategy"].get("parameters", {})}
    statement = t.upsert(t.strategies, connection.dialect, list(told))
    connection.execute(statement, told | {"name": run["strategy"], "is_active": True})
    columns = {key: value for key, value in run.items() if key != "metrics"} | {"status": "RUNNING", "error": None}
    statement = t.upsert(t.backtest_runs, connection.dialect, [name for name in columns if name != "run_id"])
    connection.execute(statement, columns)


def _replace(connection: sa.Connection, load: _Load) -> int:
    run_id = load.run["run_id"]
    # the row's lock lets two loaders of one run take turns (SQLite locks as a whole)
    where = t.backtest_runs.c.run_id == run_id
    connection.execute(sa.select(t.backtest_runs.c.run_id).where(where).with_for_update())
    for table in (t.backtest_trades, t.backtest_metrics):
        connection.execute(sa.delete(table).where(table.c.run_id == run_id))
    count = _insert_trades(connection, load)
    connection.execute(sa.insert(t.backtest_metrics), _metrics_row(load.run))
    for path in load.catalogs:
        _load_markets(connection, path, load.run)
    record_files(connection, load.candles)
    done = {
        "status": "SUCCESS",
        "error": None,  # of a loader that was killed while this one waited
        "metrics_json": json.loads((load.folder / "metrics.json").read_text(encoding="utf-8")),
        "loaded_at_utc": dt.datetime.now(dt.UTC).replace(tzinfo=None, microsecond=0),
    }
    connection.execute(sa.update(t.backtest_runs).where(where).values(done))
    return count


def _insert_trades(connection: sa.Connection, load: _Load) -> int:
    path = load.folder / "trades.parquet"
    if not path.exists():
        raise DatabaseError("the run has no trades.parquet.", where=str(path), remedy="Run it again.")
    count, total = 0, load.run["metrics"]["num_trades"]
    for batch in rows.batches(path):
        numbered = {"run_id": [load.run["run_id"]] * len(batch), "seq": list(range(count, count + len(batch)))}
        rows.insert(connection, t.backtest_trades, batch, numbered)
        count += len(batch)
        load.tell(count, total)
    return count


def _naive(row: dict[str, Any]) -> dict[str, Any]:
    """UTC times without their zone, as the database keeps them."""
    return {key: value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value for key, value in row.items()}


def _metrics_row(run: dict[str, Any]) -> dict[str, Any]:
    metrics = run["metrics"]
    row: dict[str, Any] = {"run_id": run["run_id"]}
    for column in t.backtest_metrics.columns:
        if column.name != "run_id":
            value = metrics[column.name]
            exact = isinstance(column.type, t.Exact)
            row[column.name] = value if exact or not isinstance(value, Decimal) else float(value)
    return row


def _load_markets(connection: sa.Connection, path: str, run: dict[str, Any]) -> None:
    """Replace the events and markets of the run's range by what the catalog says now."""
    columns = ["series_ticker", "climate_date", *_CATALOG_COLUMNS]
    found = [_naive(row) for row in files.read_rows(path, columns, (run["date_start"], run["date_end"]))]
    events = {row["event_ticker"]: row for row in found}
    kept = {k: {c: row[c] for c in ("event_ticker", "series_ticker", "climate_date")} for k, row in events.items()}
    markets = [{new: row[old] for old, new in _CATALOG_COLUMNS.items()} for row in found]
    for chunk in _batches(sorted(events)):
        connection.execute(sa.delete(t.kalshi_market).where(t.kalshi_market.c.event_ticker.in_(chunk)))
        connection.execute(sa.delete(t.kalshi_event).where(t.kalshi_event.c.event_ticker.in_(chunk)))
    if found:
        connection.execute(sa.insert(t.kalshi_event), list(kept.values()))
        connection.execute(sa.insert(t.kalshi_market), markets)


def _batches(names: list[str]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(names), 500):
        yield tuple(names[start : start + 500])


def _mark_failed(engine: sa.Engine, run_id: str, message: str) -> None:
    """Say FAILED in a transaction of its own; if even that is refused the first error is the one to report."""
    values = {"status": "FAILED", "error": message[:2000]}
    where = t.backtest_runs.c.run_id == run_id
    try:
        with engine.begin() as connection:
            connection.execute(sa.update(t.backtest_runs).where(where).values(values))
    except sa.exc.SQLAlchemyError:
        return
