"""Forecast a station's daily maxima or minima from New Year to a date, walk-forward."""

import datetime as dt

from tradewinds import calendars
from tradewinds.config import resolve as configs
from tradewinds.core.files import write_parquet
from tradewinds.forecasts.tables import describe, make_forecasts
from tradewinds.jobs import enter_storage, run_job
from tradewinds.plan import plan_of


def forecast(raw_config: dict, station_id: str, target: str, through: dt.date, out: str) -> None:
    conf = configs.resolve(raw_config)
    plan = plan_of(conf)
    days = calendars.date_range(dt.date(through.year, 1, 1), through)
    station = calendars.station_with(station_id, target)
    files = plan.guidance_of(station_id, through.year), plan.climate_of(station_id, through.year)
    table = make_forecasts(conf, station, *files, days)
    write_parquet(out, table, describe(table))


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(
        lambda: forecast(
            snakemake.config,
            snakemake.wildcards.station,
            snakemake.wildcards.target,
            dt.date.fromisoformat(snakemake.wildcards.through),
            snakemake.output[0],
        ),
        stage="forecast",
        log=snakemake.log[0],
    )
