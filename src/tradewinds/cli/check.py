"""`tradewinds check`: read the data files of a config to the last byte, and name or delete the damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, config_file
from tradewinds.core.errors import SimulationError
from tradewinds.core.safe_text import printable
from tradewinds.core.text import counted


def check(
    file: FileArgument = None,
    config: ConfigOption = None,
    delete_damaged: Annotated[
        bool, typer.Option("--delete-damaged", help="Delete damaged files, so that the next run makes them again.")
    ] = False,
) -> None:
    """Read a config's data files to the last byte and name the damaged ones.

    Reads data/. Changes nothing without --delete-damaged. Exit code 5 if a damaged file remains.
    """
    config = config_file(file, config)
    # Imported here: reading files needs pyarrow and DuckDB, which `--help` does not.
    from tradewinds.config import resolve as configs
    from tradewinds.config.places import place_by_file
    from tradewinds.core.damage import damaged_files
    from tradewinds.families.plan import run_plan

    damaged = list(damaged_files(run_plan(configs.load(config), place_by_file(config)).data_files))
    for damage in damaged:
        typer.echo(printable(str(damage)))
        if delete_damaged:
            if Path(damage.where).is_dir():
                what = "this is a folder, where a file belongs; it is not deleted."
                raise SimulationError(what, where=damage.where, remedy="Move it away yourself.")
            Path(damage.where).unlink()
    if damaged and not delete_damaged:
        raise SimulationError(f"{counted(len(damaged), 'damaged file')}.", where=str(config), remedy="See above.")
    done = (
        f"{counted(len(damaged), 'damaged file')} deleted: run again to make them anew."
        if damaged
        else "all files are whole."
    )
    typer.echo(printable(f"{config}: {done}"))
