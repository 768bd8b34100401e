"""Mirror: the candles of the run's events in the SQL table kalshi_candlestick_1m, for questions in SQL. No part of `all`:
`snakemake --configfile config/x.yaml mirror_candles`.

Needs: the candle files. Makes: rows (upserted, one transaction per event file), and
{output_dir}/{run_id}/loaded/{database}_candles.json as their receipt. Nothing of the run reads the table.
"""


rule mirror_candles:
    input:
        [event.path for event in PLAN.files.events],
    output:
        f"{LOADED.removesuffix('.json')}_candles.json",
    log:
        f"logs/mirror_candles/{PLAN.run_id}.log",
    localrule: True
    conda:
        "../../envs/simulate.yaml"
    script:
        "../../scripts/kalshi_weather/mirror_candles.py"
