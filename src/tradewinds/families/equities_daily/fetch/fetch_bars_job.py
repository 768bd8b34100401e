"""The job that fetches a year of a symbol's daily bars."""

from __future__ import annotations

from tradewinds.core import files
from tradewinds.families.kalshi_weather.fetch.fetch_jobs import logger
from tradewinds.sources.client import client_for, utc_now


def fetch_bars_job(name: str, year: int, through: str, out: str) -> None:
    """Fetch a year of a symbol's daily bars, under the name that the service has, into `out`."""
    from tradewinds.families.equities_daily.fetch import (
        bar_checks,
        yahoo,  # not light, and other jobs need none
    )

    with files.only_maker(out):
        table, meta = yahoo.fetch_year(client_for("yahoo"), name, year, utc_now().date())
        bar_checks.write_year(out, table, {**meta, "asked_through": through, "retrieved_at": utc_now().isoformat()})
    logger.info("%s: %d rows, through %s", out, table.num_rows, meta["covers_through"])
