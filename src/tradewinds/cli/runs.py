"""`tradewinds runs`: list the runs of a database, the latest first."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli import listing
from tradewinds.config.differences import told_apart, value_text

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.console import Console

SHOWN = 20
SHOWN_SERIES = 4  # of a run
COLUMNS = (
    *("run_id", "status", "strategy", "market", "series", "date_start", "date_end", "total_pnl_usd", "num_trades"),
    *("sharpe", "created_at_utc", "loaded_at_utc", "artifact_path", "error"),
    *("name", "note", "reason"),
)


_IN_COLUMNS = ("date_start_local", "date_end_local", "series_tickers", "symbols", "strategy.name")


class Status(enum.StrEnum):
    """State of a run in the database; INTERRUPTED: its load was killed."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    INTERRUPTED = "INTERRUPTED"


def runs(
    status: Annotated[
        Status | None,
        typer.Option(help="Only these.", case_sensitive=False, metavar="RUNNING|SUCCESS|FAILED|INTERRUPTED"),
    ] = None,
    series: Annotated[str | None, typer.Option(help="Only runs of this series.", metavar="TICKER")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only runs of this strategy.", metavar="NAME")] = None,
    differ: Annotated[
        bool, typer.Option("--differ", help="Also show the settings in which the runs differ, by market.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"So many; default: {SHOWN}, for programs all.", metavar="N")
    ] = None,
    database: listing.DatabaseOption = None,
    config: listing.DatabaseConfigOption = None,
    as_json: listing.JsonOption = False,
    as_csv: listing.CsvOption = False,
) -> None:
    """List the runs of a database, the latest first; those that failed with the reason.

    Reads the database. Changes nothing. Exit code 6 if there is no database yet, or it cannot be read.
    """
    from tradewinds.database import queries, query_filters  # here: see listing.py

    machine = listing.for_programs(as_json, as_csv)
    wanted = query_filters.RunFilter(status and status.value, series, strategy)
    with queries.reading(listing.database_url(database, config)) as connection:
        shown = limit or (None if machine else SHOWN)
        rows = queries.list_runs(connection, wanted, limit=shown)
        total = queries.count_runs(connection, wanted)
        ids = [row["run_id"] for row in rows]
        currencies = {} if machine else queries.account_currencies(connection, ids)
        settings = told_apart(queries.configs_of(connection, ids), _IN_COLUMNS) if differ else {}
        hint = "" if rows else _other_names(connection, series, strategy)
    if differ:
        rows = [row | {"settings": settings[row["run_id"]]} for row in rows]
    if not listing.printed(rows, (*COLUMNS, *(("settings",) if differ else ())), as_json, as_csv):
        _show(listing.console(), rows, total, currencies, hint)


def _other_names(connection: sa.Connection, series: str | None, strategy: str | None) -> str:
    """Return a hint at the series or strategy that was meant, if no run has the one that was asked for."""
    from tradewinds.core.near_names import meant
    from tradewinds.database import queries

    known = queries.names_of_runs(connection)
    return " ".join(
        meant(name, names, f"Runs have {', '.join(sorted(names)[:SHOWN])}.")
        for name, names in ((series, known["series"]), (strategy, known["strategy"]))
        if name is not None and names and name not in names
    )


def _show(
    console: Console, rows: list[dict[str, Any]], total: int, currencies: Mapping[str, str], hint: str = ""
) -> None:
    """Print runs as a table, then the errors of those that failed.

    Args:
        console: where to print.
        rows: the runs that are shown.
        total: how many there are in all.
        currencies: of the runs' accounts, by run id.
        hint: what to say if there is none.
    """
    from rich.text import Text

    from tradewinds.core import text

    title = text.counted(total, "run")
    if not rows:
        console.print(f"{title}. {hint}".removesuffix(". "), soft_wrap=True, markup=False)
        return
    # A row per run, with its main figures.
    table = listing.table(title)
    for name in ("run", "status"):
        table.add_column(name, no_wrap=True)
    table.add_column("strategy", overflow="fold", min_width=12)
    table.add_column("series", overflow="fold", min_width=9)
    table.add_column("dates", no_wrap=True)
    amounts = listing.Amounts(currencies[row["run_id"]] for row in rows if row["total_pnl_usd"] is not None)
    for name in (amounts.title("P&L"), "trades", "Sharpe"):
        table.add_column(name, justify="right", no_wrap=True)
    named = any(row["name"] for row in rows)
    if named:
        table.add_column("name", overflow="fold")
    # A row per run, then why runs failed, then how many are not shown.
    colours = {"SUCCESS": "green", "FAILED": "red", "RUNNING": "yellow", "INTERRUPTED": "red"}
    for row in rows:
        status = Text(row["status"], colours[row["status"]])
        pnl = amounts.text(row["total_pnl_usd"], currencies[row["run_id"]])
        figures = (pnl, text.figure(row["num_trades"]), text.metric_text("sharpe", row["sharpe"]))
        more = [f"… {len(row['series']):,} in all"] if len(row["series"]) > SHOWN_SERIES else []
        series = "\n".join([*row["series"][:SHOWN_SERIES], *more])
        own = (Text(row["name"] or ""),) if named else ()
        table.add_row(row["run_id"][:8], status, row["strategy"], series, listing.dates(row), *figures, *own)
    console.print(table)
    for row in rows:
        if row.get("settings"):
            said = ", ".join(f"{key}: {value_text(value)}" for key, value in row["settings"].items())
            console.print(f"{row['run_id'][:8]}: {said}", soft_wrap=True, markup=False, highlight=False)
        if row["reason"]:
            console.print(f"{row['run_id'][:8]}: {row['reason']}", style="red", soft_wrap=True, markup=False)
    if len(rows) < total:
        console.print(f"… and {total - len(rows):,} more; --limit shows more of them.")
