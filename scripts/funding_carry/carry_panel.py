"""Put the records of a run into two files, the panel."""

from tradewinds.config import resolve as configs
from tradewinds.families.funding_carry.make_panel import make_carry_panel
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.jobs import enter_storage, run_job


def carry_panel(raw_config: dict) -> None:
    """Write the panel of a config; `raw_config` is the config as the user wrote it."""
    conf = configs.resolve(raw_config)
    make_carry_panel(conf, run_plan(conf))


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(lambda: carry_panel(snakemake.config), rule="carry_panel", log=snakemake.log[0])
