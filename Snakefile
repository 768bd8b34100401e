"""Tradewinds: config → catalog → candles, weather → probabilities → simulate → report → load."""

from snakemake.utils import min_version

min_version("9.14")


include: "rules/common.smk"
include: "rules/catalog.smk"
include: "rules/candles.smk"
include: "rules/weather.smk"
include: "rules/forecasts.smk"
include: "rules/probabilities.smk"
include: "rules/simulate.smk"
include: "rules/sweep.smk"
include: "rules/calibration.smk"
include: "rules/report.smk"
include: "rules/load.smk"
include: "rules/mirror.smk"


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
        PLAN.fetched,
        PLAN.probabilities,
    localrule: True
