"""Sweep: replay some points of a sweep, about a minute of them per job, so that jobs can run on other machines.

Needs: the chunk's points (settings and run ids), and what a replay reads. Makes:
{output_dir}/sweeps/{sweep}/chunks/{digest}.json, the figures of each point before and after the split date.
`all` does not include it: `tradewinds sweep --profile P` asks for the chunks of its sweep.
"""


rule sweep_chunk:
    input:
        **replay_inputs(),
        points=f"{SWEEPS}/{{sweep}}/chunks/{{digest}}.yaml",
    output:
        f"{SWEEPS}/{{sweep}}/chunks/{{digest}}.json",
    log:
        "logs/sweep_chunk/{sweep}/{digest}.log",
    conda:
        "../envs/simulate.yaml"
    threads: 1
    resources:
        computing=1,
    params:
        code=jobs.code_digest(*FAMILY.code, "sweeps"),
    script:
        "../scripts/sweep_chunk.py"
