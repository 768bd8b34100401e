"""`tradewinds plot`: the chart of one thing that a run traded, as a picture or a page."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from tradewinds.cli import listing
from tradewinds.core.errors import ConfigError

FORMS = ("svg", "png")


def plot(
    run: Annotated[str, typer.Argument(help="Run id, or how it begins, or the run's folder.", metavar="RUN")],
    name: Annotated[
        str,
        typer.Argument(help="Event, symbol, trade_id or position, as the run's trades name it.", metavar="NAME"),
    ],
    day: Annotated[str | None, typer.Option(help="Its day (YYYY-MM-DD), where NAME stands for many.")] = None,
    out: Annotated[Path | None, typer.Option(help="File to write, .svg or .png. Default: NAME.svg here.")] = None,
    database: listing.DatabaseOption = None,
    config: listing.DatabaseConfigOption = None,
) -> None:
    """Draw one thing that a run traded: an event's quotes, a share's prices, a session's bars, a position's funding.

    Writes a file for each of its charts, and prints their paths. Reads the run's folder and, for quotes, the data files in the
    working folder. Exit code 2 if the run has no such thing, 3 if a data file that the chart needs is not here.
    """
    # the form first: it is known before anything is read
    target = out or Path(f"{name.replace('/', '-').replace(':', '-')}.svg")
    form = target.suffix.removeprefix(".")
    if form not in FORMS:
        what = f"{target.suffix or 'no ending'} is no format of pictures."
        raise ConfigError(what, where="--out", remedy="End it in .svg or .png.")
    from tradewinds.config import markets
    from tradewinds.core import files
    from tradewinds.results.report.pictures import pictures
    from tradewinds.results.report.run import read_run

    folder = _folder_of(run, database, config)
    made = read_run(folder)
    page = markets.family_of(made.config["market"]).unit_page(made, name, _day(day))
    for number, one in enumerate(page.plots):
        path = target if not number else target.with_stem(f"{target.stem}-{number + 1}")
        with files.replacing(path) as temporary:
            Path(temporary).write_bytes(pictures(one, [form])[form])
        typer.echo(str(path))


def _folder_of(run: str, database: str | None, config: Path | None) -> Path:
    """Return the folder of a run that is named by its id, by how that begins, or by the folder itself.

    Raises:
        ConfigError: no run or several are so named, or the run's folder is not here.
    """
    if (Path(run) / "run_manifest.json").exists():
        return Path(run)
    from tradewinds.database import queries  # here: see listing.py

    with queries.reading(listing.database_url(database, config)) as connection:
        ids = queries.runs_named(connection, run)
        row = queries.one_run(connection, ids[0]) if len(ids) == 1 else None
    if row is None:
        what = f"{len(ids)} runs begin so." if ids else "no run begins so, and it is no folder of a run."
        raise ConfigError(what, where=run, remedy="tradewinds runs --json lists whole ids.")
    folder = Path(row["artifact_path"])
    if not (folder / "run_manifest.json").exists():
        remedy = "Work in the folder in which the run was made, or run its config again."
        raise ConfigError("the run's folder is not here.", where=str(folder), remedy=remedy)
    return folder


def _day(text: str | None) -> dt.date | None:
    """Return a day of the command line."""
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{text!r} is no date.", where="--day", remedy="Write it as YYYY-MM-DD.") from None
