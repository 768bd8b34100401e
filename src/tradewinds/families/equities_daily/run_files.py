"""The files that only a run of daily equities writes: closed positions, trading days, bars of the traded symbols."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tradewinds.core import files, units
from tradewinds.core.arrays import Ints
from tradewinds.core.text import amount_text
from tradewinds.engine.shares.bars import Bars
from tradewinds.engine.shares.share_result import DayEquity, ShareTrade
from tradewinds.families.equities_daily.bar_panel import date_of

CLOSED_COLUMNS = (
    "symbol",
    "signal_date",
    "entry_date",
    "exit_date",
    "qty",
    "entry_price",
    "entry_fee",
    "exit_price",
    "exit_fee",
    "holding_days",
    "exit_reason",
    "pnl",
    "pnl_pct",
    "currency",
)
SESSION_COLUMNS = ("date", "equity", "cash", "open_value", "positions", "benchmark")
DRAWN = ("open", "high", "low", "close")
PRICES = pa.schema([("symbol", pa.string()), ("date", pa.date32()), *((name, pa.float64()) for name in DRAWN)])


def write_files(
    folder: str | Path,
    bars: Bars,
    trades: Sequence[ShareTrade],
    accounts: Sequence[DayEquity],
    benchmark: Ints,
    currency: str,
) -> None:
    """Write positions_closed.csv, sessions.csv and prices.parquet.

    Args:
        folder: the run's folder.
        bars: the bars of the run.
        trades: all trades, in the order of trades.csv; each makes a row of positions_closed.csv.
        accounts: the account at the close of every trading day.
        benchmark: the benchmark's equity in micro-units, one per trading day.
        currency: currency of the account.
    """
    target = Path(folder)
    _write_csv(
        target / "positions_closed.csv", CLOSED_COLUMNS, (_closed_row(bars, trade, currency) for trade in trades)
    )
    sessions = (_session_row(account, held) for account, held in zip(accounts, benchmark.tolist(), strict=True))
    _write_csv(target / "sessions.csv", SESSION_COLUMNS, sessions)
    files.write_parquet(target / "prices.parquet", _prices(bars, {trade.symbol for trade in trades}, accounts), {})


def _closed_row(bars: Bars, trade: ShareTrade, currency: str) -> tuple[Any, ...]:
    """Return a trade as a row of CLOSED_COLUMNS."""
    signal_day, entry_day = trade.signal_day, int(bars.day[trade.entry_row])
    return (
        bars.symbols[trade.symbol],
        date_of(signal_day),
        date_of(entry_day),
        date_of(trade.exit_day),
        trade.quantity,
        amount_text(trade.entry_price),
        amount_text(trade.entry_fee),
        amount_text(trade.exit_price),
        amount_text(trade.exit_fee),
        trade.exit_day - entry_day,
        trade.exit_reason,
        amount_text(trade.pnl),
        f"{trade.pnl / trade.cost * 100:.4f}",
        currency,
    )


def _session_row(account: DayEquity, benchmark: int) -> tuple[Any, ...]:
    """Return a trading day as a row of SESSION_COLUMNS; `benchmark` is the benchmark's equity in micro-units."""
    return (
        date_of(account.day),
        amount_text(account.cash + account.open_value),
        amount_text(account.cash),
        amount_text(account.open_value),
        account.positions,
        amount_text(benchmark),
    )


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a header and rows as CSV, whole or not at all."""
    with files.replacing(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows([columns, *rows])


def _prices(bars: Bars, traded: set[int], accounts: Sequence[DayEquity]) -> pa.Table:
    """Return the bars of the traded symbols on the trading days (schema PRICES), for the charts of the report.

    Args:
        bars: the bars of the run.
        traded: indices of the symbols.
        accounts: the account at the close of every trading day.
    """
    inside = (bars.day >= accounts[0].day) & (bars.day <= accounts[-1].day) & np.isin(bars.owner, sorted(traded))
    symbols = np.array(bars.symbols, object)[bars.owner[inside]]
    prices = [pa.array(getattr(bars, name)[inside] / units.MICRO) for name in DRAWN]
    dates = pa.array(bars.day[inside].astype(np.int32)).cast(pa.date32())
    return pa.Table.from_arrays([pa.array(symbols, pa.string()), dates, *prices], schema=PRICES)
