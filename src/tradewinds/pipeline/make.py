"""Make the files of a plan with one Snakemake process, and show its progress."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tradewinds import __version__
from tradewinds.config import markets
from tradewinds.config import resolve as configs
from tradewinds.core import database_urls
from tradewinds.core.errors import INTERRUPTED, DataMissing
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.text import counted
from tradewinds.families.plan import Plan, run_plan, shown_paths
from tradewinds.pipeline import jobs, progress, runner
from tradewinds.pipeline.screen import Screen
from tradewinds.results.run_files import REPORT, RUN_LOG, SIMULATE


def make(
    config_path: Path,
    conf: configs.Config,
    plan: Plan[Any],
    options: runner.RunOptions,
    screen: Screen,
    target: str | None = None,
    extra_group: progress.Group | None = None,
) -> bool:
    """Make the files of a plan: all of them, or those of one target of the workflow.

    Args:
        config_path: the config's file, which Snakemake reads.
        conf: the resolved config.
        plan: its files.
        options: how the run is carried out.
        screen: where progress is shown.
        target: a rule of the workflow such as `inputs`; None makes everything, the load into the database included.
        extra_group: name and paths of files that are not in the plan; they are made in place of the target's.

    Returns:
        Whether there was anything to do.

    Raises:
        ConfigError: there is no such profile, or a file of the run could not be written.
        DataMissing: fetching is off and files are missing.
        runner.WorkflowFailed: a job failed.
    """
    fetch = options.fetch or conf["fetch"]
    if fetch == "never":
        _refuse_missing(plan)
    loaded = f"{plan.run_dir}/loaded/{database_urls.url_key(conf['database']['url'])}.json"
    with (
        runner.folder_lock(screen.print) as lock,
        runner.messages_folder(options.profile) as messages,
    ):
        # Refuse before the first job what the last one could not write.
        prepared = [path for _, paths in plan.groups for path in paths]
        runner.refuse_unwritable([*prepared, f"{plan.run_dir}/metrics.json", "logs/run.log"])
        targets = extra_group[1] if extra_group else [target] if target else []
        command = runner.snakemake_command(config_path.resolve(), conf, options, fetch, targets)
        log = Path("logs", target or "run", f"{plan.run_id}.log")
        if target is None:
            screen.keep_in(Path(plan.run_dir, RUN_LOG))
            screen.record(f"tradewinds {__version__}: {config_path}, run {plan.run_id}")
        # The files to watch: those of the plan's stages, and without a target the results after them.
        files = [group for group in progress.groups(plan, loaded) if target is None or group in plan.groups]
        files += [extra_group] if extra_group else []
        with (
            markets.family_of(conf["market"]).backfill(conf, plan, lambda: _reasons(Path(messages))),
            progress.Watch(files, screen, messages, log, _job_logs(plan) if target is None else ()) as watch,
        ):
            return runner.run_workflow(command, log, watch, Path(messages), lock)


def _job_logs(plan: Plan[Any]) -> list[Path]:
    """Return the logs of the jobs that write the run's folder."""
    return [Path("logs", rule, f"{plan.run_id}.log") for rule in (SIMULATE, REPORT, "load")]


def _reasons(messages: Path) -> dict[str, str]:
    """Why jobs could not make their files, by path; a job that was interrupted has no reason."""
    failed = [record for record in jobs.failures(messages) if record["exit_code"] != INTERRUPTED]
    return {record["target"]: record["message"] for record in failed if "target" in record}


def make_inputs(conf: configs.Config, options: runner.RunOptions, screen: Screen) -> None:
    """Fetch and make everything that a replay of a resolved config reads, and replay nothing.

    Args:
        conf: resolved; it need not stand in a file.
        options: how the work is carried out.
        screen: where progress is shown.

    Raises:
        ConfigError, DataMissing, runner.WorkflowFailed: as `make` does.
    """
    with temporary_folder("tradewinds-") as folder:
        path = Path(folder, "config.yaml")
        path.write_text(yaml.safe_dump(conf, sort_keys=False), encoding="utf-8")
        make(path, conf, run_plan(conf), options, screen, target="inputs")


def _refuse_missing(plan: Plan[Any]) -> None:
    """Raise DataMissing with the names of fetched files that are not there."""
    missing = plan.missing()
    if missing:
        what = f"fetching is off and {counted(len(missing), 'file', 'is', 'are')} missing. Run with --auto-fetch to get them:"
        raise DataMissing(f"{what}\n{shown_paths(missing)}")
