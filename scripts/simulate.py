"""Replay a run and write its tables, metrics and manifest."""

from pathlib import Path

from tradewinds.config import resolve as configs
from tradewinds.families.plan import run_plan
from tradewinds.pipeline import simulate as replay_job
from tradewinds.pipeline.jobs import enter_storage, progress_writer, run_job
from tradewinds.results.run_files import RUN_LOG


def simulate(raw_config: dict, inputs: list[str], threads: int) -> None:
    """Replay a config.

    Args:
        raw_config: the config as the user wrote it.
        inputs: paths of all files that the replay reads.
        threads: number of threads that the replay may use.
    """
    conf = configs.resolve(raw_config)
    replay_job.simulate(conf, run_plan(conf), inputs, threads, progress_writer("simulate"))


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(
        lambda: simulate(snakemake.config, [str(path) for path in snakemake.input], snakemake.threads),
        rule="simulate",
        log=snakemake.log[0],
        run_log=Path(snakemake.output.metrics).with_name(RUN_LOG),
    )
