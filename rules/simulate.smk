"""Simulate: replay all markets of the run in order of time against one cash account.

Needs: the inputs of the plan (of temperature events: catalogs, candles, probabilities). Makes: the run's tables, metrics and
manifest under {output_dir}/{run_id}/. The whole run is one job, because all markets share the cash account.
"""


rule simulate:
    input:
        **replay_inputs(),
    output:
        **made_by(SIMULATE),
    log:
        f"logs/simulate/{PLAN.run_id}.log",
    conda:
        "../envs/simulate.yaml"
    threads: 8
    params:
        code=RESULT_CODE[SIMULATE],
    script:
        "../scripts/simulate.py"
