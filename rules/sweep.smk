"""Sweep: the replays of a sweep in pieces of about a minute each, so that they can go to other machines. No part of `all`:
`tradewinds sweep --profile P` asks for them.

Needs: the order of a piece (settings and run ids), and what a replay reads. Makes:
{output_dir}/sweeps/{sweep}/chunks/{digest}.json, each point's figures before and after the split.
"""


rule sweep_chunk:
    input:
        **replay_inputs(),
        order=f"{SWEEPS}/{{sweep}}/chunks/{{digest}}.yaml",
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
