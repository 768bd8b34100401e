"""Candles: one file per event, all its markets, the whole window or no file.

Needs: the exchange and the series' catalog (any version of it: `ancient`). Makes:
data/candles/kalshi/{window}/{series}/{date}.parquet. Everything that defines the bytes is in the path, so nothing but a
missing file ever makes this rule run; the command is a shell command so that an edited script does not either.
"""


rule fetch_candles:
    input:
        catalog=ancient("data/catalog/kalshi/{series}.parquet"),
    output:
        # update: a file that another run has made meanwhile is not deleted before this job finds it
        update_in_place("data/candles/kalshi/{window}/{series}/{date}.parquet"),
    log:
        "logs/fetch_candles/{window}/{series}/{date}.log",
    localrule: True
    conda:
        "../../envs/fetch.yaml"
    resources:
        api=1,
        events=1,
    shell:
        r"""
        python "$TRADEWINDS_SCRIPTS"/fetch_candles.py --series {wildcards.series:q} --date {wildcards.date:q} \
            --window {wildcards.window:q} --catalog {input.catalog:q} --out {output:q} --log {log:q}
        """
