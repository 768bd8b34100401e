"""Make the files of a plan, and show the progress: with Snakemake, or without it if it has nothing to decide (verdicts.py)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tradewinds import __version__
from tradewinds.config import markets
from tradewinds.config import resolve as configs
from tradewinds.config.places import PlaceOf, place_by_file, place_by_key, placed_text
from tradewinds.core.errors import INTERRUPTED, DataMissing
from tradewinds.core.run_names import NAME, read_name, write_name
from tradewinds.core.temporary import temporary_folder
from tradewinds.core.text import counted
from tradewinds.families.plan import Plan, are_newer, due_files, run_plan, shown_paths
from tradewinds.pipeline import direct, jobs, progress, runner, verdicts
from tradewinds.pipeline.preflight import Preflight, preflight
from tradewinds.pipeline.recorded_failures import failures_recorded
from tradewinds.pipeline.screen import Screen
from tradewinds.results.run_files import REPORT, RUN_LOG, SIMULATE

RECORDED = "recorded"  # the rule of what a market recorded


def make(
    config_path: Path,
    conf: configs.Config,
    plan: Plan[Any],
    options: runner.RunOptions,
    screen: Screen,
    target: str | None = None,
    extra_group: progress.Group | None = None,
    place_of: PlaceOf | None = None,
    own_files: bool = True,
) -> bool:
    """Make the files of a plan: all of them, or those of one target of the workflow.

    Args:
        config_path: the config's file, which Snakemake reads.
        conf: the resolved config.
        plan: its files.
        options: how the run is carried out.
        screen: where progress is shown.
        target: a rule of the workflow such as `inputs`; None makes everything, the load into the database included.
        extra_group: name and paths of files to watch beside the plan's. They are made in place of the target's, unless that is
            RECORDED, which makes them.
        place_of: says where a key of the config stands, for errors; None for its place in the config's file.
        own_files: whether what is made reads the user's own files, which are then looked at before the first job.

    Returns:
        Whether there was anything to do.

    Raises:
        ConfigError: there is no such profile, a file of the run could not be written, or the preflight found something wrong.
        DataMissing: fetching is off and files are missing, or a file of the user's has nothing of the config.
        DatabaseError: no run could be loaded into the config's database.
        runner.WorkflowFailed: a job failed.
    """
    fetch = options.fetch or conf["fetch"]
    if fetch == "never":
        _refuse_missing(plan)
    with runner.folder_lock(screen.print) as lock, runner.messages_folder(options.profile) as messages:
        # Refuse before the first job what the last one could not write.
        prepared = [path for _, paths in plan.groups for path in paths]
        runner.refuse_unwritable([*prepared, f"{plan.run_dir}/metrics.json", "logs/run.log"])
        own = verdicts.user_states(conf)
        known = _is_local(options) and extra_group is None and not due_files(plan)
        asked = verdicts.question_of(conf, plan, own) if known else None
        hold = asked is not None and verdicts.inputs_hold(asked)
        complete = asked is not None and hold and (target is not None or verdicts.run_holds(asked))
        # The preflight costs milliseconds, which a run that is complete is spared.
        # The load is a job of this machine under every profile.
        place, loads = place_of or place_by_file(config_path), target is None
        early = Preflight() if complete else preflight(conf, plan, place, inputs=own_files and not hold, database=loads)
        early.refuse()
        if target is None:
            screen.keep_in(Path(plan.run_dir, RUN_LOG))
            screen.record(f"tradewinds {__version__}: {config_path}, run {plan.run_id}")
        if complete:
            return False
        for line in early.warnings:
            screen.warn(f"warning: {line}", soft_wrap=True)
        if target is None:
            name_new_run(plan, options.name, options.note)
        work = _Work(config_path, conf, plan, options, screen, Path(messages), lock)
        if asked and hold and runner.can_fork() and verdicts.must_replay(asked):
            with failures_recorded(conf, plan), _placing_jobs(conf, place):
                work.make_results()
            verdicts.keep_run(asked, made_here=True)
            return True
        if fetch != "never":
            _drop_unfit(plan)
        recorded = failures_recorded(conf, plan) if target is None else contextlib.nullcontext()
        with recorded, _placing_jobs(conf, place):
            anything = work.make_with_snakemake(fetch, target, extra_group)
        if _is_local(options) and extra_group is None and own == verdicts.user_states(conf):
            now = verdicts.question_of(conf, run_plan(conf), own)  # of the files that are there now
            verdicts.keep_inputs(now)
            if target is None:
                verdicts.keep_run(now, made_here=False)
        return anything


def _drop_unfit(plan: Plan[Any]) -> None:
    """Remove files that stand for something missing and are asked for again: they hold no row.

    Snakemake (9.27) makes no file again by `--forcerun` alone if that file's job has an ancient input which is made anew, too.
    """
    for file in plan.data_files:
        if file.unfit:
            Path(file.path).unlink(missing_ok=True)


@contextlib.contextmanager
def _placing_jobs(conf: configs.Config, place_of: PlaceOf) -> Iterator[None]:
    """Let the failures of jobs say where the config has the user's file that they are about; arguments as `placing`."""
    try:
        yield
    except runner.WorkflowFailed as failed:
        raise runner.WorkflowFailed(placed_text(failed.what, conf, place_of), failed.exit_code) from None


def name_new_run(plan: Plan[Any], name: str | None, note: str | None) -> None:
    """Write the name and note that a run is given, before its jobs: its report and its load read them.

    Args:
        plan: of the run.
        name: None leaves the name that it has.
        note: None leaves the note that it has.

    Raises:
        ConfigError: one of them is too long.
    """
    known = read_name(plan.run_dir)
    if (wanted := known.changed(name, note)) != known:
        write_name(plan.run_dir, wanted)


def name_made_run(conf: configs.Config, plan: Plan[Any], name: str | None, note: str | None) -> None:
    """Give a run that is complete the name and note that it was asked for with, if they are not in its report and row yet.

    Args:
        conf: resolved.
        plan: of the run.
        name: None leaves the name that it has.
        note: None leaves the note that it has.
    """
    if name is None and note is None:
        return
    from tradewinds.database.annotations import write_annotation
    from tradewinds.pipeline.naming import rename_folder

    url, known = conf["database"]["url"], read_name(plan.run_dir)
    wanted = known.changed(name, note)
    if wanted != known or not are_newer([f"{plan.run_dir}/report.html"], [f"{plan.run_dir}/{NAME}"]):
        rename_folder(Path(plan.run_dir), url, wanted)
    write_annotation(url, plan.run_id, wanted)


def _is_local(options: runner.RunOptions) -> bool:
    """Whether the run's jobs are processes of this machine, under the shipped profile."""
    return options.profile in (None, "default")


@dataclass(frozen=True)
class _Work:
    """What `make` works on.

    Attributes:
        config_path: the config's file.
        conf: the resolved config.
        plan: its files.
        options: how the run is carried out.
        screen: where progress is shown.
        messages: folder in which jobs write their progress and failure records.
        lock: file descriptor of the folder's lock.
    """

    config_path: Path
    conf: configs.Config
    plan: Plan[Any]
    options: runner.RunOptions
    screen: Screen
    messages: Path
    lock: int

    def make_results(self) -> None:
        """Make the run's results without Snakemake, all of them."""
        conf, plan, parent = self.conf, self.plan, os.getpid()
        direct.remove_results(conf, plan)
        log = Path("logs", "run", f"{plan.run_id}.log")
        groups = progress.groups(plan, verdicts.receipt_path(conf, plan))[len(plan.groups) :]
        watch = progress.Watch(groups, self.screen, self.messages, log, _job_logs(plan))
        process = runner.fork(lambda: direct.run_jobs(conf, plan, parent), log, self.messages)
        with watch:  # its bars have a thread of their own
            runner.attend(process, log, watch, self.messages)

    def make_with_snakemake(self, fetch: str, target: str | None, extra_group: progress.Group | None) -> bool:
        """Make the files of the plan with one Snakemake process.

        Args:
            fetch: `never` or `auto`.
            target: as of `make`.
            extra_group: as of `make`.

        Returns:
            Whether there was anything to do.
        """
        conf, plan, screen = self.conf, self.plan, self.screen
        by_path = extra_group is not None and target != RECORDED
        targets = extra_group[1] if extra_group and by_path else [target] if target else []
        command = runner.snakemake_command(self.config_path.resolve(), conf, self.options, fetch, targets)
        log = Path("logs", target or "run", f"{plan.run_id}.log")
        # The files to watch: those of the plan's stages, and without a target the results after them.
        listed = progress.groups(plan, verdicts.receipt_path(conf, plan))
        files = [group for group in listed if target is None or group in plan.groups]
        files += [extra_group] if extra_group else []
        with (
            markets.family_of(conf["market"]).backfill(conf, plan, lambda: _reasons(self.messages)),
            progress.Watch(files, screen, self.messages, log, _job_logs(plan) if target is None else ()) as watch,
        ):
            return runner.run_workflow(command, log, watch, self.messages, self.lock)


def _job_logs(plan: Plan[Any]) -> list[Path]:
    """Return the logs of the jobs that write the run's folder."""
    return [Path("logs", rule, f"{plan.run_id}.log") for rule in (SIMULATE, REPORT, "load")]


def _reasons(messages: Path) -> dict[str, str]:
    """Why jobs could not make their files, by path; a job that was interrupted has no reason."""
    failed = [record for record in jobs.failures(messages) if record["exit_code"] != INTERRUPTED]
    return {record["target"]: record["message"] for record in failed if "target" in record}


def make_inputs(
    conf: configs.Config, options: runner.RunOptions, screen: Screen, place_of: PlaceOf = place_by_key
) -> None:
    """Fetch and make everything that a replay of a resolved config reads, and replay nothing.

    Args:
        conf: resolved; it need not stand in a file.
        options: how the work is carried out.
        screen: where progress is shown.
        place_of: says where a key of the config stands, for errors.

    Raises:
        ConfigError, DataMissing, runner.WorkflowFailed: as `make` does.
    """
    with _config_file(conf) as path:
        make(path, conf, run_plan(conf, place_of), options, screen, target="inputs", place_of=place_of)


def make_recorded(conf: configs.Config, options: runner.RunOptions, screen: Screen) -> None:
    """Fetch what a market recorded for a resolved config, and make nothing of it: the user's own files are not read.

    Args:
        conf: as of `make_inputs`.
        options: how the work is carried out.
        screen: where progress is shown.

    Raises:
        ConfigError, DataMissing, runner.WorkflowFailed: as `make` does.
    """
    plan = run_plan(conf)
    recorded = [path for paths in plan.recorded.values() for path in paths]
    if set(recorded).isdisjoint(due_files(plan)):
        return
    with _config_file(conf) as path:
        group = (RECORDED, recorded)
        make(path, conf, plan, options, screen, target=RECORDED, extra_group=group, own_files=False)


@contextlib.contextmanager
def _config_file(conf: configs.Config) -> Iterator[Path]:
    """Write a resolved config to a file that is there while the block runs."""
    with temporary_folder("tradewinds-") as folder:
        path = Path(folder, "config.yaml")
        path.write_text(yaml.safe_dump(conf, sort_keys=False), encoding="utf-8")
        yield path


def _refuse_missing(plan: Plan[Any]) -> None:
    """Raise DataMissing with the names of fetched files that are not there."""
    missing = plan.missing()
    if missing:
        what = f"fetching is off and {counted(len(missing), 'file', 'is', 'are')} missing. Run with --auto-fetch to get them:"
        raise DataMissing(f"{what}\n{shown_paths(missing)}")
