"""`tradewinds init`: a folder that a newcomer can run."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from tradewinds.core.errors import ConfigError
from tradewinds.core.near_names import meant
from tradewinds.core.safe_text import printable

TEMPLATES = Path(__file__).with_name("templates")
_FIRST_COMMAND = {"kalshi_weather": "tradewinds run --archive synthetic"}  # others need no service


def init(
    folder: Annotated[Path, typer.Argument(help="Folder to write into; made if need be.", metavar="[DIR]")] = Path(),
    market: Annotated[
        str, typer.Option(help="kalshi_weather, equities_daily, equities_intraday or funding_carry.", metavar="NAME")
    ] = "kalshi_weather",
) -> None:
    """Write a commented config, a template and a README that run at once on invented data.

    Overwrites nothing: a file that is there already is an error.
    """
    from tradewinds.config import markets

    if market not in markets.NAMES:
        remedy = f"{meant(market, markets.NAMES)} Known: {', '.join(markets.NAMES)}.".strip()
        raise ConfigError(f"there is no market {market!r}.", where="--market", remedy=remedy)
    # pip compiles every module that it installs, also a template: its __pycache__ lies beside it
    files = sorted(path for path in (TEMPLATES / market).iterdir() if path.is_file())
    there = [file.name for file in files if (folder / file.name).exists()]
    if there:
        remedy = "Name another folder: tradewinds init DIR."
        raise ConfigError(f"{', '.join(there)} would be overwritten.", where=str(folder.resolve()), remedy=remedy)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            shutil.copyfile(file, folder / file.name)
    except OSError as error:
        raise ConfigError(
            f"cannot be written ({error.strerror}).", where=str(folder), remedy="Name another folder."
        ) from None
    for file in files:
        typer.echo(printable(f"wrote {folder / file.name}"))
    go = "" if folder.resolve() == Path.cwd() else f"cd {folder} && "
    typer.echo(printable(f"now: {go}{_FIRST_COMMAND.get(market, 'tradewinds run')}"))
