"""Make the files of funding rates and candles of a run, from the user's own files or from a seed."""

from tradewinds.config import resolve as configs
from tradewinds.families.funding_carry.fetch import synthetic_perps, user_perps
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.jobs import enter_storage, run_job


def import_perps(raw_config: dict) -> None:
    """Make the month files of a config; `raw_config` is the config as the user wrote it."""
    conf = configs.resolve(raw_config)
    targets = run_plan(conf).files.months
    if conf["data"]["source"] == "files":
        user_perps.import_perps(conf, targets)
    else:
        synthetic_perps.make_perps(conf, targets)


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(lambda: import_perps(snakemake.config), rule="import_perps", log=snakemake.log[0])
