"""The rows of a run's files as its report reads them, of the symbols that the report is about."""

from __future__ import annotations

import csv
import glob
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from tradewinds.results.report.run import ReportRun


class TradeRecord(NamedTuple):
    """A trade as the report shows it; amounts and R are decimals, None for a trade without a stop.

    Attributes:
        trade_id: of trades.csv.
        symbol: its symbol.
        session: date of its session, ISO 8601.
        direction: long or short.
        shares: bought, or sold short.
        pnl: after costs.
        r: after costs.
        mae_r: worst price of the bars held, in R from the entry.
        mfe_r: best price of the bars held, in R from the entry.
        score: sum of the weights of the factors that held.
        exit_reason: of the last exit.
        setup: the row of trades_r.csv, by column.
    """

    trade_id: str
    symbol: str
    session: str
    direction: str
    shares: int
    pnl: Decimal
    r: Decimal | None
    mae_r: Decimal | None
    mfe_r: Decimal | None
    score: Decimal
    exit_reason: str
    setup: Mapping[str, str]


def trade_records(run: ReportRun) -> list[TradeRecord]:
    """Return the trades of the run's symbols in order of entries."""
    setups = {row["trade_id"]: row for row in rows_of(run, "trades_r.csv")}
    return [
        TradeRecord(
            trade_id=row["trade_id"],
            symbol=row["symbol"],
            session=row["session"],
            direction=row["direction"],
            shares=int(row["qty"]),
            pnl=Decimal(row["pnl"]),
            r=_decimal(row["r"]),
            mae_r=_decimal(row["mae_r"]),
            mfe_r=_decimal(row["mfe_r"]),
            score=Decimal(row["score"]),
            exit_reason=row["exit_reason"],
            setup=setups[row["trade_id"]],
        )
        for row in rows_of(run, "all_trades.csv")
    ]


def _decimal(text: str) -> Decimal | None:
    """Return a decimal; None for an empty text."""
    return Decimal(text) if text else None


def rows_of(run: ReportRun, name: str) -> list[dict[str, str]]:
    """Return the rows of a CSV file of the run's folder that belong to the run's symbols.

    Args:
        run: the run, or a part of it: its config names the symbols.
        name: a file with a column `symbol`.
    """
    symbols = set(run.config["symbols"])
    return [row for row in _rows(run.folder / name) if row["symbol"] in symbols]


def legs_of_trades(run: ReportRun) -> dict[str, list[dict[str, str]]]:
    """Return the rows of legs.csv by trade_id."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in _rows(run.folder / "legs.csv"):
        found.setdefault(row["trade_id"], []).append(row)
    return found


def query(run: ReportRun, name: str, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query over a Parquet file of the run's folder, the view `rows`.

    DuckDB gets one thread, because the order of a sum of floats decides its last digit.

    Args:
        run: the run.
        name: of the file.
        sql: the query.
        parameters: of the query.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.read_parquet(glob.escape(str(run.folder / name))).create_view("rows")
        return connection.execute(sql, parameters).fetchall()


def _rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with open(path, encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
