"""Probabilities: P(YES) of every market at its event's as-of time, from the user's file or the project's forecast.

Needs: catalogs; the forecasts of their stations, or the user's file. Makes: data/probabilities/{digest}.parquet.
"""


rule probabilities:
    input:
        catalogs=list(PLAN.catalogs.values()),
        forecasts=list(PLAN.forecasts.values()),
        user_file=own([PLAN.user_probabilities] if PLAN.user_probabilities else []),
    output:
        PLAN.probabilities,
    log:
        f"logs/probabilities/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=jobs.code_digest(*FORECAST_CODE, "families/kalshi_weather/strikes.py"),
    script:
        "../../scripts/kalshi_weather/probabilities.py"
