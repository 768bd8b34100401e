"""Simulate: one chronological replay of all markets against one cash account.

Needs: what the market family reads (of events: catalogs, candles, probabilities). Makes: the run's tables, metrics and
manifest under {output_dir}/{run_id}/.
One job for the whole run: starting a process costs more than replaying an event.
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
        code=jobs.code_digest(*FAMILY.code, "pipeline/simulate.py"),
    script:
        "../scripts/simulate.py"
