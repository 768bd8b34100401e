"""Minute bars: one file per symbol and month, and the panel, one file with the session bars of the run.

Needs: the user's files, the chart API, or a seed. Makes: {cache_dir}/candles/{minutes}m/{source}/{symbol}/{month}.parquet and
{cache_dir}/panels/{digest}.parquet; cache_dir is a key of the config, data by default. A month of which the source has no bars is
a file without rows, with the reason in its metadata. From the chart API each file is a job of its own, and a month that was over when it was fetched is never fetched again. From the
user's files or a seed one job makes all missing files, because starting a process takes longer than writing a file.
"""

if PLAN.files.source == "yahoo":

    rule fetch_minutes:
        output:
            update_in_place(
                f"{PLAN.files.cache_dir}/candles/1m/{PLAN.files.folder}/{{symbol}}/{{month}}.parquet"
            ),
        log:
            "logs/fetch_minutes/{symbol}/{month}.log",
        localrule: True
        conda:
            "../../envs/fetch.yaml"
        resources:
            chart=1,
        params:
            through=asked_through,
            calendar=PLAN.files.calendar,
        shell:
            r"""
            python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_minutes --symbol {wildcards.symbol:q} --month {wildcards.month:q} \
                --calendar {params.calendar:q} --through {params.through:q} --out {output:q} --log {log:q}
            """

elif PLAN.files.bars:

    rule import_minutes:
        input:
            local_user_files(PLAN.files.source_files),
        output:
            update_in_place(PLAN.files.bars),
        log:
            f"logs/import_minutes/{PLAN.run_id}.log",
        conda:
            "../../envs/simulate.yaml"
        params:
            code=CODE["import_minutes"],
        script:
            "../../scripts/equities_intraday/import_minutes.py"


rule session_panel:
    """Put the session bars of the run into one file, because opening thousands of files takes longer than replaying them."""
    input:
        PLAN.files.bars,
    output:
        PLAN.files.panel,
    log:
        f"logs/session_panel/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=CODE["session_panel"],
    script:
        "../../scripts/equities_intraday/session_panel.py"
