"""Tradewinds: config → what the market family reads (FAMILY.stages) → simulate → report → load."""

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
    """Everything that a replay reads, and no replay: what a sweep needs before it begins."""
    input:
        [path for _, paths in PLAN.groups for path in paths],
    localrule: True
