"""Candles as columns: read once by DuckDB, a batch of files at a time, and kept for as long as they can be in force.

Candles are sparse and carried forward: the top of book at the close of a candle ending at e is in force for every decision
time t with e ≤ t, until the next candle of its market. No row is looked at before its end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts.contracts import Contract
from tradewinds.engine.event_contracts.kernel import NO_PRICE, Rows, look, rows_since, survey
from tradewinds.engine.event_contracts.rules import Prices

# A projection and no join: rows come in the order of the files, which is by market and time within each. The ticker's place
# in the type is its place in the batch; other markets of a file have none. Prices and volumes come as the integers that
# DuckDB's decimals are.
_NO_PRICE = f"({Decimal(NO_PRICE).scaleb(-6)})::DECIMAL(9, 6)"
_ROWS = f"""
SELECT coalesce(enum_code(try_cast(market_ticker AS tickers))::INTEGER, -1) AS place, end_period_ts AS e,
       coalesce(yes_bid_close, {_NO_PRICE}) AS bid, coalesce(yes_ask_close, {_NO_PRICE}) AS ask, volume
FROM read_parquet($files)
"""
_INTEGERS = {"place": np.int32, "e": np.int64, "bid": np.int32, "ask": np.int32, "volume": np.int64}
NO_AGE_LIMIT = 10**12  # seconds


@dataclass(frozen=True)
class Candles:
    """The candles of some markets: ends (Unix s), bid and ask at the close (micro-dollars, or NO_PRICE), volume
    (contracts × 100). Those of the market at place i are the rows [low[i], end[i]), in order of time.

    `traded` and `jumps` are by market too: the volume of all its candles, and how many of them did not follow an earlier one
    of it in the files (1 where candles are unique and in order; 0 without any).
    """

    tickers: Sequence[str]
    e: Ints
    bid: Prices
    ask: Prices
    volume: Ints
    low: Ints
    end: Ints
    traded: Ints
    jumps: Ints


class CandleReader:
    """Reads candles from files of schema store.CANDLES, through one DuckDB connection with so many threads."""

    def __init__(self, threads: int | None = None) -> None:
        self.connection = duckdb.connect(config={"threads": threads} if threads else {})
        self.connection.execute("SET arrow_output_version = '1.5'")  # decimals as short as DuckDB's own

    def close(self) -> None:
        """Give back what the connection holds."""
        self.connection.close()

    def read(self, files: Sequence[str], tickers: Sequence[str]) -> Candles:
        """The candles of some markets (distinct tickers); files in any order."""
        words = ", ".join("'{}'".format(ticker.replace("'", "''")) for ticker in tickers)
        self.connection.execute(f"CREATE OR REPLACE TYPE tickers AS ENUM ({words})")
        rows = self.connection.sql(_ROWS, params={"files": list(files)}).to_arrow_table()
        place, e, bid, ask, volume = (_integers(rows[name], np.dtype(kind)) for name, kind in _INTEGERS.items())
        low, end, traded, jumps = survey(place, e, volume, len(tickers))
        if (jumps > 1).any():
            order = np.lexsort((e, place))
            place, e, bid, ask, volume = (column[order] for column in (place, e, bid, ask, volume))
            low, end, _, _ = survey(place, e, volume, len(tickers))
        return Candles(tickers, e, bid, ask, volume, low, end, traded, jumps)


def read_candles(files: Sequence[str], tickers: Sequence[str], threads: int | None = None) -> Candles:
    """`CandleReader.read` for once."""
    with contextlib.closing(CandleReader(threads)) as reader:
        return reader.read(files, tickers)


def _integers(column: pa.ChunkedArray, kind: np.dtype[Any]) -> np.ndarray:
    """The values of a column without nulls, as the integers that they are stored as."""
    if column.type.bit_width != 8 * kind.itemsize or column.null_count:
        raise AssertionError(f"{column.type} with {column.null_count} nulls is not {kind}")
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    found = [np.frombuffer(c.buffers()[1], kind)[c.offset : c.offset + len(c)] for c in chunks]
    return found[0] if len(found) == 1 else np.concatenate([np.empty(0, kind), *found])


@dataclass(frozen=True)
class Window:
    """The contracts that are alive between two instants, and their candles.

    `idx` are the contracts' places in the run, ascending: the order of their tickers.
    """

    contracts: Sequence[Contract]
    idx: Ints
    rows: Rows

    @classmethod
    def empty(cls) -> Window:
        """A window before anything."""
        none, no_price = np.empty(0, np.int64), np.empty(0, np.int32)
        return cls((), none, Rows(none, no_price, no_price, none, none, none))

    def then(self, since_ts: int, contracts: Sequence[Contract], idx: Sequence[int], candles: Candles) -> Window:
        """The window that begins at an instant: what is still alive of this one, and some contracts with their candles."""
        low, end = rows_that_count(candles, contracts)
        old, e, bid, ask, volume = self.rows, candles.e, candles.bid, candles.ask, candles.volume
        kept = [j for j, contract in enumerate(self.contracts) if contract.settle_ts >= since_ts]
        if kept:
            pieces = [slice(first, last) for first, last in zip(old.low[kept], old.end[kept], strict=True)]
            e, bid, ask, volume = (
                np.concatenate([*(before[piece] for piece in pieces), new])
                for before, new in ((old.e, e), (old.bid, bid), (old.ask, ask), (old.volume, volume))
            )
            lasts = np.cumsum(old.end[kept] - old.low[kept])
            firsts = np.concatenate(([0], lasts[:-1]))
            low, end = np.concatenate((firsts, low + lasts[-1])), np.concatenate((lasts, end + lasts[-1]))
        alive = [*(self.contracts[j] for j in kept), *contracts]
        places = np.concatenate((self.idx[kept], np.array(idx, np.int64)))
        order = np.argsort(places)
        return Window(
            [alive[k] for k in order.tolist()], places[order], Rows(e, bid, ask, volume, low[order], end[order])
        )


def rows_that_count(candles: Candles, contracts: Sequence[Contract]) -> tuple[Ints, Ints]:
    """First and end row of each contract's candles, without those of before `quotes_from_ts`: they must not be carried in."""
    place = {ticker: i for i, ticker in enumerate(candles.tickers)}
    at = np.array([place[contract.ticker] for contract in contracts], np.int64)
    since = np.array([contract.quotes_from_ts for contract in contracts], np.int64)
    end = candles.end[at]
    return rows_since(candles.e, candles.low[at], end, since), end


class Seen:
    """What is visible of all contracts of a run under one clock: decision times with a crossed quote, and the end of the
    latest candle that was in force at any (None: there was none)."""

    def __init__(self, step_seconds: int, max_age_seconds: int | None) -> None:
        self.step_seconds, self.max_age_seconds = step_seconds, max_age_seconds
        self.crossed, self.latest = 0, -1

    def take_in(self, contracts: Sequence[Contract], candles: Candles) -> None:
        """Some more contracts with their candles."""
        low, end = rows_that_count(candles, contracts)
        starts, ends = (np.array([getattr(c, name) for c in contracts], np.int64) for name in ("start_ts", "end_ts"))
        first_t, last_t = decision_times(starts, ends, self.step_seconds)
        age = NO_AGE_LIMIT if self.max_age_seconds is None else self.max_age_seconds
        rows = Rows(candles.e, candles.bid, candles.ask, candles.volume, low, end)
        crossed, latest = look(rows, first_t, last_t, self.step_seconds, age)
        self.crossed, self.latest = self.crossed + crossed, max(self.latest, latest)

    @property
    def watermark(self) -> int | None:
        """End of the latest candle that was in force at any decision time."""
        return None if self.latest < 0 else self.latest


def decision_times(start_ts: Ints, end_ts: Ints, step_seconds: int) -> tuple[Ints, Ints]:
    """First and last decision time in [start, end): multiples of the step."""
    return -(-start_ts // step_seconds) * step_seconds, (end_ts - 1) // step_seconds * step_seconds
