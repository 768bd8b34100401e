"""Put the session bars of a run into one file, the panel."""

from tradewinds.config import resolve as configs
from tradewinds.families.equities_intraday.session_panel import make_session_panel
from tradewinds.families.plan import run_plan
from tradewinds.pipeline.jobs import enter_storage, run_job


def session_panel(raw_config: dict) -> None:
    """Write the panel of a config; `raw_config` is the config as the user wrote it."""
    conf = configs.resolve(raw_config)
    make_session_panel(conf, run_plan(conf))


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(lambda: session_panel(snakemake.config), rule="session_panel", log=snakemake.log[0])
