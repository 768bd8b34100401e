"""Catalog: fetch the markets of a series (strikes, times, result) from both tiers of the exchange, one row per market.

Needs: the exchange. Makes: data/catalog/kalshi/{series}.parquet. It is fetched again only for a config that ends after the last
date that the catalog covers; a result that it has is never replaced by an unknown one.
"""


rule sync_catalog:
    output:
        update_in_place("data/catalog/kalshi/{series}.parquet"),
    log:
        "logs/sync_catalog/{series}.log",
    localrule: True
    conda:
        "../../envs/fetch.yaml"
    resources:
        api=1,
    params:
        through=asked_through,
    shell:
        r"""
        python -I -S "$TRADEWINDS_SCRIPTS"/../job.py sync_catalog --series {wildcards.series:q} --through {params.through:q} \
            --out {output:q} --log {log:q}
        """
