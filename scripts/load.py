"""Load a run into the database and write the receipt."""

from pathlib import Path

from tradewinds.core.errors import DatabaseError
from tradewinds.pipeline.jobs import enter_storage, progress_writer, run_job
from tradewinds.pipeline.result_jobs import load
from tradewinds.results.run_files import RUN_LOG

if __name__ == "__main__":
    enter_storage(snakemake)
    folder = Path(snakemake.input.metrics).parent
    url = snakemake.config.get("database", {}).get("url", "sqlite:///backtests/tradewinds.db")
    recorded = {kind: list(snakemake.input[kind]) for kind in snakemake.params.recorded}
    run_job(
        lambda: load(folder, url, recorded, snakemake.output[0], progress_writer("load")),
        rule="load",
        refused=DatabaseError,
        log=snakemake.log[0],
        run_log=folder / RUN_LOG,
    )
