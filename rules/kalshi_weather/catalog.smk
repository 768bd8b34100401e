"""Catalog: one row per market of a series (strikes, times, result), both tiers of the exchange merged.

Needs: the exchange. Makes: data/catalog/kalshi/{series}.parquet. Synced again only when a config reaches past the
last date the catalog covers; a result it has is never lost.
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
        python "$TRADEWINDS_SCRIPTS"/sync_catalog.py --series {wildcards.series:q} --through {params.through:q} \
            --out {output:q} --log {log:q}
        """
