"""Load: write the run into the SQL database, in one transaction; loading again replaces its rows.

Needs: a simulated run with its report, and the data files of which its market family loads rows (PLAN.recorded). Makes: rows, and the
receipt {output_dir}/{run_id}/loaded/{database}.json. The receipt's name is a hash of the database's URL without
credentials, so each database has its own receipt.
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
        code=RESULT_CODE[verdicts.LOAD],
        recorded=list(PLAN.recorded),
    script:
        "../scripts/load.py"
