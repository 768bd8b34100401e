"""Copy the candles of a run's events into the database and write the receipt."""

import json
import logging

from tradewinds.config import resolve as configs
from tradewinds.core.database_urls import masked
from tradewinds.core.errors import DatabaseError
from tradewinds.core.files import write_text
from tradewinds.families.kalshi_weather.database import mirror
from tradewinds.pipeline.jobs import enter_storage, run_job


def mirror_candles(raw_config: dict, candles: list[str], receipt: str) -> None:
    """Copy candles into the database of a config and write the receipt.

    Args:
        raw_config: the config as the user wrote it.
        candles: paths of the candle files.
        receipt: path of the receipt.
    """
    url = configs.resolve(raw_config)["database"]["url"]
    files, rows = mirror.mirror_candles(candles, url)
    logging.getLogger(__name__).info("%d of %d files were not in yet, %d rows", files, len(candles), rows)
    write_text(receipt, json.dumps({"database": masked(url), "files": len(candles)}) + "\n")


if __name__ == "__main__":
    enter_storage(snakemake)
    run_job(
        lambda: mirror_candles(snakemake.config, list(snakemake.input), snakemake.output[0]),
        rule="mirror_candles",
        refused=DatabaseError,
        log=snakemake.log[0],
    )
