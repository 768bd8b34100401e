"""Calibration: score the run's probabilities and temperatures, beside baselines and the market's price.

Needs: a simulated run; catalogs, candles, probabilities, forecasts, climate reports. Makes:
{output_dir}/{run_id}/calibration.json, which `tradewinds calibrate` and the report show.
"""


rule calibration:
    input:
        catalogs=list(PLAN.files.catalogs.values()),
        candles=[event.path for event in PLAN.files.events],
        probabilities=PLAN.files.probabilities,
        forecasts=list(PLAN.files.forecasts.values()),
        climate=list(PLAN.files.climate.values()),
        metrics=f"{PLAN.run_dir}/metrics.json",  # not read: a run that failed is not scored
    output:
        f"{PLAN.run_dir}/calibration.json",
    log:
        f"logs/calibration/{PLAN.run_id}.log",
    conda:
        "../../envs/simulate.yaml"
    params:
        code=CODE["calibration"],
    script:
        "../../scripts/kalshi_weather/calibration.py"
