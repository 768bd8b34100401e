"""Forecast a station's daily maxima or minima from January 1 to a date, walk-forward."""

import datetime as dt

from tradewinds.config import resolve as configs
from tradewinds.core.files import write_parquet
from tradewinds.families.kalshi_weather import climate_days, missing_guidance
from tradewinds.families.kalshi_weather.forecasts.forecast_files import describe, make_forecasts
from tradewinds.families.kalshi_weather.forecasts.forecast_updates import make_updates
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.pipeline.jobs import enter_storage, run_job


def forecast(raw_config: dict, station_id: str, target: str, through: dt.date, out: str) -> None:
    """Write the forecasts of a station.

    Args:
        raw_config: the config as the user wrote it.
        station_id: the station, such as KMDW.
        target: max or min.
        through: last date.
        out: path of the file.
    """
    conf = configs.resolve(raw_config)
    plan = plan_of(conf)
    years = range(through.year - plan.files.years_back, through.year + 1)
    own = {(model, year): path for (one, model, year), path in plan.files.guidance.items() if one == station_id}
    missing_guidance.refuse_none(
        station_id, {key: path for key, path in own.items() if key[1] in years}, conf["on_missing"]
    )
    days = climate_days.date_range(dt.date(through.year, 1, 1), through)
    station = climate_days.station_with(station_id, target)
    files = plan.files.guidance_of(station_id, through.year), plan.files.climate_of(station_id, through.year)
    make = make_updates if plan.files.is_latest else make_forecasts
    table = make(conf, station, *files, days)
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
        rule="forecast",
        log=snakemake.log[0],
    )
