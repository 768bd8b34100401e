"""Weather: fetch a station's model guidance and climate reports, one file per year (of guidance also per model); readings by day.

Needs: the weather service. Makes: data/guidance/iem/{station}/{model}/{year}.parquet,
data/climate/iem/{station}/{year}.parquet and, for asof_policy.mode latest alone, data/observations/iem/{station}/{date}.parquet,
which is asked for once, when the climate day is over. A year that was over when it was fetched is never fetched again. The running year is
continued from the date that its file covers, when a config ends after that date.
"""


rule fetch_guidance:
    output:
        update_in_place("data/guidance/iem/{station}/{model}/{year}.parquet"),
    log:
        "logs/fetch_guidance/{station}/{model}/{year}.log",
    localrule: True
    conda:
        "../../envs/fetch.yaml"
    resources:
        weather=1,
    params:
        through=asked_through,
    shell:
        r"""
        python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_guidance --station {wildcards.station:q} --model {wildcards.model:q} \
            --year {wildcards.year:q} --through {params.through:q} --out {output:q} --log {log:q}
        """


rule fetch_climate:
    output:
        update_in_place("data/climate/iem/{station}/{year}.parquet"),
    log:
        "logs/fetch_climate/{station}/{year}.log",
    localrule: True
    conda:
        "../../envs/fetch.yaml"
    resources:
        weather=1,
    params:
        through=asked_through,
    shell:
        r"""
        python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_climate --station {wildcards.station:q} --year {wildcards.year:q} \
            --through {params.through:q} --out {output:q} --log {log:q}
        """


rule fetch_observations:
    output:
        update_in_place("data/observations/iem/{station}/{date}.parquet"),
    log:
        "logs/fetch_observations/{station}/{date}.log",
    localrule: True
    conda:
        "../../envs/fetch.yaml"
    resources:
        weather=1,
    shell:
        r"""
        python -I -S "$TRADEWINDS_SCRIPTS"/../job.py fetch_observations --station {wildcards.station:q} --date {wildcards.date:q} \
            --out {output:q} --log {log:q}
        """
