"""Forecasts: mean and spread of every climate day's extreme, one file per station, target and year, fitted walk-forward.

Needs: the station's guidance and climate reports of that year and the years its windows reach back to. Makes:
data/forecasts/{digest}/{station}/{target}/{year}.parquet. The digest names the as-of time and the forecast's settings, so
configs that agree on them share the files; a year that is over is fitted once.
"""


rule forecast:
    input:
        forecast_inputs,
    output:
        "data/forecasts/{digest}/{station}/{target}/{year}.parquet",
    log:
        "logs/forecast/{digest}/{station}/{target}/{year}.log",
    conda:
        "../envs/simulate.yaml"
    params:
        through=asked_through,
        code=jobs.code_digest(*FORECAST_CODE),
    script:
        "../scripts/forecast.py"
