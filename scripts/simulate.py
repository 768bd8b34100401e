"""Replay a run's events and write its tables, metrics and manifest."""

from tradewinds import config as configs
from tradewinds.check import naming_damage
from tradewinds.jobs import run_job
from tradewinds.markets import kalshi_weather
from tradewinds.plan import plan_of
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.event_data import write_event_data
from tradewinds.results.manifest import write_manifest
from tradewinds.results.market_names import write_market_names


def simulate(raw_config: dict, inputs: list[str], threads: int) -> None:
    conf = configs.resolve(raw_config)
    plan = plan_of(conf)
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.events}
    with naming_damage(plan):
        result = kalshi_weather.simulate(
            conf, plan.catalogs, candles, plan.probabilities, threads, list(plan.climate.values())
        )
    write_event_data(plan.run_dir, plan.events, dict(result.skipped))
    traded = {trade.market_ticker for trade in result.trades}
    write_market_names(plan.run_dir, plan.catalogs.values(), traded)
    write_artifacts(plan.run_dir, plan.run_id, conf, result)
    write_manifest(plan.run_dir, plan.run_id, conf, inputs, result.watermark)


if __name__ == "__main__":
    run_job(
        lambda: simulate(snakemake.config, [str(path) for path in snakemake.input], snakemake.threads),
        stage="simulate",
        log=snakemake.log[0],
    )
