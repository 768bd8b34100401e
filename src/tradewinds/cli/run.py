"""`tradewinds run`: plan, fetch, replay, report, load, in words and numbers a person can follow."""

from __future__ import annotations

from pathlib import Path

from tradewinds.cli import display
from tradewinds.config import markets
from tradewinds.config import resolve as configs
from tradewinds.core import database_urls
from tradewinds.core.errors import TradewindsError
from tradewinds.families.plan import due_files, run_plan
from tradewinds.pipeline import runner
from tradewinds.pipeline.make import make
from tradewinds.pipeline.screen import Screen


def run(config_path: Path, options: runner.RunOptions, screen: Screen, *, dry_run: bool) -> None:
    """Carry out a run, or show its plan.

    Raises:
        ConfigError, DataMissing, runner.WorkflowFailed: see their exit codes.
    """
    try:
        _run(config_path, options, screen, dry_run=dry_run)
    except TradewindsError as error:
        screen.record(str(error), markup=False, soft_wrap=True)  # the screen's copy is main()'s
        raise


def _run(config_path: Path, options: runner.RunOptions, screen: Screen, *, dry_run: bool) -> None:
    conf = configs.load(config_path)
    plan, family = run_plan(conf), markets.family_of(conf["market"])
    if dry_run:
        display.show_plan(screen, *family.cost(conf, plan))
        return
    from tradewinds.database import activity

    activity.refuse_inactive(conf["database"]["url"], conf["strategy"]["name"])
    due = due_files(plan)
    if not make(config_path, conf, plan, options, screen):
        screen.print(f"nothing to be done: run {plan.run_id} is complete.")
    for note in family.fetched_notes(plan, due):
        screen.print(note, soft_wrap=True)
    display.show_summary(screen, plan, database_urls.masked(conf["database"]["url"]), family.headlines)
