"""Forecasts: mean and spread of every climate day's extreme, one file per station, target and year, fitted walk-forward.

Needs: the station's guidance and climate reports of that year and the years its windows reach back to. Makes:
data/forecasts/{digest}/{station}/{target}/{through}.parquet, from New Year to that date: the year's last, or the config's. The
digest names the as-of time and the forecast's settings, so configs that agree on them share the files; a year that is over is
fitted once.
"""


rule forecast:
    input:
        forecast_inputs,
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
