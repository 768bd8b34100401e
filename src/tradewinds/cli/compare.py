"""`tradewinds compare`: runs side by side: figures, settings that differ, and what each made on the days they share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.cli import listing
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.database.comparison import ComparedRun


def compare(
    runs: Annotated[
        list[str], typer.Argument(help="Run ids, or how they begin, or folders of runs.", metavar="RUN RUN…")
    ],
    database: listing.DatabaseOption = None,
    config: listing.DatabaseConfigOption = None,
    as_json: listing.JsonOption = False,
    as_csv: listing.CsvOption = False,
) -> None:
    """Show runs side by side: metrics, settings that differ, and the P&L over the days that all of them cover.

    Runs of different symbols or dates are compared with a warning on standard error.
    Reads the database, and the folders that are named. Changes nothing. Exit code 2 if a RUN is no run or several.
    """
    from tradewinds.database.comparison import comparison_of, warnings_of  # here: see listing.py

    listing.for_programs(as_json, as_csv)
    if len(runs) < 2:
        raise ConfigError("to compare takes two runs at least.", where="compare", remedy="tradewinds runs lists them.")
    found = _runs(runs, listing.database_url(database, config))
    comparison = comparison_of(found)
    for line in warnings_of(found):
        typer.echo(f"warning: {printable(line)}", err=True)
    if as_json:
        listing.print_json(comparison)
    elif as_csv:
        listing.print_csv(("what", *(run.run_id for run in found)), _csv_rows(comparison))
    else:
        _show(listing.console(), found, comparison)


def _runs(names: Sequence[str], url: str) -> list[ComparedRun]:
    """The runs to compare: those of folders from their files, all others from the database, which is opened only for them.

    Args:
        names: folders of runs, run ids, or how run ids begin.
        url: of the database.

    Raises:
        ConfigError: a name is no run, or several.
    """
    from tradewinds.database import queries
    from tradewinds.database.comparison import from_database, from_folder

    folders = {name: Path(name) for name in names if Path(name, "run_manifest.json").is_file()}
    with contextlib.ExitStack() as stack:
        asked = [] if len(folders) == len(set(names)) else [stack.enter_context(queries.reading(url))]
        return [from_folder(folders[n]) if n in folders else from_database(asked[0], n) for n in names]


def _csv_rows(comparison: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A row per metric, figure of the common days and setting: its name, and its value in each run."""
    common = {f"common_days.{name}": comparison["common_days"][name] for name in ("num_trades", "pnl_usd")}
    for what, values in {**comparison["metrics"], **common, **comparison["config_differences"]}.items():
        yield [what, *values]


def _show(console: Console, runs: Sequence[ComparedRun], comparison: Mapping[str, Any]) -> None:
    """Print a comparison as a table with a column per run."""
    from tradewinds.config import markets
    from tradewinds.config.differences import value_text
    from tradewinds.core import text
    from tradewinds.database.comparison import counted_as, is_amount

    # A column per run.
    table = listing.table("Runs side by side")
    table.add_column("")
    for run in runs:
        table.add_column(printable(run.label), justify="right")
    # Amounts in the currencies of the accounts, whatever the names of the metrics say.
    currencies = [markets.currency_of(run.config["market"], run.config) for run in runs]
    amounts = listing.Amounts(currencies)
    for name, values in comparison["metrics"].items():
        if is_amount(name):
            table.add_row(amounts.title(name.removesuffix("_usd")), *map(amounts.text, values, currencies))
        else:
            table.add_row(name, *(text.metric_text(name, value) for value in values))
    # What each made on the days that all of them cover.
    common = comparison["common_days"]
    if common["days"]:
        table.add_section()
        table.add_row(f"{common['first']} … {common['last']}", *[""] * len(runs))
        table.add_row(amounts.title("P&L on common days"), *map(amounts.text, common["pnl_usd"], currencies))
        table.add_row(f"{counted_as(runs)} on common days", *map(text.figure, common["num_trades"]))
    # The settings that differ.
    if comparison["config_differences"]:
        table.add_section()
    for key, values in comparison["config_differences"].items():
        table.add_row(key, *map(value_text, values))
    console.print(table)
    if not common["days"]:
        console.print("They share no day.")
    if not comparison["config_differences"]:
        console.print("Their configs ask the same question.")
