"""Turns the time stamps of a user's files into the starts of bars, and refuses files whose stamps do not fit the exchange."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tradewinds.core.errors import ConfigError
from tradewinds.core.units import MICRO
from tradewinds.families.equities_intraday.fetch.minute_checks import MinuteRows
from tradewinds.families.equities_intraday.fetch.minute_tables import MinuteTable
from tradewinds.families.equities_intraday.fetch.stamp_columns import on_clock, zone_of
from tradewinds.reference_data.exchange_calendar import ExchangeCalendar


def starts_of_bars(
    tables: Sequence[MinuteTable], bars: Mapping[str, Any], calendar: ExchangeCalendar
) -> tuple[list[MinuteRows], list[str]]:
    """Return the rows of files with the starts of their bars, and a line about each file.

    Args:
        tables: the files.
        bars: the section `bars` of a config.
        calendar: the exchange.

    Raises:
        ConfigError: stamps have no time zone and the config names none, or they do not fit the exchange's sessions.
    """
    found, said = [], []
    for table in tables:
        rows = table.rows
        ts = rows.ts
        if table.naive:
            zone = zone_of(bars["timezone"] or "")
            if zone is None or bars["label"] is None:
                raise ConfigError(
                    "its time stamps have no time zone.", where=table.path, remedy="Set bars.timezone and bars.label."
                )
            ts = on_clock(ts, zone)
        if bars["label"] == "end":
            ts = ts - 60 * bars["minutes"] * MICRO
        found.append(MinuteRows(rows.symbols, rows.symbol, np.asarray(ts), rows.prices, rows.volume))
        said.append(f"{table.path}: {len(rows):,} rows.")
    return found, said
