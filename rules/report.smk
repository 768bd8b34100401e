"""Report: describe the run in text, tables and charts, from the run's files alone.

Needs: a simulated run, and of temperature events its calibration. Makes: {output_dir}/{run_id}/report.md, report.html, and
plots/ with each plot as SVG and PNG.
"""


rule report:
    input:
        **report_inputs(),
    output:
        **made_by(REPORT),
    log:
        f"logs/report/{PLAN.run_id}.log",
    conda:
        "../envs/simulate.yaml"
    params:
        code=RESULT_CODE[REPORT],
    script:
        "../scripts/report.py"
