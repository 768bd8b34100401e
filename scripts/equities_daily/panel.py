"""Put all daily bars of a run into one file, the panel."""

from tradewinds.config import resolve as configs
from tradewinds.families.equities_daily.bar_panel import make_panel
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.jobs import enter_storage, run_job


def panel(raw_config: dict) -> None:
    """Write the panel of a config; `raw_config` is the config as the user wrote it."""
    make_panel(run_plan(configs.resolve(raw_config)))


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(lambda: panel(snakemake.config), rule="panel", log=snakemake.log[0])
