"""Replay one chunk of a sweep's points and write their figures."""

from tradewinds.config import resolve as configs
from tradewinds.pipeline.jobs import enter_storage, run_job
from tradewinds.sweeps import chunks, replays
from tradewinds.sweeps.ranking import judge


def sweep_chunk(raw_config: dict, points_file: str, threads: int, out: str) -> None:
    """Replay the points of a chunk.

    Args:
        raw_config: the config as the user wrote it.
        points_file: path of the file with the chunk's points.
        threads: number of threads that replay.
        out: path of the file of figures.
    """
    points, split = chunks.read_points(points_file, configs.resolve(raw_config))
    chunks.write_figures(out, [judge(outcome, split) for outcome in replays.outcomes(points, workers=threads)])


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(
        lambda: sweep_chunk(snakemake.config, snakemake.input.points, snakemake.threads, snakemake.output[0]),
        rule="sweep_chunk",
        log=snakemake.log[0],
        target=snakemake.output[0],
    )
