"""Records of perpetuals from an exchange: one file per symbol, kind and month.

Needs: the exchange. Makes: {cache_dir}/perp/{source}/{symbol}/{kind}/{month}.parquet, and the exchange's list of instruments
{cache_dir}/perp/{source}/instruments.parquet; cache_dir is a key of the config, data by default. A file has whole days only.
A month that was over when it was fetched is never fetched again, the running one is continued. A month of which the exchange
has no records is a file without rows, with the reason in its metadata. The rules have shell commands instead of scripts, so
neither another setting nor edited code fetches anything again.
"""

if PLAN.fetched:

    PERP_MONTHS = {file.path: file for file in PLAN.files.months}

    rule fetch_perp_month:
        output:
            # not deleted before the job: the job continues it, or another run may have made it meanwhile
            update_in_place(
                f"{PLAN.files.cache_dir}/perp/{PLAN.files.folder}/{{perp}}/{{records}}/{{month}}.parquet"
            ),
        log:
            f"logs/fetch_perp_month/{PLAN.files.folder}/{{perp}}/{{records}}/{{month}}.log",
        localrule: True
        conda:
            "../../envs/fetch.yaml"
        resources:
            **{PLAN.files.source: 1},
        params:
            through=asked_through,
            source=PLAN.files.source,
            symbol=lambda wildcards, output: PERP_MONTHS[output[0]].symbol,
            series=lambda wildcards, output: PERP_MONTHS[output[0]].series,
            kind=lambda wildcards, output: PERP_MONTHS[output[0]].kind,
            minutes=PLAN.files.minutes,
        shell:
            r"""
            python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_perp_month --source {params.source:q} --symbol {params.symbol:q} \
                --series {params.series:q} --kind {params.kind:q} --month {wildcards.month:q} --minutes {params.minutes:q} \
                --through {params.through:q} --out {output:q} --log {log:q}
            """

    rule fetch_instruments:
        output:
            update_in_place(
                f"{PLAN.files.cache_dir}/perp/{PLAN.files.folder}/instruments.parquet"
            ),
        log:
            f"logs/fetch_instruments/{PLAN.files.folder}.log",
        localrule: True
        conda:
            "../../envs/fetch.yaml"
        resources:
            **{PLAN.files.source: 1},
        params:
            source=PLAN.files.source,
        shell:
            r"""
            python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_instruments --source {params.source:q} --out {output:q} --log {log:q}
            """
