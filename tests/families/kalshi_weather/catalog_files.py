"""Catalog files as a sync leaves them, of a few markets."""

import datetime as dt
from decimal import Decimal

import pyarrow as pa

from tradewinds.core.files import write_parquet
from tradewinds.families.kalshi_weather import schemas


def catalog(path, *rows, **meta):
    """Write a catalog of (date, market, result), each of the event of its date; its path as text."""
    blank = {field.name: "x" if field.type == pa.string() else None for field in schemas.CATALOG}
    moment = dt.datetime(2025, 6, 2, 5, tzinfo=dt.UTC)
    times = dict.fromkeys(("open_time", "close_time", "settlement_ts", "retrieved_at"), moment)
    cells = [{"event_ticker": f"E-{d}", "climate_date": d, "market_ticker": m, "result": r} for d, m, r in rows]
    full = [blank | times | {"settlement_value": Decimal("0.123456"), "floor_strike": 80.5} | cell for cell in cells]
    write_parquet(path, pa.Table.from_pylist(full, schemas.CATALOG), meta)
    return str(path)
