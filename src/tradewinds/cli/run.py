"""`tradewinds run`: plan, fetch what is missing, replay, report, load."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tradewinds.cli.note import NameOption, NoteOption
from tradewinds.cli.options import ConfigOption, FileArgument, NoFetchOption, config_file
from tradewinds.core.errors import ConfigError, TradewindsError
from tradewinds.core.safe_text import printable

if TYPE_CHECKING:
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen

WARNING = "warning: "  # at the start of a note that goes to the standard error output


def run(
    file: FileArgument = None,
    config: ConfigOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the config and show the plan; touch nothing.")
    ] = False,
    no_fetch: NoFetchOption = False,
    auto_fetch: Annotated[
        bool, typer.Option("--auto-fetch", help="Fetch what is missing, whatever the config says.")
    ] = False,
    max_parallel_events: Annotated[
        int | None, typer.Option("--max-parallel-events", min=1, max=256, help="Event jobs at once.", metavar="N")
    ] = None,
    archive: Annotated[
        str | None,
        typer.Option(
            help="Serve this archive in place of the services while the run works; `synthetic` makes one of invented events.",
            metavar="DIR",
        ),
    ] = None,
    profile: Annotated[
        str | None, typer.Option(help="A Snakemake profile: default, slurm, generic or a folder.", metavar="P")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show what Snakemake says, too.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show nothing but errors.")] = False,
    log_file: Annotated[
        Path | None, typer.Option(help="Append all that --verbose shows to this file, with times.", metavar="FILE")
    ] = None,
    name: NameOption = None,
    note: NoteOption = None,
) -> None:
    """Run a backtest: fetch what is missing, replay, report, load into the database.

    Reads FILE and asks the services of its market family. Writes data/, the run's folder under output_dir, the database
    and logs/.
    Asking the same question again does nothing.
    """
    config = config_file(file, config)
    # Imported here, as in every command: they bring psutil, PyYAML and rich, which `--help` does not need.
    from tradewinds.pipeline.runner import RunOptions
    from tradewinds.pipeline.screen import Screen

    if no_fetch and auto_fetch:
        raise ConfigError("--no-fetch and --auto-fetch contradict each other.", remedy="Give one of them.")
    fetch = "never" if no_fetch else "auto" if auto_fetch else None
    options = RunOptions(fetch=fetch, max_parallel_events=max_parallel_events, profile=profile, name=name, note=note)
    screen = Screen(verbose=verbose, quiet=quiet, log_file=log_file)
    if archive is None or dry_run:
        carry_out_run(config, options, screen, dry_run=dry_run)
        return
    from tradewinds.pipeline.local_archive import served_config

    with served_config(config, archive, functools.partial(screen.print, soft_wrap=True)) as served:
        carry_out_run(served, options, screen, dry_run=False, written=config)


def carry_out_run(
    config_path: Path, options: RunOptions, screen: Screen, *, dry_run: bool, written: Path | None = None
) -> None:
    """Carry out a run, or show its plan.

    Args:
        config_path: the config's file.
        options: how the run is carried out.
        screen: where it is shown; an error is written to the screen's log, too.
        dry_run: show the plan and touch nothing.
        written: the file that the user wrote, for messages; None for the config's file.

    Raises:
        ConfigError, DataMissing, DatabaseError, runner.WorkflowFailed: see their exit codes.
    """
    try:
        _plan_and_make(config_path, options, screen, dry_run=dry_run, written=written)
    except TradewindsError as error:
        screen.record(str(error), markup=False, soft_wrap=True)  # `main` prints it on the terminal
        raise


def _plan_and_make(
    config_path: Path, options: RunOptions, screen: Screen, *, dry_run: bool, written: Path | None
) -> None:
    """Do the work of `carry_out_run`, which passes on what this raises."""
    # Imported here: the plan needs pyarrow, and a dry run needs no database.
    from tradewinds.cli import display
    from tradewinds.config import markets
    from tradewinds.config import resolve as configs
    from tradewinds.config.places import place_by_file
    from tradewinds.core import files
    from tradewinds.families.plan import due_files, run_plan
    from tradewinds.pipeline.preflight import preflight

    place_of = place_by_file(written or config_path)
    if dry_run:
        with files.without_caches():
            conf = configs.load(config_path)
            plan = run_plan(conf, place_of)
            display.show_plan(screen, *markets.family_of(conf["market"]).cost(conf, plan))
            display.show_preflight(screen, preflight(conf, plan, place_of))
        return
    conf = configs.load(config_path)
    plan, family = run_plan(conf, place_of), markets.family_of(conf["market"])
    from tradewinds.core import database_urls
    from tradewinds.database import activity
    from tradewinds.pipeline.make import make, name_made_run

    activity.refuse_inactive(conf["database"]["url"], conf["strategy"]["name"])
    due = due_files(plan)
    if not make(config_path, conf, plan, options, screen, place_of=place_of):
        screen.print(f"nothing to be done: run {plan.run_id} is complete.")
    name_made_run(conf, plan, options.name, options.note)
    for note in family.fetched_notes(plan, due):
        (screen.warn if note.startswith(WARNING) else screen.print)(note, soft_wrap=True)
    url = database_urls.masked(conf["database"]["url"])
    tables = family.summary_tables(Path(plan.run_dir))
    currency = family.currency(conf)
    display.show_summary(screen, plan, url, currency, family.headlines, family.units_name, family.refusal_text, tables)
    _warn(plan.run_dir, screen)


def _warn(run_dir: str, screen: Screen) -> None:
    """Print the warnings of a finished run on standard error, and in the logs."""
    metrics = json.loads(Path(run_dir, "metrics.json").read_text(encoding="utf-8"))
    for line in metrics.get("warnings", ()):
        typer.echo(f"warning: {printable(line)}", err=True)
        screen.record(f"warning: {line}", markup=False, soft_wrap=True)
