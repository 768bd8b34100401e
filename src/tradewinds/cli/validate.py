"""`tradewinds validate`: check a config, then judge the data that is there. Changes nothing."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

import typer

from tradewinds.cli.options import ConfigOption, FileArgument, config_file
from tradewinds.core.errors import SimulationError
from tradewinds.core.safe_text import printable

if TYPE_CHECKING:
    from rich.console import Console

    from tradewinds.families.contract import Findings

SHOWN_FAILURES = 3  # of each validation


def validate(file: FileArgument = None, config: ConfigOption = None) -> None:
    """Check a config and what a run of it needs, and its data by every validation that what is there allows.

    Reads data/ and your own files, and asks the config's database whether it takes a run. Asks no service, touches nothing.
    Exit codes: 2 if the config or a file of yours is wrong or the disk too small, 3 if a file is missing, 5 if an event fails a
    validation, 6 if the database takes no run.
    """
    config = config_file(file, config)
    # Imported here: validating needs rich and pyarrow, which `--help` does not.
    from tradewinds.config import markets
    from tradewinds.config import resolve as configs
    from tradewinds.config.places import place_by_file
    from tradewinds.core import files
    from tradewinds.families.plan import run_plan
    from tradewinds.pipeline.preflight import preflight
    from tradewinds.pipeline.terminal import SafeConsole

    console = SafeConsole()
    with files.without_caches():
        conf = configs.load(config)
        plan, family = run_plan(conf, place_by_file(config)), markets.family_of(conf["market"])
        console.print(
            f"{config} is valid: run {plan.run_id}, {family.extent(plan)}, strategy {conf['strategy']['name']}.",
            soft_wrap=True,
        )
        early = preflight(conf, plan, place_by_file(config))
        for note in early.notes:
            console.print(note, soft_wrap=True, markup=False)
        for warning in early.warnings:
            typer.echo(f"warning: {printable(warning)}", err=True)
        early.refuse()
        findings = family.validate(conf, plan)
    _show(console, findings)
    if findings.verdict:
        raise SimulationError(findings.verdict, where=str(config), remedy=findings.remedy)


def _show(console: Console, findings: Findings) -> None:
    """Print the notes, a table of the validations, and the first failures of each."""
    from rich.table import Table

    for note in findings.notes:
        console.print(note)
    if findings.validations:
        table = Table()
        table.add_column("validation", no_wrap=True)
        table.add_column("judged", justify="right")
        table.add_column("failed", justify="right")
        table.add_column("what holds")
        for one in findings.validations:
            if one.judged is None:
                table.add_row(one.name, "—", "—", f"{one.what} (judged in every run)")
            else:
                table.add_row(one.name, str(one.judged), str(one.failed), one.what)
        console.print(table)
    for name, count in Counter(failure.validation for failure in findings.failures).items():
        of_this = (failure for failure in findings.failures if failure.validation == name)
        for failure in itertools.islice(of_this, SHOWN_FAILURES):
            console.print(f"{name}: {failure.subject}: {failure.why}", soft_wrap=True, markup=False)
        if count > SHOWN_FAILURES:
            console.print(f"{name}: and {count - SHOWN_FAILURES} more")
