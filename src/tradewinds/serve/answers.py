"""What the API and the pages share: which database they read, a run's folder, files as answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated, BinaryIO

import sqlalchemy as sa
from fastapi import Depends, Request
from fastapi.responses import StreamingResponse

from tradewinds.database import queries
from tradewinds.serve import families
from tradewinds.serve.folder import Folder, NotThere

_CHUNK = 1 << 16


def _database(request: Request) -> str:
    return str(request.app.state.database)


Database = Annotated[str, Depends(_database)]


def run_row(connection: sa.Connection, run_id: str) -> queries.Row:
    """A run with its config and metrics.json (`queries.one_run`).

    Raises:
        NotThere: the database has none of that id.
    """
    found = queries.one_run(connection, run_id)
    if found is None:
        raise NotThere("there is no such run.", where=run_id, remedy="The page of runs, or /api/runs, lists them.")
    return found


def folder_of(run: queries.Row) -> Folder:
    """The folder of a run, with the files that its market family leaves in it."""
    return Folder(run["run_id"], run["artifact_path"], families.files_of(run["market"]))


def currency_of(run: queries.Row) -> str:
    """The currency of a run's account; "" if its market family is unknown."""
    return families.currency_of(run["market"], run["config"])


def of_fills(run: queries.Row) -> bool:
    """Whether each row of a run's trades is a fill, and no whole trade."""
    return "num_fills" in (run["metrics_json"] or {})


def sent(file: BinaryIO, media_type: str, name: str | None = None, policy: str | None = None) -> StreamingResponse:
    """A whole open file as an answer; the file is closed at the end.

    Args:
        file: open, at any position.
        media_type: as which it is sent.
        name: under which a browser saves it; None to show it.
        policy: a Content-Security-Policy of its own; None for that of every page.
    """
    headers = {"Content-Length": str(file.seek(0, os.SEEK_END))}
    file.seek(0)
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    if policy:
        headers["Content-Security-Policy"] = policy
    return StreamingResponse(_chunks(file), media_type=media_type, headers=headers)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk
