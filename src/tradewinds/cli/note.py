"""`tradewinds note`: give a run a name and a note, or show those that it has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tradewinds.cli import listing
from tradewinds.core.errors import ConfigError
from tradewinds.core.safe_text import printable

NameOption = Annotated[
    str | None, typer.Option("--name", help="What to call the run; no part of its id.", metavar="TEXT")
]
NoteOption = Annotated[
    str | None, typer.Option("--note", help="What to remember of the run; no part of its id.", metavar="TEXT")
]


def note(
    run: Annotated[str, typer.Argument(help="Id of a run, or how it begins.", metavar="RUN")],
    name: NameOption = None,
    text: NoteOption = None,
    database: listing.DatabaseOption = None,
    config: listing.DatabaseConfigOption = None,
) -> None:
    """Give a run a name and a note, or show those that it has.

    Both are shown by `tradewinds runs`, in the report and on the web page. They change no result and no run id; "" takes one
    away. Writes the run's row of the database, name.json in the run's folder, and its report. Exit code 2 if RUN is no run or
    several.
    """
    from tradewinds.core.run_names import RunName
    from tradewinds.database import queries  # here: see listing.py
    from tradewinds.database.annotations import write_annotation
    from tradewinds.pipeline.naming import rename_folder

    url = listing.database_url(database, config)
    with queries.reading(url) as connection:
        ids = queries.runs_named(connection, run)
        if len(ids) != 1:
            what = f"{len(ids)} runs begin so." if ids else "no run begins so."
            raise ConfigError(what, where=run, remedy="tradewinds runs --json lists whole ids.")
        row = queries.one_run(connection, ids[0]) or {}
    known = RunName(row["name"] or "", row["note"] or "")
    wanted = known.changed(name, text)
    if wanted != known:
        # The row first: a database that refuses changes nothing else.
        write_annotation(url, ids[0], wanted)
        if Path(row["artifact_path"]).is_dir():
            rename_folder(Path(row["artifact_path"]), url, wanted)
    typer.echo(printable(f"{ids[0]}: {wanted.name or '(no name)'}"))
    if wanted.note:
        typer.echo(printable(wanted.note))
