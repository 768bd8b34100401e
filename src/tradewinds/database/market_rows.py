"""Events and markets of a run out of its catalogs, and what its candle files say about themselves."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from tradewinds import store
from tradewinds.database.market_tables import kalshi_market

Row = dict[str, Any]

CANDLES_ROOT = "data/candles/kalshi/"


def market_rows(catalogs: Sequence[str | Path], run: Mapping[str, Any]) -> tuple[list[Row], list[Row]]:
    """Rows of kalshi_event and kalshi_market for the climate dates of a run, sorted by ticker.

    Args:
        catalogs: catalog files (schema CATALOG).
        run: date_start_local and date_end_local, both included.
    """
    names = [column.name for column in kalshi_market.columns]
    events: dict[str, Row] = {}
    markets: list[Row] = []
    for path in catalogs:
        table = pq.read_table(path)
        date = table["climate_date"]
        inside = pc.and_(pc.greater_equal(date, run["date_start_local"]), pc.less_equal(date, run["date_end_local"]))
        for row in table.filter(inside).to_pylist():
            events[row["event_ticker"]] = {
                name: row[name] for name in ("event_ticker", "series_ticker", "climate_date", "mutually_exclusive")
            }
            markets.append({name: row[name] for name in names})
    return [events[key] for key in sorted(events)], sorted(markets, key=lambda row: str(row["market_ticker"]))


def checkpoint_rows(inputs: Iterable[str]) -> list[Row]:
    """Rows of kalshi_backfill_checkpoint for the candle files among a run's inputs.

    A candle file that was moved away since the run is named in the log: the run can be loaded without it.
    """
    rows = []
    for path in sorted(inputs):
        if CANDLES_ROOT in path and Path(path).exists():
            rows.append(_checkpoint(path))
        elif CANDLES_ROOT in path:
            logging.getLogger(__name__).warning("no checkpoint for %s: the file is gone", path)
    return rows


def _checkpoint(path: str) -> Row:
    meta = store.read_meta(path)
    return {
        "path": path,
        "series_ticker": meta["series_ticker"],
        "event_ticker": meta["event_ticker"],
        "climate_date": dt.date.fromisoformat(meta["climate_date"]),
        "window_policy": meta["window_policy"],
        "window_start_utc": _instant(meta["window_start_ts"]),
        "window_end_utc": _instant(meta["window_end_ts"]),
        "period_interval_minutes": meta["period_interval_minutes"],
        "tier": meta["tier"],
        "requests": meta["requests"],
        "markets": len(meta["markets"]),
        "candles": sum(meta["rows_per_market"].values()),
        "reason": meta["reason"],
    }


def _instant(ts: int | None) -> dt.datetime | None:
    return None if ts is None else dt.datetime.fromtimestamp(ts, dt.UTC)
