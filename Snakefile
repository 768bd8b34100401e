"""Tradewinds as a workflow: the stages of the config's market family, then simulate, report and load.

Needs: a config (`--configfile config/x.yaml`). Makes: everything that the plan of the config's run lists.
"""

from snakemake.utils import min_version

min_version("9.14")


include: "rules/common.smk"


for name in RULE_FILES:

    include: f"rules/{FAMILY.name}/{name}.smk"


include: "rules/simulate.smk"
include: "rules/sweep.smk"
include: "rules/report.smk"
include: "rules/load.smk"


rule all:
    default_target: True
    input:
        LOADED,
        run_files(),
        PLAN.fetched,
    localrule: True


rule inputs:
    """Make everything that a replay reads, without replaying: a sweep asks for this before it begins."""
    input:
        [path for _, paths in PLAN.groups for path in paths],
    localrule: True


rule recorded:
    """Make what a market recorded for the config, and nothing of it.

    Snakemake (9.27) makes no target whose only input is ancient and made anew, such as candles beside their catalog: as the
    input of a rule it is made.
    """
    input:
        [path for paths in PLAN.recorded.values() for path in paths],
    localrule: True
