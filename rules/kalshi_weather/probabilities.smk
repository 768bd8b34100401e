"""Probabilities: make the table of P(YES) of every market at its event's as-of time.

Needs: catalogs; the forecasts of their stations and, for asof_policy.mode latest, readings; or the user's own file; if they are
pooled with the price, candles. Makes: data/probabilities/{digest}.parquet.
"""


rule probabilities:
    input:
        catalogs=list(PLAN.files.catalogs.values()),
        forecasts=list(PLAN.files.forecasts.values()),
        observations=list(PLAN.files.observations.values()),
        candles=list(PLAN.files.priced_candles.values()),
        user_file=local_user_files(
            [PLAN.files.user_probabilities] if PLAN.files.user_probabilities else []
        ),
    output:
        PLAN.files.probabilities,
    log:
        f"logs/probabilities/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=CODE["probabilities"],
    script:
        "../../scripts/kalshi_weather/probabilities.py"
