"""Forecast a year of a station's daily maxima or minima, walk-forward."""

import datetime as dt

from tradewinds import calendars, store
from tradewinds import config as configs
from tradewinds.forecasts.tables import describe, make_forecasts
from tradewinds.jobs import run_job
from tradewinds.plan import plan_of


def forecast(raw_config: dict, station_id: str, target: str, year: int, through: str, out: str) -> None:
    conf = configs.resolve(raw_config)
    plan = plan_of(conf)
    last = min(dt.date.fromisoformat(through), dt.date(year, 12, 31))
    days = calendars.date_range(dt.date(year, 1, 1), last)
    station = calendars.station_with(station_id, target)
    table = make_forecasts(conf, station, plan.guidance_of(station_id, year), plan.climate_of(station_id, year), days)
    store.write_parquet(out, table, describe(table, last, through))


if __name__ == "__main__":
    run_job(
        lambda: forecast(
            snakemake.config,
            snakemake.wildcards.station,
            snakemake.wildcards.target,
            int(snakemake.wildcards.year),
            snakemake.params.through,
            snakemake.output[0],
        ),
        stage="forecast",
        log=snakemake.log[0],
    )
