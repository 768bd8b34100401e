"""Bars: daily bars, one file per symbol and year; each holds what its source has of that year, or says that it has nothing.

Needs: the user's file, the chart API, or a seed. Makes: data/candles/daily/{source}/{symbol}/{year}.parquet, and
data/panels/{digest}.parquet, all of a run in one. From a service
each file is a job; from the user's file or a seed one job makes those that are missing, because starting a process takes
longer than writing a file. A year that was over when it was asked is never asked again.
"""

if PLAN.source == "yahoo":

    rule fetch_bars:
        output:
            kept("data/candles/daily/yahoo/{symbol}/{year}.parquet"),
        log:
            "logs/fetch_bars/{symbol}/{year}.log",
        localrule: True
        conda:
            "../../envs/fetch.yaml"
        resources:
            chart=1,
        params:
            through=asked_through,
        shell:
            r"""
            python "$TRADEWINDS_SCRIPTS"/fetch_bars.py --symbol {wildcards.symbol:q} --year {wildcards.year:q} \
                --through {params.through:q} --out {output:q} --log {log:q}
            """

elif PLAN.bars:

    rule import_bars:
        input:
            own([PLAN.source_file] if PLAN.source_file else []),
        output:
            kept(PLAN.bars),
        log:
            f"logs/import_bars/{PLAN.run_id}.log",
        conda:
            "../../envs/simulate.yaml"
        params:
            code=jobs.code_digest("families/equities_daily/fetch", "core"),
        script:
            "../../scripts/equities_daily/import_bars.py"


rule panel:
    """All bars of a run in one file: opening thousands takes longer than replaying them."""
    input:
        PLAN.bars,
    output:
        PLAN.panel,
    log:
        f"logs/panel/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=jobs.code_digest("families/equities_daily/bar_panel.py", "core"),
    script:
        "../../scripts/equities_daily/panel.py"
