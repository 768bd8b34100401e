"""Make the table of P(YES) at as-of time: of the user's file, the project's forecast, or one of them and the price."""

from tradewinds.config import resolve as configs
from tradewinds.core import files
from tradewinds.families.kalshi_weather.plan import plan_of
from tradewinds.families.kalshi_weather.pooling.run_probabilities import run_probabilities
from tradewinds.pipeline.jobs import enter_storage, run_job


def probabilities(raw_config: dict, out: str) -> None:
    """Write the table of probabilities of a config.

    Args:
        raw_config: the config as the user wrote it.
        out: path of the file.
    """
    conf = configs.resolve(raw_config)
    table, meta = run_probabilities(conf, plan_of(conf).files)
    files.write_parquet(out, table, meta)


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(
        lambda: probabilities(snakemake.config, snakemake.output[0]),
        rule="probabilities",
        log=snakemake.log[0],
    )
