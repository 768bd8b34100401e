"""Candles as columns: each batch of files is read once, and LiveCandles keep the rows that can still be visible.

Candles are sparse and carried forward: the top of book at the close of a candle that ends at e is visible at every decision
time t ≥ e, until the next candle of its market. No row is used before its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from tradewinds.core.arrays import Ints
from tradewinds.engine.event_contracts.candle_files import RANGES, FileRows, lengthened, read_candle_files
from tradewinds.engine.event_contracts.contracts import Contract
from tradewinds.engine.event_contracts.kernel import count_crossed, rows_since, survey
from tradewinds.engine.event_contracts.kernel_structures import NO_PRICE, CandleRows
from tradewinds.engine.event_contracts.order_rules import Prices

if TYPE_CHECKING:
    import duckdb

# A projection and no join: rows come in the order of the files, which is by market and, within a market, by time. A ticker's
# index in the enum type is its index in the batch; other markets of a file get -1. Prices and volumes come as the integers in
# which DuckDB stores decimals.
_NO_PRICE = f"({Decimal(NO_PRICE).scaleb(-6)})::DECIMAL(9, 6)"
_ROWS = f"""
SELECT coalesce(enum_code(try_cast(market_ticker AS tickers))::INTEGER, -1) AS market_index, end_period_ts AS end_ts,
       coalesce(yes_bid_close, {_NO_PRICE}) AS bid, coalesce(yes_ask_close, {_NO_PRICE}) AS ask, volume
       {{ranges}}
FROM read_parquet($files)
"""
_RANGES = "".join(f", coalesce({name}, {_NO_PRICE}) AS {name}" for name in RANGES)
_INTEGERS = {"market_index": np.int32, "end_ts": np.int64, "bid": np.int32, "ask": np.int32, "volume": np.int64}
NO_AGE_LIMIT = 10**12  # seconds


class Candles(NamedTuple):
    """Candles of some markets. The market at index i has the rows [first_row[i], end_row[i]), in order of time.

    Attributes:
        tickers: the markets.
        end_ts: by row, end of the candle; Unix s.
        bid: by row, YES bid at the close; micro-units, or NO_PRICE.
        ask: by row, YES ask at the close; micro-units, or NO_PRICE.
        volume: by row; contracts × 100.
        first_row: by market.
        end_row: by market.
        traded: by market, volume of all its candles; contracts × 100.
        jumps: by market, number of its candles that did not directly follow an earlier one of it in the files: 0 without any,
            1 where candles are unique and in order, else more.
        ranges: the columns of candle_files.RANGES by row, micro-units, or NO_PRICE; empty if they were not read.
    """

    tickers: Sequence[str]
    end_ts: Ints
    bid: Prices
    ask: Prices
    volume: Ints
    first_row: Ints
    end_row: Ints
    traded: Ints
    jumps: Ints
    ranges: tuple[Prices, ...] = ()


class CandleReader:
    """Reader of candle files: of those that the project writes by its own functions, of others by DuckDB.

    Args:
        threads: threads of DuckDB; None: its default.
        ranges: read the columns of candle_files.RANGES, too.
    """

    def __init__(self, threads: int | None = None, *, ranges: bool = False) -> None:
        self._threads, self._ranges = threads, ranges
        self._opened: duckdb.DuckDBPyConnection | None = None

    def close(self) -> None:
        """Close DuckDB's connection, if there is one."""
        if self._opened is not None:
            self._opened.close()

    def _connection(self) -> duckdb.DuckDBPyConnection:
        """Return the connection to DuckDB, which is opened for the first files that need it."""
        if self._opened is None:
            import duckdb  # here: it takes 0.1 s, and files of the project do not need it

            self._opened = duckdb.connect(config={"threads": self._threads} if self._threads else {})
            self._opened.execute("SET arrow_output_version = '1.5'")  # decimals as short as DuckDB's own
        return self._opened

    def _by_duckdb(self, files: Sequence[str], tickers: Sequence[str]) -> FileRows:
        """Return the rows of any Parquet files with the columns of a candle file."""
        names = ", ".join("'{}'".format(ticker.replace("'", "''")) for ticker in tickers)
        self._connection().execute(f"CREATE OR REPLACE TYPE tickers AS ENUM ({names})")
        query = _ROWS.format(ranges=_RANGES if self._ranges else "")
        rows = self._connection().sql(query, params={"files": list(files)}).to_arrow_table()
        index, end_ts, bid, ask, volume = (_integers(rows[name], np.dtype(kind)) for name, kind in _INTEGERS.items())
        ranges = tuple(_integers(rows[name], np.dtype(np.int32)) for name in RANGES) if self._ranges else ()
        return FileRows(index, end_ts, bid, ask, volume, ranges)

    def read(self, files: Sequence[str], tickers: Sequence[str]) -> Candles:
        """Return the candles of some markets.

        Args:
            files: Parquet files with the columns of a candle file, in any order.
            tickers: the markets, each once.
        """
        columns = read_candle_files(files, tickers, ranges=self._ranges) or self._by_duckdb(files, tickers)
        first_row, end_row, traded, jumps = survey(columns.market_index, columns.end_ts, columns.volume, len(tickers))
        # files that are not in order: sort, and keep the number of jumps for the validations
        if (jumps > 1).any():
            order = np.lexsort((columns.end_ts, columns.market_index))
            columns = FileRows(
                market_index=columns.market_index[order],
                end_ts=columns.end_ts[order],
                bid=columns.bid[order],
                ask=columns.ask[order],
                volume=columns.volume[order],
                ranges=tuple(column[order] for column in columns.ranges),
            )
            first_row, end_row, _, _ = survey(columns.market_index, columns.end_ts, columns.volume, len(tickers))
        return Candles(
            tickers=tickers,
            end_ts=columns.end_ts,
            bid=columns.bid,
            ask=columns.ask,
            volume=columns.volume,
            first_row=first_row,
            end_row=end_row,
            traded=traded,
            jumps=jumps,
            ranges=columns.ranges,
        )


def _integers(column: pa.ChunkedArray, kind: np.dtype[Any]) -> np.ndarray:
    """Return the integers in which a column without nulls is stored."""
    if column.type.bit_width != 8 * kind.itemsize or column.null_count:
        raise AssertionError(f"{column.type} with {column.null_count} nulls is not {kind}")
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    parts = [np.frombuffer(c.buffers()[1], kind)[c.offset : c.offset + len(c)] for c in chunks]
    return parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, kind), *parts])


class LiveCandles(NamedTuple):
    """The contracts that are not settled between two instants, and their candles.

    Attributes:
        contracts: in order of their tickers.
        idx: their indices in the run, ascending.
        rows: their candles.
    """

    contracts: Sequence[Contract]
    idx: Ints
    rows: CandleRows

    @classmethod
    def empty(cls) -> LiveCandles:
        """Return live candles without contracts."""
        none, no_price = np.empty(0, np.int64), np.empty(0, np.int32)
        rows = CandleRows(
            end_ts=none, quote_ts=none, bid=no_price, ask=no_price, volume=none, first_row=none, end_row=none
        )
        return cls((), none, rows)

    def next(self, since_ts: int, contracts: Sequence[Contract], idx: Sequence[int], candles: Candles) -> LiveCandles:
        """Return the live candles from an instant on: of these contracts, where they are not settled by then, and of new ones.

        Args:
            since_ts: the instant; Unix s.
            contracts: the new contracts.
            idx: their indices in the run.
            candles: candles of the new contracts.
        """
        first_row, end_row = usable_rows(candles, contracts)
        old, end_ts, bid, ask, volume = self.rows, candles.end_ts, candles.bid, candles.ask, candles.volume
        kept = [j for j, contract in enumerate(self.contracts) if contract.settle_ts >= since_ts]
        # the rows of kept contracts that can still be visible go behind the new ones: from the last that ended by the instant
        if kept:
            old_end = old.end_row[kept]
            later = rows_since(old.end_ts, old.first_row[kept], old_end, np.full(len(kept), since_ts + 1))
            old_first = np.maximum(old.first_row[kept], later - 1)
            pieces = [slice(first, end) for first, end in zip(old_first.tolist(), old_end.tolist(), strict=True)]
            ends = len(end_ts) + np.cumsum(old_end - old_first)
            firsts = np.concatenate(([len(end_ts)], ends[:-1]))
            first_row, end_row = np.concatenate((firsts, first_row)), np.concatenate((ends, end_row))
            end_ts, bid, ask, volume = (
                lengthened(new, [before[piece] for piece in pieces])
                for before, new in ((old.end_ts, end_ts), (old.bid, bid), (old.ask, ask), (old.volume, volume))
            )
        # contracts in the order of the run; rows stay where they are
        alive = [*(self.contracts[j] for j in kept), *contracts]
        indices = np.concatenate((self.idx[kept], np.array(idx, np.int64)))
        order = np.argsort(indices)
        rows = CandleRows(
            end_ts=end_ts,
            quote_ts=end_ts,
            bid=bid,
            ask=ask,
            volume=volume,
            first_row=first_row[order],
            end_row=end_row[order],
        )
        return LiveCandles([alive[k] for k in order.tolist()], indices[order], rows)


def usable_rows(candles: Candles, contracts: Sequence[Contract]) -> tuple[Ints, Ints]:
    """Return first and end row of each contract's candles, without those that end before its `quotes_from_ts`.

    Args:
        candles: of the contracts' markets at least.
        contracts: in any order.
    """
    index = {ticker: i for i, ticker in enumerate(candles.tickers)}
    at = np.array([index[contract.ticker] for contract in contracts], np.int64)
    since = np.array([contract.quotes_from_ts for contract in contracts], np.int64)
    end_row = candles.end_row[at]
    return rows_since(candles.end_ts, candles.first_row[at], end_row, since), end_row


class VisibleQuotes:
    """What is visible of all contracts of a run at the decision times of one clock.

    Args:
        step_seconds: seconds between decision times.
        max_age_seconds: seconds for which a quote is visible; None: no limit.

    Attributes:
        crossed: number of decision times at which a crossed quote was visible.
        latest: end of the latest candle that was visible at any; Unix s, or -1.
    """

    def __init__(self, step_seconds: int, max_age_seconds: int | None) -> None:
        self.step_seconds, self.max_age_seconds = step_seconds, max_age_seconds
        self.crossed, self.latest = 0, -1

    def add(self, contracts: Sequence[Contract], candles: Candles) -> None:
        """Add contracts with their candles.

        Args:
            contracts: not added before.
            candles: of their markets at least.
        """
        first_row, end_row = usable_rows(candles, contracts)
        starts, ends = (np.array([getattr(c, name) for c in contracts], np.int64) for name in ("start_ts", "end_ts"))
        first_t, last_t = decision_times(starts, ends, self.step_seconds)
        age = NO_AGE_LIMIT if self.max_age_seconds is None else self.max_age_seconds
        rows = CandleRows(
            end_ts=candles.end_ts,
            quote_ts=candles.end_ts,
            bid=candles.bid,
            ask=candles.ask,
            volume=candles.volume,
            first_row=first_row,
            end_row=end_row,
        )
        crossed, latest = count_crossed(rows, first_t, last_t, self.step_seconds, age)
        self.crossed, self.latest = self.crossed + crossed, max(self.latest, latest)

    @property
    def watermark(self) -> int | None:
        """End of the latest candle that was visible at any decision time (Unix s); None without one."""
        return None if self.latest < 0 else self.latest


def decision_times(start_ts: Ints, end_ts: Ints, step_seconds: int) -> tuple[Ints, Ints]:
    """Return first and last decision time in [start_ts, end_ts).

    Args:
        start_ts: by contract; Unix s.
        end_ts: by contract; Unix s.
        step_seconds: decision times are its multiples.
    """
    return -(-start_ts // step_seconds) * step_seconds, (end_ts - 1) // step_seconds * step_seconds
