"""What the peers share: the workload read from the project's files, and the rule's figures.

Needs pyarrow alone: the environments of the peers do not have Tradewinds.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

MIN_EDGE = 5  # cents; a candidate has more
PER_MARKET, PER_EVENT = 5, 20  # contracts
FEES = [-(-7 * price * (100 - price) // 10_000) for price in range(101)]  # of one contract, in cents, by its price


class Market(NamedTuple):
    """A market; `event` is its event's number in the order of dates. Times in Unix seconds."""

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
        events: read only the first so many.
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
        """Rows of all files."""
        return sum(pq.read_metadata(file).num_rows for file in self.files)

    def quotes(self, event: int) -> pa.Table:
        """Rows of an event by market and time: ticker, ts, and bid and ask in cents (int32), null where not quoted."""
        names = ["market_ticker", "end_period_ts", "yes_bid_close", "yes_ask_close"]
        table = pq.read_table(self.files[event], columns=names)
        cents = [pc.multiply(table[name], pa.scalar(Decimal(100))).cast(pa.int32()) for name in names[2:]]
        return pa.table([table[0], table[1], *cents], names=["ticker", "ts", "bid", "ask"])


def _probabilities(path: Path) -> dict[str, int]:
    table = pq.read_table(path, columns=["market_ticker", "p_yes"])
    return {t: int(p * 100) for t, p in zip(table[0].to_pylist(), table[1].to_pylist(), strict=True)}
