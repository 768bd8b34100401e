"""Score a run's probabilities and temperatures against what happened, beside baselines and the market's price."""

import json

from tradewinds.config import resolve as configs
from tradewinds.core import files
from tradewinds.core.damage import naming_damage
from tradewinds.families.kalshi_weather.calibration.inputs import scored_markets_and_days
from tradewinds.families.kalshi_weather.calibration.scores import calibration_scores
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.pipeline.jobs import enter_storage, run_job


def score(raw_config: dict, out: str) -> None:
    """Write the scores of a config's run as JSON.

    Args:
        raw_config: the config as the user wrote it.
        out: path of the file.
    """
    conf = configs.resolve(raw_config)
    plan = plan_of(conf)
    with naming_damage(plan.data_files):
        markets, days = scored_markets_and_days(conf, plan)
    files.write_text(out, json.dumps(calibration_scores(markets, days, conf["seed"]), indent=2) + "\n")


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(
        lambda: score(snakemake.config, snakemake.output[0]),
        rule="calibration",
        log=snakemake.log[0],
    )
