"""The job that fetches a year of a symbol's daily bars."""

from __future__ import annotations

import logging

from tradewinds.core import files
from tradewinds.families.equities_daily.fetch import bar_checks, yahoo
from tradewinds.sources.client import client_for, utc_now

logger = logging.getLogger(__name__)


def fetch_bars_job(name: str, year: int, through: str, out: str) -> None:
    """Fetch a year of a symbol's daily bars.

    Args:
        name: the symbol, as the service has it.
        year: the year.
        through: the date that the file was asked to reach, as ISO 8601.
        out: the file to make.
    """
    with files.only_maker(out):
        client = client_for("yahoo", texts=yahoo.TEXTS)
        table, meta = yahoo.fetch_year(client, name, year, utc_now().date())
        bar_checks.write_year(out, table, {**meta, "asked_through": through, "retrieved_at": utc_now().isoformat()})
    logger.info("%s: %d rows, through %s", out, table.num_rows, meta["covers_through"])
