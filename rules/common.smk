"""The checked config, the plan of the run, and all functions that the rules use.

Needs: a config (`--configfile config/x.yaml`). Makes: nothing.
"""

import contextlib
import os
import sys

from snakemake.exceptions import WorkflowError

from tradewinds.config import markets, resolve
from tradewinds.config.places import place_by_file
from tradewinds.core import environment
from tradewinds.core.errors import TradewindsError
from tradewinds.core.paths import workflow_root
from tradewinds.families import plan
from tradewinds.families.contract import FETCH
from tradewinds.pipeline import jobs, runner, verdicts, worker_pool
from tradewinds.pipeline.preflight import preflight
from tradewinds.results.run_files import APPENDED, EVERY_RUN, REPORT, SIMULATE


def checked_config():
    """Return the resolved config; an error has the same text as under `tradewinds run`.

    Without --configfile it is config/config.yaml, which runs anywhere; --config changes keys of it.
    """
    try:
        read, lines = resolve.read(SOURCE)
        for key, value in {} if workflow.configfiles else read.items():
            config.setdefault(key, value)
        return resolve.resolve(config, source=SOURCE, lines=lines)
    except TradewindsError as error:
        raise WorkflowError(str(error)) from None


def planned(checked):
    """Return the plan of the run; an error has the same text as under `tradewinds run`."""
    try:
        return plan.run_plan(checked, place_by_file(SOURCE))
    except TradewindsError as error:
        raise WorkflowError(str(error)) from None


def refuse_missing(missing):
    """If the config has `fetch: never`, stop with the names of missing files instead of planning to fetch them."""
    if missing and CONFIG["fetch"] == "never":
        raise WorkflowError("fetching is off and these files are missing:", *missing)


def continue_growing_files():
    """Have growing files that end too early made again, as `--forcerun` does: Snakemake cannot see that by itself.

    A growing file that cannot be read stops the workflow, before a rule reads through which date it is complete. A job of
    the workflow parses it again, and must not begin anew.
    """
    try:
        stale = plan.stale_files(PLAN)
    except TradewindsError as error:
        raise WorkflowError(str(error)) from None
    if CONFIG["fetch"] != "never":
        force(stale)


def force(paths):
    """Have files made again, as `--forcerun` does.

    Snakemake (9.27) hands its settings to the workflow when it has read the Snakefile, so they are changed at that moment.
    """

    class Forcing(type(workflow)):
        def __setattr__(self, name, value):
            if name == "dag_settings" and value:
                value.forcerun = frozenset({*value.forcerun, *paths})
            super().__setattr__(name, value)

    if paths and workflow.is_main_process:
        workflow.__class__ = Forcing


def made_by(rule):
    """Return the outputs of one of the rules by kind: files of the run's folder."""
    return {
        file.kind: directory(run_path(file)) if file.is_folder else run_path(file)
        for file in RUN_FILES
        if file.made_by == rule
    }


def run_files():
    """Every file of the run's folder that a rule makes; a folder in it comes with the file beside it."""
    return [
        run_path(file)
        for file in RUN_FILES
        if not file.is_folder and file.made_by != APPENDED
    ]


def report_inputs():
    """What the report reads, by kind: tables and figures of every run, and all that the market family adds."""
    kinds = ("trades", "equity", "metrics", "manifest", "config")
    found = [file for file in EVERY_RUN if file.kind in kinds]
    return {file.kind: run_path(file) for file in (*found, *FAMILY.run_files)}


def run_path(file):
    """Where a file of the run's folder lies."""
    return f"{PLAN.run_dir}/{file.name}"


def asked_through(wildcards, output):
    """Return the date through which a growing file (a catalog, a station-year, a month of bars) must be complete."""
    span = getattr(wildcards, "month", getattr(wildcards, "year", ""))
    parts = [int(part) for part in span.split("-") if part]
    return plan.asked_through(output[0], plan.needed_through(PLAN.date_end, *parts))


def update_in_place(path):
    """Mark an output that may exist when its job begins: the job continues it, or another run has made it meanwhile.

    In a bucket it is made anew: Snakemake (9.27) fetches no copy of an updated output from there, and stops.
    """
    in_bucket = workflow.storage_settings.default_storage_provider is not None
    return path if in_bucket else update(path)


def local_user_files(paths):
    """Mark the user's own files among `paths` as local: they are here, also when all other files are in a bucket."""
    mine = FAMILY.user_files(CONFIG)
    return [local(path) if path in mine else path for path in paths]


def replay_inputs():
    """Return the files that the replay reads, by kind."""
    return {kind: local_user_files(paths) for kind, paths in PLAN.inputs.items()}


def hold_folder():
    """Wait until no other run works in this folder, then lock the folder until this process ends.

    Under `tradewinds run` the folder is locked already, by the process that started Snakemake. Snakemake calls `onstart` in its
    main process only, and not in a dry run.
    """
    if environment.HOLDS_FOLDER not in os.environ:
        FOLDER.enter_context(
            runner.folder_lock(lambda why: print(why, file=sys.stderr, flush=True))
        )


def refuse_early():
    """Look at all that can be known before the first job, as `tradewinds run` has done when it starts Snakemake.

    With a default storage provider the data is not on this machine's disk, and the database alone is looked at.
    """
    if environment.HOLDS_FOLDER in os.environ:
        return
    loads = any(job.rule.name == "load" for job in workflow.dag.needrun_jobs())
    here = workflow.storage_settings.default_storage_provider is None
    try:
        early = preflight(
            CONFIG, PLAN, place_by_file(SOURCE), inputs=here, database=loads
        )
        early.refuse()
    except TradewindsError as error:
        raise WorkflowError(str(error)) from None
    for line in early.warnings:
        print(f"warning: {line}", file=sys.stderr, flush=True)


def start_workers():
    """Start processes that do the fetch jobs of this run, if there are some and they run in this Python on this machine."""
    scripts = [rule.name for rule in FAMILY.workflow_rules if rule.kind == FETCH]
    waiting = sum(job.rule.name in scripts for job in workflow.dag.needrun_jobs())
    here = workflow.local_exec and not workflow.touch
    if here and not deployed() and waiting >= worker_pool.FEWEST_JOBS:
        at_once = sum(CONFIG[name]["max_connections"] for name in FAMILY.services)
        worker_pool.start(
            scripts, min(waiting, at_once, workflow.resource_settings.cores)
        )


def deployed():
    """Whether jobs run in environments of their own: conda, containers or environment modules."""
    return bool(workflow.deployment_settings.deployment_method)


SOURCE = str((workflow.configfiles or [workflow_root() / "config/config.yaml"])[-1])
CONFIG = checked_config()
PLAN = planned(CONFIG)
FAMILY = markets.family_of(CONFIG["market"])
RUN_FILES = (*EVERY_RUN, *FAMILY.run_files)
RESULT_CODE = verdicts.result_code(FAMILY)
continue_growing_files()
force(verdicts.outdated(PLAN.run_id, RESULT_CODE))
refuse_missing(PLAN.missing())
FOLDER = contextlib.ExitStack()
jobs.export_environment(CONFIG)
RULE_FILES = list(dict.fromkeys(each.file for each in FAMILY.workflow_rules))
COMPUTED = [each for each in FAMILY.workflow_rules if each.code]
CODE = dict(
    zip(
        [each.name for each in COMPUTED],
        [jobs.code_digest(*each.code) for each in COMPUTED],
        strict=True,
    )
)
SWEEPS = f"{os.path.dirname(PLAN.run_dir)}/sweeps"
LOADED = verdicts.receipt_path(CONFIG, PLAN)


wildcard_constraints:
    **{
        name: form
        for each in FAMILY.workflow_rules
        for name, form in each.wildcards.items()
    },
    sweep="[0-9a-f-]{36}",


onstart:
    hold_folder()
    refuse_early()
    start_workers()
