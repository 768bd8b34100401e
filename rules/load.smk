"""Load: the run's rows into the SQL database, in one transaction; loading again replaces them.

Needs: a simulated run with its report, and the candle files whose checkpoints it writes. Makes: rows, and
{output_dir}/{run_id}/loaded/{database}.json as their receipt (named by a hash of the database's URL without credentials,
so that another database is another load).
"""


rule load:
    input:
        **PLAN.recorded,
        trades=f"{PLAN.run_dir}/trades.parquet",
        journal=f"{PLAN.run_dir}/journal.parquet",
        metrics=f"{PLAN.run_dir}/metrics.json",
        manifest=f"{PLAN.run_dir}/run_manifest.json",
        report=f"{PLAN.run_dir}/report.md",
    output:
        LOADED,
    log:
        f"logs/load/{PLAN.run_id}.log",
    localrule: True
    conda:
        "../envs/simulate.yaml"
    params:
        code=jobs.code_digest("database"),
    script:
        "../scripts/load.py"
