"""Forecasts: fit the distribution of every climate day's maximum or minimum, walk-forward.

Needs: the station's guidance and climate reports of that year and of the years before it that the fit looks back to. Makes:
data/forecasts/{digest}/{station}/{target}/{through}.parquet, with the days from January 1 to that date, the last of the year or of
the config. The digest is of the as-of time and the forecast's settings: configs with the same ones share the files,
and a year that is over is fitted once. With asof_policy.mode latest a day has a row for every run that becomes public, too.
"""


rule forecast:
    input:
        lambda wildcards: PLAN.files.forecast_inputs(
            wildcards.station, int(wildcards.through[:4])
        ),
    output:
        "data/forecasts/{digest}/{station}/{target}/{through}.parquet",
    log:
        "logs/forecast/{digest}/{station}/{target}/{through}.log",
    conda:
        "../../envs/simulate.yaml"
    resources:
        computing=1,
    params:
        code=CODE["forecast"],
    script:
        "../../scripts/kalshi_weather/forecast.py"
