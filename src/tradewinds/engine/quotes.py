"""Visible quotes, read by DuckDB from the candle files, as intervals of decision times.

Candles are sparse and carried forward: the top of book at the close of a candle ending at e is in force for every decision
time t with e ≤ t, until the next candle of its market. No row is ever used before its end: visibility is how intervals
are made, not a rule that a strategy has to keep.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tradewinds.engine.contracts import PICO_PER_MICRO, Contract
from tradewinds.store import MICRO, PICO

Ints = npt.NDArray[np.int64]
Prices = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

NO_AGE_LIMIT = 10**12  # seconds
NOT_QUOTED = -1  # in the place of a price

# A projection and no join: rows come in the order of the files, which is by market and time within each. The ticker's place
# in the type is the contract's idx; other markets of a file have none.
_ROWS = """
SELECT coalesce(enum_code(try_cast(market_ticker AS tickers))::INTEGER, -1) AS idx, end_period_ts AS e,
       coalesce((yes_bid_close * 1000000)::INTEGER, -1) AS bid, coalesce((yes_ask_close * 1000000)::INTEGER, -1) AS ask
"""
_VOLUME = ", (volume * 100)::BIGINT AS volume"
_FILES = " FROM read_parquet($files)"


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


@dataclass(frozen=True)
class Intervals:
    """Quotes in force, as columns in order of (idx, t_first): times in Unix seconds, asks in micro-dollars or NOT_QUOTED,
    volume × 100. A quote is in force at every decision time from t_first to t_last; those of one contract do not overlap."""

    idx: Ints
    quote_ts: Ints
    t_first: Ints
    t_last: Ints
    volume_centi: Ints
    yes_ask: Prices
    no_ask: Prices

    def __len__(self) -> int:
        """How many."""
        return len(self.idx)

    def where(self, wanted: Bools | Ints) -> Intervals:
        """Some of them."""
        idx, quote_ts, t_first, t_last, volume = (
            column[wanted] for column in (self.idx, self.quote_ts, self.t_first, self.t_last, self.volume_centi)
        )
        return Intervals(idx, quote_ts, t_first, t_last, volume, self.yes_ask[wanted], self.no_ask[wanted])

    def rows(self) -> Iterator[tuple[int, ...]]:
        """As tuples in order of time, for people and tests."""
        order = np.lexsort((self.idx, self.t_first))
        chosen = self.where(order)
        columns = (chosen.idx, chosen.quote_ts, chosen.t_first, chosen.t_last, chosen.volume_centi)
        return zip(*(c.tolist() for c in (*columns, chosen.yes_ask, chosen.no_ask)), strict=True)


class QuoteView:
    """The candles of a run, seen through the clock.

    Args:
        files: candle Parquet files (columns market_ticker, end_period_ts, yes_bid_close, yes_ask_close, volume), any order.
        contracts: what may be traded; their positions in the sequence are the `idx` of every answer.
        volumes: whether intervals need the volume of their candle (else it is 0).
    """

    def __init__(
        self,
        files: Sequence[str],
        contracts: Sequence[Contract],
        clock: Clock,
        threads: int | None = None,
        *,
        volumes: bool = True,
    ) -> None:
        self.contracts, self.clock = contracts, clock
        self._e: Ints = np.empty(0, np.int64)
        self._bid: Prices = np.empty(0, np.int32)
        self._ask: Prices = np.empty(0, np.int32)
        self._volume: Ints | None = None
        self._idx: npt.NDArray[np.int32] = np.empty(0, np.int32)
        self._first_t = np.array([clock.first(c.start_ts) for c in contracts], np.int64)
        self._last_t = np.array([clock.last(c.end_ts) for c in contracts], np.int64)
        # rows of contract i: from the first that may be carried in, to the last decision time, to the last of all
        self._from, self._to, self._end = (np.zeros(len(contracts), np.int64) for _ in range(3))
        if contracts and files:
            self._read(list(files), threads, volumes)

    def _read(self, files: list[str], threads: int | None, volumes: bool) -> None:
        connection = duckdb.connect(config={"threads": threads} if threads else {})
        connection.register("contracts", pa.table({"ticker": [c.ticker for c in self.contracts]}))
        connection.execute("CREATE TYPE tickers AS ENUM (SELECT ticker FROM contracts)")
        sql = _ROWS + (_VOLUME if volumes else "") + _FILES
        rows = connection.execute(sql, {"files": files}).fetchnumpy()
        connection.close()
        self._idx, self._e, self._bid, self._ask = (np.asarray(rows[name]) for name in ("idx", "e", "bid", "ask"))
        self._volume = np.asarray(rows["volume"]) if volumes else None
        starts, found = _segments(self._idx)
        if len(np.unique(found)) < len(found) or not _ascending(self._idx, self._e):
            self._sort()
            starts, found = _segments(self._idx)
        ends = np.append(starts[1:], len(self._idx))
        for i, low, high in zip(found.tolist(), starts.tolist(), ends.tolist(), strict=True):
            if i >= 0:
                self._bound(i, low, high)

    def _sort(self) -> None:
        """Rows by contract and time, for files that are not."""
        order = np.lexsort((self._e, self._idx))
        self._idx, self._e = self._idx[order], self._e[order]
        self._bid, self._ask = self._bid[order], self._ask[order]
        self._volume = None if self._volume is None else self._volume[order]

    def _bound(self, i: int, low: int, high: int) -> None:
        times = self._e[low:high]
        self._from[i] = low + np.searchsorted(times, self.contracts[i].quotes_from_ts)
        self._to[i] = low + np.searchsorted(times, self._last_t[i], side="right")
        self._end[i] = high

    def candidates(self, min_ev_pico: int | None) -> Intervals:
        """Intervals in which a side is quoted and its gross expected value exceeds the minimum (None: any quoted side)."""
        if not len(self._e):
            return _no_intervals()
        # Only where the gross value exceeds the minimum can a side be a candidate: the fee only lowers it.
        least = -PICO if min_ev_pico is None else min_ev_pico
        p = np.array([c.p_pico for c in self.contracts], np.int64)
        yes_most = np.clip((p - least - 1) // PICO_PER_MICRO, NOT_QUOTED, MICRO - 1).astype(np.int32)
        no_most = np.clip((PICO - p - least - 1) // PICO_PER_MICRO, NOT_QUOTED, MICRO - 1).astype(np.int32)
        wanted = (self._ask > 0) & (self._ask <= yes_most[self._idx])
        wanted |= (self._bid >= MICRO - no_most[self._idx]) & (self._bid > 0) & (self._bid < MICRO)
        wanted &= ~self._crossed()
        return self._intervals(*self._that_count(wanted))

    def _crossed(self) -> Bools:
        """Rows with a bid above their ask; without an ask nothing is."""
        crossed: Bools = (self._ask >= 0) & (self._bid > self._ask)
        return crossed

    def _that_count(self, wanted: Bools) -> tuple[Ints, Ints]:
        """Places of some rows, if they belong to a contract and count, and whose they are; by contract and time."""
        rows = np.nonzero(wanted)[0]
        owners = self._idx[rows].astype(np.int64)
        counts = (owners >= 0) & (rows >= self._from[owners]) & (rows < self._to[owners])
        rows, owners = rows[counts], owners[counts]
        if (owners[1:] < owners[:-1]).any():  # files are by date, contracts by ticker: AUG comes before JUL
            order = np.argsort(owners, kind="stable")
            rows, owners = rows[order], owners[order]
        return rows, owners

    def _intervals(self, rows: Ints, owners: Ints) -> Intervals:
        """The decision times of some rows; rows that are in force at none are left out."""
        step, end = self.clock.step_seconds, self._e[rows]
        first_t, last_t = self._first_t[owners], self._last_t[owners]
        followed = rows + 1 < self._to[owners]
        next_end = self._e[np.minimum(rows + 1, len(self._e) - 1)]
        t_first = np.maximum(-(-end // step) * step, first_t)
        t_last = np.where(followed, np.minimum((next_end - 1) // step * step, last_t), last_t)
        t_last = np.minimum(t_last, (end + self.clock.max_age_seconds) // step * step)
        kept = t_first <= t_last
        rows, owners, bid, ask = rows[kept], owners[kept], self._bid[rows[kept]], self._ask[rows[kept]]
        sound = (ask < 0) | (bid <= ask)
        yes_ask = np.where(sound & (ask > 0) & (ask < MICRO), ask, NOT_QUOTED).astype(np.int32)
        no_ask = np.where(sound & (bid > 0) & (bid < MICRO), MICRO - bid, NOT_QUOTED).astype(np.int32)
        volume = np.zeros(len(rows), np.int64) if self._volume is None else self._volume[rows]
        return Intervals(owners, end[kept], t_first[kept], t_last[kept], volume, yes_ask, no_ask)

    def crossed_decisions(self) -> int:
        """Decision times (over all contracts) at which the visible quote is crossed."""
        found = self._intervals(*self._that_count(self._crossed()))
        return int(((found.t_last - found.t_first) // self.clock.step_seconds + 1).sum())

    def watermark(self) -> int | None:
        """End of the latest candle in force at some decision time."""
        owners = np.nonzero(self._to > self._from)[0]
        rows, latest = self._to[owners] - 1, None
        while len(rows):  # a last candle may be in force at none: then the one before it, and so on
            found = self._intervals(rows, owners)
            if len(found):
                latest = max(int(found.quote_ts.max()), latest or 0)
            left = ~np.isin(owners, found.idx) & (rows > self._from[owners])
            rows, owners = rows[left] - 1, owners[left]
        return latest

    def marks(self, wanted: Sequence[tuple[int, int]]) -> dict[tuple[int, int], tuple[int, int]]:
        """Liquidation values (YES, NO) in micro-dollars of the quote visible at (idx, ts); 0 where not usable.

        Pairs without a visible quote are absent.
        """
        return {(idx, ts): mark for idx, ts in wanted if (mark := self._mark(idx, ts))}

    def _mark(self, idx: int, ts: int) -> tuple[int, int] | None:
        low, high = int(self._from[idx]), int(self._end[idx])
        row = low + int(np.searchsorted(self._e[low:high], ts, side="right")) - 1
        if row < low or ts - int(self._e[row]) > self.clock.max_age_seconds:
            return None
        bid, ask = int(self._bid[row]), int(self._ask[row])
        sound = ask < 0 or bid <= ask
        return (
            bid if sound and 0 < bid < MICRO else 0,
            MICRO - ask if sound and 0 < ask < MICRO else 0,
        )


def _segments(idx: npt.NDArray[np.int32]) -> tuple[Ints, npt.NDArray[np.int32]]:
    """Where runs of equal values begin, and the values."""
    starts = np.concatenate(([0], np.nonzero(idx[1:] != idx[:-1])[0] + 1)) if len(idx) else np.empty(0, np.int64)
    return starts, idx[starts]


def _ascending(idx: npt.NDArray[np.int32], e: Ints) -> bool:
    """Whether times ascend within every run of equal idx."""
    return bool(((e[1:] > e[:-1]) | (idx[1:] != idx[:-1])).all())


def _no_intervals() -> Intervals:
    none, no_price = np.empty(0, np.int64), np.empty(0, np.int32)
    return Intervals(none, none, none, none, none, no_price, no_price)
