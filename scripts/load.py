"""Load a run into the database and write the receipt."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tradewinds.core import database_urls, files
from tradewinds.core.errors import DatabaseError
from tradewinds.database.load import load_run
from tradewinds.pipeline.jobs import enter_storage, progress_writer, run_job
from tradewinds.results.run_files import RUN_LOG


def load(folder: Path, url: str, recorded: Mapping[str, Sequence[str]], receipt: str) -> None:
    """Load a run and write its receipt.

    Args:
        folder: the run's folder.
        url: URL of the database.
        recorded: paths of the data files of which the family loads rows, by kind.
        receipt: path of the receipt.
    """
    rows = load_run(folder, url, recorded, tell=progress_writer("load"))
    files.write_text(
        receipt, json.dumps({"database": database_urls.masked(url), "trades": rows}, sort_keys=True) + "\n"
    )


if __name__ == "__main__":
    enter_storage(snakemake)
    folder = Path(snakemake.input.metrics).parent
    url = snakemake.config.get("database", {}).get("url", "sqlite:///backtests/tradewinds.db")
    recorded = {kind: list(snakemake.input[kind]) for kind in snakemake.params.recorded}
    run_job(
        lambda: load(folder, url, recorded, snakemake.output[0]),
        rule="load",
        refused=DatabaseError,
        log=snakemake.log[0],
        run_log=folder / RUN_LOG,
    )
