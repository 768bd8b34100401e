"""Make the files of a plan: one Snakemake process, watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tradewinds.config import markets
from tradewinds.config import resolve as configs
from tradewinds.core import database_urls
from tradewinds.core.errors import INTERRUPTED, DataMissing
from tradewinds.families.plan import Plan
from tradewinds.pipeline import jobs, progress, runner
from tradewinds.pipeline.screen import Screen

SHOWN_FILES = 40


def make(
    config_path: Path,
    conf: configs.Config,
    plan: Plan[Any],
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
            markets.family_of(conf["market"]).backfill(conf, plan, lambda: _reasons(Path(failures))),
            progress.Watch(files, screen, failures, log) as watch,
        ):
            return runner.run_workflow(command, log, watch, Path(failures))


def _reasons(failures: Path) -> dict[str, str]:
    """Why jobs could not make their files, by path; a job that was interrupted has no reason."""
    failed = [record for record in jobs.failures(failures) if record["exit_code"] != INTERRUPTED]
    return {record["target"]: record["message"] for record in failed if "target" in record}


def _refuse_missing(plan: Plan[Any]) -> None:
    missing = plan.missing()
    if not missing:
        return
    shown = "\n".join(f"  {path}" for path in missing[:SHOWN_FILES])
    rest = f"\n  … and {len(missing) - SHOWN_FILES} more" if len(missing) > SHOWN_FILES else ""
    raise DataMissing(
        f"fetching is off and {len(missing)} file(s) are missing. Run with --auto-fetch to get them:\n{shown}{rest}"
    )
