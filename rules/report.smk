"""Report: describe the run in text, tables and charts, from the run's files alone.

Needs: a simulated run, and of temperature events its calibration. Makes: {output_dir}/{run_id}/report.md, report.html, and
plots/ with each plot as SVG and PNG.
"""


rule report:
    input:
        **{file.kind: f"{PLAN.run_dir}/{file.name}" for file in FAMILY.run_files},
        trades=f"{PLAN.run_dir}/trades.parquet",
        equity=f"{PLAN.run_dir}/equity.csv",
        metrics=f"{PLAN.run_dir}/metrics.json",
        manifest=f"{PLAN.run_dir}/run_manifest.json",
        config=f"{PLAN.run_dir}/config_resolved.yaml",
        later=PLAN.results,
    output:
        report=f"{PLAN.run_dir}/report.md",
        page=f"{PLAN.run_dir}/report.html",
        plots=directory(f"{PLAN.run_dir}/plots"),
    log:
        f"logs/report/{PLAN.run_id}.log",
    conda:
        "../envs/simulate.yaml"
    params:
        code=jobs.code_digest("results", f"families/{FAMILY.name}", "core"),
    script:
        "../scripts/report.py"
