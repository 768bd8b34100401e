"""Load a run into the database and write the receipt."""

import json
from pathlib import Path

from tradewinds.core import database_urls, files
from tradewinds.core.errors import DatabaseError
from tradewinds.database.load import load_run
from tradewinds.pipeline.jobs import enter_storage, run_job, telling


def load(folder: Path, url: str, catalogs: list[str], candles: list[str], receipt: str) -> None:
    """Load a run and write its receipt.

    Args:
        folder: the run's folder.
        url: URL of the database.
        catalogs: paths of the catalogs that the database lists.
        candles: paths of the candle files that the database lists.
        receipt: path of the receipt.
    """
    rows = load_run(folder, url, catalogs=catalogs, candles=candles, tell=telling("load"))
    files.write_text(
        receipt, json.dumps({"database": database_urls.masked(url), "trades": rows}, sort_keys=True) + "\n"
    )


if __name__ == "__main__":
    enter_storage(snakemake)
    folder = Path(snakemake.input.metrics).parent
    url = snakemake.config.get("database", {}).get("url", "sqlite:///backtests/tradewinds.db")
    run_job(
        lambda: load(folder, url, list(snakemake.input.catalogs), list(snakemake.input.candles), snakemake.output[0]),
        stage="load",
        refused=DatabaseError,
        log=snakemake.log[0],
    )
