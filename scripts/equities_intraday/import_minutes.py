"""Make the files of minute bars of a run, from the user's own files or from a seed."""

from tradewinds.config import resolve as configs
from tradewinds.families.equities_intraday.fetch import synthetic_minutes, user_minutes
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.jobs import enter_storage, run_job


def import_minutes(raw_config: dict) -> None:
    """Make the files of bars of a config; `raw_config` is the config as the user wrote it."""
    conf = configs.resolve(raw_config)
    targets = run_plan(conf).files.months
    if conf["bars"]["source"] == "files":
        user_minutes.import_minutes(conf, targets)
    else:
        synthetic_minutes.make_minutes(conf, targets)


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(lambda: import_minutes(snakemake.config), rule="import_minutes", log=snakemake.log[0])
