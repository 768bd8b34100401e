"""Bars: one file of daily bars per symbol and year, and the panel, one file with all bars of the run.

Needs: the user's file, the chart API, or a seed. Makes: data/candles/daily/{source}/{symbol}/{year}.parquet and
data/panels/{digest}.parquet. A year of which the source has no bars is a file without rows, with the reason in its metadata.
From the chart API each file is a job of its own, and a year that was over when it was fetched is never fetched again. From the
user's file or a seed one job makes all missing files, because starting a process takes longer than writing a file.
"""

if PLAN.files.source == "yahoo":

    rule fetch_bars:
        output:
            update_in_place("data/candles/daily/yahoo/{symbol}/{year}.parquet"),
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
            python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_bars --symbol {wildcards.symbol:q} --year {wildcards.year:q} \
                --through {params.through:q} --out {output:q} --log {log:q}
            """

elif PLAN.files.bars:

    rule import_bars:
        input:
            local_user_files([PLAN.files.source_file] if PLAN.files.source_file else []),
        output:
            update_in_place(PLAN.files.bars),
        log:
            f"logs/import_bars/{PLAN.run_id}.log",
        conda:
            "../../envs/simulate.yaml"
        params:
            code=CODE["import_bars"],
        script:
            "../../scripts/equities_daily/import_bars.py"


rule panel:
    """Put all bars of the run into one file, because opening thousands of files takes longer than replaying them."""
    input:
        PLAN.files.bars,
    output:
        PLAN.files.panel,
    log:
        f"logs/panel/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=CODE["panel"],
    script:
        "../../scripts/equities_daily/panel.py"
