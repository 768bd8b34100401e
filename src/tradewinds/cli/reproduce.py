"""`tradewinds reproduce`: make a run again from the files that its manifest names, and compare the results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tradewinds.audits.reproduce import COMPARED, differences, made_again, read_manifest
from tradewinds.core.errors import SimulationError
from tradewinds.core.safe_text import printable


def reproduce(
    run_dir: Annotated[Path, typer.Argument(help="Folder of the run, with its run_manifest.json.", metavar="RUN_DIR")],
) -> None:
    """Make a run again and say whether trades.csv and metrics.json are the same bytes; if not, which input differs.

    Reads RUN_DIR and the files that its manifest names (below this folder). Writes into a temporary folder only, opens no
    connection. Exit code 0 identical, 5 different, 3 if an input is missing.
    """
    manifest = read_manifest(run_dir)
    inputs_differ = list(differences(run_dir, manifest))
    for line in inputs_differ:
        typer.echo(printable(line))
    found = [line for name in COMPARED for line in made_again(run_dir, manifest)[name]]
    if found:
        why = (
            " It is made from something else, see above."
            if inputs_differ
            else " Inputs, versions and config are the same: a bug."
        )
        shown = " ".join(found)
        raise SimulationError(f"the run comes out differently. {shown}", where=str(run_dir), remedy=why.strip())
    though = ", though something is different today (see above)" if inputs_differ else ""
    typer.echo(printable(f"{run_dir}: identical{though}: {' and '.join(COMPARED)}, byte by byte."))
