"""Score a run's probabilities and temperatures against what happened, beside baselines and the market's price."""

from tradewinds.config import resolve as configs
from tradewinds.families.kalshi_weather.calibration.inputs import write_scores
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.pipeline.jobs import enter_storage, run_job


def score(raw_config: dict, out: str) -> None:
    """Write the scores of a config's run as JSON.

    Args:
        raw_config: the config as the user wrote it.
        out: path of the file.
    """
    conf = configs.resolve(raw_config)
    write_scores(conf, plan_of(conf), out)


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(
        lambda: score(snakemake.config, snakemake.output[0]),
        rule="calibration",
        log=snakemake.log[0],
    )
