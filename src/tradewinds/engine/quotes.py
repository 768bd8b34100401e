"""Visible quotes, found by DuckDB in the candle files, as intervals of decision times.

Candles are sparse and carried forward: the top of book at the close of a candle ending at e is in force for every decision
time t with e ≤ t, until the next candle of its market. No row is ever used before its end: visibility is the join, not
a rule that a strategy has to keep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from tradewinds.engine.contracts import Contract

_CONTRACTS = pa.schema(
    [
        ("idx", pa.int32()),
        ("ticker", pa.string()),
        ("p", pa.int64()),
        ("first_t", pa.int64()),
        ("last_t", pa.int64()),
        ("quotes_from", pa.int64()),
    ]
)

# One row per candle that is in force at some decision time: which ones (t_first … t_last, every `step` seconds), and what
# both sides cost (micro-dollars, null where not quoted). 0 and 1 are the sentinels of an empty book.
_INTERVALS = """
CREATE TEMP TABLE intervals AS
WITH candles AS (
    SELECT c.idx, c.p, c.first_t, c.last_t, f.end_period_ts AS e,
           lead(f.end_period_ts) OVER (PARTITION BY c.idx ORDER BY f.end_period_ts) AS next_e,
           (f.yes_bid_close * 1000000)::BIGINT AS bid, (f.yes_ask_close * 1000000)::BIGINT AS ask,
           (f.volume * 100)::BIGINT AS volume
    FROM read_parquet($files) f JOIN contracts c ON f.market_ticker = c.ticker
    WHERE f.end_period_ts >= c.quotes_from),
spans AS (
    SELECT *, greatest((e + $step - 1) // $step * $step, first_t) AS t_first,
           least(coalesce((next_e - 1) // $step * $step, last_t), last_t, (e + $max_age) // $step * $step) AS t_last
    FROM candles)
SELECT idx, p, e, t_first, t_last, volume, bid > ask AS crossed,
       CASE WHEN 0 < ask AND ask < 1000000 AND coalesce(bid <= ask, true) THEN ask END AS yes_ask,
       CASE WHEN 0 < bid AND bid < 1000000 AND coalesce(bid <= ask, true) THEN 1000000 - bid END AS no_ask
FROM spans WHERE t_first <= t_last
"""

# Only where a side's gross expected value exceeds the minimum can it be a candidate: the fee only lowers it.
_CANDIDATES = """
SELECT idx, e, t_first, t_last, volume, yes_ask, no_ask FROM intervals
WHERE p - yes_ask * 1000000 > $min_ev OR 1000000000000 - p - no_ask * 1000000 > $min_ev
ORDER BY t_first, idx
"""

_CROSSED = "SELECT coalesce(sum((t_last - t_first) // $step + 1), 0)::BIGINT FROM intervals WHERE crossed"

_WATERMARK = "SELECT max(e) FROM intervals"

_MARKS = """
WITH quotes AS (
    SELECT c.idx, f.end_period_ts AS e,
           (f.yes_bid_close * 1000000)::BIGINT AS bid, (f.yes_ask_close * 1000000)::BIGINT AS ask
    FROM read_parquet($files) f JOIN contracts c ON f.market_ticker = c.ticker
    WHERE f.end_period_ts >= c.quotes_from AND c.idx IN (SELECT idx FROM wanted))
SELECT w.idx, w.ts,
       CASE WHEN 0 < q.bid AND q.bid < 1000000 AND coalesce(q.bid <= q.ask, true) THEN q.bid ELSE 0 END AS yes_value,
       CASE WHEN 0 < q.ask AND q.ask < 1000000 AND coalesce(q.bid <= q.ask, true) THEN 1000000 - q.ask ELSE 0 END AS no_value
FROM wanted w ASOF JOIN quotes q ON w.idx = q.idx AND w.ts >= q.e
WHERE w.ts - q.e <= $max_age
"""

NO_AGE_LIMIT = 10**12  # seconds


@dataclass(frozen=True)
class Clock:
    """Decision times are the multiples of `step_seconds`; quotes older than `max_age_seconds` are unusable."""

    step_seconds: int
    max_age_seconds: int = NO_AGE_LIMIT

    def first(self, start_ts: int) -> int:
        """First decision time at or after an instant."""
        return -(-start_ts // self.step_seconds) * self.step_seconds

    def last(self, end_ts: int) -> int:
        """Last decision time before an instant."""
        return (end_ts - 1) // self.step_seconds * self.step_seconds


class QuoteView:
    """The candles of a run, seen through the clock.

    Args:
        files: candle Parquet files (columns market_ticker, end_period_ts, yes_bid_close, yes_ask_close, volume), any order.
        contracts: what may be traded; their positions in the sequence are the `idx` of every answer.
    """

    def __init__(
        self, files: Sequence[str], contracts: Sequence[Contract], clock: Clock, threads: int | None = None
    ) -> None:
        self.files, self.contracts, self.clock = list(files), contracts, clock
        self.connection = duckdb.connect(config={"threads": threads} if threads else {})
        self.connection.execute("SET preserve_insertion_order = false")
        rows = [
            (i, c.ticker, c.p_pico, clock.first(c.start_ts), clock.last(c.end_ts), c.quotes_from_ts)
            for i, c in enumerate(contracts)
        ]
        columns = [
            pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), _CONTRACTS.types, strict=True)
        ]
        table = pa.Table.from_arrays(columns, schema=_CONTRACTS) if rows else _CONTRACTS.empty_table()
        self.connection.register("contracts", table)
        self._sql(_INTERVALS, files=self.files, step=clock.step_seconds, max_age=clock.max_age_seconds)

    def _sql(self, sql: str, **values: Any) -> duckdb.DuckDBPyConnection:
        return self.connection.execute(sql, values)

    def candidates(self, min_ev_pico: int) -> list[tuple[int, int, int, int, int, int | None, int | None]]:
        """Intervals in which a side's gross expected value exceeds the minimum, by t_first.

        Rows: (idx, candle end, first and last decision time, volume × 100, YES ask, NO ask); prices in micro-dollars.
        """
        found: list[Any] = self._sql(_CANDIDATES, min_ev=min_ev_pico).fetchall()
        return found

    def crossed_decisions(self) -> int:
        """Decision times (over all contracts) at which the visible quote is crossed."""
        return int(self._sql(_CROSSED, step=self.clock.step_seconds).fetchall()[0][0])

    def watermark(self) -> int | None:
        """End of the latest candle in force at some decision time."""
        latest: int | None = self._sql(_WATERMARK).fetchall()[0][0]
        return latest

    def marks(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
        """Liquidation values (YES, NO) in micro-dollars of the quote visible at (idx, ts); 0 where not usable.

        Pairs without a visible quote are absent.
        """
        if not wanted:
            return {}
        columns = list(zip(*wanted, strict=True))
        table = pa.table({"idx": pa.array(columns[0], pa.int32()), "ts": pa.array(columns[1], pa.int64())})
        self.connection.register("wanted", table)
        rows = self._sql(_MARKS, files=self.files, max_age=self.clock.max_age_seconds).fetchall()
        return {(idx, ts): (yes, no) for idx, ts, yes, no in rows}
