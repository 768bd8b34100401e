"""Calibration: how good the run's probabilities and temperatures were, against baselines and the market's price.

Needs: a simulated run; catalogs, candles, probabilities, forecasts, climate reports. Makes: {output_dir}/{run_id}/calibration.json, which
`tradewinds calibrate` and the report show.
"""


rule calibration:
    input:
        catalogs=list(PLAN.catalogs.values()),
        candles=[event.path for event in PLAN.events],
        probabilities=PLAN.probabilities,
        forecasts=list(PLAN.forecasts.values()),
        climate=list(PLAN.climate.values()),
        metrics=f"{PLAN.run_dir}/metrics.json",  # of a run that failed there is nothing
    output:
        f"{PLAN.run_dir}/calibration.json",
    log:
        f"logs/calibration/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=jobs.code_digest(
            "families/kalshi_weather/calibration",
            "families/kalshi_weather/strikes.py",
            "families/kalshi_weather/forecasts",
        ),
    script:
        "../../scripts/kalshi_weather/calibration.py"
