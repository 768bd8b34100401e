"""Perpetuals in an archive: the answers of all exchanges from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tradewinds.archive.archive import Archive, ArchiveWriter
from tradewinds.archive.routes import Route
from tradewinds.families.funding_carry import schemas
from tradewinds.families.funding_carry.archive import served_binance, served_bybit, served_hyperliquid, served_okx
from tradewinds.families.funding_carry.archive.served_limits import traps_of
from tradewinds.families.funding_carry.archive.served_perps import ServedPerps


def add_month(writer: ArchiveWriter, table: pa.Table, about: Mapping[str, Any]) -> None:
    """Write a month of records into an archive.

    Args:
        writer: of the archive.
        table: rows of schema FUNDING or CANDLES.
        about: what a month file says of itself: source, symbol, spot, kind, month, minutes, covers_through, via.
    """
    other = about["spot"] if about["kind"] == "spot" and about["spot"] != about["symbol"].partition(":")[0] else ""
    series = (about["source"], about["symbol"], about["kind"], about["minutes"] or 0)
    writer.write(schemas.month_path(".", *series, about["month"], other), table, about)


def routes_of(archive: Archive) -> dict[str, Route]:
    """Return the routes of all exchanges over an archive.

    Args:
        archive: an archive, which may have nothing of them.
    """
    data, traps = ServedPerps(archive), traps_of(archive)
    _ = data.months  # a file that cannot be served is said at the start, not at a request
    found: dict[str, Route] = {}
    for exchange in (served_binance, served_bybit, served_okx, served_hyperliquid):
        found |= exchange.routes_of(data, traps)
    return found
