"""What a load adds to a run of temperature events: its events and markets, and checkpoints of its candle files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tradewinds.core import files
from tradewinds.families.kalshi_weather.database import kalshi_tables
from tradewinds.families.kalshi_weather.database.checkpoints import record_files
from tradewinds.families.kalshi_weather.schemas import climate_range

EVENTS_AT_ONCE = 500  # names in one DELETE; SQLite before 3.32 takes 999

_EVENT_COLUMNS = ("event_ticker", "series_ticker", "climate_date")
_MARKET_COLUMNS = {  # column of the catalog: column of kalshi_market
    "event_ticker": "event_ticker",
    "market_ticker": "market_ticker",
    "strike_type": "strike_type",
    "floor_strike": "floor_strike",
    "cap_strike": "cap_strike",
    "yes_sub_title": "yes_sub_title",
    "status": "status",
    "result": "result",
    "settlement_value": "settlement_value",
    "open_time": "open_time_utc",
    "close_time": "close_time_utc",
    "settlement_ts": "settlement_ts_utc",
}


def load_rows(connection: sa.Connection, dates: tuple[dt.date, dt.date], recorded: Mapping[str, Sequence[str]]) -> None:
    """Write the events, markets and checkpoints of a run, in the caller's transaction.

    Args:
        connection: the load's.
        dates: first and last date of the run.
        recorded: paths by kind: `catalogs` (the events and markets of these dates are replaced) and `candles` (each file's
            checkpoint is written).

    Raises:
        DamagedFile: a file cannot be read.
    """
    for path in recorded.get("catalogs", ()):
        _replace_markets(connection, path, dates)
    record_files(connection, recorded.get("candles", ()))


def _replace_markets(connection: sa.Connection, path: str, dates: tuple[dt.date, dt.date]) -> None:
    """Replace the events and markets of some dates by what the catalog says now."""
    wanted = dict.fromkeys((*_EVENT_COLUMNS, *_MARKET_COLUMNS))
    found = [_naive(row) for row in files.read_rows(path, list(wanted), climate_range(*dates))]
    events = {row["event_ticker"]: {name: row[name] for name in _EVENT_COLUMNS} for row in found}
    for chunk in _chunks(sorted(events)):
        for table in (kalshi_tables.kalshi_market, kalshi_tables.kalshi_event):
            connection.execute(sa.delete(table).where(table.c.event_ticker.in_(chunk)))
    if found:
        markets = [{new: row[old] for old, new in _MARKET_COLUMNS.items()} for row in found]
        connection.execute(sa.insert(kalshi_tables.kalshi_event), list(events.values()))
        connection.execute(sa.insert(kalshi_tables.kalshi_market), markets)


def _naive(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose UTC times have no zone, as the database keeps them."""
    return {key: value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value for key, value in row.items()}


def _chunks(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), EVENTS_AT_ONCE):
        yield names[start : start + EVENTS_AT_ONCE]
