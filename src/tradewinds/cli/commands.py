"""The commands of `tradewinds` as a table: the module of a command is imported when the command is asked for.

Twenty modules with their options take longer than all else that `tradewinds --help` does, and a command needs one of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import typer
import typer.main
from typer.core import TyperGroup


class ListedCommand(NamedTuple):
    """A command that is not imported yet.

    Attributes:
        module: its module in this package.
        summary: what `tradewinds --help` says of it: the first sentence of its docstring.
        function: its function in the module; None: the name of the module. `app` is a group of commands.
        command_class: name of its class in the module; None: the usual one.
    """

    module: str
    summary: str
    function: str | None = None
    command_class: str | None = None


# In the order of `tradewinds --help`, by the headings under which they stand there.
GROUPS: dict[str, dict[str, ListedCommand]] = {
    "Start": {
        "init": ListedCommand(
            "init", "Write a commented config, a template and a README that run at once on invented data."
        ),
        "demo": ListedCommand(
            "demo",
            "Run a backtest of two cities over an invented archive, served on this machine: no account, no exchange.",
        ),
        "run": ListedCommand("run", "Run a backtest: fetch what is missing, replay, report, load into the database."),
        "validate": ListedCommand(
            "validate",
            "Check a config and what a run of it needs, and its data by every validation that what is there allows.",
        ),
        "docs": ListedCommand("docs", "Read the documentation: without PAGE the list of pages, with it the page."),
    },
    "Markets and strategies": {
        "backtest": ListedCommand("backtest", "Run a strategy on daily prices of shares, by name."),
        "orb": ListedCommand("orb", "Trade opening range breakouts on minute bars.", command_class="SymbolsCommand"),
        "funding": ListedCommand(
            "funding",
            "Collect funding: long spot and short perpetual of one coin, held while the funding rate is worth it.",
        ),
        "strategies": ListedCommand(
            "strategies",
            "List the strategies: those that a config may name, and those that runs in the database had.",
            function="app",
        ),
        "series": ListedCommand(
            "series", "List the temperature series that a config may name, with their cities and stations."
        ),
        "schema": ListedCommand(
            "schema", "Explain the keys of a config: what they mean, what they may be, and their defaults."
        ),
    },
    "Search": {
        "sweep": ListedCommand(
            "sweep",
            "Replay a config with many settings, rank them by what they did before a date, and show what they did after it.",
        ),
        "walk-forward": ListedCommand(
            "walk_forward",
            "Pick the best settings of some days, trade them on the days after, move on, and chain the results out of sample.",
        ),
    },
    "Look": {
        "runs": ListedCommand(
            "runs", "List the runs of a database, the latest first; those that failed with the reason."
        ),
        "note": ListedCommand("note", "Give a run a name and a note, or show those that it has."),
        "leaderboard": ListedCommand(
            "leaderboard", "Rank the successful runs of a database; runs that have no such metric come last."
        ),
        "compare": ListedCommand(
            "compare",
            "Show runs side by side: metrics, settings that differ, and the P&L over the days that all of them cover.",
        ),
        "plot": ListedCommand(
            "plot",
            "Draw one thing that a run traded: an event's quotes, a share's prices, a session's bars, a position's funding.",
        ),
        "serve": ListedCommand(
            "serve", "Show runs, trades and comparisons as a web page and a JSON API, until Ctrl-C."
        ),
        "today": ListedCommand(
            "today",
            "Show every open event of a config now: forecast, readings, prices, fees, and what the strategy would buy.",
        ),
        "calibrate": ListedCommand(
            "calibrate",
            "Score a config's probabilities and temperatures against what happened, baselines and the market's price.",
        ),
        "probabilities": ListedCommand(
            "probabilities",
            "Show one date's forecast and every bracket's probability beside its price at the as-of time.",
        ),
    },
    "Trust": {
        "lookahead-check": ListedCommand(
            "lookahead_check",
            "Make a run again with another future, and report every decision that comes out differently.",
        ),
        "reproduce": ListedCommand(
            "reproduce",
            "Make a run again and say whether trades.csv and metrics.json are the same bytes; if not, which input differs.",
        ),
        "check": ListedCommand("check", "Read a config's data files to the last byte and name the damaged ones."),
    },
    "Data": {
        "record": ListedCommand(
            "archive",
            "Write what was fetched for a config as an archive that `tradewinds archive serve` serves; fetches nothing.",
            function="record",
        ),
        "archive": ListedCommand("archive", "Make and serve archives.", function="app"),
        "replay": ListedCommand(
            "archive",
            "Serve an archive in place of the services that its data is from, on this machine, until Ctrl-C.",
            function="serve",
        ),  # the older name of `archive serve`
    },
}
COMMANDS = {name: command for group in GROUPS.values() for name, command in group.items()}


class ImportedCommands(Mapping[str, Any]):
    """The commands by name, each imported when it is looked up.

    Args:
        listed: the table.
    """

    def __init__(self, listed: Mapping[str, ListedCommand]) -> None:
        self.listed = listed
        self._imported: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """Return a command, imported.

        Raises:
            KeyError: there is none of that name.
        """
        if name not in self._imported:
            self._imported[name] = imported(name, self.listed[name])
        return self._imported[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names; nothing is imported."""
        return iter(self.listed)

    def __len__(self) -> int:
        """Return the number of commands."""
        return len(self.listed)


def imported(name: str, listed: ListedCommand) -> Any:
    """Import a command's module and return the command.

    Args:
        name: of the command.
        listed: its row of the table.
    """
    module = importlib.import_module(f"{__package__}.{listed.module}")
    found = getattr(module, listed.function or listed.module)
    holder = typer.Typer(rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        holder.add_typer(found, name=name)
    else:
        kind = getattr(module, listed.command_class) if listed.command_class else None
        holder.command(name, cls=kind)(found)
    return typer.main.get_group(holder).commands[name]


class LazyGroup(TyperGroup):
    """The group of all commands, which lists them without importing them."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = ImportedCommands(COMMANDS)  # type: ignore[assignment]  # typer only reads it

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands, in the order of the table."""
        return list(COMMANDS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the lists of commands of `tradewinds --help`, each under its heading and with its whole summary."""
        for heading, commands in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl([(name, command.summary) for name, command in commands.items()])
