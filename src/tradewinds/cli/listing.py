"""What the commands that list things share: which database they ask, and rows as a table, JSON or CSV.

These commands import SQLAlchemy, rich and pyarrow inside their functions: `--help` needs none of them.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import cell, json_for_terminal, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="SQLAlchemy URL; ${NAME} is taken from the environment.", metavar="URL"),
]
DatabaseConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Ask the database that this config names.", metavar="FILE")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, for programs.")]

_WIDE = 10_000  # width of an output that is no terminal, so that nothing is cut or folded


def database_url(url: str | None, config: Path | None) -> str:
    """Return the URL of the database to ask: the one named, the one of a config, or the default one.

    Args:
        url: the value of --database.
        config: the value of --config.

    Raises:
        ConfigError: both are given, or the config is wrong.
    """
    from tradewinds.config import resolve as configs

    if url and config:
        raise ConfigError("--database and --config both name a database.", remedy="Give one of them.")
    if url:
        return url
    if config:
        return str(configs.load(config)["database"]["url"])
    return configs.default_database_url()


def for_programs(as_json: bool, as_csv: bool) -> bool:
    """Whether the output is for a program: JSON or CSV.

    Raises:
        ConfigError: both are asked for.
    """
    if as_json and as_csv:
        raise ConfigError("--json and --csv contradict each other.", remedy="Give one of them.")
    return as_json or as_csv


def console() -> Console:
    """Return the console of a listing; what goes to a file or a pipe is not cut to a width."""
    from tradewinds.pipeline.terminal import SafeConsole

    made = SafeConsole(highlight=False, markup=False)
    return made if made.is_terminal else SafeConsole(highlight=False, markup=False, width=_WIDE)


def printed(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], as_json: bool, as_csv: bool) -> bool:
    """Print rows as JSON or CSV, if one of them is asked for.

    Args:
        rows: the rows.
        columns: the keys to print, in their order.
        as_json: print JSON.
        as_csv: print CSV.

    Returns:
        Whether anything was printed.
    """
    if as_json:
        print_json([{name: row[name] for name in columns} for row in rows])
    elif as_csv:
        print_csv(columns, ([row[name] for name in columns] for row in rows))
    return as_json or as_csv


def print_json(value: Any) -> None:
    """Print a value as JSON: exact amounts as numbers (as in metrics.json), times as ISO 8601 with Z."""
    print(json_for_terminal(json.dumps(value, indent=2, ensure_ascii=False, default=_plain)))


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a header and a line per row; None is empty, lists and mappings are JSON."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(value) for value in row] for row in rows)


def _plain(value: Any) -> Any:
    """A value that JSON lacks as one that it has."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no JSON")


def _cell(value: Any) -> Any:
    """A value as a cell of CSV: no control characters, and no text that a spreadsheet would take for a formula."""
    if isinstance(value, str):
        return cell(printable(value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    if value is None or isinstance(value, int | float):
        return value
    return cell(json.dumps(value, default=_plain).strip('"'))


def table(title: str) -> Table:
    """Return an empty table without outer edges, which saves width."""
    from rich import box
    from rich.table import Table

    narrow: dict[str, Any] = {"show_edge": False, "pad_edge": False, "padding": (0, 1, 0, 0)}
    return Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, **narrow)


class Amounts:
    """How a table shows amounts: one currency stands in the titles, several stand beside each amount.

    Args:
        currencies: those of the accounts whose amounts the table shows; "" where unknown.
    """

    def __init__(self, currencies: Iterable[str]) -> None:
        self.currencies = set(currencies)

    def title(self, name: str) -> str:
        """Return the title of a column or row of amounts."""
        only = next(iter(self.currencies)) if len(self.currencies) == 1 else ""
        return f"{name}, {only}" if only else name

    def text(self, value: Any, currency: str) -> str:
        """Return an amount as text; None is a dash.

        Args:
            value: the amount.
            currency: of its account.
        """
        from tradewinds.core import text

        shown = text.money_text(value)
        return shown if value is None or len(self.currencies) == 1 else f"{shown} {currency}".rstrip()


def dates(row: Mapping[str, Any]) -> str:
    """Return a run's first and last date, one below the other."""
    return f"{row['date_start']}\n{row['date_end']}"
