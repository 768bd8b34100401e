"""The files that a run of shares leaves beside those of every run: exits, trading days, prices of what was traded."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tradewinds.core import files, units
from tradewinds.core.arrays import Ints
from tradewinds.core.text import dollars
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.ledger import DayWorth, ShareTrade
from tradewinds.families.equities_daily.bar_panel import date_of

CLOSED = (
    *("symbol", "signal_date", "entry_date", "exit_date", "qty", "entry_price", "entry_fee", "exit_price", "exit_fee"),
    *("holding_days", "exit_reason", "pnl", "pnl_pct", "currency"),
)
SESSIONS = ("date", "equity", "cash", "open_value", "positions", "benchmark")
PRICES = pa.schema([("symbol", pa.string()), ("date", pa.date32()), ("close", pa.float64())])


def write_files(
    folder: str | Path, bars: Bars, trades: Sequence[ShareTrade], worth: Sequence[DayWorth], held: Ints, currency: str
) -> None:
    """Write positions_closed.csv (a row per row of trades.csv, in its order), sessions.csv and prices.parquet.

    Args:
        worth: per trading day; held: the benchmark's equity on the same days.
    """
    target = Path(folder)
    _write_csv(target / "positions_closed.csv", CLOSED, (_closed(bars, trade, currency) for trade in trades))
    rows = (
        (
            date_of(w.day),
            dollars(w.cash + w.open_value),
            dollars(w.cash),
            dollars(w.open_value),
            w.positions,
            dollars(b),
        )
        for w, b in zip(worth, held.tolist(), strict=True)
    )
    _write_csv(target / "sessions.csv", SESSIONS, rows)
    files.write_parquet(target / "prices.parquet", _prices(bars, {trade.symbol for trade in trades}, worth), {})


def _closed(bars: Bars, t: ShareTrade, currency: str) -> tuple[Any, ...]:
    signal, entry, left = (int(bars.day[row]) for row in (t.signal_row, t.entry_row, t.exit_row))
    dates = (date_of(signal), date_of(entry), date_of(left))
    money = (dollars(t.entry_price), dollars(t.entry_fee), dollars(t.exit_price), dollars(t.exit_fee))
    made = (dollars(t.pnl), f"{t.pnl / t.cost * 100:.4f}")
    return (bars.symbols[t.symbol], *dates, t.quantity, *money, left - entry, t.exit_reason, *made, currency)


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([columns, *rows])


def _prices(bars: Bars, traded: set[int], worth: Sequence[DayWorth]) -> pa.Table:
    """Closes of the traded symbols on the run's days, for the report's plots."""
    inside = (bars.day >= worth[0].day) & (bars.day <= worth[-1].day) & np.isin(bars.owner, sorted(traded))
    symbols = np.array(bars.symbols, object)[bars.owner[inside]]
    closes = bars.close[inside] / units.MICRO
    dates = pa.array(bars.day[inside].astype(np.int32)).cast(pa.date32())
    return pa.Table.from_arrays([pa.array(symbols, pa.string()), dates, pa.array(closes)], schema=PRICES)
