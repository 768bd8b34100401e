"""`tradewinds demo`: a run over an invented archive, from nothing to its report."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from tradewinds.core.safe_text import printable


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to make it in.", metavar="[DIR]")] = Path("demo"),
) -> None:
    """Run a backtest of two cities over an invented archive, served on this machine: no account, no exchange.

    Makes DIR/archive, DIR/config.yaml and what a run makes below DIR. The weather and the order books come from a seed, so the
    result says how the tool works, nothing about an edge.
    """
    from tradewinds.cli.run import carry_out_run
    from tradewinds.core.paths import workflow_root
    from tradewinds.pipeline.local_archive import make_synthetic_archive, served_config
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen

    def tell(line: str) -> None:
        typer.echo(printable(line))

    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(workflow_root() / "config" / "demo.yaml", folder / "config.yaml")
    os.chdir(folder)
    make_synthetic_archive("kalshi_weather", Path("archive"), tell)
    with served_config(Path("config.yaml"), "archive", tell) as config:
        carry_out_run(config, RunOptions(), Screen(), dry_run=False)
    typer.echo(printable(f"(paths are below {folder}/; the same again there: tradewinds run --archive archive)"))
