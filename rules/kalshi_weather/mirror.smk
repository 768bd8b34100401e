"""Mirror: copy the candles of the run's events into the SQL table kalshi_candlestick_1m, for queries in SQL.

Needs: the candle files. Makes: rows (upserted, one transaction per event file), and the receipt
{output_dir}/{run_id}/loaded/{database}_candles.json. No other rule reads the table, and `all` does not include this one:
`snakemake --configfile config/x.yaml mirror_candles` asks for it.
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
