"""Report: what a person reads, made from the run's files alone.

Needs: a simulated run. Makes: {output_dir}/{run_id}/report.md and equity.png.
"""


rule report:
    input:
        trades=f"{PLAN.run_dir}/trades.parquet",
        equity=f"{PLAN.run_dir}/equity.csv",
        metrics=f"{PLAN.run_dir}/metrics.json",
        manifest=f"{PLAN.run_dir}/run_manifest.json",
    output:
        report=f"{PLAN.run_dir}/report.md",
        plot=f"{PLAN.run_dir}/equity.png",
    log:
        f"logs/report/{PLAN.run_id}.log",
    conda:
        "../envs/simulate.yaml"
    params:
        code=jobs.code_digest("results"),
    script:
        "../scripts/report.py"
