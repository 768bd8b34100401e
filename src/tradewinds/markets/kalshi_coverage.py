"""How sparse the candles of a run are: period ends inside the trade windows that have no candle."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from tradewinds.markets.kalshi_events import MarketEvent

_SCHEMA = pa.schema([("ticker", pa.string()), ("start_ts", pa.int64()), ("end_ts", pa.int64())])
_PRESENT = """
SELECT count(*) FROM read_parquet($files) f JOIN windows w ON f.market_ticker = w.ticker
WHERE f.end_period_ts >= w.start_ts AND f.end_period_ts < w.end_ts
"""


def missing_share_pct(events: Sequence[MarketEvent], period_minutes: int) -> float | None:
    """Percentage over all markets of all events; None if no window has a period end.

    The exchange leaves out minutes in which nothing changed: this measures sparseness, it is no error.
    """
    period = period_minutes * 60
    windows = [(m.ticker, m.start_ts, m.end_ts) for event in events for m in event.markets if m.start_ts < m.end_ts]
    expected = sum((end - 1) // period - (start - 1) // period for _, start, end in windows)
    if not expected:
        return None
    connection = duckdb.connect()
    columns = [pa.array(column, kind) for column, kind in zip(zip(*windows, strict=True), _SCHEMA.types, strict=True)]
    connection.register("windows", pa.Table.from_arrays(columns, schema=_SCHEMA))
    files = sorted({event.path for event in events if event.markets})
    present: int = connection.execute(_PRESENT, {"files": files}).fetchall()[0][0]
    return round(100 * (expected - present) / expected, 6)
