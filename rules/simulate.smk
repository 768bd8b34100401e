"""Simulate: replay all markets of the run in order of time against one cash account.

Needs: the inputs of the plan (of temperature events: catalogs, candles, probabilities). Makes: the run's tables, metrics and
manifest under {output_dir}/{run_id}/. The whole run is one job, because all markets share the cash account.
"""


rule simulate:
    input:
        **replay_inputs(),
    output:
        **{file.kind: f"{PLAN.run_dir}/{file.name}" for file in FAMILY.run_files},
        trades_csv=f"{PLAN.run_dir}/trades.csv",
        trades=f"{PLAN.run_dir}/trades.parquet",
        equity=f"{PLAN.run_dir}/equity.csv",
        positions=f"{PLAN.run_dir}/positions_daily.csv",
        decisions=f"{PLAN.run_dir}/decisions.parquet",
        metrics=f"{PLAN.run_dir}/metrics.json",
        config=f"{PLAN.run_dir}/config_resolved.yaml",
        manifest=f"{PLAN.run_dir}/run_manifest.json",
    log:
        f"logs/simulate/{PLAN.run_id}.log",
    conda:
        "../envs/simulate.yaml"
    threads: 8
    params:
        code=jobs.code_digest(*FAMILY.code, "pipeline/simulate.py"),
    script:
        "../scripts/simulate.py"
