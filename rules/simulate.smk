"""Simulate: one chronological replay of all markets against one cash account.

Needs: what the market family reads (of events: catalogs, candles, probabilities). Makes: the run's tables, metrics and
manifest under {output_dir}/{run_id}/.
One job for the whole run: starting a process costs more than replaying an event.
"""


rule simulate:
    input:
        **replay_inputs(),
    output:
        **{kind: f"{PLAN.run_dir}/{name}" for kind, name in FAMILY.FILES.items()},
        trades_csv=f"{PLAN.run_dir}/trades.csv",
        trades=f"{PLAN.run_dir}/trades.parquet",
        journal=f"{PLAN.run_dir}/journal.parquet",
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
        code=jobs.code_digest(*REPLAY_CODE, "pipeline/simulate.py"),
    script:
        "../scripts/simulate.py"
