"""Candles: fetch the candles of one event, of all its markets and the whole window, into one file.

Needs: the exchange, and the series' catalog in any version (`ancient`). Makes:
data/candles/kalshi/{window}/{series}/{date}.parquet. A file exists only if its whole window was fetched. The path names
everything that defines the bytes, and the rule has a shell command instead of a script, so the rule runs only for a missing
file: neither another setting nor edited code fetches anything again.
"""


rule fetch_candles:
    input:
        catalog=ancient("data/catalog/kalshi/{series}.parquet"),
    output:
        # not deleted before the job: another run may have made the file meanwhile
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
        python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_candles --series {wildcards.series:q} --date {wildcards.date:q} \
            --window {wildcards.window:q} --catalog {input.catalog:q} --out {output:q} --log {log:q}
        """
