"""The common workload for other engines: read from the project's files, with the figures of the rule.

It needs pyarrow alone, because the environments of the other engines do not have Tradewinds.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MIN_EDGE = 5  # cents per contract that the net expected value of an order must exceed
PER_MARKET, PER_EVENT = 5, 20  # greatest number of contracts
FEES = [
    -(-7 * price * (100 - price) // 10_000) for price in range(101)
]  # fee of one contract in cents, by its price in cents


class Market(NamedTuple):
    """A market of the workload; `event` is the number of its event in order of dates, times are Unix seconds."""

    ticker: str
    event: int
    p_cents: int
    won: bool
    open_ts: int
    end_ts: int


class Workload:
    """The workload in a folder: its markets in the rule's order, and the candle file of each event.

    Args:
        folder: made by benchmarks/common_workload.py.
        events: number of events to read, the first ones; None for all.
    """

    def __init__(self, folder: Path, events: int | None = None) -> None:
        self.files = sorted(folder.glob("data/candles/*/*/*/*.parquet"))[:events]
        columns = ["market_ticker", "climate_date", "result", "open_time", "settlement_ts"]
        catalog = pq.read_table(next(folder.glob("data/catalog/*/*.parquet")), columns=columns).to_pylist()
        p_yes = _probabilities(next(folder.glob("data/probabilities/*.parquet")))
        number = {date: n for n, date in enumerate(sorted({row["climate_date"] for row in catalog}))}
        self.markets = [
            Market(
                ticker=row["market_ticker"],
                event=number[row["climate_date"]],
                p_cents=p_yes[row["market_ticker"]],
                won=row["result"] == "yes",
                open_ts=int(row["open_time"].timestamp()),
                end_ts=int(row["settlement_ts"].timestamp()),
            )
            for row in sorted(catalog, key=lambda row: (row["climate_date"], row["market_ticker"]))
            if number[row["climate_date"]] < len(self.files)
        ]

    @property
    def rows(self) -> int:
        """Number of rows of all files."""
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    def quotes(self, event: int) -> pa.Table:
        """Return the rows of an event by market and time.

        Columns are ticker, ts, and bid and ask in cents (int32), null without a quote.
        """
        names = ["market_ticker", "end_period_ts", "yes_bid_close", "yes_ask_close"]
        table = pq.read_table(self.files[event], columns=names)
        cents = [pc.multiply(table[name], pa.scalar(Decimal(100))).cast(pa.int32()) for name in names[2:]]
        return pa.table([table[0], table[1], *cents], names=["ticker", "ts", "bid", "ask"])


def _probabilities(path: Path) -> dict[str, int]:
    """Read P(YES) of each market, by ticker."""
    table = pq.read_table(path, columns=["market_ticker", "p_yes"])
    return {t: int(p * 100) for t, p in zip(table[0].to_pylist(), table[1].to_pylist(), strict=True)}
