"""What all rules share: the checked config, the plan of the run, and every function.

Needs: a config (`--configfile config/x.yaml`). Makes: nothing.
"""

import sys

from snakemake.exceptions import WorkflowError

from tradewinds import config as tradewinds_config
from tradewinds import config_problems, database, jobs, plan
from tradewinds.errors import TradewindsError


def checked_config():
    """The resolved config; a problem reads the same as under `tradewinds run`."""
    files = [str(path) for path in workflow.configfiles]
    source = files[-1] if files else "config (give one with --configfile)"
    try:
        lines = (
            config_problems.parse_yaml(open(source, encoding="utf-8").read(), source)[1]
            if files
            else {}
        )
        return tradewinds_config.resolve(config, source=source, lines=lines)
    except TradewindsError as error:
        raise WorkflowError(str(error)) from None


def refuse_missing(missing):
    """Under fetch=never, name what is missing instead of planning to fetch it."""
    if missing and CONFIG["fetch"] == "never":
        raise WorkflowError("fetching is off and these files are missing:", *missing)


def run_files():
    """Everything a run leaves in its folder."""
    names = [
        "run_manifest.json",
        "trades.csv",
        "metrics.json",
        "report.md",
    ]
    return [f"{PLAN.run_dir}/{name}" for name in names]


def catalog_through(wildcards):
    """The climate date that the catalog of a series must reach."""
    return plan.catalog_through(wildcards.series, PLAN.date_end)


CONFIG = checked_config()
PLAN = plan.plan_of(CONFIG)
refuse_missing(PLAN.missing())
jobs.export_environment(CONFIG)
LOADED = f"{PLAN.run_dir}/loaded/{database.url_key(CONFIG['database']['url'])}.json"


wildcard_constraints:
    series="[A-Z0-9]+",
    window=r"full_\d+m|trade_\d{4}_d\d+_\d+m",
    date=r"\d{4}-\d\d-\d\d",
    station="[A-Z0-9]{4}",
    model="[A-Z]+",
    year=r"\d{4}",
