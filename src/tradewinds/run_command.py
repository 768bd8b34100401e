"""`tradewinds run`: plan, fetch, replay, report, load, in words and numbers a person can follow."""

from __future__ import annotations

import contextlib
from pathlib import Path

from tradewinds import display, jobs, progress, runner
from tradewinds.config import markets
from tradewinds.config import resolve as configs
from tradewinds.core import database_urls
from tradewinds.core.errors import INTERRUPTED, DataMissing, TradewindsError
from tradewinds.families.contract import RunPlan
from tradewinds.families.plan import run_plan, stale_files
from tradewinds.screen import Screen

SHOWN_FILES = 40


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
        display.show_plan(screen, *family.plan_rows(conf, plan))
        return
    from tradewinds.database import activity

    activity.refuse_inactive(conf["database"]["url"], conf["strategy"]["name"])
    catalogs = plan.recorded["catalogs"]
    synced = [path for path in catalogs if not Path(path).exists()]
    synced += [path for path in stale_files(plan) if path in catalogs]
    if not make(config_path, conf, plan, options, screen):
        screen.print(f"nothing to be done: run {plan.run_id} is complete.")
    display.show_catalogs(screen, synced)
    display.show_summary(screen, plan, database_urls.masked(conf["database"]["url"]), family.HEADLINES)


def make(
    config_path: Path,
    conf: configs.Config,
    plan: RunPlan,
    options: runner.RunOptions,
    screen: Screen,
    target: str | None = None,
    beyond: progress.Group | None = None,
) -> bool:
    """Make the files of a plan (all, or those of a target of the workflow); whether there was anything to do.

    `beyond` the plan: a stage with its files, which are made in place of the target.

    Raises:
        ConfigError, DataMissing, runner.WorkflowFailed: see their exit codes.
    """
    fetch = options.fetch or conf["fetch"]
    if fetch == "never":
        _refuse_missing(plan)
    loaded = f"{plan.run_dir}/loaded/{database_urls.url_key(conf['database']['url'])}.json"
    with (
        runner.folder_lock(lambda: screen.print("another run is working in this folder; waiting for it to end.")),
        runner.words_folder(options.profile) as failures,
    ):
        prepared = [path for _, paths in plan.groups for path in paths]
        runner.refuse_unwritable([*prepared, f"{plan.run_dir}/metrics.json", "logs/run.log"])
        targets = beyond[1] if beyond else [target] if target else []
        command = runner.snakemake_command(config_path.resolve(), conf, plan, options, fetch, targets)
        log = Path("logs", target or "run", f"{plan.run_id}.log")
        files = [group for group in progress.groups(plan, loaded) if target is None or group in plan.groups]
        files += [beyond] if beyond else []
        with (
            _checkpoints(conf, plan, Path(failures)),
            progress.Watch(files, screen, failures, log) as watch,
        ):
            return runner.run_workflow(command, log, watch, Path(failures))


def _checkpoints(conf: configs.Config, plan: RunPlan, failures: Path) -> contextlib.AbstractContextManager[None]:
    """Keeps the database's checkpoints of the events that this run must fetch; nothing to fetch costs nothing."""
    missing = [path for path in plan.recorded["candles"] if not Path(path).exists()]
    if not missing:
        return contextlib.nullcontext()
    from tradewinds.families.kalshi_weather.database import checkpoints

    def reasons() -> dict[str, str]:
        failed = [record for record in jobs.failures(failures) if record["exit_code"] != INTERRUPTED]
        return {record["target"]: record["message"] for record in failed if "target" in record}

    return checkpoints.backfill(conf["database"]["url"], missing, reasons)


def _refuse_missing(plan: RunPlan) -> None:
    missing = plan.missing()
    if not missing:
        return
    shown = "\n".join(f"  {path}" for path in missing[:SHOWN_FILES])
    rest = f"\n  … and {len(missing) - SHOWN_FILES} more" if len(missing) > SHOWN_FILES else ""
    raise DataMissing(
        f"fetching is off and {len(missing)} file(s) are missing. Run with --auto-fetch to get them:\n{shown}{rest}"
    )
