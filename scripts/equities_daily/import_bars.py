"""Make the files of daily bars of a run, from the user's own file or from a seed."""

from tradewinds.config import resolve as configs
from tradewinds.families.equities_daily.fetch import synthetic_bars, user_bars
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.jobs import enter_storage, run_job


def import_bars(raw_config: dict) -> None:
    """Make the files of bars of a config; `raw_config` is the config as the user wrote it."""
    conf = configs.resolve(raw_config)
    targets = [(file.name, file.year, file.path) for file in run_plan(conf).files.years]
    if conf["bars"]["source"] == "files":
        user_bars.import_bars(conf["bars"]["path"], conf["bars"]["columns"], targets)
    else:
        synthetic_bars.make_bars(conf["seed"], targets)


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(lambda: import_bars(snakemake.config), rule="import_bars", log=snakemake.log[0])
