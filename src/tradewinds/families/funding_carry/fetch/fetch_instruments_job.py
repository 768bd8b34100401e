"""The job that fetches what an exchange allows of its perpetuals today: steps, least values of an order, ticks."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from tradewinds.core import files
from tradewinds.families.funding_carry.fetch.exchange_filters import Filters, filters_of
from tradewinds.families.funding_carry.schemas import INSTRUMENTS
from tradewinds.families.funding_carry.symbols import name_of
from tradewinds.sources.client import utc_now

logger = logging.getLogger(__name__)


def fetch_instruments_job(source: str, out: str) -> None:
    """Fetch the list of perpetuals of an exchange with their spot pairs, once: a list that is there stays.

    ASSUME: today's list held in the past, because no exchange publishes its history; the metadata have the day of the list.

    Args:
        source: name of the exchange.
        out: the file to make.

    Raises:
        DataMissing: fetching is off.
        FetchError: the exchange cannot be asked, or its answer cannot be right.
    """
    with files.only_maker(out):
        if Path(out).exists():
            logger.info("%s was made meanwhile by another run", out)
            return
        perps, pairs = filters_of(source)
        now = utc_now()
        rows = [_row(symbol, found, pairs.get(name_of(symbol).spot)) for symbol, found in sorted(perps.items())]
        files.write_parquet(out, pa.Table.from_pylist(rows, INSTRUMENTS), _story(source, now))
    logger.info("%s: %d perpetuals", out, len(rows))


def _row(symbol: str, perp: Filters, spot: Filters | None) -> Mapping[str, Any]:
    """Return a row of schema INSTRUMENTS; without a spot pair its columns are null."""
    row = {"symbol": symbol, "perp_step": perp.step, "perp_min_notional": perp.min_notional, "perp_tick": perp.tick}
    if spot is not None:
        row |= {"spot_step": spot.step, "spot_min_notional": spot.min_notional, "spot_tick": spot.tick}
    return row


def _story(source: str, now: dt.datetime) -> dict[str, Any]:
    """Return what the file says of itself."""
    return {"source": source, "retrieved_at": now.isoformat()}
