"""`tradewinds strategies`: list the strategies that a config may name, and switch them off and on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli import listing
from tradewinds.core.errors import ConfigError, NothingLoaded
from tradewinds.core.near_names import meant
from tradewinds.core.safe_text import printable

if TYPE_CHECKING:
    from rich.console import Console

COLUMNS = ("name", "registered", "is_active", "runs", "version", "parameters", "summary")

NameArgument = Annotated[str, typer.Argument(help="A strategy's name.", metavar="NAME")]

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def strategies(
    context: typer.Context,
    database: listing.DatabaseOption = None,
    config: listing.DatabaseConfigOption = None,
    as_json: listing.JsonOption = False,
    as_csv: listing.CsvOption = False,
) -> None:
    """List the strategies: those that a config may name, and those that runs in the database had.

    Reads the database, if there is one. `enable` and `disable` write its table `strategies`: a disabled strategy does not run.
    """
    machine = listing.for_programs(as_json, as_csv)
    if context.invoked_subcommand:
        if machine or database or config:
            raise ConfigError(
                "these options belong behind the subcommand.", where=f"strategies {context.invoked_subcommand}"
            )
        return
    rows = _rows(listing.database_url(database, config))
    if not listing.printed(rows, COLUMNS, as_json, as_csv):
        _show(listing.console(), rows)


@app.command()
def enable(
    name: NameArgument, database: listing.DatabaseOption = None, config: listing.DatabaseConfigOption = None
) -> None:
    """Let a strategy run again (exit code 2 if there is none of that name)."""
    _switch(name, True, listing.database_url(database, config))


@app.command()
def disable(
    name: NameArgument, database: listing.DatabaseOption = None, config: listing.DatabaseConfigOption = None
) -> None:
    """Keep a strategy from running: `tradewinds run` of a config that names it is exit code 2."""
    _switch(name, False, listing.database_url(database, config))


def _switch(name: str, active: bool, url: str) -> None:
    """Switch a strategy on or off in the database.

    Raises:
        ConfigError: there is no strategy of that name.
    """
    # Imported here, as below: the strategies of all families and SQLAlchemy, which `--help` does not need.
    from tradewinds import strategies as registry
    from tradewinds.database.activity import set_active

    built_in = dict(registry.listing())
    if not set_active(url, name, active, registered=name in built_in):
        remedy = f"{meant(name, built_in)} tradewinds strategies lists them.".strip()
        raise ConfigError(f"there is no strategy {name!r}, neither built in nor in the database.", remedy=remedy)
    typer.echo(printable(f"{name}: {'active' if active else 'inactive: configs that name it do not run'}"))


def _rows(url: str) -> list[dict[str, Any]]:
    """List built-in strategies and those of the database by name; without a database every built-in one is active.

    Returns:
        Rows with the keys COLUMNS.
    """
    from tradewinds import strategies as registry
    from tradewinds.database import queries

    summaries = dict(registry.listing())
    known: dict[str, dict[str, Any]] = {}  # rows of the database by name
    with contextlib.suppress(NothingLoaded), queries.reading(url) as connection:
        known = {row["name"]: row for row in queries.list_strategies(connection)}
    never_run: dict[str, Any] = {"is_active": True, "runs": 0, "version": None, "parameters": {}}
    return [
        {
            "name": name,
            **never_run,
            **known.get(name, {}),
            "registered": name in summaries,
            "summary": summaries.get(name),
        }
        for name in sorted({*summaries, *known})
    ]


def _show(console: Console, rows: list[dict[str, Any]]) -> None:
    """Print strategies as a table."""
    from rich.text import Text

    table = listing.table("Strategies")
    for name in ("name", "active"):
        table.add_column(name, no_wrap=True)
    table.add_column("runs", justify="right")
    table.add_column("what it does")
    for row in rows:
        active = Text("yes", "green") if row["is_active"] else Text("no", "red")
        table.add_row(row["name"], active, f"{row['runs']:,}", row["summary"] or "from a user's file")
    console.print(table)
