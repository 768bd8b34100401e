"""Replay a run's events and write its tables, metrics and manifest."""

import duckdb
import pyarrow as pa

from tradewinds import config as configs
from tradewinds.check import damaged_files
from tradewinds.jobs import run_job
from tradewinds.markets import kalshi_weather
from tradewinds.plan import plan_of
from tradewinds.results.artifacts import write_artifacts
from tradewinds.results.event_data import write_event_data
from tradewinds.results.manifest import write_manifest


def simulate(raw_config: dict, inputs: list[str], threads: int) -> None:
    conf = configs.resolve(raw_config)
    plan = plan_of(conf)
    candles = {(event.series_ticker, event.climate_date): event.path for event in plan.events}
    try:
        result = kalshi_weather.simulate(conf, plan.catalogs, candles, plan.probabilities, threads)
    except (pa.ArrowException, OSError, duckdb.Error):
        for damage in damaged_files(plan):  # a file that cannot be read is named; anything else is a bug
            raise damage from None
        raise
    write_event_data(plan.run_dir, plan.events, dict(result.skipped))
    write_artifacts(plan.run_dir, plan.run_id, conf, result)
    write_manifest(plan.run_dir, plan.run_id, conf, inputs, result.watermark)


if __name__ == "__main__":
    run_job(
        lambda: simulate(snakemake.config, [str(path) for path in snakemake.input], snakemake.threads),
        stage="simulate",
        log=snakemake.log[0],
    )
